// What the predictors of all tasks share: preprocessing, a compiled network per input size, and where the time went.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "nn/core/one_thread.h"
#include "nn/core/task.h"
#include "nn/engine/executable.h"
#include "pipeline/preprocess/preprocess.h"
#include "pipeline/tasks/runner_cache.h"

namespace zoo::pipeline {

/// How a network is run, whatever its task.
struct NetworkOptions {
  /// Cores one picture may use, up to engine::kMaxThreads; the model file's `runtime.threads` when 0.
  int threads = 0;
  /// See engine::CompileOptions; `threads` when 0. Predictors of one model share its packed weights where this is the
  /// same.
  int tuned_threads = 0;
  /// Where the cores of a picture change from one to the next: asked before each, in place of `threads`.
  std::function<int()> threads_now = {};
  engine::EngineKind engine = engine::EngineKind::kOneDnn;
  /// The model file's `runtime.precision` when empty.
  std::optional<engine::Precision> precision = std::nullopt;
  engine::KernelOptions kernels = {};
  /// [H, W] of the network's input instead of the model file's, see with_input_size.
  std::optional<std::array<int64_t, 2>> input_size = std::nullopt;
  /// Where the model file leaves the size of the network's input to the picture: its most pixels, so that one panorama
  /// does not take all memory, and those of all sizes that stay compiled. Default: 4096x4096.
  int64_t max_input_pixels = RunnerCache::kMaxPixels;
  /// Called with what is worth knowing of the network (Executable::note()), if there is anything, whenever a predictor
  /// starts to use it for another input size: by whichever thread makes the predictor or gives it the picture.
  NoteFunction on_note = {};
};

/// The precision that predictors of a model with these options compute in; where kAuto has to be decided, for the input
/// size that the options or the model's preprocessing say, else 224x224. `on_note` is told how. Throws as
/// Model::compile.
models::ResolvedPrecision resolve_precision(const models::Model& model, const NetworkOptions& options);

/// Where the time of one picture went.
struct StageTimes {
  double preprocess_ms = 0.0;
  double infer_ms = 0.0;    ///< network, and what turns its outputs into the result
  double compile_ms = 0.0;  ///< only the first picture that needs another input size than those before
};

/// The label of a class: from the model file, "class 12" where it names none.
std::string label_of(const std::vector<std::string>& labels, int64_t index);

/// Whether a class is the background: class 0, where it is called `background` or `__background__` (torchvision) or, in
/// a model without labels, nothing. `label`: its label_of.
bool is_background(int64_t index, std::string_view label);

/// Runs a model on one picture after the other. Holds activations and scratch memory: one thread at a time, a second
/// one is refused (Error); several may share a model, and then share what is compiled. The network is compiled for each
/// input size that occurs (usually one, at construction) and the most recently used sizes are kept.
class NetworkRunner {
 public:
  /// Throws Error when the model's task is not `task`, GraphError and EngineError as Model::compile. `outputs`: names
  /// of the graph's outputs to compute.
  NetworkRunner(std::shared_ptr<const models::Model> model, Task task, std::vector<std::string> outputs,
                const NetworkOptions& options);

  /// One picture that went through the network; the runner's outputs are valid until the next run. While it lives,
  /// other threads are refused.
  struct Pass {
    std::shared_ptr<const engine::Executable> executable;
    const engine::Runner& runner;
    PreprocessGeometry placed;
    OneThread::Use use;
  };

  /// `frame`: 8-bit BGR or grey, any size. Adds to `times`. Throws GraphError when the picture is too small for a
  /// network without a fixed input size, Error when it is too large for one (NetworkOptions::max_input_pixels), is of
  /// another type, and while another thread is at it.
  Pass run(const cv::Mat& frame, StageTimes& times);

  const models::Model& model() const { return *model_; }

 private:
  void check_input_size(const PreprocessGeometry& placed) const;
  RunnerCache::Entry& compiled_for(std::array<int64_t, 2> size);

  std::shared_ptr<const models::Model> model_;
  Preprocessor preprocessor_;
  int64_t max_input_pixels_;
  std::function<int()> threads_now_;
  RunnerCache runners_;
  OneThread one_thread_;
};

}  // namespace zoo::pipeline
