// An ONNX model under construction: the one place that knows its protobuf messages. Internal to nn/graph/onnx_export.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nn/core/shape.h"
#include "nn/graph/onnx_export/onnx_export.h"

namespace zoo::onnx_export {

/// An attribute of an ONNX node.
struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>> value;
};

class ModelWriter {
 public:
  explicit ModelWriter(const Options& options);
  ~ModelWriter();
  ModelWriter(const ModelWriter&) = delete;
  ModelWriter& operator=(const ModelWriter&) = delete;

  void add_input(const std::string& name, const Shape& shape);
  void add_output(const std::string& name, const Shape& shape);

  /// Appends a node with one result; node and result are called `name`, which is handed back.
  std::string add_node(std::string_view type, const std::string& name, const std::vector<std::string>& inputs,
                       const std::vector<Attribute>& attributes = {});
  /// Calls the last node's result `name`.
  void rename_last_result(const std::string& name);

  /// Appends a constant and hands its name back. One that is there already stays.
  std::string add_floats(const std::string& name, const Shape& shape, std::span<const float> values);
  std::string add_integers(const std::string& name, std::span<const int64_t> values);
  std::string add_bytes(const std::string& name, const Shape& shape, std::span<const uint8_t> values);
  std::string add_signed_bytes(const std::string& name, const Shape& shape, std::span<const int8_t> values);
  std::string add_words(const std::string& name, const Shape& shape, std::span<const int32_t> values);

  /// Checks the model and yields its bytes. Throws GraphError.
  std::string finish();

 private:
  struct Model;

  std::string add_constant(const std::string& name, int type, const Shape& shape, std::span<const std::byte> values);

  std::unique_ptr<Model> model_;
};

}  // namespace zoo::onnx_export
