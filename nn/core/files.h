// Writing files: beside their name, renamed when they are whole. The one home of it; everything that the project writes
// goes through here, but for downloads (which are resumed) and streams of lines (which people follow).
#pragma once

#include <cerrno>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zoo {

/// What the system says of an `errno`, e.g. "No such file or directory". Thread-safe, unlike std::strerror.
std::string errno_text(int error = errno);

/// Writes all bytes to a descriptor, however many calls that takes; false with `errno` set when one fails.
bool write_all(int descriptor, std::span<const std::byte> bytes);

/// Which file a name means, whatever the name: two are equal where they name the same file or folder.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;

  auto operator<=>(const FileId&) const = default;
};

/// Of what a name leads to, links followed; nothing where that is nothing or cannot be looked at.
std::optional<FileId> file_id(const std::filesystem::path& path);

/// Whether a name leads to something that is written as it stands: a device, a pipe, a socket (/dev/stdout,
/// >(command)).
bool is_special_file(const std::filesystem::path& path);

/// Throws IoError where no new file could get this name: a folder has it, or a symbolic link to anything but a special
/// file, it is too long, or no folder to lie in. Links are never followed, so that nobody's file elsewhere is changed,
/// and never replaced, as whoever made them wants them there.
void check_replaceable(const std::filesystem::path& file);

/// Makes a folder and those above it. Throws IoError.
void create_folders(const std::filesystem::path& folder);

/// So that names given in the folder survive a power failure, too. Some file systems cannot; the files are safe.
void sync_folder(const std::filesystem::path& folder);

/// What a published file survives.
enum class Durability {
  kProcess,  ///< the end of this process at any moment, and a full disk
  kPower,    ///< a power failure, too: the file is on the disk before it has its name, which takes milliseconds
};

/// A file that is written beside its name (as `.zoo-PID-N.part` in the same folder) and gets the name when it is whole:
/// whenever the process is killed, there is the older file or the new one, never a part. What a killed process leaves
/// behind is hidden, never read by anything and free to be removed. Special files are written as they stand. One thread
/// at a time; every member throws IoError (`FILE: problem`).
class NewFile {
 public:
  /// Creates the part, so that a wrong path is noticed before the work. See check_replaceable. `extension`, e.g.
  /// ".mp4", ends the name of the part, for libraries that go by it.
  explicit NewFile(std::filesystem::path file, Durability durability = Durability::kPower,
                   std::string_view extension = "");
  /// Removes the part unless it was published or kept.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Where to write for a library that opens the file itself: a path that begins with a slash.
  const std::filesystem::path& part() const { return part_; }
  /// The name the file is to have.
  const std::filesystem::path& name() const { return file_; }
  /// Gives the file its name; an older file of that name is replaced in one step. Once.
  void publish();
  /// The same without replacing anything: where the name is taken, the next that is free becomes name(), `clip-2.mp4`
  /// after `clip.mp4`. In one step, but where the file system cannot do that: there it is empty for a moment.
  void publish_beside();
  /// Leaves the part where it is, for what is worth more than its name, and yields where that is. After the last call
  /// that writes, in place of publishing or where that failed.
  std::filesystem::path keep_part();

 private:
  [[noreturn]] void fail(std::string_view what) const;
  void complete();

  std::filesystem::path file_;
  std::filesystem::path part_;  ///< empty for a special file
  Durability durability_;
  int descriptor_ = -1;
};

/// A whole file in one step, see NewFile.
void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes,
                Durability durability = Durability::kPower);
void write_file(const std::filesystem::path& file, std::string_view text, Durability durability = Durability::kPower);

}  // namespace zoo
