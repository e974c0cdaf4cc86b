#include "pipeline/eval/calibrate.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/walk_folder.h"
#include "nn/engine/compile/calibrator.h"
#include "pipeline/images/image_io.h"
#include "pipeline/preprocess/preprocess.h"

namespace zoo::eval {
namespace {

/// An 8-bit pixel v becomes (v / 255 - mean) / std: with this range, 8 bits hold every pixel exactly.
void set_input_range(const models::PreprocessConfig& config, engine::Calibration& calibration) {
  for (size_t c = 0; c < config.mean.size(); ++c) {
    // Where black is above zero, or white below, zero would be no number of the range.
    calibration.input_low[c] = std::min(0.0F, -config.mean[c] / config.std[c]);
    calibration.input_high[c] = std::max(0.0F, (1.0F - config.mean[c]) / config.std[c]);
  }
}

}  // namespace

std::vector<std::filesystem::path> find_pictures(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    throw ConfigError({fmt::format("{}: there is no such folder", folder.string())});
  FolderWalk walk = walk_folder(folder, WalkDepth::kSubfolders);
  if (!walk.problems.empty()) throw ConfigError(std::move(walk.problems));
  std::erase_if(walk.files, [](const std::filesystem::path& file) { return !pipeline::has_image_extension(file); });
  if (walk.files.empty()) throw ConfigError({fmt::format("{}: there are no pictures in it", folder.string())});
  return std::move(walk.files);
}

CalibrationRun calibrate(const models::Model& model, std::span<const std::filesystem::path> pictures,
                         const CalibrateOptions& options) {
  models::PreprocessConfig config = model.config().preprocess;
  if (options.input_size) config = pipeline::with_input_size(config, *options.input_size);
  const auto size = config.output_size();
  if (config.mean.empty() || !size) {
    throw ConfigError({fmt::format("{}: calibration needs {}", model.config().file.string(),
                                   size ? "a network that reads pictures" : "a fixed input size: give --size")});
  }
  pipeline::Preprocessor preprocessor(config);
  engine::Calibrator calibrator(model.network(), {1, model.network().graph.in_channels(), (*size)[0], (*size)[1]},
                                options.threads);
  CalibrationRun run;
  int64_t done = 0;
  for (const std::filesystem::path& picture : pictures) {
    if (options.stop != nullptr && *options.stop) break;
    try {
      preprocessor.run(pipeline::read_image(picture), calibrator.input());
      calibrator.observe();
      ++run.file.images;
    } catch (const IoError& error) {
      run.failures.emplace_back(error.what());
    }
    if (options.progress) options.progress(++done);
  }
  if (run.file.images == 0 && !run.failures.empty()) {
    throw IoError(fmt::format("none of {} could be read; the first: {}", counted(std::ssize(run.failures), "picture"),
                              run.failures.front()));
  }
  run.file.model = model.config().name;
  run.file.method = options.method;
  run.file.calibration = calibrator.finish(options.method);
  set_input_range(config, run.file.calibration);
  return run;
}

}  // namespace zoo::eval
