// Where downloaded checkpoints live: the folders of the Hugging Face libraries and of PyTorch, shared with them.
//
// Layout of huggingface_hub: ROOT/models--ORG--NAME/ with blobs/ETAG (the content, named by its hash),
// snapshots/COMMIT/FILE (a relative link to the blob), refs/REVISION (a text file with the commit), and
// ROOT/.locks/models--ORG--NAME/ETAG.lock.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::hub {

inline constexpr std::string_view kHubWeights = "model.safetensors";
inline constexpr std::string_view kHubConfig = "config.json";
inline constexpr std::string_view kMainRevision = "main";

/// What the environment says about downloads and their folders.
struct HubSettings {
  /// $HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub.
  std::filesystem::path hub;
  /// $TORCH_HOME/hub/checkpoints, else $XDG_CACHE_HOME/torch/hub/checkpoints, else ~/.cache/torch/hub/checkpoints.
  std::filesystem::path torch;
  /// $HF_ENDPOINT, else https://huggingface.co; without a slash at the end.
  std::string endpoint;
  /// $ZOO_TORCHVISION_ENDPOINT, else https://download.pytorch.org: who has torchvision's files.
  std::string torchvision_endpoint;
  std::string token;     ///< $HF_TOKEN
  bool offline = false;  ///< $HF_HUB_OFFLINE is 1, ON, YES or TRUE

  /// Throws IoError if neither the variables nor HOME name a folder, or HF_TOKEN is no token.
  static HubSettings from_environment();
};

/// 40 hexadecimal digits.
bool is_commit(std::string_view text);
/// A branch, tag or commit that is safe as a path: letters, digits, `._-` and single slashes, no part `.` or `..`.
bool is_revision(std::string_view text);

/// Which weights a repository had when they were fetched first.
struct HubPin {
  std::string commit;
  std::string sha256;
};

/// One repository's part of the cache. Reading never throws: what is broken is not there.
class HubRepository {
 public:
  /// `name`: "timm/mobilenetv3_small_050.lamb_in1k".
  HubRepository(const std::filesystem::path& cache, const std::string& name);

  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path lock(const std::string& etag) const { return locks_ / (etag + ".lock"); }
  /// Where the file of a branch, tag or commit is or, as long as nothing is known of it, belongs.
  std::filesystem::path snapshot(const std::string& revision, std::string_view file) const;
  /// The commit that a branch or tag had when it was last fetched; the revision itself if nothing is known of it.
  std::string commit_of(const std::string& revision) const;
  /// The file of a branch, tag or commit, if it is there.
  std::optional<std::filesystem::path> find(const std::string& revision, std::string_view file) const;

  /// Makes the blob a file of a commit and yields its path. Throws IoError.
  std::filesystem::path link(const std::string& commit, std::string_view file, const std::string& etag) const;
  /// Notes what commit a branch or tag has now. Throws IoError.
  void note_revision(const std::string& revision, const std::string& commit) const;

  /// What note_pin() has noted. It lies beside what Python's library writes and looks at: `backbone-zoo.pin`.
  std::optional<HubPin> pin() const;
  /// Throws IoError.
  void note_pin(const HubPin& pin) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

/// Address of a file of the hub.
std::string hub_url(const HubSettings& settings, const std::string& repository, const std::string& revision,
                    std::string_view file);

}  // namespace zoo::hub
