// The zip archive that torch.save writes. Internal to nn/weights.
//
// All entries are in one folder: FOLDER/data.pkl (the pickle), FOLDER/data/KEY (one storage each), FOLDER/version, and
// since PyTorch 2.0 FOLDER/byteorder. PyTorch stores entries uncompressed, and only that is read: so nothing can grow
// beyond the file's own size. Refused are compressed and encrypted entries, names that are there twice or step out of
// the folder, entries that claim more bytes than the file has, and big-endian archives. Nothing is written to disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/file_access.h"

namespace zoo::weights {

/// An archive on disk, of which every part is read when it is asked for. Not safe for concurrent use.
class PthArchive {
 public:
  /// Reads and checks the directory. `name` is what messages show. Throws WeightError.
  PthArchive(const InputFile& file, std::string name);
  ~PthArchive();
  PthArchive(const PthArchive&) = delete;
  PthArchive& operator=(const PthArchive&) = delete;

  /// The text of data.pkl. Throws WeightError if it is damaged or over 64 MiB.
  std::string read_pickle() const;
  /// Fills `dst` with storage `key`. Throws WeightError if there is none, it has another size, or it is damaged.
  void read_storage(std::string_view key, std::span<std::byte> dst) const;
  /// Bytes of storage `key`. Throws WeightError if there is none.
  uint64_t storage_size(std::string_view key) const;
  /// Of the whole file.
  uint64_t size() const { return size_; }

 private:
  struct Entry {
    uint64_t index = 0;
    uint64_t size = 0;
  };
  struct Handle;

  void read_directory();
  [[noreturn]] void fail_without_pickle() const;
  void check_byte_order() const;
  const Entry& storage(std::string_view key) const;
  void read(const std::string& name, const Entry& entry, std::span<std::byte> dst) const;

  std::string file_;
  uint64_t size_;
  std::unique_ptr<Handle> handle_;
  std::string folder_;                                 ///< with its slash
  std::map<std::string, Entry, std::less<>> entries_;  ///< by name within the folder
};

}  // namespace zoo::weights
