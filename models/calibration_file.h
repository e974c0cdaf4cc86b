// The table that `backbone-zoo calibrate` writes and int8 reads:
//
//   calibration:
//     version: 2
//     model: mobilenet_v3_demo_emoji           # for people
//     fingerprint: 81f3a0c2d4b5e697            # of structure, attributes and weights
//     images: 256
//     method: mse
//     input: {low: [-2.1, -2.0, -1.8], high: [2.2, 2.4, 2.6]}
//     ranges:
//       backbone.stem.act: [-0.375, 6.81]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "nn/engine/calibration.h"

namespace zoo::models {

/// A calibration and where it comes from.
struct CalibrationFile {
  std::string model;  ///< the model file's `model.name`
  int64_t images = 0;
  engine::RangeMethod method = engine::RangeMethod::kMse;
  engine::Calibration calibration;
};

/// Where the table of a checkpoint lies: `<checkpoint>.calibration.yaml`.
std::filesystem::path calibration_path(const std::filesystem::path& checkpoint);

std::string to_yaml(const CalibrationFile& file);

/// Reads a table and checks that it is one of this network. Throws ConfigError with every problem.
CalibrationFile load_calibration(const std::filesystem::path& file, const graph::BoundGraph& network);
/// The same from memory; `file_name` is what messages show.
CalibrationFile parse_calibration(std::string_view text, const std::string& file_name,
                                  const graph::BoundGraph& network);

}  // namespace zoo::models
