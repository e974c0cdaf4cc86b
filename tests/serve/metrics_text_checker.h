// Whether a text is what Prometheus reads, and what it says.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace zoo::test {

struct CheckedMetrics {
  std::vector<std::string> problems;      ///< with their lines; empty where all is well
  std::map<std::string, double> samples;  ///< by `name{label="value",...}` as it stands there
};

/// The text format 0.0.4, strictly: every sample under the TYPE of its family, each family and each set of labels once,
/// names and escapes as they may be, histograms that go up to +Inf, add up and have a sum; nothing else.
CheckedMetrics check_metrics_text(const std::string& text);

}  // namespace zoo::test
