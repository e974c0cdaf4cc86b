// What `calibrate` does for `model.unknown`: a threshold out of pictures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/model_flags.h"

namespace zoo::apps {

struct ThresholdFlags {
  std::string unknown;         ///< folder of pictures of nothing known; empty: none
  std::optional<double> keep;  ///< share of the known pictures that must stay known
  std::string score;           ///< empty: the model file's, else the one that tells the pictures apart best
  bool write = false;          ///< into the model file

  void add_to(CLI::App& app);
  /// Whether a threshold is asked for. Throws UsageError where only what goes with it is.
  bool wanted() const;
};

/// What the threshold is chosen with.
struct ThresholdRun {
  const ModelFlags& model;
  const WeightFlags& weights;
  const SizeFlag& size;
  const std::string& data;        ///< folder of known pictures
  std::optional<int64_t> images;  ///< so many of each folder; empty: all
  int threads = 0;                ///< 0: all cores
  bool json = false;
};

/// Says the threshold and the lines of the model file that hold it. Yields the program's exit code.
int choose_threshold(const ThresholdFlags& flags, const ThresholdRun& run);

}  // namespace zoo::apps
