#include "nn/engine/reference/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <variant>
#include <vector>

#include "nn/core/error.h"
#include "nn/graph/graph.h"

namespace zoo::engine::reference {
namespace {

/// Reads and writes of one evaluation.
struct Job {
  std::span<const TensorView> srcs;
  const ParameterValues& values;
  const Shape& dst_shape;
  std::span<float> dst;

  std::span<const float> parameter(ParameterId id) const { return values.views[static_cast<size_t>(id)]; }
  double value(ParameterId id, int64_t index, double otherwise) const {
    return id == graph::kNone ? otherwise : parameter(id)[static_cast<size_t>(index)];
  }
  double activate_fused(const graph::FusedActivation& function, double x) const {
    return activate(function.kind, x, value(function.slope, 0, 0.0));
  }
};

int64_t plane(const Shape& shape) { return shape[2] * shape[3]; }

void evaluate_op(const graph::Input&, const Job&) { throw EngineError("the input of a network cannot be evaluated"); }

/// Adds one filter tap times one source plane to the sums of one output plane.
void accumulate_tap(const graph::Conv2d& op, graph::Size2d pad, const Shape& src_shape, const float* src, double weight,
                    graph::Size2d tap, const Shape& dst_shape, double* sums) {
  const int64_t first_y = tap.h * op.dilation.h - pad.h;
  const int64_t first_x = tap.w * op.dilation.w - pad.w;
  const int64_t step = op.stride.w;
  const auto add = [weight](const float* from, double* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] += weight * static_cast<double>(from[i]);
  };
  // Rows that lie side by side on both sides are one.
  const bool is_whole = step == 1 && op.stride.h == 1 && first_y == 0 && first_x == 0 && src_shape[2] == dst_shape[2] &&
                        src_shape[3] == dst_shape[3];
  if (is_whole) return add(src, sums, dst_shape[2] * dst_shape[3]);
  // Columns whose source lies inside; the loop over them is without conditions, which makes it several times faster.
  const int64_t begin = first_x < 0 ? (step - 1 - first_x) / step : 0;
  const int64_t end = std::min(dst_shape[3], (src_shape[3] - 1 - first_x + step) / step);
  for (int64_t y = 0; y < dst_shape[2]; ++y) {
    const int64_t src_y = y * op.stride.h + first_y;
    if (src_y < 0 || src_y >= src_shape[2]) continue;
    const float* row = src + src_y * src_shape[3];
    double* sum = sums + y * dst_shape[3];
    if (step == 1) {
      add(row + begin + first_x, sum + begin, end - begin);
    } else {
      for (int64_t x = begin; x < end; ++x) sum[x] += weight * static_cast<double>(row[x * step + first_x]);
    }
  }
}

void evaluate_op(const graph::Conv2d& op, const Job& job) {
  const TensorView& src = job.srcs[0];
  const int64_t src_plane = plane(src.shape);
  const int64_t dst_plane = plane(job.dst_shape);
  const int64_t group_in = op.in_channels / op.groups;
  const int64_t group_out = op.out_channels / op.groups;
  const int64_t taps = op.kernel.h * op.kernel.w;
  const graph::Size2d pad = graph::resolve_padding(op, {src.shape[2], src.shape[3]}).begin;
  const float* weights = job.parameter(op.weight).data();

  std::vector<double> sums(static_cast<size_t>(dst_plane));
  for (int64_t n = 0; n < job.dst_shape[0]; ++n) {
    for (int64_t o = 0; o < op.out_channels; ++o) {
      std::fill(sums.begin(), sums.end(), job.value(op.bias, o, 0.0));
      for (int64_t c = 0; c < group_in; ++c) {
        const int64_t src_channel = o / group_out * group_in + c;
        const float* src_values = src.data.data() + (n * op.in_channels + src_channel) * src_plane;
        for (int64_t t = 0; t < taps; ++t) {
          const double weight = weights[(o * group_in + c) * taps + t];
          accumulate_tap(op, pad, src.shape, src_values, weight, {t / op.kernel.w, t % op.kernel.w}, job.dst_shape,
                         sums.data());
        }
      }
      const int64_t offset = (n * op.out_channels + o) * dst_plane;
      for (int64_t p = 0; p < dst_plane; ++p) {
        double sum = sums[static_cast<size_t>(p)];
        if (job.srcs.size() > 1) sum += job.srcs[1].data[static_cast<size_t>(offset + p)];
        job.dst[static_cast<size_t>(offset + p)] = static_cast<float>(job.activate_fused(op.activation, sum));
      }
    }
  }
}

/// Calls `f(channel, first index, elements)` for every plane [H, W] of a [N, C, H, W] or row element of [N, C].
template <typename F>
void for_each_plane(const Shape& shape, F f) {
  const int64_t area = shape.rank() == 4 ? plane(shape) : 1;
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i) f(i % shape[1], i * area, area);
}

