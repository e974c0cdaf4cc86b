#include "pipeline/eval/evaluate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core/mat.hpp>

#include "heads/segmentation.h"
#include "nn/core/error.h"
#include "nn/engine/machine/thread_pool.h"
#include "pipeline/images/image_io.h"
#include "pipeline/images/mask_png.h"
#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/frame_errors.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo::eval {
namespace {

/// A predictor and what it has gathered; one per shard.
template <typename Predictor, typename Metric>
struct Shard {
  Predictor predictor;
  Metric metric;
  std::optional<Predictor> f32 = std::nullopt;  ///< what the predictor is compared with
  Agreement agreement = {};
};

/// f32 in full: kernels that were asked for by name may exist in another precision only.
pipeline::NetworkOptions in_f32(pipeline::NetworkOptions options) {
  options.precision = engine::Precision::kF32;
  options.kernels.wanted = "auto";
  options.kernels.compact_layers = false;
  return options;
}

const std::filesystem::path& picture_of(const std::filesystem::path& picture) { return picture; }
template <typename Item>
const std::filesystem::path& picture_of(const Item& item) {
  return item.picture;
}

/// Runs `work` on an item. Throws IoError where it is about this item alone.
template <typename Item, typename Work>
void run_item(const Item& item, Work work) {
  const auto problem = pipeline::problem_of_frame(picture_of(item).string(), work);
  if (problem) throw IoError(*problem);
}

/// Runs `work(shard, item)` for every item; yields the merged metric's summary. `setup`: what a metric is made of;
/// `make(network options)`: a predictor.
template <typename Summary, typename Metric, typename Predictor, typename Item, typename Setup, typename Make,
          typename Work>
Evaluation<Summary> evaluate_with(std::span<const Item> items, const Setup& setup, const EvalOptions& options,
                                  Make make, Work work) {
  if (options.shards < 1 || options.shards > engine::kMaxThreads) {
    throw Error(fmt::format("EvalOptions::shards: expected 1 to {}, found {}", engine::kMaxThreads, options.shards));
  }
  const auto count = std::min<int64_t>(options.shards, std::max<int64_t>(1, static_cast<int64_t>(items.size())));
  std::vector<Shard<Predictor, Metric>> shards;
  shards.reserve(static_cast<size_t>(count));  // the works point at them
  std::vector<ShardWork> works;
  for (int64_t i = 0; i < count; ++i) {
    shards.push_back({make(options.network), Metric(setup)});
    if (options.compare_with_f32) shards.back().f32.emplace(make(in_f32(options.network)));
    works.emplace_back([&items, &work, &setup, &options, shard = &shards.back()](int64_t index) {
      const Item& item = items[static_cast<size_t>(index)];
      if (options.on_begin) options.on_begin(index);
      if (!options.on_item) {
        run_item(item, [&] { work(*shard, item); });
        return;
      }
      ItemOutcome outcome;
      try {
        run_item(item, [&] { work(*shard, item); });
        if constexpr (requires { shard->metric.to_json(); }) outcome.metric = shard->metric.to_json();
        outcome.agreement = shard->agreement;
      } catch (const IoError& error) {
        outcome.failure = error.what();
      }
      shard->metric = Metric(setup);
      shard->agreement = {};
      options.on_item(index, std::move(outcome));
    });
  }
  Evaluation<Summary> result;
  result.run = run_sharded(static_cast<int64_t>(items.size()), works, options.run);
  for (size_t i = 1; i < shards.size(); ++i) {
    shards.front().metric.merge(std::move(shards[i].metric));
    shards.front().agreement.add(shards[i].agreement);
  }
  if (options.compare_with_f32) result.agreement = shards.front().agreement;
  result.summary = shards.front().metric.summary();
  return result;
}

std::string size_text(int64_t height, int64_t width) { return fmt::format("{}x{}", width, height); }

cv::Mat read_picture(const BoxItem& item) {
  cv::Mat picture = pipeline::read_image(item.picture);
  if (item.size && *item.size != std::array<int64_t, 2>{picture.rows, picture.cols}) {
    throw IoError(fmt::format("{}: the picture is {}, but its annotations are for {}", item.picture.string(),
                              size_text(picture.rows, picture.cols), size_text((*item.size)[0], (*item.size)[1])));
  }
  return picture;
}

/// The mask of a picture of this size, with labels below `classes` and void only.
cv::Mat read_mask(const MaskItem& item, const cv::Size& size, int64_t classes) {
  cv::Mat mask = pipeline::read_mask_png(item.mask);
  if (mask.size() != size) {
    throw IoError(fmt::format("{}: the mask is {}, but its picture is {}", item.mask.string(),
                              size_text(mask.rows, mask.cols), size_text(size.height, size.width)));
  }
  const std::span<const uint8_t> labels(mask.data, mask.total());
  const auto wrong =
      std::ranges::find_if(labels, [&](uint8_t label) { return label >= classes && label != heads::kVoidLabel; });
  if (wrong != labels.end()) {
    throw IoError(fmt::format("{}: there is a label {}, but the model has the classes 0 to {} (255 is void)",
                              item.mask.string(), *wrong, classes - 1));
  }
  return mask;
}

std::vector<CocoFound> found_boxes(const pipeline::FoundObjects& objects) {
  std::vector<CocoFound> founds;
  for (const pipeline::FoundObject& object : objects.boxes) {
    const double x = object.box.x0;
    const double y = object.box.y0;
    founds.push_back({object.index, object.score, {x, y, object.box.x1 - x, object.box.y1 - y}});
  }
  return founds;
}

/// Whether two runs found the same classes, of one picture.
Agreement compare_found(std::span<const double> scores, std::span<const double> others,
                        std::span<const double> thresholds) {
  bool same = true;
  for (size_t i = 0; i < thresholds.size(); ++i) {
    same = same && (scores[i] >= thresholds[i]) == (others[i] >= thresholds[i]);
  }
  return {same ? 1 : 0, 1};
}

/// What find_certainties gathers.
class CertaintyList {
 public:
  explicit CertaintyList(int64_t /*classes*/) {}

