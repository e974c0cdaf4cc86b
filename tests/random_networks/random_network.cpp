#include "tests/random_networks/random_network.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/activation.h"
#include "nn/graph/graph_builder.h"
#include "nn/graph/passes.h"
#include "nn/weights/synthetic.h"
#include "tests/generator/random_source.h"

namespace zoo::engine {
namespace {

constexpr int64_t kMostMultiplyAdds = 10'000'000;

class Sketch {
 public:
  explicit Sketch(uint32_t seed)
      : random_(seed),
        builder_(random_.pick<int64_t>({1, 2, 3, 3, 3, 4, 5, 24})),
        size_{random_.between(1, 6), builder_.channels(0), extent(), extent()},
        maps_{{builder_.input(), size_.dims[2], size_.dims[3]}} {}

  RandomNetwork take() {
    const int64_t layers = random_.between(1, 6);
    for (int64_t i = 0; i < layers; ++i) add_layer();
    const Map last = maps_.back();
    if (last.node == builder_.input()) add_convolution();
    if (random_.one_in(3)) add_classifier();
    builder_.output("y", maps_.back().node);
    if (random_.one_in(4) && maps_.size() > 2) builder_.output("tap", maps_[maps_.size() / 2].node);
    graph::Graph graph = builder_.take();
    ParameterValues values = weights::formula_values(graph.parameters, {});
    std::string text = fmt::format("input {}:{}", size_.to_string(), text_);
    return {{std::move(graph), std::move(values)}, size_, std::move(text)};
  }

 private:
  struct Map {
    graph::NodeId node;
    int64_t h;
    int64_t w;
  };

  int64_t extent() { return random_.one_in(3) ? random_.between(1, 60) : random_.between(1, 24); }
  std::string name(std::string_view kind) { return fmt::format("{}{}", kind, count_++); }
  void set(graph::NodeId node, int64_t h, int64_t w, const std::string& text) {
    maps_.push_back({node, h, w});
    text_ += " " + text;
  }

  void add_layer() {
    switch (random_.below(11)) {
      case 0:
        return add_pool();
      case 1:
        return add_squeeze_excite();
      case 2:
        return add_residual();
      case 3:
        return add_joined();
      case 4:
        return add_resized();
      case 5:
        return add_attention();
      default:
        return add_convolution();
    }
  }

  int64_t channels() {
    return random_.one_in(4) ? random_.between(1, 300)
                             : random_.pick<int64_t>({1, 7, 8, 15, 16, 17, 24, 32, 33, 48, 64, 72, 96, 120});
  }

  graph::NodeId activated(graph::NodeId node) {
    static constexpr ActivationKind kKinds[] = {
        ActivationKind::kIdentity,    ActivationKind::kRelu,    ActivationKind::kRelu6, ActivationKind::kPrelu,
        ActivationKind::kLeakyRelu,   ActivationKind::kGelu,    ActivationKind::kSilu,  ActivationKind::kHardSwish,
        ActivationKind::kHardSigmoid, ActivationKind::kSigmoid,
    };
    const ActivationKind kind = kKinds[random_.below(std::size(kKinds))];
    text_ += fmt::format(" {}", to_string(kind));
    return builder_.activation(node, name("act"), kind);
  }

  /// The kernel reaches into the padded map, as deep as memory and time allow.
  void add_convolution() {
    const Map src = maps_.back();
    const int64_t in = builder_.channels(src.node);
    graph::ConvOptions options{.out_channels = channels(),
                               .kernel = random_.pick<int64_t>({1, 1, 1, 3, 3, 3, 5, 7, random_.between(1, 9)}),
                               .stride = random_.pick<int64_t>({1, 1, 1, 2, 2, random_.between(1, 4)}),
                               .dilation = random_.one_in(5) ? random_.between(1, 6) : 1,
                               .bias = !random_.one_in(3)};
    if (random_.one_in(3)) {  // depthwise
      options.groups = in;
      options.out_channels = random_.one_in(6) ? 2 * in : in;
    } else if (random_.one_in(8)) {
      for (const int64_t groups : {2, 3, 4, 5}) {
        if (in % groups == 0 && options.out_channels % groups == 0) options.groups = groups;
      }
    }
    if (options.kernel % 2 == 0 || random_.one_in(3)) options.padding = graph::PaddingMode::kSame;
    const int64_t h = (src.h - 1) / options.stride + 1;  // for both kinds of padding
    const int64_t w = (src.w - 1) / options.stride + 1;
    const int64_t macs =
        size_[0] * h * w * options.out_channels * in / options.groups * options.kernel * options.kernel;
    if (macs_ + macs > kMostMultiplyAdds) return;
    macs_ += macs;
    graph::NodeId node = builder_.conv(src.node, name("conv"), options);
    const std::string text = fmt::format("conv{} k{} s{} d{} g{}{}{}", options.out_channels, options.kernel,
                                         options.stride, options.dilation, options.groups, options.bias ? " bias" : "",
                                         options.padding == graph::PaddingMode::kSame ? " same" : "");
    if (random_.one_in(3)) node = builder_.batch_norm(node, name("norm"), 1e-3);
    node = activated(node);
    set(node, h, w, text);
  }