void evaluate_op(const graph::BatchNorm& op, const Job& job) {
  for_each_plane(job.dst_shape, [&](int64_t c, int64_t first, int64_t area) {
    const double scale = job.value(op.weight, c, 1.0) / std::sqrt(job.value(op.var, c, 1.0) + op.eps);
    const double mean = job.value(op.mean, c, 0.0);
    const double bias = job.value(op.bias, c, 0.0);
    for (int64_t i = first; i < first + area; ++i) {
      const auto at = static_cast<size_t>(i);
      job.dst[at] = static_cast<float>((job.srcs[0].data[at] - mean) * scale + bias);
    }
  });
}

void evaluate_op(const graph::InstanceNorm& op, const Job& job) {
  for_each_plane(job.dst_shape, [&](int64_t, int64_t first, int64_t area) {
    const auto values = job.srcs[0].data.subspan(static_cast<size_t>(first), static_cast<size_t>(area));
    double mean = 0.0;
    for (float v : values) mean += v;
    mean /= static_cast<double>(area);
    double variance = 0.0;
    for (float v : values) variance += (v - mean) * (v - mean);
    variance /= static_cast<double>(area);
    const double scale = 1.0 / std::sqrt(variance + op.eps);
    for (size_t i = 0; i < values.size(); ++i) {
      job.dst[static_cast<size_t>(first) + i] = static_cast<float>((values[i] - mean) * scale);
    }
  });
}

void evaluate_op(const graph::Activation& op, const Job& job) {
  for (size_t i = 0; i < job.dst.size(); ++i) {
    job.dst[i] = static_cast<float>(job.activate_fused(op.function, job.srcs[0].data[i]));
  }
}

void evaluate_op(const graph::Add&, const Job& job) {
  for (size_t i = 0; i < job.dst.size(); ++i) job.dst[i] = job.srcs[0].data[i] + job.srcs[1].data[i];
}

void evaluate_op(const graph::Mul&, const Job& job) {
  const auto area = static_cast<size_t>(plane(job.dst_shape));
  for (size_t i = 0; i < job.dst.size(); ++i) job.dst[i] = job.srcs[0].data[i] * job.srcs[1].data[i / area];
}

void evaluate_op(const graph::GlobalAvgPool&, const Job& job) {
  const auto area = static_cast<size_t>(plane(job.srcs[0].shape));
  for (size_t i = 0; i < job.dst.size(); ++i) {
    double sum = 0.0;
    for (float v : job.srcs[0].data.subspan(i * area, area)) sum += v;
    job.dst[i] = static_cast<float>(sum / static_cast<double>(area));
  }
}

void evaluate_op(const graph::Flatten&, const Job& job) {
  std::copy(job.srcs[0].data.begin(), job.srcs[0].data.end(), job.dst.begin());
}

