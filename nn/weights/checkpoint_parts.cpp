#include "nn/weights/checkpoint_parts.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>

#include <fmt/format.h>

#include "nn/weights/file_access.h"
#include "nn/weights/safetensors_index.h"

namespace zoo::weights {
namespace {

constexpr size_t kHeadBytes = 64;
constexpr size_t kMaxIndexBytes = size_t{64} << 20U;

std::string beginning(const InputFile& input, size_t bytes) {
  std::string text(std::min(input.size(), bytes), '\0');
  input.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

std::vector<std::filesystem::path> files_of_checkpoint(const std::filesystem::path& file) {
  std::vector<std::filesystem::path> files = {file};
  const InputFile input(file);
  if (!looks_like_index(beginning(input, kHeadBytes))) return files;
  if (input.size() > kMaxIndexBytes) input.fail(fmt::format("is JSON of more than {} bytes", kMaxIndexBytes));
  std::set<std::string> names;
  for (const auto& [tensor, name] : parse_index(beginning(input, kMaxIndexBytes), file.string())) names.insert(name);
  for (const std::string& name : names) files.push_back(file.parent_path() / name);
  return files;
}

}  // namespace zoo::weights
