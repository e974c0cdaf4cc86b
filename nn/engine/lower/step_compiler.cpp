#include "nn/engine/lower/step_compiler.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/instruction_set.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/int8_values.h"
#include "nn/engine/plan/stored_bytes.h"

namespace zoo::engine {

namespace {

/// Every value and packed block begins with a cache line.
constexpr size_t kLine = 64;

std::vector<int64_t> all_macs(const graph::Graph& graph, const std::vector<Shape>& shapes) {
  std::vector<int64_t> macs = graph::multiply_accumulates(graph, shapes);
  const std::vector<int64_t> attention = graph::attention_multiply_accumulates(graph, shapes);
  for (size_t id = 0; id < macs.size(); ++id) macs[id] += attention[id];
  return macs;
}

}  // namespace

StepCompiler::StepCompiler(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options,
                           std::span<const Lowering> lowerings)
    : network_(network),
      shapes_(graph::infer_shapes(network.graph, input)),
      macs_(all_macs(network.graph, shapes_)),
      tuned_threads_(options.tuned_threads),
      compact_layers_(options.kernels.compact_layers),
      precision_(options.precision.value_or(Precision::kF32)),
      lowerings_(lowerings),
      capabilities_(capabilities_for(options.kernels.isa)),
      table_(kernels::kernel_table(capabilities_.isa)),
      chooser_(options.kernels, table_),
      readers_(network.graph.nodes.size()),
      node_values_(network.graph.nodes.size(), -1),
      node_sums_(network.graph.nodes.size(), -1),
      left_to_reader_(network.graph.nodes.size()) {
  for (size_t i = 0; i < readers_.size(); ++i) {
    for (const graph::NodeId source : network.graph.nodes[i].inputs) {
      readers_[static_cast<size_t>(source)].push_back(static_cast<graph::NodeId>(i));
    }
  }
  if (precision_ != Precision::kInt8) return;
  int8_table_ = &kernels::int8_table(capabilities_.int8().value());
  quantization_.emplace(network.graph, shapes_, *options.calibration);
}

CompiledSteps StepCompiler::compile() {
  compiled_.input = add_value(shapes_.front(), Layout::kPlanar);
  set_value(0, compiled_.input);
  for (size_t i = 1; i < network_.graph.nodes.size(); ++i) {
    const auto id = static_cast<graph::NodeId>(i);
    const size_t first_step = compiled_.steps.size();
    const size_t first_packed = compiled_.packed.size();
    compile_node(id);
    // Extra steps of a node (re-layouts, unfused activations) carry no arithmetic of their own.
    StepInfo* main_step = nullptr;
    for (size_t s = first_step; s < compiled_.steps.size(); ++s) {
      StepInfo& info = compiled_.steps[s]->info;
      if (info.node.empty()) info.node = node(id).name;
      if (!info.op.empty()) continue;
      info.op = graph::op_name(node(id).op);
      if (main_step == nullptr) main_step = &info;
    }
    if (main_step == nullptr) continue;
    main_step->macs = macs_[i];
    for (size_t p = first_packed; p < compiled_.packed.size(); ++p) {
      main_step->weight_bytes += compiled_.packed[p]->bytes;
    }
  }
  for (const graph::Output& output : network_.graph.outputs) {
    compiled_.outputs.push_back(planar_value(value_of(output.node), output.name));
  }
  chooser_.finish();
  compiled_.note = chooser_.note();
  plan_weights_ahead();
  return std::move(compiled_);
}

void StepCompiler::compile_node(graph::NodeId id) {
  const bool has_steps = std::ranges::any_of(lowerings_, [&](Lowering lower) { return lower(*this, id); });
  if (has_steps) return;
  throw EngineError(fmt::format("node \"{}\" ({}): no kernel computes it", node(id).name, graph::op_name(node(id).op)));
}

std::vector<graph::NodeId> StepCompiler::with_left(graph::NodeId id) const {
  std::vector<graph::NodeId> ids = {id};
  while (is_left_to_reader(node(ids.back()).inputs[0])) ids.push_back(node(ids.back()).inputs[0]);
  std::ranges::reverse(ids);
  return ids;
}

graph::NodeId StepCompiler::sole_reader(graph::NodeId id) const {
  return readers(id).size() == 1 && !is_output(id) ? readers(id).front() : graph::kNone;
}

bool StepCompiler::is_output(graph::NodeId id) const {
  return std::ranges::any_of(network_.graph.outputs, [id](const graph::Output& output) { return output.node == id; });
}

bool StepCompiler::is_squeezed(graph::NodeId id) const {
  return std::ranges::any_of(readers(id), [&](graph::NodeId reader) {
    return std::holds_alternative<graph::SqueezeExcite>(node(reader).op) && node(reader).inputs.front() == id;
  });
}

ValueId StepCompiler::value_of(graph::NodeId id) const {
  if (has_value(id)) return node_values_[static_cast<size_t>(id)];
  throw EngineError(fmt::format("node \"{}\" ({}): it is read before any step yields its value", node(id).name,
                                graph::op_name(node(id).op)));
}

ValueId StepCompiler::value_in(graph::NodeId id, Format format) {
  return converted(value_of(id), format, node(id).name);
}

ValueId StepCompiler::converted(ValueId source, Format format, std::string_view name) {
  const Format from = value(source).format();
  if (from == format) return source;
  for (const Copy& known : copies_) {
    if (known.source == source && known.format == format) return known.copy;
  }
  // Every format converts to and from blocked f32.
  if (from != kBlockedF32 && format != kBlockedF32) {
    return converted(converted(source, kBlockedF32, name), format, name);
  }
  const ValueId copy = add_value(value(source).shape, format);
  add_step(make_relayout(*this, source, copy, name));
  copies_.push_back({source, format, copy});
  return copy;
}

ValueId StepCompiler::int8_value_of(graph::NodeId id) {
  const ValueId source = value_of(id);
  if (value(source).type == DataType::kU8) return source;
  for (const Copy& known : copies_) {
    if (known.source == source && known.format == kChannelsLastU8) return known.copy;
  }
  const ValueId blocked = blocked_value_of(id);
  const ValueId copy = add_int8_value(id);
  add_step(make_relayout(*this, blocked, copy, node(id).name));
  copies_.push_back({source, kChannelsLastU8, copy});
  return copy;
}

ValueId StepCompiler::planar_value(ValueId source, std::string_view name) {
  if (source != compiled_.input) return converted(source, kPlanarF32, name);
  // The image is not handed out itself: its memory is the caller's to fill again.
  const ValueId planar = add_value(value(source).shape, kPlanarF32);
  add_step(make_relayout(*this, source, planar, name));
  return planar;
}

std::span<const float> StepCompiler::parameter(ParameterId id) const {
  if (id == graph::kNone) return {};
  return network_.values.views[static_cast<size_t>(id)];
}

kernels::ResolvedActivation StepCompiler::resolve(const graph::FusedActivation& function) const {
  if (function.kind == ActivationKind::kLeakyRelu) return {function.kind, kLeakyReluSlope};
  if (function.kind == ActivationKind::kPrelu) return {function.kind, parameter(function.slope)[0]};
  return {function.kind, 0.0F};
}

ValueId StepCompiler::add_value(const Shape& shape, Format format) {
  compiled_.values.push_back({shape, format.layout, format.type, stored_bytes(shape, format, table_.lanes)});
  return static_cast<ValueId>(compiled_.values.size() - 1);
}

ValueId StepCompiler::add_int8_value(graph::NodeId id, bool with_sums) {
  const Shape& map = shape(id);
  size_t bytes = stored_bytes(map, kChannelsLastU8, table_.lanes);
  if (with_sums) {
    const int64_t sums = map[0] * kernels::int8_padded(map[1]) * static_cast<int64_t>(sizeof(int32_t));
    bytes = static_cast<size_t>(int8_sums_offset(map) + sums + kernels::kInt8Slack);
  }
  compiled_.values.push_back({map, Layout::kChannelsLast, DataType::kU8, bytes, quantization(id), with_sums});
  return static_cast<ValueId>(compiled_.values.size() - 1);
}

std::shared_ptr<const WeightsAhead> StepCompiler::add_weights_ahead(double cycles) {
  fetchers_.push_back({cycles, compiled_.packed.size(), std::make_shared<WeightsAhead>()});
  return fetchers_.back().ahead;
}

/// Weights lie in the order in which steps read them. Each step fetches as large a part of them as its part of the time
/// is, from where the step before it has stopped; never so far ahead that they would leave the cache again.
void StepCompiler::plan_weights_ahead() {
  if (fetchers_.empty()) return;
  std::vector<size_t> ends = {0};
  for (const auto& block : compiled_.packed) ends.push_back(ends.back() + (block->bytes + kLine - 1) / kLine * kLine);
  double cycles = 0.0;
  for (const Fetcher& fetcher : fetchers_) cycles += fetcher.cycles;
  const size_t lead = machine_capabilities().caches.l2 / 2;
  size_t next = 0;
  for (const Fetcher& fetcher : fetchers_) {
    const size_t own_end = ends[fetcher.packed];
    const auto share = static_cast<size_t>(static_cast<double>(ends.back()) * fetcher.cycles / cycles);
    WeightsAhead& ahead = *fetcher.ahead;
    ahead.first = compiled_.packed.front();
    ahead.begin = std::max(next, own_end);
    ahead.end = std::max(ahead.begin, std::min({ahead.begin + share, own_end + lead, ends.back()}));
    next = ahead.end;
  }
}

kernels::Int8Ahead WeightsAhead::range() const { return {first->data + begin, static_cast<int64_t>(end - begin)}; }

void StepCompiler::add_step(std::unique_ptr<Step> step) { compiled_.steps.push_back(std::move(step)); }

std::shared_ptr<PackedBlock> StepCompiler::add_packed(size_t bytes, std::function<void(std::byte*)> pack) {
  compiled_.packed.push_back(std::make_shared<PackedBlock>(PackedBlock{bytes, std::move(pack), nullptr}));
  return compiled_.packed.back();
}

std::shared_ptr<PackedBlock> StepCompiler::add_shared_packed(const std::string& key, size_t bytes,
                                                             std::function<void(std::byte*)> pack) {
  std::shared_ptr<PackedBlock>& block = shared_packed_[key];
  if (block == nullptr) block = add_packed(bytes, std::move(pack));
  return block;
}

std::shared_ptr<PackedBlock> StepCompiler::add_packed(std::vector<float> values) {
  const size_t bytes = values.size() * sizeof(float);
  return add_packed(bytes,
                    [values = std::move(values), bytes](std::byte* dst) { std::memcpy(dst, values.data(), bytes); });
}

std::shared_ptr<PackedBlock> StepCompiler::add_packed_bias(ParameterId bias, int64_t outputs, int64_t step) {
  std::vector<float> values(static_cast<size_t>((outputs + step - 1) / step * step));
  std::ranges::copy(parameter(bias), values.begin());
  return add_packed(std::move(values));
}

int64_t StepCompiler::blocks(const Shape& shape) const {
  return shape[0] * kernels::block_count(shape[1], table_.lanes);
}

int64_t StepCompiler::area(const Shape& shape) { return shape.rank() == 4 ? shape[2] * shape[3] : 1; }

}  // namespace zoo::engine
