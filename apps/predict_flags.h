// The flags of `predict`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/answer_flags.h"
#include "apps/batch_flags.h"
#include "apps/model_flags.h"
#include "apps/predict_session.h"
#include "apps/timeout_flags.h"
#include "apps/video_flags.h"

namespace zoo::apps {

struct PredictFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  std::vector<std::string> sources;
  bool recursive = false;
  std::string json;
  AnswerFlags answers;
  TimeoutFlags timeouts;
  int threads = 0;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
  VideoFlags video;
  PredictOptions options;
  BatchFlags batch;
  std::string format;  ///< of a job's results; empty: the usual one

  /// Whether a job in parts is asked for, rather than a run.
  bool is_job() const { return batch.has_manifest() || batch.resume; }
  /// Of the predictor; all but the precision and the number of threads.
  pipeline::PredictorOptions predictor_options() const;
};

/// `predict` with `--manifest` or `--resume`.
int predict_job(const PredictFlags& flags);

}  // namespace zoo::apps
