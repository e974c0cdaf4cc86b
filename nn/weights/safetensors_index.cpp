#include "nn/weights/safetensors_index.h"

#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr std::string_view kMap = "weight_map";
constexpr size_t kMaxNameLength = 1024;
constexpr size_t kMaxFileNameLength = 255;

/// Receives the JSON token by token, so that nesting costs no recursion and nothing is kept but the map.
class IndexReader final : public nlohmann::json::json_sax_t {
 public:
  explicit IndexReader(const std::string& file) : file_(file) {}

  ShardMap take() {
    if (!seen_) fail("is JSON without weight_map, so not the index of a checkpoint in several safetensors files");
    if (shards_.empty()) fail("weight_map names no tensor");
    return std::move(shards_);
  }

  bool null() override { return value("null"); }
  bool boolean(bool) override { return value("a bool"); }
  bool number_integer(number_integer_t) override { return value("a number"); }
  bool number_unsigned(number_unsigned_t) override { return value("a number"); }
  bool number_float(number_float_t, const string_t&) override { return value("a number"); }
  bool binary(binary_t&) override { return value("binary data"); }
  bool string(string_t& text) override;
  bool start_object(size_t) override;
  bool key(string_t& name) override;
  bool end_object() override { return leave(); }
  bool start_array(size_t) override;
  bool end_array() override { return leave(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail(fmt::format("is not valid JSON (at byte {})", position));
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw WeightError(fmt::format("{}: {}", file_, problem)); }

  bool in_map() const { return in_map_ && depth_ == 2; }
  /// Any value but text or an object.
  bool value(std::string_view what) const;
  bool leave();

  const std::string& file_;
  ShardMap shards_;
  size_t depth_ = 0;     ///< open objects and lists
  bool at_map_ = false;  ///< the last key of the document was weight_map
  bool in_map_ = false;
  bool seen_ = false;
  std::string name_;
};

bool IndexReader::value(std::string_view what) const {
  if (depth_ == 1 && at_map_) fail(fmt::format("weight_map must be an object, found {}", what));
  if (in_map()) fail(fmt::format("weight_map: {} must be the name of a file, found {}", quoted_name(name_), what));
  if (depth_ == 0) fail(fmt::format("must be a JSON object, found {}", what));
  return true;
}

bool IndexReader::start_object(size_t) {
  if (in_map()) value("an object");
  if (depth_ == 1 && at_map_) in_map_ = true;
  ++depth_;
  return true;
}

bool IndexReader::start_array(size_t) {
  value("a list");
  ++depth_;
  return true;
}

bool IndexReader::leave() {
  --depth_;
  if (depth_ == 1) in_map_ = false;
  return true;
}

bool IndexReader::key(string_t& name) {
  if (depth_ == 1) {
    at_map_ = name == kMap;
    if (at_map_ && seen_) fail("weight_map is there twice");
    seen_ = seen_ || at_map_;
  } else if (in_map()) {
    if (name.empty() || name.size() > kMaxNameLength) fail("weight_map: a tensor's name is empty or too long");
    if (shards_.contains(name)) fail(fmt::format("weight_map: {} is there twice", quoted_name(name)));
    name_ = name;
  }
  return true;
}

bool IndexReader::string(string_t& text) {
  if (!in_map()) return value("text");
  const bool leaves =
      text.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos || text == "." || text == "..";
  if (text.empty() || text.size() > kMaxFileNameLength || leaves) {
    fail(fmt::format("weight_map: {} is in {}, which is not the name of a file beside the index", quoted_name(name_),
                     quoted_name(text)));
  }
  shards_.emplace(name_, text);
  return true;
}

}  // namespace

bool looks_like_index(std::string_view head) {
  uint64_t length = 0;
  if (head.size() < sizeof(length)) return false;
  std::memcpy(&length, head.data(), sizeof(length));
  const size_t first = head.find_first_not_of(" \t\r\n");
  // Text as a length would be beyond any file.
  return length >> 40U != 0 && first != std::string_view::npos && head[first] == '{';
}

ShardMap parse_index(std::string_view json, const std::string& file) {
  // nlohmann takes a NUL byte for the end of the text and would not look at what follows.
  if (const size_t nul = json.find('\0'); nul != std::string_view::npos) {
    throw WeightError(fmt::format("{}: is not valid JSON (at byte {})", file, nul + 1));
  }
  IndexReader reader(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace zoo::weights
