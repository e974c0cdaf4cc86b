// A parameter of a network and the place it has in the structure. Name schemes (nn/weights) turn that place into the
// tensor name of an ecosystem, so a network is described once and reads checkpoints of every trainer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/core/shape.h"
#include "nn/core/task.h"
#include "nn/core/value_memory.h"

namespace zoo {

/// Which third of a network a parameter belongs to.
enum class Section { kBackbone, kNeck, kHead };

/// The family of a backbone, where ecosystems name the same part differently from family to family.
enum class Family { kOther, kMobileNetV1, kMobileNetV2, kMobileNetV3, kMobileNetV4 };

/// What kind of building block or head a parameter sits in.
enum class BlockKind {
  kNone,                   ///< outside any block: stem, last convolution, heads of linear layers
  kDepthwiseSeparable,     ///< inverted residual without the expand convolution
  kInvertedResidual,       ///< expand, depthwise, project
  kConv,                   ///< one convolution
  kFusedInvertedResidual,  ///< k x k expand, project
  kUniversalBottleneck,    ///< start depthwise, expand, middle depthwise, project; either depthwise may be absent
  kAttention,              ///< multi-query attention
  kConvHead,               ///< head of convolutions
  kPyramid,                ///< feature pyramid network
  kDetectionBranches,      ///< class and box branch of a detection head, shared by its levels
  kLevelFusion,            ///< segmentation head that brings levels together
  kSsdLite,                ///< detection head of depthwise separable predictors
  kLrAspp,                 ///< segmentation head with a gate
  kDeepLabV3,              ///< segmentation head with atrous spatial pyramid pooling
};

/// What a parameter does inside its block or head.
enum class Part {
  kStem,             ///< first convolution
  kStartDepthwise,   ///< k x k before the expansion, one filter per channel
  kExpand,           ///< 1x1 (fused blocks: k x k) to the expanded width
  kDepthwise,        ///< k x k, one filter per channel
  kSqueezeReduce,    ///< first layer of squeeze-and-excite
  kSqueezeExpand,    ///< second layer of squeeze-and-excite
  kProject,          ///< 1x1 to the block's output width
  kConv,             ///< the convolution of a block that is nothing else
  kAttentionNorm,    ///< normalisation of what an attention block reads
  kQueryPool,        ///< normalisation after the pooling of the query's source
  kQuery,            ///< 1x1 to the queries of all heads
  kKeyDown,          ///< depthwise convolution that makes the key's source smaller
  kKey,              ///< 1x1 to the one key
  kValueDown,        ///< depthwise convolution that makes the value's source smaller
  kValue,            ///< 1x1 to the one value
  kAttentionOutput,  ///< 1x1 from the values of all heads to the block's output width
  kLayerScale,       ///< one factor per channel at the end of a block
  kLastConv,         ///< convolution after the last block
  kHeadConv,         ///< layer between backbone and pooling
  kHeadHidden,       ///< layer between pooling and classifier
  kClassifier,       ///< layer that yields the class scores
  kLateral,          ///< 1x1 of a pyramid level
  kPyramidConv,      ///< k x k that yields a pyramid level
  kClassConv,        ///< hidden layer of the class branch
  kBoxConv,          ///< hidden layer of the box branch
  kBoxRegression,    ///< layer that yields the box offsets
  kLevelConv,        ///< 1x1 that brings a level to the common width
  kFuse,             ///< layer on all levels together
  kExtraLevel,       ///< layer of what makes a level coarser than the backbone's
  kClassPredictor,   ///< layer of what yields the class scores of a level
  kBoxPredictor,     ///< layer of what yields the boxes of a level
  kBranch,           ///< one of the head's parallel branches
  kPooledBranch,     ///< the branch on the mean over height and width
  kMerge,            ///< 1x1 that joins the branches
  kRefine,           ///< convolution between joining and classifier
  kLowClassifier,    ///< layer that yields the class scores of the finer of two levels
};

/// Which layer of a convolution-norm-activation group.
enum class Layer { kWeighted, kNorm, kActivation };

/// Which tensor of a layer.
enum class Field {
  kWeight,
  kBias,
  kRunningMean,
  kRunningVar,
  kGamma,  ///< factors of a layer scale
};

/// The place of a parameter in the structure; indices count from zero, -1 = does not apply.
struct ParameterRole {
  Section section = Section::kBackbone;
  Family family = Family::kOther;
  BlockKind block_kind = BlockKind::kNone;
  Part part = Part::kStem;
  Layer layer = Layer::kWeighted;
  Field field = Field::kWeight;
  int stage = -1;           ///< stage of the model file (`stage_params[stage]`)
  int block = -1;           ///< block within its stage
  int flat_block = -1;      ///< block counted over all stages
  int part_index = -1;      ///< position among the parts the block really has
  int head_layer = -1;      ///< index of a head's or neck's weighted layer among those of its part
  int head_layers = 0;      ///< number of weighted layers of the head
  int rows_per_class = 1;   ///< of a classifier: outputs of one class, i.e. anchors per position; 0: not for classes
  int blocks_in_stage = 0;  ///< blocks of this stage
  int stages = 0;           ///< stages of the backbone
  int total_blocks = 0;     ///< blocks of the backbone
  int divided_block = -1;   ///< flat_block of the block of which a head reads the inside; torchvision cuts there
  Task task = Task::kClassification;  ///< ecosystems put the same backbone under other names
};

/// One tensor a network needs.
struct Parameter {
  std::string name;  ///< name of ours: node name plus field, e.g. `backbone.stage1.block0.expand.weight`
  Shape shape;       ///< as the network stores it: convolution [O, I/groups, kh, kw], linear [O, I], vectors [C]
  ParameterRole role;
};

/// Index of a parameter in the list it belongs to.
using ParameterId = int32_t;

/// Keeps memory behind parameter values alive.
class ValuesOwner {
 public:
  virtual ~ValuesOwner() = default;
  /// Says that nobody reads the values for now. What can be read again from a file leaves the memory until then; the
  /// values stay valid, also for those who do read them at the same time.
  virtual void set_aside() const {}
};

/// Values that have no other home.
class OwnedValues : public ValuesOwner {
 public:
  explicit OwnedValues(ValueVector numbers) : values(std::move(numbers)) {}
  ValueVector values;
};

/// Values for a list of parameters: `views[id]` has `parameters[id].shape.elements()` floats in row-major order.
/// The owners keep the memory behind the views alive (a mapped file, a converted buffer); copies share it.
/// Read-only after construction, so one object may be used from many threads.
struct ParameterValues {
  std::vector<std::span<const float>> views;
  std::vector<std::shared_ptr<const ValuesOwner>> owners;
};

}  // namespace zoo