void evaluate_op(const graph::Linear& op, const Job& job) {
  const std::span<const float> weights = job.parameter(op.weight);
  for (int64_t n = 0; n < job.dst_shape[0]; ++n) {
    const float* x = job.srcs[0].data.data() + n * op.in_features;
    for (int64_t o = 0; o < op.out_features; ++o) {
      const float* row = weights.data() + o * op.in_features;
      double sum = job.value(op.bias, o, 0.0);
      for (int64_t i = 0; i < op.in_features; ++i) sum += static_cast<double>(row[i]) * x[i];
      job.dst[static_cast<size_t>(n * op.out_features + o)] =
          static_cast<float>(job.activate_fused(op.activation, sum));
    }
  }
}

void evaluate_op(const graph::SqueezeExcite& op, const Job& job) {
  const TensorView& src = job.srcs[0];
  const auto area = static_cast<size_t>(plane(src.shape));
  const std::span<const float> reduce = job.parameter(op.reduce_weight);
  const std::span<const float> expand = job.parameter(op.expand_weight);
  std::vector<double> means(static_cast<size_t>(op.channels));
  std::vector<double> hidden(static_cast<size_t>(op.squeezed));
  for (size_t n = 0; n < static_cast<size_t>(src.shape[0]); ++n) {
    const auto image = src.data.subspan(n * means.size() * area, means.size() * area);
    for (size_t c = 0; c < means.size(); ++c) {
      double sum = 0.0;
      for (float v : image.subspan(c * area, area)) sum += v;
      means[c] = sum / static_cast<double>(area);
    }
    for (size_t s = 0; s < hidden.size(); ++s) {
      double sum = job.value(op.reduce_bias, static_cast<int64_t>(s), 0.0);
      for (size_t c = 0; c < means.size(); ++c) sum += static_cast<double>(reduce[s * means.size() + c]) * means[c];
      hidden[s] = job.activate_fused(op.inner, sum);
    }
    for (size_t c = 0; c < means.size(); ++c) {
      double sum = job.value(op.expand_bias, static_cast<int64_t>(c), 0.0);
      for (size_t s = 0; s < hidden.size(); ++s) sum += static_cast<double>(expand[c * hidden.size() + s]) * hidden[s];
      const double gate = job.activate_fused(op.gate, sum);
      for (size_t p = 0; p < area; ++p) {
        job.dst[(n * means.size() + c) * area + p] = static_cast<float>(image[c * area + p] * gate);
      }
    }
  }
}

void evaluate_op(const graph::ScaleChannels& op, const Job& job) {
  for_each_plane(job.dst_shape, [&](int64_t c, int64_t first, int64_t area) {
    const double gamma = job.value(op.weight, c, 1.0);
    for (int64_t i = first; i < first + area; ++i) {
      job.dst[static_cast<size_t>(i)] = static_cast<float>(job.srcs[0].data[static_cast<size_t>(i)] * gamma);
    }
  });
}

/// Calls `f(value, ky, kx)` for the taps of a window that lie inside one plane [H, W].
template <typename F>
void for_each_tap(const Shape& shape, const float* src, graph::Size2d kernel, int64_t first_y, int64_t first_x, F f) {
  for (int64_t ky = 0; ky < kernel.h; ++ky) {
    for (int64_t kx = 0; kx < kernel.w; ++kx) {
      const int64_t y = first_y + ky;
      const int64_t x = first_x + kx;
      if (y >= 0 && y < shape[2] && x >= 0 && x < shape[3]) {
        f(static_cast<double>(src[y * shape[3] + x]), ky, kx);
      }
    }
  }
}

