#include "models/pull.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "models/pretrained_cfg.h"
#include "nn/core/error.h"

namespace zoo::models {
namespace {

constexpr int64_t kMaxWeightsBytes = int64_t{2} << 30U;
constexpr int64_t kMaxConfigBytes = int64_t{1} << 20U;
constexpr size_t kSha256Digits = 64;
constexpr size_t kSha1Digits = 40;
constexpr int kNotFound = 404;

/// What the hub knows about one file of a commit.
struct HubFile {
  std::string commit;
  std::string etag;
  std::optional<int64_t> size;
};

// `"0123"` and `W/"0123"` become 0123.
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

std::optional<int64_t> parse_size(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

std::optional<HashKind> hash_kind(std::string_view etag) {
  const bool hex = std::ranges::all_of(etag, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hex && etag.size() == kSha256Digits) return HashKind::kSha256;
  if (hex && etag.size() == kSha1Digits) return HashKind::kGitBlob;
  return std::nullopt;
}

/// One call of pull() for a repository of the hub.
class HubPull {
 public:
  HubPull(const PretrainedCheckpoint& known, const PullOptions& options)
      : known_(known), options_(options), repository_(options.settings.hub, known.repository) {}

  PulledCheckpoint run();

 private:
  DownloadOptions download_options(int64_t max_bytes) const;
  std::string url(const std::string& revision, std::string_view file) const;
  HubFile look_up(const std::string& revision, std::string_view file) const;
  PulledCheckpoint from_cache(const DownloadError& why) const;
  std::filesystem::path fetch(const HubFile& file, std::string_view name, int64_t max_bytes, bool& fetched) const;
  void pull_config(PulledCheckpoint& result) const;

  const PretrainedCheckpoint& known_;
  const PullOptions& options_;
  HubRepository repository_;
};

DownloadOptions HubPull::download_options(int64_t max_bytes) const {
  DownloadOptions options = options_.download;
  options.token = options_.settings.token;
  options.max_bytes = max_bytes;
  return options;
}

std::string HubPull::url(const std::string& revision, std::string_view file) const {
  return hub_url(options_.settings, known_.repository, revision, file);
}

HubFile HubPull::look_up(const std::string& revision, std::string_view file) const {
  const std::string address = url(revision, file);
  const HttpAnswer answer = ask(address, download_options(kMaxWeightsBytes));
  const auto fail = [&](const std::string& problem) {
    throw DownloadError(fmt::format("{}: {}", shown_url(address), problem), 0, false);
  };
  HubFile result;
  result.commit = answer.header("x-repo-commit");
  if (!is_commit(result.commit)) fail("the server is no Hugging Face hub (no X-Repo-Commit)");
  // The plain ETag and Content-Length of a redirect are not those of the file.
  std::string etag = answer.header("x-linked-etag");
  std::string size = answer.header("x-linked-size");
  if (etag.empty() && !answer.is_redirect()) etag = answer.header("etag");
  if (size.empty() && !answer.is_redirect()) size = answer.header("content-length");
  result.etag = plain_etag(etag);
  if (!hash_kind(result.etag)) fail("the server states no hash that the file could be checked with");
  result.size = parse_size(size);
  return result;
}

PulledCheckpoint HubPull::from_cache(const DownloadError& why) const {
  const auto weights = repository_.find(options_.revision, kHubWeights);
  if (!weights || options_.force) {
    throw DownloadError(fmt::format("{}; {} is not in the cache; by hand: {}", why.what(), known_.name,
                                    by_hand(known_, options_.settings, options_.revision)),
                        why.status(), why.unavailable());
  }
  if (options_.download.notice) options_.download.notice(fmt::format("{}; using what the cache has", why.what()));
  PulledCheckpoint result;
  result.weights = *weights;
  result.config = repository_.find(options_.revision, kHubConfig);
  const std::string commit = repository_.commit_of(options_.revision);
  if (is_commit(commit)) result.commit = commit;
  return result;
}

std::filesystem::path HubPull::fetch(const HubFile& file, std::string_view name, int64_t max_bytes,
                                     bool& fetched) const {
  const DownloadJob job = {.url = url(file.commit, name),
                           .file = repository_.blob(file.etag),
                           .lock = repository_.lock(file.etag),
                           .size = file.size,
                           .hash = {*hash_kind(file.etag), file.etag},
                           .force = options_.force};
  fetched = download(job, download_options(max_bytes));
  return repository_.link(file.commit, name, file.etag);
}

// A repository without config.json is as good as one with: the table has the preprocessing.
void HubPull::pull_config(PulledCheckpoint& result) const {
  try {
    const HubFile file = look_up(result.commit, kHubConfig);
    bool fetched = false;
    result.config = fetch(file, kHubConfig, kMaxConfigBytes, fetched);
  } catch (const DownloadError& error) {
    if (error.status() != kNotFound) throw;
  }
}

PulledCheckpoint HubPull::run() {
  PulledCheckpoint result;
  try {
    if (options_.settings.offline) throw DownloadError("HF_HUB_OFFLINE is set", 0, true);
    const HubFile file = look_up(options_.revision, kHubWeights);
    result.commit = file.commit;
    pull_config(result);
    result.weights = fetch(file, kHubWeights, kMaxWeightsBytes, result.fetched);
    repository_.note_revision(options_.revision, result.commit);
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
  const DownloadJob job = {
      .url = weights_url(known, options.settings),
      .file = result.weights,
      .lock = result.weights.parent_path() / ".locks" / (result.weights.filename().string() + ".lock"),
      .size = std::nullopt,
      .hash = {HashKind::kSha256, known.sha256_prefix},
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
  if (!is_revision(options.revision)) {
    throw DownloadError(fmt::format("\"{}\" is no branch, tag or commit", options.revision), 0, false);
  }
  return known.source == PretrainedSource::kHub ? HubPull(known, options).run() : pull_torchvision(known, options);
}

std::string by_hand(const PretrainedCheckpoint& known, const HubSettings& settings, const std::string& revision) {
  return fmt::format("{} as {}", shown_url(weights_url(known, settings, revision)),
                     weights_path(known, settings, revision).string());
}

}  // namespace zoo::models
