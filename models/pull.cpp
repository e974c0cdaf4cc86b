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
      : known_(known),
        options_(options),
        revision_(revision_of(known, options.revision)),
        client_(options.settings, known.repository, options.download) {}

  PulledCheckpoint run();

 private:
  PulledCheckpoint from_cache(const DownloadError& why) const;
  std::optional<hub::HubPin> expected() const;
  void check(const HubFile& file) const;
  void remember(const HubFile& file) const;
  void pull_config(PulledCheckpoint& result) const;

  const PretrainedCheckpoint& known_;
  const PullOptions& options_;
  const std::string revision_;
  hub::HubClient client_;
};

PulledCheckpoint HubPull::from_cache(const DownloadError& why) const {
  const hub::HubRepository& cache = client_.cache();
  const auto weights = cached_weights(known_, options_.settings, options_.revision);
  if (!weights || options_.force) {
    throw DownloadError(fmt::format("{}; {} is not in the cache; by hand: {}", why.what(), known_.name,
                                    by_hand(known_, options_.settings, options_.revision)),
                        why.status(), why.unavailable());
  }
  if (options_.download.notice) options_.download.notice(fmt::format("{}; using what the cache has", why.what()));
  PulledCheckpoint result;
  result.weights = *weights;
  result.commit = weights->parent_path().filename();  // snapshots/COMMIT/FILE
  result.config = cache.find(result.commit, hub::kHubConfig);
  if (!hub::is_commit(result.commit)) result.commit.clear();
  return result;
}

std::optional<hub::HubPin> HubPull::expected() const {
  if (options_.revision) return std::nullopt;
  if (!known_.sha256.empty()) return hub::HubPin{known_.commit, known_.sha256};
  return client_.cache().pin();
}

void HubPull::check(const HubFile& file) const {
  const std::optional<hub::HubPin> pin = expected();
  if (!pin || file.etag == pin->sha256) return;
  throw DownloadError(
      fmt::format("{}: the hub has other weights than {}: SHA-256 {} (commit {}), expected {}{}; `--revision {}` takes "
                  "them as they are",
                  known_.name,
                  known_.sha256.empty() ? "those that were fetched first" : "the table of known checkpoints", file.etag,
                  file.commit, pin->sha256, pin->commit.empty() ? "" : fmt::format(" (commit {})", pin->commit),
                  file.commit),
      0, false);
}

void HubPull::remember(const HubFile& file) const {
  if (options_.revision || expected()) return;
  client_.cache().note_pin({file.commit, file.etag});
  if (!options_.download.notice) return;
  options_.download.notice(fmt::format(
      "{}: the table of known checkpoints has no hash of it; SHA-256 {} (commit {}) is remembered, and other "
      "weights will be refused",
      known_.name, file.etag, file.commit));
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
    const HubFile file = client_.look_up(revision_, hub::kHubWeights);
    check(file);
    result.commit = file.commit;
    pull_config(result);
    const auto [weights, fetched] = client_.fetch(file, kMaxWeightsBytes, options_.force);
    result.weights = weights;
    result.fetched = fetched;
    remember(file);
    client_.cache().note_revision(revision_, result.commit);
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
      .hash = {hub::HashKind::kSha256, known.sha256},
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
  if (options.revision && !hub::is_revision(*options.revision)) {
    throw DownloadError(fmt::format("\"{}\" is no branch, tag or commit", *options.revision), 0, false);
  }
  return known.source == PretrainedSource::kHub ? HubPull(known, options).run() : pull_torchvision(known, options);
}

}  // namespace zoo::models
