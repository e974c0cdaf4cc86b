// A parameter of a network and the place it has in the structure. Name schemes (nn/weights) turn that place into the
// tensor name of an ecosystem, so a network is described once and reads checkpoints of every trainer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/core/shape.h"

namespace zoo {

/// Which third of a network a parameter belongs to.
enum class Section { kBackbone, kNeck, kHead };

/// What kind of building block a parameter sits in.
enum class BlockKind {
  kNone,                ///< outside any block: stem, last convolution, heads
  kDepthwiseSeparable,  ///< inverted residual without the expand convolution
  kInvertedResidual,    ///< expand, depthwise, project
};

/// What a parameter does inside its block or head.
enum class Part {
  kStem,           ///< first convolution
  kExpand,         ///< 1x1 to the expanded width
  kDepthwise,      ///< k x k, one filter per channel
  kSqueezeReduce,  ///< first layer of squeeze-and-excite
  kSqueezeExpand,  ///< second layer of squeeze-and-excite
  kProject,        ///< 1x1 to the block's output width
  kLastConv,       ///< 1x1 after the last block
  kHeadHidden,     ///< layer between pooling and classifier
  kClassifier,     ///< layer that yields the class scores
};

/// Which layer of a convolution-norm-activation group.
enum class Layer { kWeighted, kNorm, kActivation };

/// Which tensor of a layer.
enum class Field { kWeight, kBias, kRunningMean, kRunningVar };

/// The place of a parameter in the structure; indices count from zero, -1 = does not apply.
struct ParameterRole {
  Section section = Section::kBackbone;
  BlockKind block_kind = BlockKind::kNone;
  Part part = Part::kStem;
  Layer layer = Layer::kWeighted;
  Field field = Field::kWeight;
  int stage = -1;           ///< stage of the model file (`stage_params[stage]`)
  int block = -1;           ///< block within its stage
  int flat_block = -1;      ///< block counted over all stages
  int part_index = -1;      ///< position among the parts the block really has
  int head_layer = -1;      ///< index of a head's weighted layer
  int head_layers = 0;      ///< number of weighted layers of the head
  int blocks_in_stage = 0;  ///< blocks of this stage
  int stages = 0;           ///< stages of the backbone
  int total_blocks = 0;     ///< blocks of the backbone
};

/// One tensor a network needs.
struct Parameter {
  std::string name;  ///< name of ours: node name plus field, e.g. `backbone.stage1.block0.expand.weight`
  Shape shape;       ///< as the network stores it: convolution [O, I/groups, kh, kw], linear [O, I], vectors [C]
  ParameterRole role;
};

/// Index of a parameter in the list it belongs to.
using ParameterId = int32_t;

/// Values for a list of parameters: `views[id]` has `parameters[id].shape.elements()` floats in row-major order.
/// The owners keep the memory behind the views alive (a mapped file, a converted buffer); copies share it.
/// Read-only after construction, so one object may be used from many threads.
struct ParameterValues {
  std::vector<std::span<const float>> views;
  std::vector<std::shared_ptr<const void>> owners;
};

}  // namespace zoo
