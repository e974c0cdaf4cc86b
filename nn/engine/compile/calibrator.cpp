#include "nn/engine/compile/calibrator.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/compile/compile_network.h"

namespace zoo::engine {
namespace {

/// The network with every value as an output. Nothing is fused, so that no value is left out that some choice of
/// outputs keeps, or that another runtime computes.
graph::BoundGraph with_all_values(const graph::BoundGraph& network) {
  graph::BoundGraph observed = graph::fold_affine(graph::lower_blur_pools(network));
  observed.graph.outputs.clear();
  for (size_t i = 1; i < observed.graph.nodes.size(); ++i) {
    observed.graph.outputs.push_back({observed.graph.nodes[i].value_name(), static_cast<graph::NodeId>(i)});
  }
  return observed;
}

}  // namespace

Calibrator::Calibrator(const graph::BoundGraph& network, const Shape& input, int threads)
    : fingerprint_(fingerprint(network)),
      executable_(compile_network(with_all_values(network), input, {.tuned_threads = threads})),
      runner_(executable_->new_runner(threads)),
      histograms_(executable_->outputs().size()),
      input_histograms_(static_cast<size_t>(input[1])) {}

void Calibrator::observe() {
  runner_->run();
  for (size_t i = 0; i < histograms_.size(); ++i) histograms_[i].add(runner_->output(i));
  const std::span<const float> image = runner_->input();
  const size_t plane = image.size() / input_histograms_.size();
  for (size_t c = 0; c < input_histograms_.size(); ++c) input_histograms_[c].add(image.subspan(c * plane, plane));
}

Calibration Calibrator::finish(RangeMethod method) const {
  Calibration calibration;
  calibration.fingerprint = fingerprint_;
  for (const Histogram& histogram : input_histograms_) {
    const auto [low, high] = histogram.range(RangeMethod::kMinMax);
    calibration.input_low.push_back(low);
    calibration.input_high.push_back(high);
  }
  for (size_t i = 0; i < histograms_.size(); ++i) {
    const std::string& value = executable_->outputs()[i].name;
    if (histograms_[i].has_failure()) {
      throw EngineError(fmt::format("value \"{}\": not a finite number for one of the images", value));
    }
    const auto [low, high] = histograms_[i].range(method);
    calibration.ranges.push_back({value, low, high});
  }
  return calibration;
}

}  // namespace zoo::engine
