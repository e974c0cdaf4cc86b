// Which of several kernels a convolution gets: the one that was measured to be the fastest, or the one asked for.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/error.h"
#include "nn/engine/choice/convolution.h"
#include "nn/engine/choice/kernel_times.h"
#include "nn/engine/executable.h"
#include "nn/engine/machine/aligned_buffer.h"

namespace zoo::engine {

/// No convolution of a network has the kernel asked for.
class UnknownKernelError : public EngineError {
 public:
  using EngineError::EngineError;
};

/// Whether a kernel is what `wanted` (anything but "auto") asks for.
bool is_wanted(std::string_view wanted, const ConvolutionKernel& kernel);

/// What is thought of kernels that compute several convolutions at once before they are measured: constants of some
/// processor may say this much and no more.
enum class Prospect {
  kGood,  ///< they are taken where nothing is known, or times are alike
  kPoor,  ///< they are not
  kNone,  ///< they are not measured, and taken only where they are asked for and nothing else is
};

/// Chooses for one network. Not thread-safe; choosers on several threads share what was measured.
class KernelChooser {
 public:
  /// Of the options all but `isa`, which `table` stands for.
  KernelChooser(const KernelOptions& options, const kernels::KernelTable& table);

  /// Index of a kernel; there must be one.
  size_t choose(const Candidates& candidates);

  /// Whether KernelOptions::wanted is the name of a kernel, no family of them.
  bool names_a_kernel() const { return wanted_ != "auto" && wanted_ != "own" && wanted_ != "onednn"; }
  /// Whether it asks for one of these, which there are.
  bool wants(KernelSpan kernels);

  /// Whether the kernels of one problem, which has at least one, do better than the best of each of the `steps` that it
  /// stands for.
  bool prefers(const Candidates& fused, const std::vector<Candidates>& steps, Prospect prospect = Prospect::kGood);

  /// After the last choice: keeps what was measured. Throws UnknownKernelError if `wanted` names a kernel that no
  /// convolution has.
  void finish();

  /// What was chosen without a measurement, and KernelTimes::note().
  std::string note() const;

 private:
  size_t fastest(const Candidates& candidates);
  /// Nothing if one is missing, or all are to be measured again.
  std::optional<std::vector<double>> known_times(const std::string& key, const std::vector<std::string>& names) const;
  /// By name, as remembered, or else as `measure` yields them now.
  template <typename Measure>
  std::vector<double> times(const ConvolutionProblem& problem, const std::vector<std::string>& names, Measure measure);

  std::string wanted_;
  KernelTiming timing_;
  const kernels::KernelTable& table_;
  std::shared_ptr<KernelTimes> times_;
  bool took_turn_ = false;
  std::unique_ptr<FileLock> turn_;  ///< from the first measurement to finish()
  AlignedBuffer arena_;
  std::set<std::string> seen_;  ///< kernel names
  bool found_ = false;
  std::set<std::string> unmeasured_;  ///< problems
};

}  // namespace zoo::engine
