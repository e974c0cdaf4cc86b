#include "tests/engine/network_cases.h"

namespace zoo::engine {
namespace {

constexpr auto kSame = graph::PaddingMode::kSame;

graph::NodeId without_bias(graph::GraphBuilder& b, graph::NodeId src, const std::string& name, int64_t channels) {
  return b.conv(src, name, {.out_channels = channels});
}

NetworkCase activation_case(ActivationKind kind) {
  return {"activation_" + std::string(to_string(kind)), [kind](graph::GraphBuilder& b) {
            // Fused into a convolution, behind a depthwise one, and on its own as the result before is handed out too.
            const graph::NodeId conv = pointwise(b, b.input(), "conv", 40);
            b.output("fused", b.activation(pointwise(b, conv, "second", 23), "act1", kind));
            b.output("behind", b.activation(depthwise(b, conv, "depthwise"), "act3", kind));
            b.output("raw", conv);
            b.output("alone", b.activation(conv, "act2", kind));
          }};
}

}  // namespace

graph::ConvOptions ConvCase::options() const {
  return {.out_channels = out_channels,
          .kernel = kernel,
          .stride = stride,
          .dilation = dilation,
          .groups = groups,
          .padding = padding};
}

const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases = {
      {"stem_rgb", 3, 16, 3, 2},
      {"stem_rgb_wide", 3, 32, 3, 2},
      {"stem_rgb_same", 3, 24, 3, 2, 1, 1, kSame},
      {"stem_gray", 1, 24, 3, 2},
      {"stem_two", 2, 8, 3, 2},
      {"stem_two_kernel7", 2, 8, 7, 2},
      {"stem_four", 4, 32, 3, 2},
      {"stem_four_kernel5", 4, 40, 5, 1},
      {"stem_five", 5, 17, 5, 1},
      {"stem_large_kernel", 3, 16, 9, 4},
      {"pointwise", 16, 72, 1, 1},
      {"pointwise_odd", 17, 23, 1, 1},
      {"pointwise_narrow", 72, 1, 1, 1},
      {"pointwise_wide", 40, 200, 1, 1},
      {"pointwise_deep", 112, 48, 1, 1},
      {"pointwise_stride", 24, 40, 1, 2},
      {"dense3", 24, 40, 3, 1},
      {"dense3_half_line", 12, 16, 3, 1},
      {"dense3_stride", 32, 96, 3, 2},
      {"dense3_stride_same", 40, 33, 3, 2, 1, 1, kSame},
      {"dense5_dilated", 20, 24, 5, 1, 2},
      {"depthwise3", 72, 72, 3, 1, 1, 72},
      {"depthwise3_half_line", 16, 16, 3, 1, 1, 16},
      {"depthwise3_stride", 72, 72, 3, 2, 1, 72},
      {"depthwise3_stride_same", 72, 72, 3, 2, 1, 72, kSame},
      {"depthwise5", 40, 40, 5, 1, 1, 40},
      {"depthwise5_stride", 40, 40, 5, 2, 1, 40},
      {"depthwise5_stride_same", 64, 64, 5, 2, 1, 64, kSame},
      {"depthwise7", 24, 24, 7, 1, 1, 24},
      {"depthwise7_stride", 24, 24, 7, 2, 1, 24},
      {"depthwise3_dilated", 24, 24, 3, 1, 2, 24},
      {"depthwise5_dilated", 24, 24, 5, 1, 2, 24},
      {"depthwise3_dilated_stride", 24, 24, 3, 2, 2, 24},
      {"depthwise_odd_channels", 19, 19, 3, 1, 1, 19},
      {"depthwise_multiplied", 12, 36, 3, 1, 1, 12},
      {"grouped3", 24, 40, 3, 1, 1, 4},
      {"grouped3_stride", 15, 21, 3, 2, 1, 3},
      {"grouped_pointwise", 34, 6, 1, 1, 1, 2},
  };
  return cases;
}

const std::vector<Shape>& conv_sizes() {
  static const std::vector<Shape> sizes = {{1, 14, 14}, {3, 7, 7}, {2, 15, 22}, {1, 33, 9}, {1, 40, 49}, {1, 1, 1}};
  return sizes;
}

