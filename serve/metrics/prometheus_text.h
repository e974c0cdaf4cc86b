// The text format 0.0.4 that Prometheus reads, by prometheus-cpp, a module (nn/core/module.h).
#pragma once

#include <string>
#include <vector>

#include "serve/metrics/metric.h"

namespace zoo::serve {

struct PrometheusModule {
  std::string (*text)(const std::vector<MetricFamily>& families);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const PrometheusModule& prometheus_module();

/// Families without metrics are left out. Throws as prometheus_module().
std::string prometheus_text(const std::vector<MetricFamily>& families);

/// What such a text's Content-Type is.
inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace zoo::serve
