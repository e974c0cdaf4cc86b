// Safetensors files: reading (hostile-input-proof) and writing.
//
// Format (huggingface/safetensors): 8 bytes little-endian header length, a JSON object `name -> {dtype, shape,
// data_offsets}`, then the data. Nothing of the header is believed before it is checked: length within the file and at
// most 100 MB (the reference implementation's limit), valid UTF-8 JSON without duplicate or unknown keys, known types,
// at most 8 dimensions, names of 1 to 1024 bytes without NUL, offsets inside the data, without overlap or hole, sizes
// that equal shape times type without overflow. Checkpoints of any format are read through checkpoint_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/parameter.h"
#include "nn/core/shape.h"
#include "nn/core/tensor.h"
#include "nn/weights/file_use.h"

namespace zoo::weights {

enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };

std::string_view to_string(DType type);
size_t size_of(DType type);
/// Type of a header's `dtype`; empty if it is not supported.
std::optional<DType> dtype_from_name(std::string_view name);

/// One tensor of a checkpoint file; `data` points into the memory that the file's owner keeps.
struct StoredTensor {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> data;  ///< not necessarily aligned
};

/// An opened checkpoint: tensors in the order of their data. Immutable; copies share the memory behind the tensors.
class SafetensorsFile {
 public:
  /// Reads and checks the file, or maps it, see FileUse. Throws WeightError naming the file, the tensor and what is
  /// wrong.
  static SafetensorsFile open(const std::filesystem::path& path, FileUse use = FileUse::kCopy);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// nullptr if there is none of this name.
  const StoredTensor* find(std::string_view name) const;
  /// The `__metadata__` strings.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Keeps the memory behind the tensors alive for views taken from it.
  const std::shared_ptr<const ValuesOwner>& owner() const { return owner_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const ValuesOwner> owner_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// Values of a floating-point tensor (F64, F32, F16, BF16) as float32. Throws WeightError for another type.
std::vector<float> to_float(const StoredTensor& tensor);

/// Writes named float32 tensors in this order. The file appears complete or not at all (written beside, synced,
/// renamed). Throws IoError (full disk, no permission, the target is no regular file) naming the file, WeightError when
/// names repeat or are impossible or a shape does not fit its values.
void write_safetensors(const std::filesystem::path& path, const std::vector<std::pair<std::string, Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace zoo::weights
