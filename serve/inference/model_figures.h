// Counts and times of one served model.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "serve/inference/inference_service.h"
#include "serve/inference/loaded_model.h"
#include "serve/metrics/metric.h"

namespace zoo::serve {

enum class Stage { kQueue, kDecode, kPreprocess, kInfer, kAnswer, kEncode, kTotal };
inline constexpr size_t kStages = 7;
/// "queue", "decode", "preprocess", "infer", "answer", "encode", "total" (from its arrival to its answer).
std::string_view to_string(Stage stage);

/// As Triton's `reason` has them.
enum class FailureReason { kRejected, kCanceled, kBackend, kOther };
inline constexpr size_t kFailureReasons = 4;
std::string_view to_string(FailureReason reason);
/// 429, 503 and 504 are kRejected, 500 is kBackend, the request's own faults are kOther.
FailureReason reason_of(int status);

/// One request that was worked on, in milliseconds.
struct RequestTimes {
  double queue_ms = 0.0;
  double decode_ms = 0.0;  ///< reading the request
  double encode_ms = 0.0;  ///< writing the answer
  double total_ms = 0.0;   ///< from its arrival
  InferWork work;
};

/// Goes on over swaps of the model. Thread-safe.
class ModelFigures {
 public:
  ModelFigures();

  void succeeded(const RequestTimes& times, std::chrono::system_clock::time_point now);
  void failed(int status, double total_ms);

  /// Name and version are the caller's to fill in.
  ModelStatistics statistics() const;
  int64_t failures(FailureReason reason) const;
  Histogram::Snapshot stage(Stage stage) const;

 private:
  mutable std::mutex mutex_;
  ModelStatistics counts_;                           ///< guarded by mutex_
  std::array<int64_t, kFailureReasons> failures_{};  ///< guarded by mutex_
  std::array<std::unique_ptr<Histogram>, kStages> stages_;
};

}  // namespace zoo::serve
