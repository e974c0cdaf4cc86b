// Operations that only put channels elsewhere: concatenation, slices, shuffles. Where such operations follow one
// another, the last one takes every channel from where it was computed, so that whatever their number, a channel is
// copied once.
#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nn/engine/f32/f32_steps.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

/// Those of AVX-512.
constexpr size_t kMaxLanes = 16;

/// A channel of what a node yields.
struct Channel {
  graph::NodeId node = graph::kNone;
  int64_t index = 0;
};

/// Yields the source of one channel of a node's value; for the operations that only move channels.
class SourceOf {
 public:
  SourceOf(const NetworkFacts& network, graph::NodeId node, int64_t channel)
      : network_(network), inputs_(network.node(node).inputs), channel_(channel) {}

  Channel operator()(const graph::Concat&) const {
    int64_t channel = channel_;
    size_t source = 0;
    for (; channel >= network_.shape(inputs_[source])[1]; ++source) channel -= network_.shape(inputs_[source])[1];
    return {inputs_[source], channel};
  }
  Channel operator()(const graph::SliceChannels& slice) const { return {inputs_[0], slice.begin + channel_}; }
  Channel operator()(const graph::ShuffleChannels& shuffle) const {
    return {inputs_[0], channel_ % shuffle.groups * (shuffle.channels / shuffle.groups) + channel_ / shuffle.groups};
  }

 private:
  const NetworkFacts& network_;
  const std::vector<graph::NodeId>& inputs_;
  int64_t channel_;
};

bool moves_channels(const graph::Op& op) {
  return std::visit([]<typename Typed>(const Typed&) { return std::is_invocable_v<SourceOf, const Typed&>; }, op);
}

Channel source_of(const NetworkFacts& network, Channel channel) {
  const SourceOf source(network, channel.node, channel.index);
  return std::visit(
      [&]<typename Typed>(const Typed& op) {
        if constexpr (std::is_invocable_v<SourceOf, const Typed&>) {
          return source(op);
        } else {
          return channel;
        }
      },
      network.node(channel.node).op);
}

/// Whether all who read the node move channels too: they take them from its sources, and the node does nothing.
bool is_passed_on(const NetworkFacts& network, graph::NodeId id) {
  const auto moves = [&](graph::NodeId reader) { return moves_channels(network.node(reader).op); };
  const std::vector<graph::NodeId>& readers = network.readers(id);
  return moves_channels(network.node(id).op) && !readers.empty() && !network.is_output(id) &&
         std::ranges::all_of(readers, moves);
}

/// Where a lane of a block of the result comes from.
struct Lane {
  size_t source = 0;
  int64_t channel = 0;
};

/// Lanes of all channels of the result, and the nodes that they come from.
struct Moves {
  std::vector<graph::NodeId> sources;
  std::vector<Lane> lanes;
};

Moves moves_of(const NetworkFacts& network, graph::NodeId id) {
  Moves moves;
  for (int64_t c = 0; c < network.shape(id)[1]; ++c) {
    Channel channel = source_of(network, {id, c});
    while (is_passed_on(network, channel.node)) channel = source_of(network, channel);
    const auto found = std::ranges::find(moves.sources, channel.node);
    moves.lanes.push_back({static_cast<size_t>(found - moves.sources.begin()), channel.index});
    if (found == moves.sources.end()) moves.sources.push_back(channel.node);
  }
  return moves;
}

/// Whether these are all channels of one block of one source, in their order.
bool is_whole_block(std::span<const Lane> lanes, int64_t block) {
  if (static_cast<int64_t>(lanes.size()) != block || lanes.front().channel % block != 0) return false;
  for (size_t i = 1; i < lanes.size(); ++i) {
    const auto step = static_cast<int64_t>(i);
    if (lanes[i].source != lanes[0].source || lanes[i].channel != lanes[0].channel + step) return false;
  }
  return true;
}

/// Fills one channel block of one image; `images` are the first blocks of the sources. Lanes that are no channels
/// become zero.
void fill_block(std::span<const Lane> lanes, std::span<const float* const> images, int64_t block, int64_t area,
                float* dst) {
  if (is_whole_block(lanes, block)) {
    const float* src = images[lanes.front().source] + lanes.front().channel * area;
    std::copy(src, src + area * block, dst);
    return;
  }
  const size_t channels = lanes.size();
  std::array<const float*, kMaxLanes> from{};
  for (size_t i = 0; i < channels; ++i) {
    const int64_t place = lanes[i].channel % block;
    from[i] = images[lanes[i].source] + (lanes[i].channel - place) * area + place;
  }
  for (int64_t at = 0; at < area * block; at += block) {
    for (size_t lane = 0; lane < channels; ++lane) dst[at + static_cast<int64_t>(lane)] = from[lane][at];
    std::fill(dst + at + static_cast<int64_t>(channels), dst + at + block, 0.0F);
  }
}

void compile_moves(const LoweringContext& context, graph::NodeId id, std::string_view name) {
  if (is_passed_on(context.network, id)) return;
  Moves moves = moves_of(context.network, id);
  std::vector<ValueId> sources;
  std::vector<int64_t> channels;
  for (const graph::NodeId source : moves.sources) {
    sources.push_back(context.values.blocked(source));
    channels.push_back(context.network.shape(source)[1]);
  }
  const Shape& shape = context.network.shape(id);
  const ValueId dst = context.values.add(shape, Layout::kBlocked);
  const int64_t block = context.network.table().lanes;
  // The step owns the lanes and outlives what it binds.
  auto bind = [=, blocks = context.network.blocks(shape), area = NetworkFacts::area(shape),
               lanes = std::move(moves.lanes)](const RunnerMemory& memory) {
    // For every image the first block of every source.
    std::vector<std::vector<const float*>> images(static_cast<size_t>(shape[0]));
    for (size_t n = 0; n < images.size(); ++n) {
      for (size_t s = 0; s < sources.size(); ++s) {
        const int64_t image = kernels::block_count(channels[s], block) * block * area;
        images[n].push_back(memory[sources[s]] + static_cast<int64_t>(n) * image);
      }
    }
    return [=, threads = memory.threads, &lanes, images = std::move(images), y = memory[dst]] {
      const int64_t per_image = kernels::block_count(shape[1], block);
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          const auto first = static_cast<size_t>(item % per_image * block);
          const size_t count = std::min(static_cast<size_t>(block), lanes.size() - first);
          fill_block(std::span(lanes).subspan(first, count), images[static_cast<size_t>(item / per_image)], block, area,
                     y + item * area * block);
        }
      });
    };
  };
  context.steps.push_back(make_step(context.network, name, sources, dst, std::move(bind)));
  context.values.set(id, dst);
}

}  // namespace

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::Concat&) {
  compile_moves(context, id, "concat");
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::SliceChannels&) {
  compile_moves(context, id, "slice_channels");
}

void compile_op(const LoweringContext& context, graph::NodeId id, const graph::ShuffleChannels&) {
  compile_moves(context, id, "shuffle_channels");
}

}  // namespace zoo::engine
