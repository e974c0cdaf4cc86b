// Files of torch.save made byte by byte, so that every byte can be wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/weights/test_files.h"

namespace zoo::weights {

/// An entry of a zip archive; the optional fields replace what would be true.
struct ZipEntry {
  std::string name;
  std::string data;
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<uint32_t> size = {};
  std::optional<uint32_t> stored_size = {};
  std::optional<uint32_t> checksum = {};
  std::optional<uint32_t> offset = {};
};

enum class ZipForm { kPlain, kZip64 };

std::string zip_bytes(const std::vector<ZipEntry>& entries, ZipForm form = ZipForm::kPlain);

/// The entries of an archive that holds this pickle, storage 0 of four floats 1, 2, 3, 4, and a version.
std::vector<ZipEntry> pth_entries(std::string_view pickle);
/// The archive of these entries.
std::string pth_bytes(std::string_view pickle);

/// Pieces of pickles. Nothing is checked.
namespace pkl {

std::string text(std::string_view value);
std::string number(int32_t value);
std::string tuple(const std::vector<std::string>& items);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string global(std::string_view module, std::string_view name);
std::string call(const std::string& callable, const std::vector<std::string>& args);
/// An empty collections.OrderedDict.
std::string ordered_dict();
/// Opcodes that yield a storage.
std::string storage(const std::string& key, int32_t count, std::string_view type = "FloatStorage");
std::string tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides);
/// A whole pickle of protocol 2.
std::string pickle(const std::string& value);

}  // namespace pkl

/// What opening the file as a checkpoint says is wrong; "opened" if nothing is.
std::string checkpoint_error(const std::filesystem::path& path, const std::string& entry = {});

}  // namespace zoo::weights
