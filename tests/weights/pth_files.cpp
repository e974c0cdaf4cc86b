#include "tests/weights/pth_files.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/checkpoint_file.h"

namespace zoo::weights {
namespace {

uint32_t crc32(std::string_view data) {
  uint32_t crc = ~0U;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// Version, flags, method, time, date, checksum, sizes, lengths: common to local and central headers.
std::string header_fields(const ZipEntry& entry, uint16_t extra_length) {
  const auto size = static_cast<uint32_t>(entry.data.size());
  return bytes_of<uint16_t>(20) + bytes_of(entry.flags) + bytes_of(entry.method) + bytes_of<uint32_t>(0x00210000) +
         bytes_of(entry.checksum.value_or(crc32(entry.data))) + bytes_of(entry.stored_size.value_or(size)) +
         bytes_of(entry.size.value_or(size)) + bytes_of(static_cast<uint16_t>(entry.name.size())) +
         bytes_of(extra_length);
}

}  // namespace

std::string zip_bytes(const std::vector<ZipEntry>& entries, ZipForm form) {
  const bool zip64 = form == ZipForm::kZip64;
  std::string archive;
  std::string directory;
  for (ZipEntry entry : entries) {
    const uint32_t offset = entry.offset.value_or(static_cast<uint32_t>(archive.size()));
    std::string extra;
    if (zip64) {
      extra = bytes_of<uint16_t>(1) + bytes_of<uint16_t>(24) + bytes_of<uint64_t>(entry.data.size()) +
              bytes_of<uint64_t>(entry.data.size()) + bytes_of<uint64_t>(offset);
      entry.size = entry.stored_size = ~0U;
    }
    archive += "PK\x03\x04" + header_fields(entry, 0) + entry.name + entry.data;
    directory += "PK\x01\x02" + bytes_of<uint16_t>(20) + header_fields(entry, static_cast<uint16_t>(extra.size())) +
                 std::string(10, '\0') + bytes_of(zip64 ? ~0U : offset) + entry.name + extra;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  const size_t begin = archive.size();
  archive += directory;
  if (zip64) {
    const size_t end = archive.size();
    archive += "PK\x06\x06" + bytes_of<uint64_t>(44) + bytes_of<uint16_t>(45) + bytes_of<uint16_t>(45) +
               bytes_of<uint64_t>(0) + bytes_of<uint64_t>(count) + bytes_of<uint64_t>(count) +
               bytes_of<uint64_t>(directory.size()) + bytes_of<uint64_t>(begin);
    archive += "PK\x06\x07" + bytes_of<uint32_t>(0) + bytes_of<uint64_t>(end) + bytes_of<uint32_t>(1);
    return archive + "PK\x05\x06" + bytes_of<uint32_t>(0) + std::string(12, '\xFF') + bytes_of<uint16_t>(0);
  }
  return archive + "PK\x05\x06" + bytes_of<uint32_t>(0) + bytes_of(count) + bytes_of(count) +
         bytes_of(static_cast<uint32_t>(directory.size())) + bytes_of(static_cast<uint32_t>(begin)) +
         bytes_of<uint16_t>(0);
}

std::vector<ZipEntry> pth_entries(std::string_view pickle) {
  return {{.name = "net/data.pkl", .data = std::string(pickle)},
          {.name = "net/data/0", .data = bytes_of(1.0F) + bytes_of(2.0F) + bytes_of(3.0F) + bytes_of(4.0F)},
          {.name = "net/version", .data = "3\n"}};
}

std::string pth_bytes(std::string_view pickle) { return zip_bytes(pth_entries(pickle)); }

namespace pkl {

std::string text(std::string_view value) {
  return std::string("X") + bytes_of(static_cast<uint32_t>(value.size())) + std::string(value);
}

std::string number(int32_t value) { return std::string("J") + bytes_of(value); }

std::string tuple(const std::vector<std::string>& items) {
  std::string code = "(";
  for (const std::string& item : items) code += item;
  return code + "t";
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string code = "}(";
  for (const auto& [name, value] : items) code += text(name) + value;
  return code + "u";
}

std::string global(std::string_view module, std::string_view name) { return fmt::format("c{}\n{}\n", module, name); }

std::string call(const std::string& callable, const std::vector<std::string>& args) {
  return callable + tuple(args) + "R";
}

std::string ordered_dict() { return call(global("collections", "OrderedDict"), {}); }

std::string storage(const std::string& key, int32_t count, std::string_view type) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count)}) + "Q";
}

std::string tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides) {
  const auto numbers = [](const std::vector<int32_t>& values) {
    std::vector<std::string> items;
    for (const int32_t value : values) items.push_back(number(value));
    return tuple(items);
  };
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, number(offset), numbers(shape), numbers(strides), "\x89", ordered_dict()});
}

std::string pickle(const std::string& value) { return fmt::format("\x80\x02{}.", value); }

}  // namespace pkl

std::string checkpoint_error(const std::filesystem::path& path, const std::string& entry) {
  try {
    CheckpointFile::open(path, {.entry = entry});
  } catch (const WeightError& error) {
    return error.what();
  }
  return "opened";
}

}  // namespace zoo::weights
