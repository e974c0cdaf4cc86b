// The JSON header of a safetensors file, read from memory that may hold anything. Internal to nn/weights.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/safetensors.h"

namespace zoo::weights {

/// The tensor's bytes are [begin, end) of the data after the header.
struct HeaderEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<HeaderEntry> entries;  ///< by position in the data
  std::map<std::string, std::string> metadata;
};

/// Reads and checks a header: afterwards the entries cover `data_size` bytes exactly, one after another, and each has
/// as many bytes as its shape and type need. `file` is what messages show. Throws WeightError.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_size, const std::string& file);

/// A name from a file for a message: control characters escaped, cut after 120 bytes.
std::string printable_name(std::string_view name);
/// The same in double quotes.
std::string quoted_name(std::string_view name);

}  // namespace zoo::weights
