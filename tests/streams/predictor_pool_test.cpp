#include "streams/predictor_pool.h"

#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "models/model.h"
#include "nn/core/error.h"
#include "pipeline/images/image_io.h"
#include "pipeline/tasks/classifier.h"

namespace zoo::streams {
namespace {

const std::string kDemo = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";

std::shared_ptr<const models::Model> load(const std::string& name) {
  return std::make_shared<const models::Model>(models::Model::load(kDemo + name, {.random_weights = true}));
}

TEST(ParallelPredictor, GivesEveryThreadWhatAPredictorOfItsOwnWould) {
  const auto model = load("emoji.yaml");
  const cv::Mat frame = pipeline::read_image(kDemo + "samples/dog.jpg");
  const pipeline::Classification expected = pipeline::Classifier(model).classify(frame);
  const auto predict = make_parallel_predictor(model, {}, 2);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {  // one more than there are predictors
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        const auto result = std::get<pipeline::Classification>(predict(frame));
        ASSERT_EQ(result.top.size(), expected.top.size());
        for (size_t k = 0; k < result.top.size(); ++k) EXPECT_EQ(result.top[k].logit, expected.top[k].logit);
      }
    });
  }
}

TEST(ParallelPredictor, IsAsUsableAfterAPictureThatDoesNotFit) {
  const auto predict = make_parallel_predictor(load("emoji.yaml"), {}, 1);
  EXPECT_THROW(predict(cv::Mat(8, 8, CV_32FC3)), Error);
  EXPECT_NO_THROW(predict(cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3))));
}

TEST(TeamPredictor, AnswersAlikeWithAnyNumberOfThreads) {
  const auto model = load("emoji.yaml");
  const cv::Mat frame = pipeline::read_image(kDemo + "samples/dog.jpg");
  const pipeline::Classification expected = pipeline::Classifier(model).classify(frame);
  const TeamPredictor predict = make_team_predictor(model, {}, 4);
  for (const int cores : {1, 4, 2, 2, 1}) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4 / cores; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 3; ++round) {
          const auto result = std::get<pipeline::Classification>(predict(frame, cores));
          ASSERT_EQ(result.top.size(), expected.top.size());
          for (size_t k = 0; k < result.top.size(); ++k) {
            EXPECT_NEAR(result.top[k].logit, expected.top[k].logit, 1e-4) << cores << " threads";
          }
        }
      });
    }
  }
}

TEST(TeamPredictor, RefusesThreadsOutOfRangeAndGoesOn) {
  const TeamPredictor predict = make_team_predictor(load("emoji.yaml"), {}, 2);
  const cv::Mat frame(8, 8, CV_8UC3, cv::Scalar(1, 2, 3));
  for (const int threads : {0, -1, 1025}) EXPECT_THROW(predict(frame, threads), EngineError) << threads;
  EXPECT_NO_THROW(predict(frame, 2));
  EXPECT_THROW(make_team_predictor(load("emoji.yaml"), {}, 0), Error);
}

}  // namespace
}  // namespace zoo::streams
