// Where the weights of the known checkpoints come from and live: the folders of the Hugging Face libraries and of
// PyTorch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/hub_cache.h"
#include "models/pretrained.h"

namespace zoo::models {

/// Branch, tag or commit of the hub; without one the commit of the table or, where it has none, the main branch.
/// torchvision's files have none.
using Revision = std::optional<std::string>;

std::string revision_of(const PretrainedCheckpoint& known, const Revision& revision);

/// Address of a known checkpoint's weights at the servers that the settings name.
std::string weights_url(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                        const Revision& revision = std::nullopt);
/// Where the weights of a known checkpoint belong.
std::filesystem::path weights_path(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                                   const Revision& revision = std::nullopt);
/// The weights, if they are there; without a revision also those that the main branch had when it was last fetched, if
/// their hash is that of the table.
std::optional<std::filesystem::path> cached_weights(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                                                    const Revision& revision = std::nullopt);

/// `ADDRESS as PATH`: what to fetch by hand where a program cannot, and where to put it.
std::string by_hand(const PretrainedCheckpoint& known, const hub::HubSettings& settings,
                    const Revision& revision = std::nullopt);

}  // namespace zoo::models
