// Options out of range, and predictors in two threads at once: both are refused with a text.
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "nn/core/error.h"
#include "pipeline/eval/calibrate.h"
#include "pipeline/images/image_io.h"
#include "pipeline/preprocess/preprocess.h"
#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/network_runner.h"
#include "pipeline/tasks/opencv_threads.h"
#include "pipeline/tasks/segmenter.h"
#include "pipeline/tasks/task_result.h"
#include "pipeline/zoo.h"
#include "streams/predictor_pool.h"
#include "streams/video_pipeline.h"

namespace zoo::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::string kDemo = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";
constexpr const char* kRefusal = "one thread at a time; make one per thread";

std::shared_ptr<const models::Model> load(const std::string& name) {
  return std::make_shared<const models::Model>(models::Model::load(kDemo + name, {.random_weights = true}));
}

cv::Mat sample() { return read_image(kDemo + "samples/penguin.jpg"); }

TEST(NetworkOptions, ThreadsOutOfRangeAreRefused) {
  for (const int threads : {-1, 1025, 100'000}) {
    const NetworkOptions network = {.threads = threads};
    const auto refused =
        ThrowsMessage<EngineError>(HasSubstr("threads: expected 1 to 1024, found " + std::to_string(threads)));
    EXPECT_THAT([&] { Classifier(load("emoji.yaml"), {.network = network}); }, refused);
    EXPECT_THAT([&] { Detector(load("emoji_detection.yaml"), {.network = network}); }, refused);
    EXPECT_THAT([&] { Segmenter(load("emoji_segmentation.yaml"), {.network = network}); }, refused);
    EXPECT_THAT([&] { Backbone(Model(load("emoji.yaml")), {.threads = threads})(sample()); }, refused);
    EXPECT_THAT([&] { eval::calibrate(*load("emoji.yaml"), {}, {.threads = threads}); }, refused);
  }
}

TEST(NetworkOptions, InputSizesOutOfRangeAreRefused) {
  for (const int64_t side : {int64_t{0}, int64_t{-5}, int64_t{1} << 33, std::numeric_limits<int64_t>::min()}) {
    const NetworkOptions network = {.input_size = {{side, 64}}};
    EXPECT_THROW(Classifier(load("emoji.yaml"), {.network = network}), Error) << side;
    EXPECT_THROW(Detector(load("emoji_detection.yaml"), {.network = network}), Error) << side;
    EXPECT_THROW(eval::calibrate(*load("emoji.yaml"), {}, {.input_size = {{64, side}}}), Error) << side;
  }
}

TEST(ClassifierOptions, NoGuessesAreRefused) {
  for (const int64_t top_k : {0, -3}) {
    const auto refused =
        ThrowsMessage<Error>("top_k: expected at least 1 guess per picture, found " + std::to_string(top_k));
    EXPECT_THAT([&] { Classifier(load("emoji.yaml"), {.top_k = top_k}); }, refused);
    Classifier classifier(load("emoji.yaml"));
    EXPECT_THAT([&] { classifier.classify(sample(), top_k); }, refused);
  }
}

TEST(DetectorOptions, ThresholdsBeyondProbabilitiesAreRefused) {
  for (const double threshold : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { Detector(load("emoji_detection.yaml"), {.score_thresh = threshold}); },
                ThrowsMessage<Error>(HasSubstr("score_thresh: expected 0 to 1, found")));
  }
}

TEST(PreprocessConfig, MeansAndDeviationsAreNumbers) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    models::PreprocessConfig config;
    config.mean[1] = wrong;
    EXPECT_THROW(Preprocessor{config}, Error);
    config = {};
    config.std[2] = wrong;
    EXPECT_THROW(Preprocessor{config}, Error);
  }
}

class NoFrames : public FrameSource {
 public:
  std::optional<FrameResult> next() override { return std::nullopt; }
  const SourceInfo& info() const override { return info_; }

 private:
  SourceInfo info_;
};

