// The library in one header (installed as <backbone_zoo/zoo.h>): a model file and its weights become something to call.
//
// This is a thin face over the layers below, which are there for everything else: pipeline/ (video, drawing, writing),
// models/ (configurations), nn/engine/ (compiling and running), nn/graph/ (the network as data), nn/weights/
// (checkpoints). Nothing has to be set up first. Errors are exceptions derived from zoo::Error whose text is complete.
//
// Threads: a Model may be shared; a Classifier, Detector, Segmenter or Backbone serves one thread at a time and refuses
// a second one (zoo::Error), and several may share a Model, and with it the compiled network: each adds only its
// activations. The first of them in a process calls cv::setNumThreads(1), once, as OpenCV's pool would fight with
// theirs for the same cores; a program that wants that pool for itself sets it afterwards. "All cores" is
// zoo::usable_cores().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "nn/core/cores.h"
#include "nn/core/error.h"
#include "nn/core/one_thread.h"
#include "nn/core/tensor.h"
#include "nn/engine/executable.h"
#include "pipeline/images/image_io.h"
#include "pipeline/preprocess/preprocess.h"
#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/runner_cache.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo {

using LoadOptions = models::LoadModelOptions;
using ClassifierOptions = pipeline::ClassifierOptions;
using DetectorOptions = pipeline::DetectorOptions;
using SegmenterOptions = pipeline::SegmenterOptions;

/// A network with its weights. Copies share it, and it never changes. A moved-from Model may only be assigned to or
/// destroyed.
class Model {
 public:
  explicit Model(std::shared_ptr<const models::Model> model) : model_(std::move(model)) {}

  const models::ModelConfig& config() const { return model_->config(); }
  /// How the checkpoint fitted; nothing with random weights.
  const std::optional<weights::LoadReport>& report() const { return model_->report(); }
  /// What the other classes of the library take.
  const std::shared_ptr<const models::Model>& shared() const { return model_; }

 private:
  std::shared_ptr<const models::Model> model_;
};

/// Reads a model file and its weights: `options.checkpoint`, else the file's own `checkpoint.path`. Throws ConfigError,
/// WeightError, GraphError.
Model load_model(const std::filesystem::path& file, const LoadOptions& options = {});

/// One answer of a Classifier. pipeline::ClassScore has the class index and the logit as well.
struct Guess {
  std::string label;   ///< from the model file; "class 12" where it names none
  double score = 0.0;  ///< softmax probability; of a model with `multi_label` the sigmoid
};

/// Pictures to class names. Of a model with `unknown`, pipeline::Classifier says whether it knows the picture, too; one
/// with `multi_label` yields every class that reaches its threshold, whatever the number of guesses.
class Classifier {
 public:
  /// Throws Error when the model is no classifier, GraphError and EngineError.
  explicit Classifier(const Model& model, const ClassifierOptions& options = {});

  /// Best first. `frame`: 8-bit BGR or grey, any size. Throws as pipeline::Classifier::classify.
  std::vector<Guess> operator()(const cv::Mat& frame);
  /// The same with another number of guesses than the options'.
  std::vector<Guess> operator()(const cv::Mat& frame, int64_t count);

 private:
  pipeline::Classifier classifier_;
  int64_t top_k_;
};

/// Pictures to boxes in their own pixels.
class Detector {
 public:
  /// Throws Error when the model is no detector or its head has no anchors, GraphError and EngineError.
  explicit Detector(const Model& model, const DetectorOptions& options = {}) : detector_(model.shared(), options) {}

  /// Best first. `frame`: 8-bit BGR or grey, any size. Throws as pipeline::Detector::detect.
  std::vector<pipeline::FoundObject> operator()(const cv::Mat& frame) { return detector_.detect(frame).boxes; }

 private:
  pipeline::Detector detector_;
};

/// Pictures to the classes of their pixels.
class Segmenter {
 public:
  /// Throws Error when the model is no segmentation or has more than 255 classes, GraphError and EngineError.
  explicit Segmenter(const Model& model, const SegmenterOptions& options = {}) : segmenter_(model.shared(), options) {}

  /// `frame`: 8-bit BGR or grey, any size. Throws as pipeline::Segmenter::segment.
  pipeline::Segmentation operator()(const cv::Mat& frame) { return segmenter_.segment(frame); }

 private:
  pipeline::Segmenter segmenter_;
};

/// One level of a feature pyramid. Copies share the values.
struct FeatureMap {
  int64_t stride = 1;  ///< input pixels per step
  cv::Mat values;      ///< [N, C, H, W] of CV_32F, continuous

  Shape shape() const;
  int64_t channels() const { return values.size[1]; }
  /// Row-major.
  std::span<const float> data() const;
  /// [H, W] of one channel, CV_32F, without copying. Throws Error for a channel or image that is not there.
  cv::Mat plane(int64_t channel, int64_t image = 0) const;
};

/// What a Backbone yields, finest level first. Stays valid whatever happens to the Backbone.
class Features {
 public:
  explicit Features(std::vector<FeatureMap> levels) : levels_(std::move(levels)) {}

  size_t size() const { return levels_.size(); }
  const FeatureMap& operator[](size_t level) const { return levels_[level]; }
  auto begin() const { return levels_.begin(); }
  auto end() const { return levels_.end(); }
  /// The finest level of this stride. Throws Error naming the strides there are.
  const FeatureMap& at_stride(int64_t stride) const;

 private:
  std::vector<FeatureMap> levels_;
};

struct BackboneOptions {
  /// Cores one input may use, up to engine::kMaxThreads; the model file's `runtime.threads` when 0.
  int threads = 0;
  engine::EngineKind engine = engine::EngineKind::kOneDnn;
  /// The model file's `runtime.precision` when empty.
  std::optional<engine::Precision> precision = std::nullopt;
  /// [H, W] that frames become instead of the model file's, see pipeline::with_input_size.
  std::optional<std::array<int64_t, 2>> input_size = std::nullopt;
};

/// Pictures or tensors to features, for a head of your own. The first input of a shape compiles the network for it; the
/// most recently used shapes are kept.
class Backbone {
 public:
  /// Of a whole model, or of what load_backbone loads.
  explicit Backbone(const Model& model, const BackboneOptions& options = {});

  /// `frame`: 8-bit BGR or grey, any size; preprocessed as the model file says. Throws Error for another type of
  /// picture or a network that reads none, GraphError when it is too small, EngineError.
  Features operator()(const cv::Mat& frame);
  /// [N, C, H, W], preprocessed already. Throws Error when the values do not fill the shape, GraphError when the shape
  /// does not fit the network, EngineError.
  Features operator()(const Tensor& input) { return (*this)(input.data, input.shape); }
  Features operator()(std::span<const float> values, const Shape& shape);

  const Model& model() const { return model_; }

 private:
  Features run(pipeline::RunnerCache::Entry& network);

  Model model_;
  std::optional<pipeline::Preprocessor> preprocessor_;  ///< absent where the network reads no pictures
  pipeline::RunnerCache networks_;
  OneThread one_thread_;
};

/// The backbone of any model file, also of one without a head. `options.checkpoint` (else the file's own) may be that
/// of a whole network; its neck and head are left over. Throws ConfigError, WeightError, GraphError.
Backbone load_backbone(const std::filesystem::path& file, const LoadOptions& options = {},
                       const BackboneOptions& backbone_options = {});

}  // namespace zoo