void evaluate_op(const graph::AvgPool2d& op, const Job& job) {
  const Shape& src = job.srcs[0].shape;
  for_each_plane(job.dst_shape, [&](int64_t, int64_t first, int64_t area) {
    const float* values = job.srcs[0].data.data() + first / area * plane(src);
    for (int64_t i = 0; i < area; ++i) {
      const int64_t y = i / job.dst_shape[3] * op.stride.h - op.pad.h;
      const int64_t x = i % job.dst_shape[3] * op.stride.w - op.pad.w;
      double sum = 0.0;
      int64_t count = 0;
      for_each_tap(src, values, op.kernel, y, x, [&](double value, int64_t, int64_t) {
        sum += value;
        ++count;
      });
      if (op.count_include_pad) count = op.kernel.h * op.kernel.w;
      job.dst[static_cast<size_t>(first + i)] = static_cast<float>(sum / static_cast<double>(count));
    }
  });
}

void evaluate_op(const graph::MaxPool2d& op, const Job& job) {
  const Shape& src = job.srcs[0].shape;
  for_each_plane(job.dst_shape, [&](int64_t, int64_t first, int64_t area) {
    const float* values = job.srcs[0].data.data() + first / area * plane(src);
    for (int64_t i = 0; i < area; ++i) {
      const int64_t y = i / job.dst_shape[3] * op.stride.h - op.pad.h;
      const int64_t x = i % job.dst_shape[3] * op.stride.w - op.pad.w;
      double largest = -std::numeric_limits<double>::infinity();
      for_each_tap(src, values, op.kernel, y, x, [&](double value, int64_t, int64_t) {
        if (value > largest || std::isnan(value)) largest = value;
      });
      job.dst[static_cast<size_t>(first + i)] = static_cast<float>(largest);
    }
  });
}

void evaluate_op(const graph::BlurPool2d& op, const Job& job) {
  constexpr auto kTaps = static_cast<int64_t>(graph::kBlurFilter.size());
  const Shape& src = job.srcs[0].shape;
  for_each_plane(job.dst_shape, [&](int64_t, int64_t first, int64_t area) {
    const float* values = job.srcs[0].data.data() + first / area * plane(src);
    for (int64_t i = 0; i < area; ++i) {
      const int64_t y = i / job.dst_shape[3] * op.stride.h - kTaps / 2;
      const int64_t x = i % job.dst_shape[3] * op.stride.w - kTaps / 2;
      double sum = 0.0;
      for_each_tap(src, values, {kTaps, kTaps}, y, x, [&](double value, int64_t ky, int64_t kx) {
        sum += value * graph::kBlurFilter[static_cast<size_t>(ky)] * graph::kBlurFilter[static_cast<size_t>(kx)];
      });
      job.dst[static_cast<size_t>(first + i)] = static_cast<float>(sum);
    }
  });
}

void evaluate_op(const graph::Resize& op, const Job& job) {
  const Shape& src = job.srcs[0].shape;
  const std::vector<graph::ResizeTap> rows = graph::resize_taps(op.mode, src[2], job.dst_shape[2]);
  const std::vector<graph::ResizeTap> columns = graph::resize_taps(op.mode, src[3], job.dst_shape[3]);
  for_each_plane(job.dst_shape, [&](int64_t, int64_t first, int64_t area) {
    const float* values = job.srcs[0].data.data() + first / area * plane(src);
    float* dst = job.dst.data() + first;
    for (const graph::ResizeTap& row : rows) {
      const float* above = values + row.first * src[3];
      const float* below = values + row.second * src[3];
      for (const graph::ResizeTap& column : columns) {
        const double top = std::lerp(double{above[column.first]}, double{above[column.second]}, double{column.weight});
        const double low = std::lerp(double{below[column.first]}, double{below[column.second]}, double{column.weight});
        *dst++ = static_cast<float>(std::lerp(top, low, double{row.weight}));
      }
    }
  });
}

void evaluate_op(const graph::Concat&, const Job& job) {
  const int64_t images = job.dst_shape[0];
  auto dst = job.dst.begin();
  for (int64_t n = 0; n < images; ++n) {
    for (const TensorView& src : job.srcs) {
      const auto image = src.data.size() / static_cast<size_t>(images);
      dst = std::ranges::copy(src.data.subspan(static_cast<size_t>(n) * image, image), dst).out;
    }
  }
}