TEST(PipelineOptions, OutOfRangeAreRefused) {
  using std::chrono::milliseconds;
  streams::PipelineStages stages;
  stages.predict = [](const cv::Mat&) { return Classification(); };
  stages.sink = [](const FrameEvent&) { return true; };
  const auto run = [&](const streams::PipelineOptions& options) {
    streams::run_pipeline(std::make_shared<NoFrames>(), stages, options);
  };
  EXPECT_NO_THROW(run({}));
  const std::vector<std::pair<streams::PipelineOptions, std::string>> wrong = {
      {{.predict_threads = 0}, "predict_threads: expected 1 to 1024, found 0"},
      {{.predict_threads = -1}, "predict_threads"},
      {{.predict_threads = 100'000}, "predict_threads"},
      {{.queue_capacity = 0}, "queue_capacity"},
      {{.max_frames = -1}, "max_frames"},
      {{.stall_timeout = milliseconds(0)}, "stall_timeout"},
      {{.stop_grace = milliseconds(-1)}, "stop_grace"}};
  for (const auto& [options, text] : wrong) {
    EXPECT_THAT([&] { run(options); }, ThrowsMessage<Error>(HasSubstr("PipelineOptions::" + text)));
  }
  stages.sink = {};
  EXPECT_THROW(run({}), Error);
}

TEST(PredictorOptions, NoStreamsAreRefused) {
  for (const int streams : {0, -1})
    EXPECT_THROW(streams::make_parallel_predictor(load("emoji.yaml"), {}, streams), Error);
}

TEST(OpenCvThreads, AreOneOnceANetworkIsThereUnlessTheProgramSaysOtherwise) {
  const Classifier first(load("emoji.yaml"));
  EXPECT_EQ(cv::getNumThreads(), 1);
  cv::setNumThreads(2);
  const Classifier second(load("emoji.yaml"));
  EXPECT_EQ(cv::getNumThreads(), 2) << "only the first call in a process sets it";
  cv::setNumThreads(1);
}

TEST(NetworkRunner, RefusesAnotherThreadWhileAPassIsHeld) {
  NetworkRunner runner(load("emoji.yaml"), Task::kClassification, {"logits"}, {});
  const cv::Mat frame = sample();
  StageTimes times;
  {
    const NetworkRunner::Pass pass = runner.run(frame, times);
    std::thread([&] {
      StageTimes others;
      EXPECT_THAT([&] { runner.run(frame, others); }, ThrowsMessage<Error>(HasSubstr(kRefusal)));
    }).join();
    EXPECT_NO_THROW(runner.run(frame, times)) << "the same thread may go on";
  }
  std::thread([&] { EXPECT_NO_THROW(runner.run(frame, times)); }).join();
}

/// Calls `use` in several threads at once: every call yields what one thread alone would, or is refused.
template <typename Use>
void use_in_threads(Use use) {
  const auto expected = use();
  std::vector<std::thread> threads;
  std::atomic<int> served = 0;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 40; ++i) {
        try {
          EXPECT_EQ(use(), expected);
          ++served;
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr(kRefusal));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(served, 0);
}

TEST(Predictors, InSeveralThreadsAreRightOrRefuse) {
  const cv::Mat frame = sample();
  Classifier classifier(load("emoji.yaml"));
  use_in_threads([&] {
    std::vector<double> scores;
    for (const ClassScore& found : classifier.classify(frame).top) scores.push_back(found.score);
    return scores;
  });
  Detector detector(load("emoji_detection.yaml"), {.score_thresh = 0.02});
  use_in_threads([&] {
    std::vector<double> scores;
    for (const FoundObject& found : detector.detect(frame).boxes) scores.push_back(found.score);
    return scores;
  });
  Segmenter segmenter(load("emoji_segmentation.yaml"));
  use_in_threads([&] {
    std::vector<double> shares;
    for (const ClassShare& found : segmenter.segment(frame).classes) shares.push_back(found.share);
    return shares;
  });
  Backbone backbone{Model(load("emoji.yaml"))};
  use_in_threads([&] {
    const Features features = backbone(frame);
    return std::vector<float>(features[0].data().begin(), features[0].data().end());
  });
}

}  // namespace
}  // namespace zoo::pipeline
