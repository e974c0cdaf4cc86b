// Where the weights of the known checkpoints come from and live: the folders of the Hugging Face libraries and of
// PyTorch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/hub_cache.h"
#include "models/pretrained.h"

namespace zoo::models {

/// Address of a known checkpoint's weights at the servers that the settings name.
std::string weights_url(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                        const std::string& revision = std::string(hub::kMainRevision));
/// Where the weights of a known checkpoint are, or belong.
std::filesystem::path weights_path(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                                   const std::string& revision = std::string(hub::kMainRevision));
/// The weights, if they are there.
std::optional<std::filesystem::path> cached_weights(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                                                    const std::string& revision = std::string(hub::kMainRevision));

/// `ADDRESS as PATH`: what to fetch by hand where a program cannot, and where to put it.
std::string by_hand(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                    const std::string& revision = std::string(hub::kMainRevision));

}  // namespace zoo::models
