// Figures for Prometheus.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zoo::serve {

/// How often something took how long. Thread-safe: observe() never waits.
class Histogram {
 public:
  struct Snapshot {
    std::vector<double> bounds;   ///< of all buckets but the last, which has none
    std::vector<int64_t> counts;  ///< of each bucket alone: bounds.size() + 1
    double sum = 0.0;
  };

  /// `bounds`: ascending.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  Snapshot snapshot() const;

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<int64_t>[]> counts_;
  std::atomic<double> sum_ = 0.0;
};

/// Seconds from 100 us to 10 s, in steps of 1, 2, 5.
std::vector<double> duration_bounds();

struct Metric {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0.0;
  Histogram::Snapshot histogram = {};  ///< of families of that type, in place of `value`
};

struct MetricFamily {
  enum class Type { kCounter, kGauge, kHistogram };
  std::string name;
  std::string help;
  Type type = Type::kGauge;
  std::vector<Metric> metrics = {};
};

}  // namespace zoo::serve
