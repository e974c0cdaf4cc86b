#include "nn/core/files.h"

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/free_name.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kFileMode = 0666;  // less the user's umask

bool is_special(const struct stat& status) { return !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode); }

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// A new file of a name that nobody has, and its descriptor; -1 with errno set when it cannot be made.
std::pair<fs::path, int> create_part(const fs::path& folder, std::string_view extension) {
  static std::atomic<uint64_t> counter = 0;
  std::error_code unknown;
  const fs::path absolute = fs::absolute(folder, unknown);
  while (true) {
    fs::path name =
        (unknown ? folder : absolute) / fmt::format(".zoo-{}-{}.part{}", ::getpid(), counter.fetch_add(1), extension);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
    if (descriptor >= 0 || errno != EEXIST) return {std::move(name), descriptor};
  }
}

}  // namespace

std::string errno_text(int error) { return std::generic_category().message(error); }

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

std::optional<FileId> file_id(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

bool is_special_file(const fs::path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && is_special(status);
}

void check_replaceable(const fs::path& file) {
  struct stat status = {};
  if (::lstat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw IoError(fmt::format("{}: cannot be written: {}", file.string(), errno_text()));
  }
  if (S_ISDIR(status.st_mode)) throw IoError(fmt::format("{}: cannot be written: it is a folder", file.string()));
  if (!S_ISLNK(status.st_mode) || is_special_file(file)) return;
  std::error_code error;
  const fs::path target = fs::read_symlink(file, error);
  throw IoError(
      fmt::format("{}: cannot be written: it is a link to {}; links are not followed: name the file itself, "
                  "or remove the link",
                  file.string(), target.string()));
}

void create_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  // What is there already is no error for it, a file included.
  if (!error && !fs::is_directory(folder, error) && !error) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw IoError(fmt::format("{}: cannot be made a folder: {}", folder.string(), error.message()));
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

NewFile::NewFile(fs::path file, Durability durability, std::string_view extension)
    : file_(std::move(file)), durability_(durability) {
  if (is_special_file(file_)) {
    descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail("cannot be written");
    return;
  }
  check_replaceable(file_);
  std::tie(part_, descriptor_) = create_part(folder_of(file_), extension);
  if (descriptor_ < 0) {
    part_.clear();
    fail("cannot be written");
  }
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!part_.empty()) ::unlink(part_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor_, bytes)) fail("writing failed");
}

void NewFile::complete() {
  if (!part_.empty() && durability_ == Durability::kPower && ::fsync(descriptor_) != 0) fail("writing failed");
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("writing failed");
}

void NewFile::publish_beside() {
  complete();
  if (part_.empty()) return;
  const fs::path wanted = file_;
  for (int number = 2; !rename_to_free(part_, file_); ++number) {
    if (errno != EEXIST) fail("cannot be written");
    file_.replace_filename(fmt::format("{}-{}{}", wanted.stem().string(), number, wanted.extension().string()));
  }
  part_.clear();
  if (durability_ == Durability::kPower) sync_folder(folder_of(file_));
}

void NewFile::publish() {
  complete();
  if (part_.empty()) return;
  if (::rename(part_.c_str(), file_.c_str()) != 0) fail("cannot be written");
  part_.clear();
  if (durability_ == Durability::kPower) sync_folder(folder_of(file_));
}

fs::path NewFile::keep_part() { return std::exchange(part_, {}); }

void NewFile::fail(std::string_view what) const {
  throw IoError(fmt::format("{}: {}: {}", file_.string(), what, errno_text()));
}

void write_file(const fs::path& file, std::span<const std::byte> bytes, Durability durability) {
  NewFile written(file, durability);
  written.write(bytes);
  written.publish();
}

void write_file(const fs::path& file, std::string_view text, Durability durability) {
  write_file(file, std::as_bytes(std::span(text)), durability);
}

}  // namespace zoo
