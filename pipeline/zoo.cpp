#include "pipeline/zoo.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/tasks/opencv_threads.h"

namespace zoo {
namespace {

std::optional<pipeline::Preprocessor> make_preprocessor(const Model& model, const BackboneOptions& options) {
  const models::PreprocessConfig& config = model.config().preprocess;
  if (config.mean.empty()) return std::nullopt;
  return pipeline::Preprocessor(options.input_size ? pipeline::with_input_size(config, *options.input_size) : config);
}

engine::CompileOptions feature_options(const Model& model, const BackboneOptions& options) {
  engine::CompileOptions compile;
  compile.engine = options.engine;
  compile.precision = options.precision;
  compile.tuned_threads = options.threads;
  for (size_t i = 0; i < model.config().backbone.features.size(); ++i) {
    compile.outputs.push_back(fmt::format("feature.{}", i));
  }
  return compile;
}

void check_index(std::string_view what, int64_t index, int64_t count) {
  if (index < 0 || index >= count) throw Error(fmt::format("feature map: {} {} of {}", what, index, count));
}

}  // namespace

Model load_model(const std::filesystem::path& file, const LoadOptions& options) {
  return Model(std::make_shared<const models::Model>(models::Model::load(file, options)));
}

Classifier::Classifier(const Model& model, const ClassifierOptions& options)
    : classifier_(model.shared(), options), top_k_(options.top_k) {}

std::vector<Guess> Classifier::operator()(const cv::Mat& frame) { return (*this)(frame, top_k_); }

std::vector<Guess> Classifier::operator()(const cv::Mat& frame, int64_t count) {
  std::vector<Guess> guesses;
  for (pipeline::ClassScore& found : classifier_.classify(frame, count).top) {
    guesses.push_back({std::move(found.label), found.score});
  }
  return guesses;
}

Shape FeatureMap::shape() const { return {values.size[0], values.size[1], values.size[2], values.size[3]}; }

std::span<const float> FeatureMap::data() const { return {values.ptr<float>(), values.total()}; }

cv::Mat FeatureMap::plane(int64_t channel, int64_t image) const {
  check_index("channel", channel, values.size[1]);
  check_index("image", image, values.size[0]);
  const int height = values.size[2];
  const int first = static_cast<int>(image * channels() + channel) * height;
  const std::array<int, 2> rows = {values.size[0] * values.size[1] * height, values.size[3]};
  return values.reshape(1, 2, rows.data()).rowRange(first, first + height);
}

const FeatureMap& Features::at_stride(int64_t stride) const {
  const auto found = std::ranges::find(levels_, stride, &FeatureMap::stride);
  if (found != levels_.end()) return *found;
  std::vector<int64_t> strides;
  for (const FeatureMap& level : levels_) strides.push_back(level.stride);
  throw Error(fmt::format("features: none of stride {}; there are {}", stride, fmt::join(strides, ", ")));
}

Backbone::Backbone(const Model& model, const BackboneOptions& options)
    : model_(model),
      preprocessor_(make_preprocessor(model, options)),
      networks_(model.shared(), feature_options(model, options), options.threads) {
  pipeline::limit_opencv_threads();
}

Features Backbone::operator()(const cv::Mat& frame) {
  const OneThread::Use use = one_thread_.enter("Backbone");
  const models::ModelConfig& config = model_.config();
  const int64_t channels = config.backbone.in_channels;
  if (!preprocessor_) {
    throw Error(fmt::format("{}: a network with {} input channels reads tensors, not pictures", config.file.string(),
                            channels));
  }
  return with_errors_of(config.file.string(), [&] {
    const auto [height, width] = preprocessor_->output_size(frame.rows, frame.cols);
    pipeline::RunnerCache::Entry& network = networks_.get({1, channels, height, width});
    preprocessor_->run(frame, network.runner->input());
    return run(network);
  });
}

Features Backbone::operator()(std::span<const float> values, const Shape& shape) {
  return with_errors_of(model_.config().file.string(), [&] {
    const OneThread::Use use = one_thread_.enter("Backbone");
    pipeline::RunnerCache::Entry& network = networks_.get(shape);
    const std::span<float> input = network.runner->input();
    if (values.size() != input.size()) {
      throw Error(
          fmt::format("an input of {} has {} values, found {}", shape.to_string(), input.size(), values.size()));
    }
    std::ranges::copy(values, input.begin());
    return run(network);
  });
}

Features Backbone::run(pipeline::RunnerCache::Entry& network) {
  network.runner->run();
  std::vector<FeatureMap> levels;
  for (size_t i = 0; i < network.executable->outputs().size(); ++i) {
    const std::vector<int64_t>& dims = network.executable->outputs()[i].shape.dims;
    const std::vector<int> sizes(dims.begin(), dims.end());
    FeatureMap level = {.stride = model_.config().backbone.features[i].stride, .values = cv::Mat(sizes, CV_32F)};
    std::ranges::copy(network.runner->output(i), level.values.ptr<float>());
    levels.push_back(std::move(level));
  }
  return Features(std::move(levels));
}

Backbone load_backbone(const std::filesystem::path& file, const LoadOptions& options,
                       const BackboneOptions& backbone_options) {
  return Backbone(Model(std::make_shared<const models::Model>(models::Model::load_backbone(file, options))),
                  backbone_options);
}

}  // namespace zoo
