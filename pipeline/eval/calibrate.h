// Calibration of a model on a user's own pictures.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/calibration_file.h"
#include "models/model.h"

namespace zoo::eval {

struct CalibrateOptions {
  engine::RangeMethod method = engine::RangeMethod::kMse;
  /// [H, W] of the network's input; needed where the model file does not fix it. See with_input_size.
  std::optional<std::array<int64_t, 2>> input_size = std::nullopt;
  /// Cores that one picture may use, 1 to engine::kMaxThreads.
  int threads = 1;
  /// Once set, no further picture is begun.
  const std::atomic<bool>* stop = nullptr;
  /// Called with the number of pictures done so far.
  std::function<void(int64_t)> progress = {};
};

/// What came out.
struct CalibrationRun {
  models::CalibrationFile file;
  std::vector<std::string> failures;  ///< messages of the pictures that could not be read
};

/// The pictures below a folder, subfolders included (walk_folder). Throws ConfigError: no such folder, one that cannot
/// be read, no pictures.
std::vector<std::filesystem::path> find_pictures(const std::filesystem::path& folder);

/// Runs the model in f32 on every picture, prepared as the model file says. Throws ConfigError when the model reads no
/// pictures or has no fixed input size, IoError when no picture could be read, EngineError.
CalibrationRun calibrate(const models::Model& model, std::span<const std::filesystem::path> pictures,
                         const CalibrateOptions& options);

}  // namespace zoo::eval
