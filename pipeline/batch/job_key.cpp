#include "pipeline/batch/job_key.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/json_nesting.h"
#include "nn/core/shown_text.h"
#include "pipeline/batch/key_json.h"

namespace zoo::batch {
namespace {

constexpr size_t kShownDigits = 12;
constexpr size_t kDigestLength = 64;  // SHA-256

std::string shown(const std::string& value) {
  if (value.empty()) return "nothing";
  const bool is_digest =
      value.size() == kDigestLength && value.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_digest ? value.substr(0, kShownDigits) + "..." : shortened(value);
}

std::string value_in(const Fingerprint& fingerprint, const std::string& name) {
  const auto found = std::ranges::find(fingerprint, name, &Fingerprint::value_type::first);
  return found == fingerprint.end() ? "" : found->second;
}

}  // namespace

LineFormat line_format(const JobKey& key) { return key.format == "csv" ? LineFormat::kCsv : LineFormat::kJsonLines; }

std::vector<std::string> differences(const JobKey& found, const JobKey& expected) {
  std::vector<std::string> result;
  const auto compare = [&](const std::string& name, const std::string& is, const std::string& should) {
    if (is != should) result.push_back(fmt::format("{}: {} in place of {}", name, shown(is), shown(should)));
  };
  compare("the command", found.work, expected.work);
  compare("the format", found.format, expected.format);
  compare("the manifest", found.manifest, expected.manifest);
  compare("the number of rows", fmt::to_string(found.rows), fmt::to_string(expected.rows));
  compare("the number of shards", fmt::to_string(found.shard.count), fmt::to_string(expected.shard.count));
  for (const auto& [name, value] : expected.fingerprint) compare(name, value_in(found.fingerprint, name), value);
  for (const auto& [name, value] : found.fingerprint) {
    if (value_in(expected.fingerprint, name).empty()) compare(name, value, "");
  }
  return result;
}

bool differ_by_node_only(const JobKey& found, const JobKey& expected) {
  const std::string precision(kPrecision);
  const bool other_precision = value_in(found.fingerprint, precision) != value_in(expected.fingerprint, precision);
  const auto without_node = [&](JobKey key) {
    std::erase_if(key.fingerprint, [&](const auto& entry) {
      return entry.first == kVersion || entry.first == kBuild || entry.first == kPrecision ||
             (entry.first == kCalibration && other_precision);
    });
    return key;
  };
  return found != expected && without_node(found) == without_node(expected);
}

KeyJson to_key_json(const JobKey& key) {
  KeyJson json = {{"backbone_zoo_part", kPartVersion}, {"work", key.work}, {"format", key.format},
                  {"manifest", key.manifest},          {"rows", key.rows}, {"shard", key.shard.index},
                  {"shards", key.shard.count}};
  json["fingerprint"] = KeyJson::object();
  for (const auto& [name, value] : key.fingerprint) json["fingerprint"][name] = value;
  return json;
}

std::string to_text(const KeyJson& json) { return json.dump(-1, ' ', false, KeyJson::error_handler_t::replace); }

KeyJson parse_key_json(std::string_view text, std::string_view what) {
  KeyJson json = too_deep_json(text) ? KeyJson() : KeyJson::parse(text, nullptr, false);
  if (!json.is_object()) throw IoError(fmt::format("{}: is not a line of JSON as a part of a job has it", what));
  const auto version = json.find("backbone_zoo_part");
  if (version == json.end()) throw IoError(fmt::format("{}: is no part of a job", what));
  if (*version != kPartVersion) {
    throw IoError(fmt::format("{}: is of version {}; this program knows {}: use the version that made it", what,
                              version->dump(-1, ' ', false, KeyJson::error_handler_t::replace), kPartVersion));
  }
  return json;
}

std::string text_in(const KeyJson& json, const std::string& name, std::string_view what) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) throw IoError(fmt::format("{}: {} must be a text", what, name));
  return found->get<std::string>();
}

int64_t count_in(const KeyJson& json, const std::string& name, std::string_view what) {
  const auto found = json.find(name);
  const bool fits = found != json.end() && found->is_number_unsigned() && found->get<uint64_t>() <= INT64_MAX / 2;
  if (!fits) throw IoError(fmt::format("{}: {} must be a whole number from 0", what, name));
  return found->get<int64_t>();
}

JobKey key_of(const KeyJson& json, std::string_view what) {
  JobKey key;
  key.work = text_in(json, "work", what);
  key.format = text_in(json, "format", what);
  key.manifest = text_in(json, "manifest", what);
  key.rows = count_in(json, "rows", what);
  key.shard = {count_in(json, "shard", what), count_in(json, "shards", what)};
  if (key.shard.count < 1 || key.shard.count > kMaxShards || key.shard.index >= key.shard.count) {
    throw IoError(fmt::format("{}: there is no shard {}", what, to_string(key.shard)));
  }
  const auto fingerprint = json.find("fingerprint");
  if (fingerprint == json.end() || !fingerprint->is_object()) {
    throw IoError(fmt::format("{}: fingerprint must be an object", what));
  }
  for (const auto& [name, value] : fingerprint->items()) {
    key.fingerprint.emplace_back(name, text_in(*fingerprint, name, what));
  }
  return key;
}

std::string to_json(const JobKey& key) { return to_text(to_key_json(key)); }

JobKey key_from_json(std::string_view json, std::string_view what) { return key_of(parse_key_json(json, what), what); }

}  // namespace zoo::batch
