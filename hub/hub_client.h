// Files of one repository of the hub, fetched into its part of the cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "hub/download.h"
#include "hub/hub_cache.h"

namespace zoo::hub {

/// What the hub knows about one file of a commit.
struct HubFile {
  std::string name;
  std::string commit;
  std::string etag;  ///< the hash of the content
  std::optional<int64_t> size;
};

struct FetchedFile {
  std::filesystem::path path;
  bool fetched = false;  ///< false: it was there
};

class HubClient {
 public:
  /// `repository`: "timm/mobilenetv3_small_050.lamb_in1k". Of the options the token is not read; settings.token is.
  HubClient(const HubSettings& settings, std::string repository, const DownloadOptions& options);

  const HubRepository& cache() const { return cache_; }

  /// Asks for a file of a branch, tag or commit. Throws DownloadError (also if the server is no hub, or states no
  /// hash), Stopped.
  HubFile look_up(const std::string& revision, std::string_view file) const;
  /// Fetches a file into the cache, checked by its hash, unless it is there and `force` is false. Throws DownloadError,
  /// IoError, Stopped.
  FetchedFile fetch(const HubFile& file, int64_t max_bytes, bool force) const;

 private:
  HubSettings settings_;
  std::string repository_;
  DownloadOptions options_;
  HubRepository cache_;
};

}  // namespace zoo::hub
