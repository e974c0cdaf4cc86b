// One model for several threads.
#pragma once

#include <functional>
#include <memory>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "pipeline/tasks/task_result.h"

namespace zoo::streams {

/// make_predictor for up to `streams` (at least 1) threads at a time, each with a predictor of its own, made when first
/// needed; packed weights are shared. A further thread waits.
std::function<pipeline::TaskResult(const cv::Mat&)> make_parallel_predictor(std::shared_ptr<const models::Model> model,
                                                                            const pipeline::PredictorOptions& options,
                                                                            int streams);

/// A picture, and the number of cores that it may use.
using TeamPredictor = std::function<pipeline::TaskResult(const cv::Mat& frame, int threads)>;

/// The same for up to `cores` threads at a time that have so many cores together. What is compiled is tuned for one
/// thread, whatever `options.network` says of threads, and shared by all. Predictors beyond those that cores / threads
/// pictures need are given up, with their memory.
TeamPredictor make_team_predictor(std::shared_ptr<const models::Model> model, pipeline::PredictorOptions options,
                                  int cores);

}  // namespace zoo::streams