/// Every plane of the result is that of the source whose channel `channel_of` yields.
template <typename ChannelOf>
void move_channels(const Job& job, const ChannelOf& channel_of) {
  const int64_t channels = job.dst_shape[1];
  const int64_t src_channels = job.srcs[0].shape[1];
  const int64_t area = plane(job.dst_shape);
  for (int64_t n = 0; n < job.dst_shape[0]; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      const float* src = job.srcs[0].data.data() + (n * src_channels + channel_of(c)) * area;
      std::copy(src, src + area, job.dst.data() + (n * channels + c) * area);
    }
  }
}

void evaluate_op(const graph::SliceChannels& op, const Job& job) {
  move_channels(job, [&op](int64_t channel) { return op.begin + channel; });
}

void evaluate_op(const graph::ShuffleChannels& op, const Job& job) {
  const int64_t in_group = op.channels / op.groups;
  move_channels(job, [&](int64_t channel) { return channel % op.groups * in_group + channel / op.groups; });
}

void evaluate_op(const graph::MultiQueryAttention& op, const Job& job) {
  const int64_t queries = plane(job.dst_shape);
  const int64_t keys = plane(job.srcs[1].shape);
  const double scale = 1.0 / std::sqrt(static_cast<double>(op.key_dim));
  std::vector<double> weights(static_cast<size_t>(keys));
  for (int64_t n = 0; n < job.dst_shape[0]; ++n) {
    const float* key = job.srcs[1].data.data() + n * op.key_dim * keys;
    const float* value = job.srcs[2].data.data() + n * op.value_dim * keys;
    for (int64_t head = 0; head < op.heads; ++head) {
      const float* query = job.srcs[0].data.data() + (n * op.heads + head) * op.key_dim * queries;
      float* dst = job.dst.data() + (n * op.heads + head) * op.value_dim * queries;
      for (int64_t q = 0; q < queries; ++q) {
        for (int64_t k = 0; k < keys; ++k) {
          double product = 0.0;
          for (int64_t d = 0; d < op.key_dim; ++d) product += double{query[d * queries + q]} * key[d * keys + k];
          weights[static_cast<size_t>(k)] = product * scale;
        }
        const double largest = *std::max_element(weights.begin(), weights.end());
        double sum = 0.0;
        for (double& weight : weights) sum += weight = std::exp(weight - largest);
        for (int64_t d = 0; d < op.value_dim; ++d) {
          double mix = 0.0;
          for (int64_t k = 0; k < keys; ++k) mix += weights[static_cast<size_t>(k)] * value[d * keys + k];
          dst[d * queries + q] = static_cast<float>(mix / sum);
        }
      }
    }
  }
}

}  // namespace

double activate(ActivationKind kind, double x, double slope) {
  switch (kind) {
    case ActivationKind::kIdentity:
      return x;
    case ActivationKind::kRelu:
      return std::max(x, 0.0);
    case ActivationKind::kRelu6:
      return std::clamp(x, 0.0, 6.0);
    case ActivationKind::kPrelu:
      return x > 0.0 ? x : slope * x;
    case ActivationKind::kLeakyRelu:
      return x > 0.0 ? x : static_cast<double>(kLeakyReluSlope) * x;
    case ActivationKind::kGelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case ActivationKind::kSilu:
      return x / (1.0 + std::exp(-x));
    case ActivationKind::kHardSwish:
      return x * std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case ActivationKind::kHardSigmoid:
      return std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case ActivationKind::kSigmoid:
      return 1.0 / (1.0 + std::exp(-x));
  }
  throw EngineError("unknown activation");
}

void evaluate(const graph::Op& op, std::span<const TensorView> srcs, const ParameterValues& values,
              const Shape& dst_shape, std::span<float> dst) {
  std::visit([&](const auto& typed) { evaluate_op(typed, Job{srcs, values, dst_shape, dst}); }, op);
}

}  // namespace zoo::engine::reference