const std::vector<NetworkCase>& network_cases() {
  static const std::vector<NetworkCase> cases = {
      activation_case(ActivationKind::kIdentity),
      activation_case(ActivationKind::kRelu),
      activation_case(ActivationKind::kRelu6),
      activation_case(ActivationKind::kPrelu),
      activation_case(ActivationKind::kLeakyRelu),
      activation_case(ActivationKind::kGelu),
      activation_case(ActivationKind::kSilu),
      activation_case(ActivationKind::kHardSwish),
      activation_case(ActivationKind::kHardSigmoid),
      activation_case(ActivationKind::kSigmoid),
      {"residual",
       [](graph::GraphBuilder& b) {
         const graph::NodeId first = pointwise(b, b.input(), "first", 40);
         const graph::NodeId sum = b.add(pointwise(b, first, "second", 40), first, "sum");
         b.output("y", b.activation(sum, "act", ActivationKind::kRelu));
       }},
      {"residual_without_bias",
       [](graph::GraphBuilder& b) {
         const graph::NodeId first = without_bias(b, b.input(), "first", 40);
         b.output("y", b.add(without_bias(b, first, "second", 40), first, "sum"));
       }},
      {"residual_of_the_image",
       [](graph::GraphBuilder& b) { b.output("y", b.add(pointwise(b, b.input(), "conv", 24), b.input(), "sum")); }},
      {"residual_of_itself",
       [](graph::GraphBuilder& b) {
         const graph::NodeId conv = pointwise(b, b.input(), "conv", 24);
         b.output("y", b.add(conv, conv, "sum"));
       }},
      {"residual_of_depthwise",
       [](graph::GraphBuilder& b) {
         const graph::NodeId conv = pointwise(b, b.input(), "conv", 40);
         b.output("y", b.add(depthwise(b, conv, "depthwise"), conv, "sum"));
       }},
      {"residual_after_activation",
       [](graph::GraphBuilder& b) {
         const graph::NodeId first = pointwise(b, b.input(), "first", 40);
         const graph::NodeId second = b.activation(pointwise(b, first, "second", 40), "act", ActivationKind::kRelu);
         b.output("y", b.add(second, first, "sum"));
       }},
      {"wide_maps",
       [](graph::GraphBuilder& b) {
         // So many channels that positions lie further apart in memory than channels need.
         graph::NodeId x = b.activation(pointwise(b, b.input(), "first", 250), "act1", ActivationKind::kRelu);
         x = b.add(depthwise(b, x, "depthwise"), x, "sum");
         x = b.activation(b.conv(x, "dense", {.out_channels = 40, .kernel = 3, .stride = 2, .bias = true}), "act2",
                          ActivationKind::kHardSwish);
         const graph::NodeId wide = pointwise(b, x, "wide", 384);
         b.output("wide", wide);
         b.output("y", pointwise(b, squeeze_excite(b, b.activation(wide, "act3", ActivationKind::kSigmoid), 24), "last",
                                 17));
       }},
      {"residual_of_a_kernel_larger_than_the_map",
       [](graph::GraphBuilder& b) {
         // Maps of 1x1 have no fast 5x5 convolution in oneDNN: the own fallback has to do depthwise, dense and
         // residual.
         graph::NodeId x = b.conv(b.input(), "down", {.out_channels = 40, .kernel = 3, .stride = 13});
         x = b.add(b.conv(x, "depthwise", {.out_channels = 40, .kernel = 5, .groups = 40}), x, "sum1");
         b.output("y", b.activation(b.add(b.conv(x, "dense", {.out_channels = 40, .kernel = 7}), x, "sum2"), "act",
                                    ActivationKind::kHardSwish));
       }},
      {"squeeze_excite",
       [](graph::GraphBuilder& b) {
         const graph::NodeId conv = pointwise(b, b.input(), "conv", 72);
         b.output("y", pointwise(b, squeeze_excite(b, conv, 18), "project", 24));
       }},
      {"squeeze_excite_with_tapped_gate",
       [](graph::GraphBuilder& b) {
         const graph::NodeId conv = without_bias(b, b.input(), "conv", 72);
         const graph::NodeId gate = b.activation(without_bias(b, b.global_avg_pool(conv, "pool"), "gate_conv", 72),
                                                 "gate", ActivationKind::kSigmoid);
         b.output("gate", gate);
         b.output("y", b.mul(conv, gate, "scale"));
       }},
      {"squeeze_excite_of_the_image", [](graph::GraphBuilder& b) { b.output("y", squeeze_excite(b, b.input(), 8)); }},
      {"instance_norm",
       [](graph::GraphBuilder& b) {
         b.output("y", b.instance_norm(pointwise(b, b.input(), "conv", 19), "norm", 1e-5));
       }},
      {"instance_norm_between_convolutions",
       [](graph::GraphBuilder& b) {
         const graph::NodeId norm = b.instance_norm(pointwise(b, b.input(), "conv", 19), "norm", 1e-5);
         b.output("y", pointwise(b, norm, "second", 24));
       }},
      {"batch_norm_of_the_image", [](graph::GraphBuilder& b) { b.output("y", b.batch_norm(b.input(), "norm", 1e-5)); }},
      {"concat_and_resize",
       [](graph::GraphBuilder& b) {
         const graph::NodeId fine = pointwise(b, b.input(), "fine", 20);
         const graph::NodeId coarse = b.conv(fine, "coarse", {.out_channels = 24, .kernel = 3, .stride = 2});
         const graph::NodeId back = b.resize_like(coarse, fine, "resize", graph::ResizeMode::kBilinear);
         b.output("y", pointwise(b, b.concat({fine, back}, "concat"), "last", 17));
       }},
      {"shuffled_halves",
       [](graph::GraphBuilder& b) {
         graph::NodeId x = pointwise(b, b.input(), "first", 40);
         for (const std::string block : {"0", "1"}) {
           const graph::NodeId kept = b.slice_channels(x, "kept" + block, 0, 20);
           const graph::NodeId worked = b.slice_channels(x, "worked" + block, 20, 20);
           const graph::NodeId conv =
               b.activation(pointwise(b, worked, "conv" + block, 20), "act" + block, ActivationKind::kRelu);
           x = b.shuffle_channels(b.concat({kept, conv}, "join" + block), "shuffle" + block, 2);
         }
         b.output("y", pointwise(b, x, "last", 17));
       }},
      {"attention",
       [](graph::GraphBuilder& b) {
         const graph::NodeId query = pointwise(b, b.input(), "query", 64);
         const graph::NodeId key = pointwise(b, b.input(), "key", 16);
         const graph::NodeId value = pointwise(b, b.input(), "value", 16);
         b.output("y", pointwise(b, b.multi_query_attention(query, key, value, "attention", 4), "project", 24));
       }},
      {"classifier",
       [](graph::GraphBuilder& b) {
         const graph::NodeId pooled = b.flatten(b.global_avg_pool(pointwise(b, b.input(), "conv", 50), "pool"), "flat");
         const graph::NodeId hidden =
             b.activation(b.linear(pooled, "hidden", 70, true), "act", ActivationKind::kHardSwish);
         b.output("logits", b.linear(hidden, "classifier", 13, false));
       }},
      {"classifier_of_a_convolution",
       [](graph::GraphBuilder& b) {
         const graph::NodeId pooled = b.global_avg_pool(pointwise(b, b.input(), "conv", 50), "pool");
         const graph::NodeId hidden = b.activation(pointwise(b, pooled, "hidden", 33), "act", ActivationKind::kRelu);
         b.output("logits", b.linear(b.flatten(hidden, "flat"), "classifier", 13, true));
       }},
      {"flatten_of_a_map",
       [](graph::GraphBuilder& b) { b.output("flat", b.flatten(pointwise(b, b.input(), "conv", 5), "flat")); }},
      {"image_as_output",
       [](graph::GraphBuilder& b) {
         b.output("image", b.input());
         b.output("y", pointwise(b, b.input(), "conv", 24));
       }},
  };
  return cases;
}

graph::NodeId pointwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name, int64_t channels) {
  return b.conv(src, name, {.out_channels = channels, .bias = true});
}

graph::NodeId depthwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name) {
  return b.conv(src, name, {.out_channels = b.channels(src), .kernel = 3, .groups = b.channels(src), .bias = true});
}

graph::NodeId squeeze_excite(graph::GraphBuilder& b, graph::NodeId src, int64_t squeezed) {
  graph::NodeId gate = b.global_avg_pool(src, "pool");
  gate = b.activation(pointwise(b, gate, "reduce", squeezed), "inner", ActivationKind::kRelu);
  gate = b.activation(pointwise(b, gate, "expand", b.channels(src)), "gate", ActivationKind::kHardSigmoid);
  return b.mul(src, gate, "scale");
}

}  // namespace zoo::engine
