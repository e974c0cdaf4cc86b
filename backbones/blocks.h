// Building blocks that the backbone families share. Each adds its nodes under a name scope and says what its parameters
// are to the block (ParameterRole::block and part), so that a family only says which blocks it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nn/core/activation.h"
#include "nn/core/parameter.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// How a family normalises after its convolutions.
struct NormOptions {
  NormKind kind = NormKind::kBatchNorm;
  double eps = 1e-5;
};

/// src [N, C, H, W] -> the same shape. Its parameters get the builder's current role.
graph::NodeId normalise(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                        const NormOptions& options);

/// What halves the resolution where a convolution has a stride (timm's `aa_layer`): with antialiasing the convolution
/// itself has stride 1, and a low-pass filter after the activation has the stride.
enum class Antialias {
  kNone,     ///< the convolution has the stride
  kAverage,  ///< mean over stride x stride windows; an odd last row or column is dropped: H' = floor(H / stride)
  kBlur,     ///< binomial filter: H' = ceil(H / stride)
};

/// A convolution, its normalisation and its activation.
struct ConvNormActOptions {
  graph::ConvOptions conv;
  NormOptions norm = {};
  ActivationKind activation = ActivationKind::kIdentity;
  Antialias antialias = Antialias::kNone;
  std::string_view part = {};  ///< what the parameters are to their block; empty: `name`
};

/// Says that the next parameters belong to a block of this kind, and counts its parts anew: sets block and the count
/// `position` of the builder's role. The blocks below do so themselves.
void begin_block(graph::GraphBuilder& builder, std::string_view kind);

/// src [N, C, H, W] -> [N, conv.out_channels, H', W']. Nodes `name`.conv, `name`.norm and, unless it is the identity,
/// `name`.act, and `name`.pool where antialiasing has an effect; their parameters are `part` of the builder's role.
graph::NodeId conv_norm_act(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                            const ConvNormActOptions& options);

/// Squeeze-and-excite (Hu et al. 2018, arXiv:1709.01507, with MobileNetV3's gate): two 1x1 convolutions with bias on
/// the global mean.
struct SqueezeExciteOptions {
  int64_t squeezed = 0;  ///< channels between the two convolutions
  ActivationKind inner = ActivationKind::kRelu;
  ActivationKind gate = ActivationKind::kHardSigmoid;
};

/// src [N, C, H, W] -> the same shape. Nodes `name`.pool, .reduce, .act, .expand, .gate and .scale.
graph::NodeId squeeze_excite(graph::GraphBuilder& builder, graph::NodeId src, std::string_view name,
                             const SqueezeExciteOptions& options);

/// Inverted residual (Sandler et al. 2018, arXiv:1801.04381; with squeeze-and-excite: Howard et al. 2019,
/// arXiv:1905.02244): expand 1x1, depthwise k x k, squeeze-and-excite, project 1x1, skip. Without expansion and skip,
/// and with an activation at the end, it is MobileNetV1's depthwise separable block (Howard et al. 2017,
/// arXiv:1704.04861).
struct InvertedResidualOptions {
  int64_t expanded_channels = 0;  ///< equal to the input's channels: there is no expand convolution
  int64_t out_channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t dilation = 1;
  ActivationKind activation = ActivationKind::kRelu;
  ActivationKind project_activation = ActivationKind::kIdentity;
  std::optional<SqueezeExciteOptions> squeeze_excite = std::nullopt;
  bool skip = false;  ///< adds the input; needs stride 1 and equal channels
  NormOptions norm = {};
  bool same_padding = false;  ///< TensorFlow SAME on the depthwise convolution where it has a stride
};

/// src [N, C, H, W] -> [N, out_channels, ceil(H / stride), ceil(W / stride)]. Nodes expand.*, depthwise.*, se.*,
/// project.* and add. Fills block, part and the count `position` (among the parts the block really has,
/// squeeze-and-excite being one part) of the builder's current role; the family counts stage and block before.
/// `expanded` gets what the expand convolution with its activation yields, kNone if there is none.
graph::NodeId inverted_residual(graph::GraphBuilder& builder, graph::NodeId src, const InvertedResidualOptions& options,
                                graph::NodeId* expanded = nullptr);

