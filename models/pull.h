// Fetches a known checkpoint into the cache of the library that it comes from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/download.h"
#include "hub/hub_cache.h"
#include "models/preprocess_config.h"
#include "models/pretrained.h"
#include "models/pretrained_files.h"

namespace zoo::models {

struct PullOptions {
  hub::HubSettings settings;
  /// Branch, tag or commit of the hub, whose weights are taken as they are. Without one they must have the hash of the
  /// table or, where it has none, the one that was fetched first (HubRepository::pin).
  Revision revision = std::nullopt;
  bool force = false;  ///< fetch even what is there
  /// Its token is not read; settings.token is.
  hub::DownloadOptions download;
};

struct PulledCheckpoint {
  std::filesystem::path weights;
  std::optional<std::filesystem::path> config;  ///< config.json of the hub
  std::string commit;                           ///< of the hub
  bool fetched = false;                         ///< false: the weights were there
  std::optional<PreprocessConfig> preprocess;   ///< as config.json states it; without one as the table has it
  /// How config.json differs from the table of known checkpoints, which the zoo's model files follow; or what is wrong
  /// with it.
  std::vector<std::string> differences;
};

/// Weights with a checked hash, and config.json where there is one. Offline (settings.offline, or the server cannot be
/// reached) what the cache has must do. Throws DownloadError, which says what is missing and where it belongs, IoError,
/// and Stopped, after which the next call goes on.
PulledCheckpoint pull(const PretrainedCheckpoint& known, const PullOptions& options);

}  // namespace zoo::models
