// The known published checkpoints: timm's MobileNets on the Hugging Face hub and torchvision's on its own server.
// Sources: `pretrained_cfg` of timm 1.0.12 and the weights enumerations of torchvision 0.14.1; commits and hashes as
// the hub's own pages state them, hashes of torchvision's files such that their names carry the first 8 digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/preprocess_config.h"

namespace zoo::models {

enum class PretrainedSource { kHub, kTorchvision };

struct PretrainedCheckpoint {
  std::string name;  ///< "mobilenetv4_conv_small.e2400_r224_in1k", "MobileNet_V3_Large_Weights.IMAGENET1K_V2"
  /// Further names of the checkpoint that a library takes by default: the model's name without a tag, the zoo's id.
  std::vector<std::string> aliases;
  PretrainedSource source = PretrainedSource::kHub;
  std::string repository;  ///< of the hub, "timm/mobilenetv4_conv_small.e2400_r224_in1k"; else empty
  std::string url;         ///< of torchvision's file; else empty
  std::string commit;      ///< of the hub, what pull() fetches; empty: its main branch
  std::string sha256;      ///< of the weights, 64 hexadecimal digits; empty where it is not known
  std::string
      model_file;  ///< id of the zoo's model file whose network it fits, "timm/mobilenetv4_conv_small", or empty
  int64_t num_classes = 0;
  std::optional<PreprocessConfig> preprocess;  ///< as published for evaluation at the training size
};

/// All of them, timm's first, each source in the order of its table.
const std::vector<PretrainedCheckpoint>& pretrained_checkpoints();

/// By name or alias; nullptr if there is none.
const PretrainedCheckpoint* find_pretrained(std::string_view name);

/// `no checkpoint is known as "NAME"`, with a did-you-mean where one is near.
std::string unknown_pretrained(std::string_view name);

/// timm's evaluation: the shorter side becomes floor(size / crop_pct), then a centre crop.
int64_t resize_from_crop(int64_t size, double crop_pct);

}  // namespace zoo::models
