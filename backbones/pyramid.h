// Which values of a backbone form its feature pyramid; the same choice for every family.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbones/feature_info.h"
#include "nn/core/config_node.h"

namespace zoo::backbones {

/// A value of a backbone that can be a level.
struct FeatureValue {
  /// That of its nodes: `stem`, `stage2.block0`, `stage2.block0.expand`, `last_conv`.
  std::string name;
  FeatureInfo level;
  int flat_block = -1;        ///< block counted over all stages; -1: stem or last convolution
  bool inside_block = false;  ///< what a block's expand convolution yields
  bool ends_stage = false;
};

/// Which values form the feature pyramid.
enum class FeatureLevels {
  kStages,   ///< output of every stage; the last convolution belongs to the last one (NetsPresso Trainer)
  kStrides,  ///< deepest value of every stride, stem and last convolution included (timm's features_only)
  kBlocks,   ///< stem, every block, last convolution (torchvision's `features`)
  kNamed,    ///< those that the model file names (torchvision's segmentation and detection)
};

/// `feature_levels` of a model file.
struct FeatureSelection {
  FeatureLevels kind = FeatureLevels::kStages;
  std::vector<size_t> named;  ///< kNamed: indices of the values, ascending, the last one not inside a block
};

/// The key `feature_levels`: a word or a list of names. `values`: all there are, in the order of execution, what is
/// inside a block before the block's own; empty if they are not known. Problems are recorded in the node; an absent one
/// yields kStages.
FeatureSelection decode_feature_levels(const ConfigNode& node, std::span<const FeatureValue> values);

/// The levels among `values`; none without values.
FeaturePyramid select_levels(std::span<const FeatureValue> values, const FeatureSelection& selection);

/// The block whose inside is a level, counted over all stages, or nothing. With several, the first.
std::optional<int> divided_block(std::span<const FeatureValue> values, const FeatureSelection& selection);

/// Takes the values of a backbone as its builder makes them, and yields the pyramid.
class PyramidBuilder {
 public:
  /// `values`: all that can be levels, in the order in which they will be added. `selection` is kept by reference.
  PyramidBuilder(const std::vector<FeatureValue>& values, const FeatureSelection& selection);

  /// Nothing reads what comes after the last level: the builder is done.
  bool complete() const;

  /// Throws GraphError if this is not the next value, or not as wide as was promised.
  void add(std::string_view name, graph::NodeId node, int64_t channels);

  /// Throws GraphError if values that the pyramid needs were not added.
  FeaturePyramid levels() const;

 private:
  const FeatureSelection& selection_;
  std::vector<FeatureValue> values_;
  size_t needed_;
  size_t added_ = 0;
};

}  // namespace zoo::backbones
