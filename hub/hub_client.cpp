#include "hub/hub_client.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "nn/core/parse_number.h"

namespace zoo::hub {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kSha1Digits = 40;

// `"0123"` and `W/"0123"` become 0123.
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

std::optional<HashKind> hash_kind(std::string_view etag) {
  const bool hex = std::ranges::all_of(etag, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hex && etag.size() == kSha256Digits) return HashKind::kSha256;
  if (hex && etag.size() == kSha1Digits) return HashKind::kGitBlob;
  return std::nullopt;
}

}  // namespace

HubClient::HubClient(const HubSettings& settings, std::string repository, const DownloadOptions& options)
    : settings_(settings), repository_(std::move(repository)), options_(options), cache_(settings.hub, repository_) {
  options_.token = settings_.token;
}

HubFile HubClient::look_up(const std::string& revision, std::string_view file) const {
  const std::string address = hub_url(settings_, repository_, revision, file);
  const HttpAnswer answer = ask(address, options_);
  const auto fail = [&](const std::string& problem) {
    throw DownloadError(fmt::format("{}: {}", shown_url(address), problem), 0, false);
  };
  HubFile result;
  result.name = file;
  result.commit = answer.header("x-repo-commit");
  if (!is_commit(result.commit)) fail("the server is no Hugging Face hub (no X-Repo-Commit)");
  // The plain ETag and Content-Length of a redirect are not those of the file.
  std::string etag = answer.header("x-linked-etag");
  std::string size = answer.header("x-linked-size");
  if (etag.empty() && !answer.is_redirect()) etag = answer.header("etag");
  if (size.empty() && !answer.is_redirect()) size = answer.header("content-length");
  result.etag = plain_etag(etag);
  if (!hash_kind(result.etag)) fail("the server states no hash that the file could be checked with");
  result.size = parse_number_in<int64_t>(size, 1, std::numeric_limits<int64_t>::max());
  return result;
}

FetchedFile HubClient::fetch(const HubFile& file, int64_t max_bytes, bool force) const {
  DownloadOptions options = options_;
  options.max_bytes = max_bytes;
  const DownloadJob job = {.url = hub_url(settings_, repository_, file.commit, file.name),
                           .file = cache_.blob(file.etag),
                           .lock = cache_.lock(file.etag),
                           .size = file.size,
                           .hash = {hash_kind(file.etag).value(), file.etag},
                           .force = force};
  const bool fetched = download(job, options);
  return {.path = cache_.link(file.commit, file.name, file.etag), .fetched = fetched};
}

}  // namespace zoo::hub
