#include "nn/engine/lower/relayout.h"

#include <algorithm>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/lower/own_step.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

std::unique_ptr<Step> make_bf16_relayout(const NetworkValues& values, ValueId src, ValueId dst, bool to_blocked) {
  const Shape shape = values.value(src).shape;
  const auto bind = [=, images = shape[0], channels = shape[1],
                     area = NetworkFacts::area(shape)](const RunnerMemory& memory) {
    float* blocked = memory[to_blocked ? dst : src];
    auto* bf16 = memory.as<kernels::Bf16>(to_blocked ? src : dst);
    return [=, threads = memory.threads] {
      parallel_for(threads, images, [&](int64_t begin, int64_t end) {
        if (to_blocked) {
          kernels::bf16_to_blocked(bf16, blocked, channels, area, begin, end);
        } else {
          kernels::blocked_to_bf16(blocked, bf16, channels, area, begin, end);
        }
      });
    };
  };
  return make_step(to_blocked ? "bf16_to_blocked" : "blocked_to_bf16", {src}, dst, bind);
}

std::unique_ptr<Step> make_f32_relayout(const NetworkFacts& network, const NetworkValues& values, ValueId src,
                                        ValueId dst) {
  const bool to_blocked = values.value(dst).layout == Layout::kBlocked;
  const bool from_blocked = values.value(src).layout == Layout::kBlocked;
  // A flattening re-layout has different shapes on its two sides; the blocked side knows channels and area.
  const Shape shape = to_blocked ? values.value(dst).shape : values.value(src).shape;
  const auto bind = [=, &table = network.table(), blocks = network.blocks(shape), area = NetworkFacts::area(shape),
                     channels = shape[1], elements = shape.elements()](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      if (to_blocked == from_blocked) {
        std::copy(x, x + elements, y);
        return;
      }
      const auto relayout = to_blocked ? table.to_blocked : table.to_planar;
      parallel_for(threads, blocks, [&](int64_t begin, int64_t end) { relayout(x, y, channels, area, begin, end); });
    };
  };
  return make_step(network, to_blocked ? "to_blocked" : "to_planar", {src}, dst, bind);
}

/// Between blocked f32 and channels-last u8, in the quantisation of the u8 side.
std::unique_ptr<Step> make_int8_relayout(const NetworkFacts& network, const NetworkValues& values, ValueId src,
                                         ValueId dst) {
  const bool to_int8 = values.value(dst).type == DataType::kU8;
  const Value& map = values.value(to_int8 ? dst : src);
  const auto bind = [=, &table = network.int8_table(), quantization = map.quantization,
                     items = map.shape[0] * kernels::int8_padded(map.shape[1]) / kernels::kInt8Lanes,
                     blocked = kernels::Int8Blocked{map.shape[1], NetworkFacts::area(map.shape),
                                                    network.table().lanes}](const RunnerMemory& memory) {
    return [=, &table, threads = memory.threads, x = memory[src], y = memory[dst]] {
      parallel_for(threads, items, [&](int64_t begin, int64_t end) {
        if (to_int8) {
          table.quantize(blocked, x, quantization->inverse_step.data(), quantization->zero.data(),
                         reinterpret_cast<uint8_t*>(y), begin, end);
        } else {
          table.dequantize(blocked, reinterpret_cast<const uint8_t*>(x), quantization->step.data(),
                           quantization->zero.data(), y, begin, end);
        }
      });
    };
  };
  return make_int8_step(network, to_int8 ? "blocked_to_int8" : "int8_to_blocked", {src}, dst, bind);
}

}  // namespace

std::unique_ptr<Step> make_relayout(const NetworkFacts& network, const NetworkValues& values, ValueId src, ValueId dst,
                                    std::string_view name) {
  std::unique_ptr<Step> step;
  if (values.value(src).type == DataType::kBf16) {
    step = make_bf16_relayout(values, src, dst, true);
  } else if (values.value(dst).type == DataType::kBf16) {
    step = make_bf16_relayout(values, src, dst, false);
  } else if (values.value(src).type == DataType::kU8 || values.value(dst).type == DataType::kU8) {
    step = make_int8_relayout(network, values, src, dst);
  } else {
    step = make_f32_relayout(network, values, src, dst);
  }
  step->info.node = name;
  step->info.op = "Relayout";
  return step;
}

}  // namespace zoo::engine
