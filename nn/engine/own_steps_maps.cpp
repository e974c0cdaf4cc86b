// Steps that resample feature maps, join them or mix their positions: pooling, resizing, concatenation, attention.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/engine/own_step.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

std::vector<kernels::AxisTap> axis_taps(graph::ResizeMode mode, int64_t src, int64_t dst) {
  std::vector<kernels::AxisTap> taps;
  for (const graph::ResizeTap& tap : graph::resize_taps(mode, src, dst)) {
    taps.push_back({tap.first, tap.second, tap.weight});
  }
  return taps;
}

using PoolKernel = void (*)(const kernels::Pool&, const float*, float*, int64_t, int64_t);

/// What AvgPool2d and MaxPool2d have in common.
template <typename PoolOp>
void compile_pool(StepCompiler& compiler, graph::NodeId id, const PoolOp& op, std::string_view name, PoolKernel kernel,
                  bool count_include_pad) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const Shape& in = compiler.value(src).shape;
  const Shape& out = compiler.shape(id);
  const kernels::Pool pool = {.src_h = in[2],
                              .src_w = in[3],
                              .dst_h = out[2],
                              .dst_w = out[3],
                              .kernel_h = op.kernel.h,
                              .kernel_w = op.kernel.w,
                              .stride_h = op.stride.h,
                              .stride_w = op.stride.w,
                              .pad_top = op.pad.h,
                              .pad_left = op.pad.w,
                              .count_include_pad = count_include_pad};
  const auto bind = [=, threads = compiler.threads(), blocks = compiler.blocks(out)](const RunnerMemory& memory) {
    return [=, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { kernel(pool, x, y, begin, end); });
    };
  };
  compiler.add_step(make_step(compiler, name, {src}, dst, bind));
  compiler.set_value(id, dst);
}

/// Neighbouring channels of one source that become neighbouring lanes of one block of the result.
struct LaneRun {
  size_t source = 0;
  int64_t src_channel = 0;
  int64_t dst_lane = 0;
  int64_t count = 0;
};

/// For every channel block of the result: where its channels come from.
std::vector<std::vector<LaneRun>> lane_runs(const std::vector<int64_t>& channels, int64_t lanes) {
  std::vector<std::vector<LaneRun>> blocks;
  int64_t dst_channel = 0;
  for (size_t source = 0; source < channels.size(); ++source) {
    for (int64_t channel = 0; channel < channels[source];) {
      const int64_t dst_lane = dst_channel % lanes;
      const int64_t count = std::min({channels[source] - channel, lanes - dst_lane, lanes - channel % lanes});
      if (dst_channel / lanes == static_cast<int64_t>(blocks.size())) blocks.emplace_back();
      blocks.back().push_back({source, channel, dst_lane, count});
      channel += count;
      dst_channel += count;
    }
  }
  return blocks;
}

/// One channel block of one image. Lanes that are no channels become zero.
void join_block(const std::vector<LaneRun>& runs, const std::vector<const float*>& images, int64_t lanes, int64_t area,
                float* dst) {
  if (runs.size() == 1 && runs.front().count == lanes) {
    const float* block = images[runs.front().source] + runs.front().src_channel * area;
    std::copy(block, block + area * lanes, dst);
    return;
  }
  std::fill(dst, dst + area * lanes, 0.0F);
  for (const LaneRun& run : runs) {
    const int64_t first_lane = run.src_channel % lanes;
    const float* src = images[run.source] + (run.src_channel - first_lane) * area + first_lane;
    for (int64_t position = 0; position < area; ++position) {
      std::copy_n(src + position * lanes, run.count, dst + position * lanes + run.dst_lane);
    }
  }
}

}  // namespace

void compile_avg_pool(StepCompiler& compiler, graph::NodeId id, const graph::AvgPool2d& op) {
  compile_pool(compiler, id, op, "avg_pool", compiler.table().avg_pool, op.count_include_pad);
}

void compile_max_pool(StepCompiler& compiler, graph::NodeId id, const graph::MaxPool2d& op) {
  compile_pool(compiler, id, op, "max_pool", compiler.table().max_pool, false);
}