/// Fused inverted residual (Gupta and Tan 2019, EfficientNet-EdgeTPU; timm's EdgeResidual): expand k x k, project 1x1.
struct FusedInvertedResidualOptions {
  int64_t expanded_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  ActivationKind activation = ActivationKind::kRelu;
  ActivationKind project_activation = ActivationKind::kIdentity;
  bool skip = false;  ///< adds the input; needs stride 1 and equal channels
  NormOptions norm = {};
  bool same_padding = false;
  Antialias antialias = Antialias::kNone;
};

/// src [N, C, H, W] -> [N, out_channels, H', W']. Nodes expand.*, project.* and add; roles and `expanded` as
/// inverted_residual.
graph::NodeId fused_inverted_residual(graph::GraphBuilder& builder, graph::NodeId src,
                                      const FusedInvertedResidualOptions& options, graph::NodeId* expanded = nullptr);

/// Universal inverted bottleneck (Qin et al. 2024, "MobileNetV4", arXiv:2404.10518, section 3): start depthwise without
/// activation, expand 1x1, middle depthwise, project 1x1 without activation, layer scale, skip.
struct UniversalBottleneckOptions {
  int64_t expanded_channels = 0;
  int64_t out_channels = 0;
  int64_t start_kernel = 0;  ///< 0: there is no start depthwise convolution
  int64_t start_stride = 1;
  int64_t middle_kernel = 0;  ///< 0: there is no middle depthwise convolution
  int64_t middle_stride = 1;
  bool expand = true;  ///< false only where expanded_channels are the input's: no expand convolution
  ActivationKind activation = ActivationKind::kRelu;
  bool layer_scale = false;
  bool skip = false;  ///< adds the input; needs stride 1 and equal channels
  NormOptions norm = {};
  bool same_padding = false;
  Antialias antialias = Antialias::kNone;
};

/// src [N, C, H, W] -> [N, out_channels, H', W']. Nodes start.*, expand.*, middle.*, project.*, layer_scale and add;
/// roles and `expanded` as inverted_residual.
graph::NodeId universal_bottleneck(graph::GraphBuilder& builder, graph::NodeId src,
                                   const UniversalBottleneckOptions& options, graph::NodeId* expanded = nullptr);

/// Mobile multi-query attention (Qin et al. 2024, section 4): normalisation, queries of all heads, one key and one
/// value that all heads share, softmax(q k^T / sqrt(channels per head)) v, output 1x1, layer scale, skip.
struct AttentionOptions {
  int64_t out_channels = 0;
  int64_t attention_channels = 0;  ///< of all heads together
  int64_t heads = 1;
  /// Pooling of the query's source, 0: none. The source is averaged over windows of this size and normalised; what the
  /// attention yields is brought back to the input's size by bilinear interpolation before the output convolution
  /// (MobileNetV4's reference implementation in TensorFlow). With 1 only the normalisation has an effect.
  int64_t query_stride = 0;
  int64_t kv_kernel = 0;  ///< depthwise convolution and normalisation before key and value, 0: none
  int64_t kv_stride = 1;
  bool layer_scale = false;
  bool skip = false;  ///< adds the input; needs equal channels
  NormOptions norm = {};
  bool same_padding = false;
};

/// src [N, C, H, W] -> [N, out_channels, H, W]. Nodes norm, query.*, key.*, value.*, attention, upsample, output,
/// layer_scale and add. Fills block, part and the count `position`: the place within the layers of
/// query, key, value or output, to which the pooling and the upsampling count, also those by 1.
graph::NodeId attention_block(graph::GraphBuilder& builder, graph::NodeId src, const AttentionOptions& options);

/// TensorFlow SAME differs from symmetric padding only where there is a stride: at stride 1 an odd kernel takes the
/// same number of zeros on both sides.
graph::PaddingMode padding_mode(bool same_padding, int64_t stride);

/// The multiple of `divisor` nearest to `value` (halves up), at least `divisor`, and the next one if that is less than
/// 90 % of `value` (MobileNet's rule, torchvision's `_make_divisible`). With divisor 1: max(value, 1).
int64_t make_divisible(int64_t value, int64_t divisor);

}  // namespace zoo::backbones
