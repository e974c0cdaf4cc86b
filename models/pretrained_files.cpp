#include "models/pretrained_files.h"

#include <system_error>

#include <fmt/format.h>

#include "hub/http.h"

namespace zoo::models {

namespace fs = std::filesystem;
using hub::HubSettings;

std::string revision_of(const PretrainedCheckpoint& known, const Revision& revision) {
  if (revision) return *revision;
  return known.commit.empty() ? std::string(hub::kMainRevision) : known.commit;
}

std::string weights_url(const PretrainedCheckpoint& known, const HubSettings& settings, const Revision& revision) {
  if (known.source == PretrainedSource::kHub) {
    return hub::hub_url(settings, known.repository, revision_of(known, revision), hub::kHubWeights);
  }
  // https://SERVER/models/FILE
  const size_t path = known.url.find('/', known.url.find("://") + 3);
  return settings.torchvision_endpoint + known.url.substr(path);
}

fs::path weights_path(const PretrainedCheckpoint& known, const HubSettings& settings, const Revision& revision) {
  if (known.source == PretrainedSource::kHub) {
    return hub::HubRepository(settings.hub, known.repository).snapshot(revision_of(known, revision), hub::kHubWeights);
  }
  return settings.torch / known.url.substr(known.url.rfind('/') + 1);
}

std::optional<fs::path> cached_weights(const PretrainedCheckpoint& known, const HubSettings& settings,
                                       const Revision& revision) {
  fs::path path = weights_path(known, settings, revision);
  std::error_code error;
  if (fs::is_regular_file(path, error)) return path;
  if (revision || known.source != PretrainedSource::kHub || known.commit.empty()) return std::nullopt;
  path = weights_path(known, settings, std::string(hub::kMainRevision));
  // The link leads to a file that is named by its hash.
  if (fs::is_regular_file(path, error) && fs::read_symlink(path, error).filename() == known.sha256) return path;
  return std::nullopt;
}

std::string by_hand(const PretrainedCheckpoint& known, const HubSettings& settings, const Revision& revision) {
  return fmt::format("{} as {}", hub::shown_url(weights_url(known, settings, revision)),
                     weights_path(known, settings, revision).string());
}

}  // namespace zoo::models
