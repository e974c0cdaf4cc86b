#include "models/pretrained_cfg.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/pretrained_files.h"
#include "nn/core/error.h"
#include "nn/core/json_nesting.h"

namespace zoo::models {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxFileBytes = 1U << 20U;
constexpr int64_t kMaxSize = 8192;
constexpr size_t kChannels = 3;

/// `pretrained_cfg` of one file; every read checks and throws.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text(kMaxFileBytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || !stream.eof() || stream.gcount() == 0) fail("cannot be read, is empty or larger than 1 MiB");
    text.resize(static_cast<size_t>(stream.gcount()));
    if (too_deep_json(text)) fail(fmt::format("nests lists and objects more than {} deep", kMaxJsonNesting));
    root_ = Json::parse(text, nullptr, false);
    if (!root_.is_object()) fail("is not a JSON object");
    const auto found = root_.find("pretrained_cfg");
    if (found == root_.end() || !found->is_object()) fail("has no object \"pretrained_cfg\"");
    config_ = &*found;
  }

  const Json& at(const char* key) const {
    const auto found = config_->find(key);
    if (found == config_->end()) fail(fmt::format("pretrained_cfg has no \"{}\"", key));
    return *found;
  }

  double number(const char* key) const {
    const Json& value = at(key);
    if (!value.is_number()) wrong(key, "a number");
    return value.get<double>();
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) wrong(key, "text");
    return value.get<std::string>();
  }

  bool has(const char* key) const { return config_->contains(key) && !config_->at(key).is_null(); }

  std::vector<float> channels(const char* key, bool positive) const {
    const Json& value = at(key);
    const char* expected = positive ? "3 numbers over 0" : "3 numbers";
    if (!value.is_array() || value.size() != kChannels) wrong(key, expected);
    std::vector<float> result;
    for (const Json& item : value) {
      const float number = item.is_number() ? item.get<float>() : NAN;
      if (!std::isfinite(number) || (positive && !(number > 0.0F))) wrong(key, expected);
      result.push_back(number);
    }
    return result;
  }

  /// The side of a square input with three channels.
  int64_t input_side() const {
    const Json& value = at("input_size");
    constexpr const char* kExpected = "[3, size, size]";
    if (!value.is_array() || value.size() != 3) wrong("input_size", kExpected);
    for (const Json& item : value) {
      if (!item.is_number_integer() || item < 1 || item > kMaxSize) wrong("input_size", kExpected);
    }
    if (value[0] != kChannels || value[1] != value[2]) wrong("input_size", kExpected);
    return value[1].get<int64_t>();
  }

  [[noreturn]] void wrong(const char* key, std::string_view expected) const {
    constexpr size_t kShown = 60;
    const std::string found = at(key).dump(-1, ' ', true, Json::error_handler_t::replace);
    fail(fmt::format("pretrained_cfg.{}: expected {}, found {}{}", key, expected, found.substr(0, kShown),
                     found.size() > kShown ? "..." : ""));
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw WeightError(fmt::format("{}: {}; `backbone-zoo pull --force` fetches it anew", file_.string(), problem));
  }

 private:
  std::filesystem::path file_;
  Json root_;
  const Json* config_ = nullptr;
};

std::string size_text(const std::vector<int64_t>& size) {
  return size.empty() ? "none" : fmt::format("{}", fmt::join(size, "x"));
}

}  // namespace

PreprocessConfig read_pretrained_cfg(const std::filesystem::path& config_json) {
  const Reader reader(config_json);
  PreprocessConfig config;
  const int64_t side = reader.input_side();
  const double crop_pct = reader.number("crop_pct");
  if (!(crop_pct > 0.0) || crop_pct > 1.0) reader.wrong("crop_pct", "a number over 0, at most 1");
  if (reader.has("crop_mode") && reader.text("crop_mode") != "center") reader.wrong("crop_mode", "\"center\"");
  config.crop = {side};
  if (static_cast<double>(side) / crop_pct > static_cast<double>(kMaxSize)) {
    reader.wrong("crop_pct", fmt::format("a resize of at most {}", kMaxSize));
  }
  config.resize = {resize_from_crop(side, crop_pct)};
  const auto interpolation = interpolation_from_name(reader.text("interpolation"));
  if (!interpolation) reader.wrong("interpolation", "nearest, bilinear, bicubic or lanczos");
  config.interpolation = *interpolation;
  config.mean = reader.channels("mean", false);
  config.std = reader.channels("std", true);
  return config;
}

std::vector<std::string> preprocess_differences(const PreprocessConfig& found, const PreprocessConfig& expected) {
  std::vector<std::string> differences;
  const auto compare = [&](std::string_view what, const auto& ours, const auto& theirs) {
    if (ours != theirs) differences.push_back(fmt::format("{} {} instead of {}", what, ours, theirs));
  };
  compare("resize", size_text(found.resize), size_text(expected.resize));
  compare("crop", size_text(found.crop), size_text(expected.crop));
  compare("interpolation", to_string(found.interpolation), to_string(expected.interpolation));
  compare("mean", fmt::format("[{}]", fmt::join(found.mean, ", ")),
          fmt::format("[{}]", fmt::join(expected.mean, ", ")));
  compare("std", fmt::format("[{}]", fmt::join(found.std, ", ")), fmt::format("[{}]", fmt::join(expected.std, ", ")));
  return differences;
}

std::optional<PretrainedPreprocess> pretrained_preprocess(const PretrainedCheckpoint& known,
                                                          const hub::HubSettings& settings) {
  if (known.source == PretrainedSource::kHub) {
    const hub::HubRepository repository(settings.hub, known.repository);
    for (const std::string& revision : {revision_of(known, std::nullopt), std::string(hub::kMainRevision)}) {
      const auto file = repository.find(revision, hub::kHubConfig);
      if (!file) continue;
      return PretrainedPreprocess{read_pretrained_cfg(*file), fmt::format("{} (pretrained_cfg)", file->string())};
    }
  }
  if (!known.preprocess) return std::nullopt;
  return PretrainedPreprocess{*known.preprocess, fmt::format("the table of known checkpoints ({})", known.name)};
}

}  // namespace zoo::models