  void add(const pipeline::Certainty& certainty) { certainties_.push_back(certainty); }
  void merge(const CertaintyList& other) {
    certainties_.insert(certainties_.end(), other.certainties_.begin(), other.certainties_.end());
  }
  std::vector<pipeline::Certainty> summary() const { return certainties_; }

 private:
  std::vector<pipeline::Certainty> certainties_;
};

}  // namespace

Evaluation<TopKSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const ClassItem> items,
                                 const EvalOptions& options) {
  using ClassShard = Shard<pipeline::Classifier, TopKMetric>;
  return evaluate_with<TopKSummary, TopKMetric, pipeline::Classifier>(
      items, model->config().num_classes, options,
      [&](const pipeline::NetworkOptions& network) {
        return pipeline::Classifier(model, {.top_k = kTopGuesses, .network = network, .certainty = true});
      },
      [](ClassShard& shard, const ClassItem& item) {
        const cv::Mat picture = pipeline::read_image(item.picture);
        const pipeline::Classification result = shard.predictor.classify(picture);
        std::vector<int64_t> guesses;
        for (const auto& guess : result.top) guesses.push_back(guess.index);
        shard.metric.add(item.class_index, guesses, *result.certainty);
        if (shard.f32) {
          const bool same = shard.f32->classify(picture, 1).top.front().index == guesses.front();
          shard.agreement.add({same ? 1 : 0, 1});
        }
      });
}

Evaluation<CocoSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const BoxItem> items,
                                 const EvalOptions& options) {
  using BoxShard = Shard<pipeline::Detector, CocoMetric>;
  return evaluate_with<CocoSummary, CocoMetric, pipeline::Detector>(
      items, model->config().num_classes, options,
      [&](const pipeline::NetworkOptions& network) {
        return pipeline::Detector(model, {.score_thresh = options.score_thresh, .network = network});
      },
      [](BoxShard& shard, const BoxItem& item) {
        const cv::Mat picture = read_picture(item);
        const std::vector<CocoFound> founds = found_boxes(shard.predictor.detect(picture));
        shard.metric.add(item.image_id, item.truths, founds);
        if (shard.f32) shard.agreement.add(compare_boxes(founds, found_boxes(shard.f32->detect(picture))));
      });
}

Evaluation<IouSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const MaskItem> items,
                                const EvalOptions& options) {
  using MaskShard = Shard<pipeline::Segmenter, IouMetric>;
  const int64_t classes = model->config().num_classes;
  return evaluate_with<IouSummary, IouMetric, pipeline::Segmenter>(
      items, classes, options,
      [&](const pipeline::NetworkOptions& network) { return pipeline::Segmenter(model, {.network = network}); },
      [classes](MaskShard& shard, const MaskItem& item) {
        const cv::Mat picture = pipeline::read_image(item.picture);
        const cv::Mat mask = read_mask(item, picture.size(), classes);
        const cv::Mat found = shard.predictor.segment(picture).labels;
        shard.metric.add({mask.data, mask.total()}, {found.data, found.total()});
        if (shard.f32) {
          const cv::Mat other = shard.f32->segment(picture).labels;
          shard.agreement.add(compare_labels({found.data, found.total()}, {other.data, other.total()}));
        }
      });
}

Evaluation<MultiLabelSummary> evaluate(const std::shared_ptr<const models::Model>& model,
                                       std::span<const LabelItem> items, const EvalOptions& options) {
  using LabelShard = Shard<pipeline::Classifier, MultiLabelMetric>;
  const auto& multi_label = model->config().answers.multi_label;
  if (!multi_label) throw Error(fmt::format("{}: the model has no multi_label", model->config().file.string()));
  const std::vector<double>& thresholds = multi_label->thresholds;
  return evaluate_with<MultiLabelSummary, MultiLabelMetric, pipeline::Classifier>(
      items, thresholds, options,
      [&](const pipeline::NetworkOptions& network) { return pipeline::Classifier(model, {.network = network}); },
      [&](LabelShard& shard, const LabelItem& item) {
        const cv::Mat picture = pipeline::read_image(item.picture);
        const std::vector<double> scores = shard.predictor.all_sigmoids(picture);
        shard.metric.add(scores, item.classes);
        if (shard.f32) shard.agreement.add(compare_found(scores, shard.f32->all_sigmoids(picture), thresholds));
      });
}

CertaintyRun find_certainties(const std::shared_ptr<const models::Model>& model,
                              std::span<const std::filesystem::path> pictures, const EvalOptions& options) {
  using CertaintyShard = Shard<pipeline::Classifier, CertaintyList>;
  EvalOptions uncompared = options;
  uncompared.compare_with_f32 = false;
  auto found = evaluate_with<std::vector<pipeline::Certainty>, CertaintyList, pipeline::Classifier>(
      pictures, model->config().num_classes, uncompared,
      [&](const pipeline::NetworkOptions& network) {
        return pipeline::Classifier(model, {.top_k = 1, .network = network, .certainty = true});
      },
      [](CertaintyShard& shard, const std::filesystem::path& picture) {
        shard.metric.add(*shard.predictor.classify(pipeline::read_image(picture)).certainty);
      });
  return {std::move(found.summary), std::move(found.run)};
}

}  // namespace zoo::eval
