#include "hub/hub_cache.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <span>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "hub/cache_file.h"
#include "nn/core/error.h"
#include "nn/core/files.h"

namespace zoo::hub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCommitDigits = 40;
constexpr size_t kSha256Digits = 64;
constexpr const char* kPinFile = "backbone-zoo.pin";
constexpr size_t kMaxRevision = 200;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

fs::path home() {
  const std::string folder = variable("HOME");
  if (folder.empty()) throw IoError("there is no cache folder: HOME is not set; set HF_HUB_CACHE and TORCH_HOME");
  return folder;
}

// As Python's expanduser for one's own home.
fs::path expanded(const std::string& folder) {
  if (folder == "~") return home();
  return folder.starts_with("~/") ? home() / folder.substr(2) : fs::path(folder);
}

fs::path user_cache() {
  const std::string folder = variable("XDG_CACHE_HOME");
  return folder.empty() ? home() / ".cache" : expanded(folder);
}

fs::path hub_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string folder = variable(name); !folder.empty()) return expanded(folder);
  }
  const std::string hf_home = variable("HF_HOME");
  return (hf_home.empty() ? user_cache() / "huggingface" : expanded(hf_home)) / "hub";
}

fs::path torch_folder() {
  const std::string torch_home = variable("TORCH_HOME");
  return (torch_home.empty() ? user_cache() / "torch" : expanded(torch_home)) / "hub" / "checkpoints";
}

std::string server(const char* name, const char* usual) {
  std::string text = variable(name);
  while (text.ends_with('/')) text.pop_back();
  return text.empty() ? usual : text;
}

// A line feed in it would begin another header.
std::string token_variable() {
  std::string text = variable("HF_TOKEN");
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  const bool plain = std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (!plain) throw IoError("HF_TOKEN holds characters that no token has");
  return text;
}

bool offline_variable() {
  std::string text = variable("HF_HUB_OFFLINE");
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

}  // namespace

HubSettings HubSettings::from_environment() {
  return {.hub = hub_folder(),
          .torch = torch_folder(),
          .endpoint = server("HF_ENDPOINT", "https://huggingface.co"),
          .torchvision_endpoint = server("ZOO_TORCHVISION_ENDPOINT", "https://download.pytorch.org"),
          .token = token_variable(),
          .offline = offline_variable()};
}

bool is_commit(std::string_view text) { return text.size() == kCommitDigits && std::ranges::all_of(text, is_hex); }

bool is_revision(std::string_view text) {
  if (text.empty() || text.size() > kMaxRevision) return false;
  const bool plain = std::ranges::all_of(
      text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/'; });
  if (!plain || text.front() == '/' || text.back() == '/') return false;
  const fs::path path(text);
  return text.find("//") == std::string_view::npos &&
         std::ranges::none_of(path, [](const fs::path& part) { return part == "." || part == ".."; });
}

HubRepository::HubRepository(const fs::path& cache, const std::string& name) {
  std::string folder = "models--" + name;
  if (const size_t slash = folder.find('/'); slash != std::string::npos) folder.replace(slash, 1, "--");
  folder_ = cache / folder;
  locks_ = cache / ".locks" / folder;
}

fs::path HubRepository::snapshot(const std::string& revision, std::string_view file) const {
  return folder_ / "snapshots" / commit_of(revision) / file;
}

std::string HubRepository::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  std::ifstream stream(folder_ / "refs" / revision);
  std::string commit;
  // Python writes it without a line feed; an editor would add one.
  if (!std::getline(stream, commit) || !is_commit(commit)) return revision;
  return commit;
}

std::optional<fs::path> HubRepository::find(const std::string& revision, std::string_view file) const {
  fs::path path = snapshot(revision, file);
  if (!is_file(path)) return std::nullopt;
  return path;
}

fs::path HubRepository::link(const std::string& commit, std::string_view file, const std::string& etag) const {
  fs::path path = folder_ / "snapshots" / commit / file;
  create_folders(path.parent_path());
  replace_symlink(path, fs::path("../../blobs") / etag);
  return path;
}

void HubRepository::note_revision(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) return;
  const fs::path path = folder_ / "refs" / revision;
  create_folders(path.parent_path());
  PartialFile file(path.string() + fmt::format(".{}.tmp", ::getpid()));
  file.restart();
  file.append(std::as_bytes(std::span(commit)));
  file.publish(path);
}

std::optional<HubPin> HubRepository::pin() const {
  std::ifstream stream(folder_ / kPinFile);
  HubPin pin;
  if (!(stream >> pin.commit >> pin.sha256) || !is_commit(pin.commit)) return std::nullopt;
  const bool whole = pin.sha256.size() == kSha256Digits && std::ranges::all_of(pin.sha256, is_hex);
  return whole ? std::optional(pin) : std::nullopt;
}

void HubRepository::note_pin(const HubPin& pin) const {
  const fs::path path = folder_ / kPinFile;
  create_folders(path.parent_path());
  const std::string text = fmt::format("{} {}\n", pin.commit, pin.sha256);
  PartialFile file(path.string() + fmt::format(".{}.tmp", ::getpid()));
  file.restart();
  file.append(std::as_bytes(std::span(text)));
  file.publish(path);
}

std::string hub_url(const HubSettings& settings, const std::string& repository, const std::string& revision,
                    std::string_view file) {
  std::string quoted = revision;  // one part of the path: is_revision() leaves only slashes to be quoted
  for (size_t at = 0; (at = quoted.find('/', at)) != std::string::npos;) quoted.replace(at, 1, "%2F");
  return fmt::format("{}/{}/resolve/{}/{}", settings.endpoint, repository, quoted, file);
}

}  // namespace zoo::hub