  void add_pool() {
    const Map src = maps_.back();
    const int64_t kernel = random_.between(1, 3);
    const int64_t stride = random_.between(1, 3);
    const int64_t pad = kernel / 2;
    const int64_t h = (src.h + 2 * pad - kernel) / stride + 1;
    const int64_t w = (src.w + 2 * pad - kernel) / stride + 1;
    if (src.h + 2 * pad < kernel || src.w + 2 * pad < kernel) return;
    const bool is_mean = random_.one_in(2);
    const graph::PoolOptions options{.kernel = kernel, .stride = stride, .pad = pad};
    const graph::NodeId node = is_mean ? builder_.avg_pool(src.node, name("pool"), options)
                                       : builder_.max_pool(src.node, name("pool"), options);
    set(node, h, w, fmt::format("{}_pool k{} s{}", is_mean ? "avg" : "max", kernel, stride));
  }

  void add_squeeze_excite() {
    const Map src = maps_.back();
    const int64_t squeezed = random_.between(1, 40);
    const auto layer = [&](graph::NodeId node, int64_t outputs) {
      return builder_.conv(node, name("gate"), {.out_channels = outputs, .bias = true});
    };
    graph::NodeId gate = builder_.global_avg_pool(src.node, name("mean"));
    gate = builder_.activation(layer(gate, squeezed), name("inner"), ActivationKind::kRelu);
    gate = builder_.activation(layer(gate, builder_.channels(src.node)), name("gate"),
                               random_.one_in(2) ? ActivationKind::kHardSigmoid : ActivationKind::kSigmoid);
    set(builder_.mul(src.node, gate, name("scale")), src.h, src.w, fmt::format("squeeze_excite {}", squeezed));
  }

  void add_residual() {
    const Map src = maps_.back();
    const int64_t in = builder_.channels(src.node);
    if (macs_ + size_[0] * src.h * src.w * in * in > kMostMultiplyAdds) return;
    macs_ += size_[0] * src.h * src.w * in * in;
    const graph::NodeId branch = builder_.conv(src.node, name("conv"), {.out_channels = in, .bias = true});
    const graph::NodeId sum =
        random_.one_in(2) ? builder_.add(branch, src.node, name("sum")) : builder_.add(src.node, branch, name("sum"));
    set(random_.one_in(2) ? activated(sum) : sum, src.h, src.w, "residual");
  }

  void add_joined() {
    const Map src = maps_.back();
    const int64_t in = builder_.channels(src.node);
    if (in < 2) return;
    const int64_t first = random_.between(1, in - 1);
    const graph::NodeId a = builder_.slice_channels(src.node, name("slice"), 0, first);
    const graph::NodeId b = activated(builder_.slice_channels(src.node, name("slice"), first, in - first));
    graph::NodeId node = builder_.concat({b, a}, name("concat"));
    if (in % 2 == 0 && random_.one_in(2)) node = builder_.shuffle_channels(node, name("shuffle"), 2);
    set(node, src.h, src.w, fmt::format("sliced at {} and joined", first));
  }

  void add_resized() {
    const Map src = maps_.back();
    const Map like = maps_[random_.below(maps_.size())];
    const bool is_nearest = random_.one_in(2);
    const graph::NodeId node = builder_.resize_like(
        src.node, like.node, name("resize"), is_nearest ? graph::ResizeMode::kNearest : graph::ResizeMode::kBilinear);
    set(node, like.h, like.w, fmt::format("resize to {}x{}{}", like.h, like.w, is_nearest ? " nearest" : ""));
  }

  void add_attention() {
    const Map src = maps_.back();
    const int64_t heads = random_.between(1, 4);
    const int64_t depth = random_.pick<int64_t>({8, 16, 32});
    const int64_t positions = src.h * src.w;
    const int64_t macs =
        size_[0] * positions * (builder_.channels(src.node) * (heads + 2) + 2 * heads * positions) * depth;
    if (macs_ + macs > kMostMultiplyAdds) return;
    macs_ += macs;
    const auto project = [&](int64_t outputs) {
      return builder_.conv(src.node, name("project"), {.out_channels = outputs, .bias = true});
    };
    const graph::NodeId query = project(heads * depth);
    const graph::NodeId key = project(depth);
    const graph::NodeId value = project(depth);
    set(builder_.multi_query_attention(query, key, value, name("attention"), heads), src.h, src.w,
        fmt::format("attention {}x{}", heads, depth));
  }

  void add_classifier() {
    const graph::NodeId pooled = builder_.global_avg_pool(maps_.back().node, name("mean"));
    const graph::NodeId features = builder_.flatten(pooled, name("flat"));
    const int64_t outputs = random_.between(1, 100);
    set(builder_.linear(features, name("linear"), outputs, !random_.one_in(3)), 1, 1,
        fmt::format("linear {}", outputs));
  }

  test::Random random_;
  graph::GraphBuilder builder_;
  Shape size_;
  std::vector<Map> maps_;
  int64_t macs_ = 0;
  int count_ = 0;
  std::string text_;
};

}  // namespace

RandomNetwork random_network(uint32_t seed) { return Sketch(seed).take(); }

}  // namespace zoo::engine
