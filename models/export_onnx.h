// A model as an ONNX file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/model.h"

namespace zoo::models {

struct OnnxExport {
  /// [N, C, H, W]; the file is for this shape and no other.
  Shape input;
  /// Names of the graph's outputs; empty = what the head hands out (of a backbone alone: its levels).
  std::vector<std::string> outputs = {};
  /// In 8 bits, see onnx_export::Options::ranges: the model's calibration is read.
  bool int8 = false;
  /// Version of the program, for the file.
  std::string producer_version = {};
};

/// The bytes of the ONNX file: onnx_export::to_onnx of the model's network. Its `metadata_props` tell what the tensors
/// mean: `model`, `task`, `classes`; `preprocess` and `labels` as JSON, the former with the keys of a model file's
/// `preprocess:`. Throws GraphError, WeightError.
std::string to_onnx(const Model& model, const OnnxExport& options);

/// Writes to_onnx() to a file, which appears complete or not at all. Throws also IoError.
void write_onnx(const std::filesystem::path& file, const Model& model, const OnnxExport& options);

}  // namespace zoo::models
