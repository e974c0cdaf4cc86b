// What goes into a served model and what comes out, whatever protocol it came by.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "models/model.h"
#include "nn/core/shape.h"

namespace zoo::serve {

/// Of the Open Inference Protocol, v2; those that our tensors have.
enum class Datatype {
  kBool,   ///< one byte, 0 or 1
  kUint8,  ///< pixels
  kInt64,
  kFp32,
  kBytes,  ///< texts, or files such as a JPEG
};

/// "BOOL", "UINT8", "INT64", "FP32", "BYTES".
std::string_view to_string(Datatype datatype);

/// A tensor as the metadata of a model describes it; -1: any size.
struct TensorInfo {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  std::vector<int64_t> shape;
};

/// Row-major; as many elements as the shape says. Of kBool and kUint8 bytes.
using TensorData =
    std::variant<std::vector<float>, std::vector<uint8_t>, std::vector<int64_t>, std::vector<std::string>>;

struct NamedTensor {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  std::vector<int64_t> shape;
  TensorData data;
};

/// Of a shape: the product; nothing where it is more than 2^63 - 1. Of no dimensions 1.
std::optional<int64_t> element_count(std::span<const int64_t> shape);
/// Whether each size is at least 1 and, where TensorInfo::shape does not say -1, what it says.
bool fits_shape(std::span<const int64_t> shape, std::span<const int64_t> expected);

/// A model as clients see it. Immutable.
struct ServedModelInfo {
  std::string name;
  int64_t version = 1;  ///< counts up with every swap
  /// Exactly one of them makes a request:
  ///   "images"     BYTES [-1]            files: JPEG, PNG, WebP and what else predict reads
  ///   "pixels"     UINT8 [-1, -1, -1, 3] pictures of one size, RGB
  ///   the network's FP32 [-1, C, H, W]   preprocessed already; -1 where the model file leaves the size open
  std::vector<TensorInfo> inputs;
  /// The answers of the task, of "images" and "pixels" only:
  ///   classification  "labels" BYTES, "scores" FP32, "classes" INT64, all [-1, K], best first; "known" BOOL [-1] where
  ///                   the model knows what it does not know
  ///   detection       "boxes" FP32 [-1, 4] (left, top, right, bottom in pixels of the picture), "scores" FP32 [-1],
  ///                   "classes" INT64 [-1], "labels" BYTES [-1], of all pictures one after the other; "counts" INT64
  ///                   [-1]: how many are of each picture
  ///   segmentation    "masks" BYTES [-1]: a PNG of classes with a palette, of the picture's size
  /// and, of any input, the network's own as it names them, FP32.
  std::vector<TensorInfo> outputs;
  std::vector<std::string> labels;  ///< of the classes, by index; empty where the model has none
  std::shared_ptr<const models::Model> model;
};

struct InferRequest {
  NamedTensor input;
  /// Empty: of pictures the task's answers, of tensors the network's outputs.
  std::vector<std::string> outputs;
};

struct InferReply {
  std::string model;
  int64_t version = 1;
  std::vector<NamedTensor> outputs;  ///< in the order that was asked for
};

}  // namespace zoo::serve
