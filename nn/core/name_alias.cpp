#include "nn/core/name_alias.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace zoo::detail {
namespace {

/// Both squashed. A word may stand for several names; which, the list at hand decides.
struct Alias {
  std::string_view word;
  std::string_view name;
};

constexpr auto kAliases = std::to_array<Alias>({
    // Activations and normalisations: papers, torch.nn, timm, mmcv.
    {"hswish", "hardswish"},
    {"hsigmoid", "hardsigmoid"},
    {"lrelu", "leakyrelu"},
    {"leaky", "leakyrelu"},
    {"parametricrelu", "prelu"},
    {"clippedrelu", "relu6"},
    {"none", "identity"},
    {"linear", "identity"},
    {"bn", "batchnorm"},
    {"bn2d", "batchnorm"},
    {"batchnorm2d", "batchnorm"},
    {"syncbn", "batchnorm"},
    {"syncbatchnorm", "batchnorm"},
    {"in2d", "instancenorm"},
    {"instancenorm2d", "instancenorm"},
    // Tasks.
    {"cls", "classification"},
    {"classify", "classification"},
    {"classifier", "classification"},
    {"imageclassification", "classification"},
    {"det", "detection"},
    {"detect", "detection"},
    {"detector", "detection"},
    {"objectdetection", "detection"},
    {"seg", "segmentation"},
    {"segment", "segmentation"},
    {"segmenter", "segmentation"},
    {"semanticsegmentation", "segmentation"},
    {"pose", "poseestimation"},
    // Pictures.
    {"l", "gray"},
    {"grey", "gray"},
    {"grayscale", "gray"},
    {"greyscale", "gray"},
    {"mono", "gray"},
    {"linear", "bilinear"},
    {"cubic", "bicubic"},
    {"lanczos3", "lanczos"},
    {"nearestneighbor", "nearest"},
    {"nearestneighbour", "nearest"},
    {"centre", "center"},
    {"middle", "center"},
    // Precisions.
    {"fp32", "f32"},
    {"float32", "f32"},
    {"float", "f32"},
    {"single", "f32"},
    {"bfloat16", "bf16"},
    {"i8", "int8"},
    {"s8", "int8"},
    {"qint8", "int8"},
    {"8bit", "int8"},
    {"fastest", "auto"},
    // Backbones, necks and heads.
    {"mobilenet", "mobilenetv1"},
    {"mbv1", "mobilenetv1"},
    {"mbv2", "mobilenetv2"},
    {"mbv3", "mobilenetv3"},
    {"mbv4", "mobilenetv4"},
    {"shufflenet", "shufflenetv2"},
    {"featurepyramidnetwork", "fpn"},
    {"fullyconnected", "fc"},
    {"linear", "fc"},
    {"segformer", "allmlpdecoder"},
    {"retinanet", "anchordecoupledhead"},
    {"ssd", "ssdlite"},
    // Keys and flags.
    {"nc", "numclasses"},
    {"classes", "numclasses"},
    {"names", "labels"},
    {"classnames", "labels"},
    {"act", "acttype"},
    {"norm", "normtype"},
    {"eps", "normeps"},
    {"kernel", "kernelsizes"},
    {"weights", "checkpoint"},
    {"ckpt", "checkpoint"},
    {"conf", "scorethresh"},
    {"confidence", "scorethresh"},
    {"threshold", "scorethresh"},
    {"iou", "nmsthresh"},
    {"input", "source"},
    {"image", "source"},
    {"images", "source"},
    {"video", "source"},
    {"imgsz", "size"},
    {"imgsize", "size"},
    {"inputsize", "size"},
    {"resolution", "size"},
    {"dtype", "precision"},
    {"workers", "threads"},
    {"cores", "threads"},
    {"silent", "quiet"},
});

// Shorter names stand within too many words.
constexpr size_t kShortestVariant = 6;

/// Lower case, without what separates parts of a name.
std::string squashed(std::string_view name) {
  std::string result;
  result.reserve(name.size());
  for (const char c : name) {
    constexpr std::string_view kSeparators = "_- ./";
    if (kSeparators.find(c) != kSeparators.npos) continue;
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

bool is_alias(std::string_view word, std::string_view name) {
  return std::ranges::any_of(kAliases, [&](const Alias& alias) { return alias.word == word && alias.name == name; });
}

}  // namespace

std::string name_by_alias(std::string_view word, std::span<const std::string> candidates) {
  const std::string wanted = squashed(word);
  if (wanted.empty()) return {};
  std::string alias;
  for (const std::string& candidate : candidates) {
    const std::string name = squashed(candidate);
    if (name == wanted) return candidate;
    if (alias.empty() && is_alias(wanted, name)) alias = candidate;
  }
  return alias;
}

std::string name_of_variant(std::string_view word, std::span<const std::string> candidates) {
  const std::string wanted = squashed(word);
  std::string variant;
  size_t variant_length = kShortestVariant - 1;
  for (const std::string& candidate : candidates) {
    const std::string name = squashed(candidate);
    if (name.size() <= variant_length || wanted.find(name) == wanted.npos) continue;
    variant = candidate;
    variant_length = name.size();
  }
  return variant;
}

}  // namespace zoo::detail
