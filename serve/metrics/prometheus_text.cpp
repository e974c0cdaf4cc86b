#include "serve/metrics/prometheus_text.h"

namespace zoo::serve {

std::string prometheus_text(const std::vector<MetricFamily>& families) { return prometheus_module().text(families); }

}  // namespace zoo::serve
