// The records of tests/reference_data: expected outputs of published reference implementations.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "nn/core/shape.h"
#include "nn/weights/name_scheme.h"

namespace zoo::test {

struct ReferenceRecord {
  std::string id;  ///< "timm/mobilenetv3_small_100": also the path below configs/
  std::string library;
  std::string task;
  std::string seed;
  double gain = 0.0;
  Shape input_shape;
  float input_scale = 1.0F;
  int64_t parameters = 0;
  int64_t macs = 0;
  double rel_to_max = 0.0;
  std::vector<std::string> outputs;  ///< all but the final detections
  std::filesystem::path golden;

  std::filesystem::path config() const { return std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / (id + ".yaml"); }
  weights::Ecosystem ecosystem() const { return *weights::ecosystem_from_name(library); }
};

/// The records whose golden file is in tests/reference_data/golden, in manifest order.
inline std::vector<ReferenceRecord> reference_records() {
  const std::filesystem::path folder = std::filesystem::path(ZOO_SOURCE_DIR) / "tests/reference_data";
  std::ifstream stream(folder / "manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(stream);
  std::vector<ReferenceRecord> records;
  for (const nlohmann::json& model : manifest.at("models")) {
    ReferenceRecord record;
    record.golden = folder / model.at("golden").get<std::string>();
    if (!std::filesystem::exists(record.golden)) continue;
    record.id = model.at("id");
    record.library = model.at("library");
    record.task = model.at("task");
    record.seed = model.at("seed");
    record.gain = model.at("gain");
    record.input_shape = Shape(model.at("input_shape").get<std::vector<int64_t>>());
    record.input_scale = model.at("input_scale");
    record.parameters = model.at("params");
    record.macs = model.at("macs_conv_linear");
    record.rel_to_max = model.at("tolerance").at("rel_to_max");
    for (const auto& [name, shape] : model.at("outputs").items()) {
      if (!name.starts_with("det.")) record.outputs.push_back(name);
    }
    records.push_back(std::move(record));
  }
  return records;
}

/// Name for a parametrised test: letters, digits and underscores.
inline std::string test_name(std::string id) {
  for (char& c : id) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return id;
}

}  // namespace zoo::test
