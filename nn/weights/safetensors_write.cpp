#include <array>
#include <cstring>
#include <set>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

std::string header_json(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  // ordered_json keeps the order of the data.
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t end = offset + tensor.data.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape.dims}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  // The data begin at a multiple of 8, so that a reader may use them in place.
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void check_tensors(const NamedTensors& tensors, const std::string& file) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    const std::string where = fmt::format("{}: tensor {}: ", file, quoted_name(name));
    const auto fail = [&where](const std::string& problem) { throw WeightError(where + problem); };
    if (name.empty() || name == "__metadata__" || name.find('\0') != std::string::npos) fail("not a possible name");
    if (!names.insert(name).second) fail("is there twice");
    if (static_cast<size_t>(tensor.shape.elements()) != tensor.data.size()) {
      fail(
          fmt::format("shape {} does not fit {}", tensor.shape.to_string(), counted(std::ssize(tensor.data), "value")));
    }
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_tensors(tensors, path.string());
  std::string json;
  try {
    json = header_json(tensors, metadata);
  } catch (const nlohmann::json::exception&) {
    throw WeightError(fmt::format("{}: a tensor name or metadata text is not valid UTF-8", path.string()));
  }
  std::array<std::byte, 8> length = {};
  const uint64_t json_size = json.size();
  std::memcpy(length.data(), &json_size, length.size());

  NewFile file(path);
  file.write(length);
  file.write(json);
  for (const auto& [name, tensor] : tensors) file.write(std::as_bytes(std::span(tensor.data)));
  file.publish();
}

}  // namespace zoo::weights
