#include "nn/engine/lower/network_values.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/lower/relayout.h"
#include "nn/engine/plan/int8_values.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::engine {
namespace {

constexpr ValueId kImage = 0;

}  // namespace

NetworkValues::NetworkValues(const NetworkFacts& network, Steps& steps)
    : network_(network),
      steps_(steps),
      of_nodes_(network.graph().nodes.size(), -1),
      sums_(network.graph().nodes.size(), -1) {
  set(0, add(network.shape(0), kPlanarF32));
}

ValueId NetworkValues::of(graph::NodeId id) const {
  const ValueId value = of_nodes_[static_cast<size_t>(id)];
  if (value >= 0) return value;
  throw EngineError(fmt::format("node \"{}\" ({}): it is read before any step yields its value", network_.node(id).name,
                                graph::op_name(network_.node(id).op)));
}

ValueId NetworkValues::in(graph::NodeId id, Format format) { return converted(of(id), format, network_.node(id).name); }

ValueId NetworkValues::int8(graph::NodeId id) {
  const ValueId source = of(id);
  if (value(source).type == DataType::kU8) return source;
  if (const ValueId known = known_copy(source, kChannelsLastU8); known >= 0) return known;
  const std::string& name = network_.node(id).name;
  const ValueId blocked = converted(source, kBlockedF32, name);
  const ValueId copy = convert(blocked, add_int8(id), name);
  copies_.push_back({source, kChannelsLastU8, copy});
  return copy;
}

ValueId NetworkValues::output(const graph::Output& output) {
  const ValueId source = of(output.node);
  if (source != kImage) return converted(source, kPlanarF32, output.name);
  return convert(source, add(value(source).shape, kPlanarF32), output.name);
}

ValueId NetworkValues::add(const Shape& shape, Format format) {
  values_.push_back({shape, format.layout, format.type, stored_bytes(shape, format, network_.table().lanes)});
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId NetworkValues::add_int8(graph::NodeId id) {
  return add_int8(network_.shape(id), network_.quantization(id), false);
}

ValueId NetworkValues::add_int8(const Shape& map, std::shared_ptr<const Quantization> quantization, bool with_sums) {
  size_t bytes = stored_bytes(map, kChannelsLastU8, network_.table().lanes);
  if (with_sums) {
    const int64_t sums = map[0] * kernels::int8_padded(map[1]) * static_cast<int64_t>(sizeof(int32_t));
    bytes = static_cast<size_t>(int8_sums_offset(map) + sums + kernels::kInt8Slack);
  }
  values_.push_back({map, Layout::kChannelsLast, DataType::kU8, bytes, std::move(quantization), with_sums});
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId NetworkValues::known_copy(ValueId source, Format format) const {
  for (const Copy& known : copies_) {
    if (known.source == source && known.format == format) return known.copy;
  }
  return -1;
}

ValueId NetworkValues::convert(ValueId source, ValueId copy, std::string_view name) {
  steps_.push_back(make_relayout(network_, *this, source, copy, name));
  return copy;
}

ValueId NetworkValues::converted(ValueId source, Format format, std::string_view name) {
  const Format from = value(source).format();
  if (from == format) return source;
  if (const ValueId known = known_copy(source, format); known >= 0) return known;
  // Every format converts to and from blocked f32.
  if (from != kBlockedF32 && format != kBlockedF32) {
    return converted(converted(source, kBlockedF32, name), format, name);
  }
  const ValueId copy = convert(source, add(value(source).shape, format), name);
  copies_.push_back({source, format, copy});
  return copy;
}

}  // namespace zoo::engine
