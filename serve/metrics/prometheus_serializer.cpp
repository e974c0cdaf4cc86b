// Text for Prometheus through prometheus-cpp.
#include <cstdint>
#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "serve/metrics/prometheus_text.h"

namespace zoo::serve {
namespace {

using prometheus::ClientMetric;
using Type = MetricFamily::Type;

prometheus::MetricType type_of(Type type) {
  switch (type) {
    case Type::kCounter:
      return prometheus::MetricType::Counter;
    case Type::kGauge:
      return prometheus::MetricType::Gauge;
    case Type::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

ClientMetric::Histogram histogram_of(const Histogram::Snapshot& snapshot) {
  ClientMetric::Histogram histogram;
  histogram.sample_sum = snapshot.sum;
  for (size_t i = 0; i < snapshot.counts.size(); ++i) {
    histogram.sample_count += static_cast<uint64_t>(snapshot.counts[i]);
    if (i < snapshot.bounds.size()) histogram.bucket.push_back({histogram.sample_count, snapshot.bounds[i]});
  }
  return histogram;
}

ClientMetric metric_of(const Metric& metric, Type type) {
  ClientMetric result;
  for (const auto& [name, value] : metric.labels) result.label.push_back({name, value});
  if (type == Type::kCounter) result.counter.value = metric.value;
  if (type == Type::kGauge) result.gauge.value = metric.value;
  if (type == Type::kHistogram) result.histogram = histogram_of(metric.histogram);
  return result;
}

std::string text(const std::vector<MetricFamily>& families) {
  std::vector<prometheus::MetricFamily> all;
  for (const MetricFamily& family : families) {
    if (family.metrics.empty()) continue;
    prometheus::MetricFamily converted{family.name, family.help, type_of(family.type), {}};
    for (const Metric& metric : family.metrics) converted.metric.push_back(metric_of(metric, family.type));
    all.push_back(std::move(converted));
  }
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(all);
}

constexpr PrometheusModule kModule{.text = text};

}  // namespace
}  // namespace zoo::serve

extern "C" [[gnu::visibility("default")]] const zoo::serve::PrometheusModule* zoo_module_prometheus() {
  return &zoo::serve::kModule;
}
