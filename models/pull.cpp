#include "models/pull.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "hub/hub_client.h"
#include "models/pretrained_cfg.h"
#include "models/pretrained_files.h"
#include "nn/core/error.h"

namespace zoo::models {
namespace {

using hub::DownloadError;
using hub::DownloadOptions;
using hub::HubFile;

constexpr int64_t kMaxWeightsBytes = int64_t{2} << 30U;
constexpr int64_t kMaxConfigBytes = int64_t{1} << 20U;
constexpr int kNotFound = 404;

/// One call of pull() for a repository of the hub.
class HubPull {
 public:
  HubPull(const PretrainedCheckpoint& known, const PullOptions& options)
      : known_(known), options_(options), client_(options.settings, known.repository, options.download) {}

  PulledCheckpoint run();

 private:
  PulledCheckpoint from_cache(const DownloadError& why) const;
  void pull_config(PulledCheckpoint& result) const;

  const PretrainedCheckpoint& known_;
  const PullOptions& options_;
  hub::HubClient client_;
};

PulledCheckpoint HubPull::from_cache(const DownloadError& why) const {
  const hub::HubRepository& cache = client_.cache();
  const auto weights = cache.find(options_.revision, hub::kHubWeights);
  if (!weights || options_.force) {
    throw DownloadError(fmt::format("{}; {} is not in the cache; by hand: {}", why.what(), known_.name,
                                    by_hand(known_, options_.settings, options_.revision)),
                        why.status(), why.unavailable());
  }
  if (options_.download.notice) options_.download.notice(fmt::format("{}; using what the cache has", why.what()));
  PulledCheckpoint result;
  result.weights = *weights;
  result.config = cache.find(options_.revision, hub::kHubConfig);
  const std::string commit = cache.commit_of(options_.revision);
  if (hub::is_commit(commit)) result.commit = commit;
  return result;
}

// A repository without config.json is as good as one with: the table has the preprocessing.
void HubPull::pull_config(PulledCheckpoint& result) const {
  try {
    const HubFile file = client_.look_up(result.commit, hub::kHubConfig);
    result.config = client_.fetch(file, kMaxConfigBytes, options_.force).path;
  } catch (const DownloadError& error) {
    if (error.status() != kNotFound) throw;
  }
}

PulledCheckpoint HubPull::run() {
  PulledCheckpoint result;
  try {
    if (options_.settings.offline) throw DownloadError("HF_HUB_OFFLINE is set", 0, true);
    const HubFile file = client_.look_up(options_.revision, hub::kHubWeights);
    result.commit = file.commit;
    pull_config(result);
    const auto [weights, fetched] = client_.fetch(file, kMaxWeightsBytes, options_.force);
    result.weights = weights;
    result.fetched = fetched;
    client_.cache().note_revision(options_.revision, result.commit);
  } catch (const DownloadError& error) {
    if (!error.unavailable()) throw;
    result = from_cache(error);
  }
  result.preprocess = known_.preprocess;
  if (!result.config) return result;
  try {
    result.preprocess = read_pretrained_cfg(*result.config);
    if (known_.preprocess) result.differences = preprocess_differences(*result.preprocess, *known_.preprocess);
  } catch (const WeightError& error) {
    result.differences = {error.what()};
  }
  return result;
}

PulledCheckpoint pull_torchvision(const PretrainedCheckpoint& known, const PullOptions& options) {
  PulledCheckpoint result;
  result.weights = weights_path(known, options.settings);
  result.preprocess = known.preprocess;
  DownloadOptions download_options = options.download;
  download_options.token.clear();
  download_options.max_bytes = kMaxWeightsBytes;
  const hub::DownloadJob job = {
      .url = weights_url(known, options.settings),
      .file = result.weights,
      .lock = result.weights.parent_path() / ".locks" / (result.weights.filename().string() + ".lock"),
      .size = std::nullopt,
      .hash = {hub::HashKind::kSha256, known.sha256_prefix},
      .force = options.force};
  const auto fail = [&](const std::string& why, int status) {
    throw DownloadError(
        fmt::format("{}; {} is not in the cache; by hand: {}", why, known.name, by_hand(known, options.settings)),
        status, true);
  };
  if (options.settings.offline) {
    if (options.force || !cached_weights(known, options.settings)) fail("HF_HUB_OFFLINE is set", 0);
    return result;
  }
  try {
    result.fetched = download(job, download_options);
  } catch (const DownloadError& error) {
    if (!error.unavailable()) throw;
    fail(error.what(), error.status());
  }
  return result;
}

}  // namespace

PulledCheckpoint pull(const PretrainedCheckpoint& known, const PullOptions& options) {
  if (!hub::is_revision(options.revision)) {
    throw DownloadError(fmt::format("\"{}\" is no branch, tag or commit", options.revision), 0, false);
  }
  return known.source == PretrainedSource::kHub ? HubPull(known, options).run() : pull_torchvision(known, options);
}

}  // namespace zoo::models