void compile_concat(StepCompiler& compiler, graph::NodeId id) {
  std::vector<ValueId> sources;
  std::vector<int64_t> channels;
  for (const graph::NodeId input : compiler.node(id).inputs) {
    sources.push_back(compiler.blocked_value_of(input));
    channels.push_back(compiler.shape(input)[1]);
  }
  const Shape& shape = compiler.shape(id);
  const ValueId dst = compiler.add_value(shape, Layout::kBlocked);
  const int64_t lanes = compiler.table().lanes;
  // The step owns the runs and outlives what it binds.
  auto bind = [=, threads = compiler.threads(), blocks = compiler.blocks(shape), area = StepCompiler::area(shape),
               runs = lane_runs(channels, lanes)](const RunnerMemory& memory) {
    // For every image the first block of every source.
    std::vector<std::vector<const float*>> images(static_cast<size_t>(shape[0]));
    for (size_t n = 0; n < images.size(); ++n) {
      for (size_t s = 0; s < sources.size(); ++s) {
        const int64_t image = kernels::block_count(channels[s], lanes) * lanes * area;
        images[n].push_back(memory[sources[s]] + static_cast<int64_t>(n) * image);
      }
    }
    return [=, &runs, images = std::move(images), y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          const auto block = static_cast<size_t>(item) % runs.size();
          join_block(runs[block], images[static_cast<size_t>(item) / runs.size()], lanes, area,
                     y + item * area * lanes);
        }
      });
    };
  };
  compiler.add_step(make_step(compiler, "concat", sources, dst, std::move(bind)));
  compiler.set_value(id, dst);
}

void compile_resize(StepCompiler& compiler, graph::NodeId id, const graph::Resize& op) {
  const ValueId src = compiler.blocked_value_of(compiler.node(id).inputs[0]);
  const Shape& in = compiler.shape(compiler.node(id).inputs[0]);
  const Shape& out = compiler.shape(id);
  if (in == out) {
    compiler.set_value(id, src);
    return;
  }
  const ValueId dst = compiler.add_value(out, Layout::kBlocked);
  auto rows = axis_taps(op.mode, in[2], out[2]);
  auto columns = axis_taps(op.mode, in[3], out[3]);
  const kernels::Resize resize = {.nearest = op.mode == graph::ResizeMode::kNearest,
                                  .src_h = in[2],
                                  .src_w = in[3],
                                  .dst_h = out[2],
                                  .dst_w = out[3]};
  // The step owns the taps and outlives what it binds.
  auto bind = [=, &table = compiler.table(), threads = compiler.threads(), blocks = compiler.blocks(out),
               rows = std::move(rows), columns = std::move(columns)](const RunnerMemory& memory) {
    kernels::Resize bound = resize;
    bound.rows = rows.data();
    bound.columns = columns.data();
    return [=, &table, x = memory[src], y = memory[dst]] {
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { table.resize(bound, x, y, begin, end); });
    };
  };
  compiler.add_step(make_step(compiler, "resize", {src}, dst, std::move(bind)));
  compiler.set_value(id, dst);
}

void compile_attention(StepCompiler& compiler, graph::NodeId id, const graph::MultiQueryAttention& op) {
  const graph::Node& node = compiler.node(id);
  const ValueId query = compiler.blocked_value_of(node.inputs[0]);
  const ValueId key = compiler.blocked_value_of(node.inputs[1]);
  const ValueId value = compiler.blocked_value_of(node.inputs[2]);
  const ValueId dst = compiler.add_value(compiler.shape(id), Layout::kBlocked);
  const kernels::Attention attention = {.heads = op.heads,
                                        .key_dim = op.key_dim,
                                        .value_dim = op.value_dim,
                                        .queries = StepCompiler::area(compiler.shape(id)),
                                        .keys = StepCompiler::area(compiler.value(key).shape)};
  const int64_t images = compiler.shape(id)[0];
  const int64_t lanes = compiler.table().lanes;
  const int64_t packed_size = kernels::packed_keys_size(attention, images, lanes);
  const int64_t scratch_size = kernels::attention_scratch(attention, lanes);
  const int64_t threads = compiler.threads();
  const auto bind = [=, &table = compiler.table(), key_items = images * kernels::block_count(attention.keys, lanes),
                     items = kernels::attention_items(attention, images)](const RunnerMemory& memory) {
    // Scratch: the packed keys of all images, then one part per thread.
    auto* packed = reinterpret_cast<float*>(memory.scratch);
    return [=, &table, q = memory[query], k = memory[key], v = memory[value], y = memory[dst]] {
      const auto team = static_cast<int>(threads);
      parallel_for(team, key_items, [&](int64_t begin, int64_t end) {
        table.pack_keys(k, packed, attention.key_dim, attention.keys, begin, end);
      });
      parallel_for(team, threads, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          table.attention(attention, q, packed, v, y, packed + packed_size + part * scratch_size,
                          items * part / threads, items * (part + 1) / threads);
        }
      });
    };
  };
  auto step = make_step(compiler, "attention", {query, key, value}, dst, bind);
  step->scratch_bytes = static_cast<size_t>(packed_size + threads * scratch_size) * sizeof(float);
  compiler.add_step(std::move(step));
  compiler.set_value(id, dst);
}

}  // namespace zoo::engine
