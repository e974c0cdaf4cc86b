#include "models/answer_config.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/parse_number.h"

namespace zoo::models {
namespace {

constexpr double kUsualThreshold = 0.5;
constexpr double kLongestWindow = 60.0;

double in_range(const ConfigNode& node, double low, double high, double fallback) {
  if (!node) return fallback;
  const double value = node.as_double(fallback);
  if (value >= low && value <= high) return value;
  node.problem(fmt::format("must be between {} and {}, found {}", low, high, value));
  return fallback;
}

UnknownConfig decode_unknown(const ConfigNode& node) {
  UnknownConfig config;
  std::vector<std::string> names;
  for (const CertaintyScore score : kCertaintyScores) names.emplace_back(to_string(score));
  const ConfigNode score = node.at("score");
  const auto choice = score.as_choice(names, "score");
  if (choice) config.score = kCertaintyScores[*choice];
  const ConfigNode threshold = node.at("threshold");
  const bool is_probability = choice && config.score != CertaintyScore::kEnergy;
  config.threshold = is_probability ? in_range(threshold, 0.0, 1.0, 0.0) : threshold.as_double();
  return config;
}

SmoothingConfig decode_smoothing(const ConfigNode& node) {
  SmoothingConfig config;
  if (const ConfigNode window = node.find("window_s")) {
    const double seconds = window.as_double(config.window_s);
    if (!(seconds > 0.0) || seconds > kLongestWindow) {
      window.problem(fmt::format("must be over 0 and at most {}, found {}", kLongestWindow, seconds));
    } else {
      config.window_s = seconds;
    }
  }
  config.hysteresis = in_range(node.find("hysteresis"), 0.0, 1.0, config.hysteresis);
  return config;
}

// The class that a key of `thresholds` names: a label, or the index where there is none of that name.
std::optional<size_t> class_of(const std::string& key, const std::vector<std::string>& labels, int64_t num_classes) {
  const auto found = std::ranges::find(labels, key);
  if (found != labels.end()) return static_cast<size_t>(found - labels.begin());
  const auto index = parse_number_in<int64_t>(key, 0, num_classes - 1);
  if (!index) return std::nullopt;
  return static_cast<size_t>(*index);
}

std::string unknown_class(const std::string& key, const std::vector<std::string>& labels, int64_t num_classes) {
  const std::string nearest = nearest_name(key, labels);
  if (!nearest.empty()) return fmt::format("the model has no class \"{}\"; did you mean \"{}\"?", key, nearest);
  return fmt::format("the model has no class \"{}\"; name {}an index from 0 to {}", key,
                     labels.empty() ? "" : "one of its labels or ", num_classes - 1);
}

void decode_thresholds(const ConfigNode& node, const std::vector<std::string>& labels, int64_t num_classes,
                       std::vector<double>& thresholds) {
  std::map<size_t, std::string> named;
  for (const std::string& key : node.keys()) {
    const ConfigNode value = node.at(key);
    const auto index = class_of(key, labels, num_classes);
    if (!index) {
      value.problem(unknown_class(key, labels, num_classes));
      value.skip();
      continue;
    }
    const auto [first, is_first] = named.emplace(*index, key);
    if (!is_first) value.problem(fmt::format("means the same class as \"{}\"; keep one of them", first->second));
    if (*index < thresholds.size()) thresholds[*index] = in_range(value, 0.0, 1.0, kUsualThreshold);
  }
}

MultiLabelConfig decode_multi_label(const ConfigNode& node, const std::vector<std::string>& labels,
                                    int64_t num_classes) {
  const double usual = in_range(node.find("threshold"), 0.0, 1.0, kUsualThreshold);
  MultiLabelConfig config{std::vector<double>(static_cast<size_t>(num_classes), usual)};
  if (const ConfigNode thresholds = node.find("thresholds"); given(thresholds)) {
    decode_thresholds(thresholds, labels, num_classes, config.thresholds);
  }
  return config;
}

}  // namespace

std::string_view to_string(CertaintyScore score) {
  switch (score) {
    case CertaintyScore::kMaxProbability:
      return "max_probability";
    case CertaintyScore::kMargin:
      return "margin";
    case CertaintyScore::kEnergy:
      break;
  }
  return "energy";
}

std::optional<CertaintyScore> certainty_score_from(std::string_view name) {
  const auto found =
      std::ranges::find_if(kCertaintyScores, [name](CertaintyScore score) { return to_string(score) == name; });
  if (found == kCertaintyScores.end()) return std::nullopt;
  return *found;
}

AnswerConfig decode_answers(const ConfigNode& model, const std::vector<std::string>& labels, int64_t num_classes) {
  AnswerConfig config;
  const ConfigNode unknown = model.find("unknown");
  const ConfigNode smoothing = model.find("smoothing");
  const ConfigNode multi_label = model.find("multi_label");
  if (given(unknown)) config.unknown = decode_unknown(unknown);
  if (given(smoothing)) config.smoothing = decode_smoothing(smoothing);
  if (!given(multi_label)) return config;
  config.multi_label = decode_multi_label(multi_label, labels, num_classes);
  if (given(unknown)) {
    unknown.problem(
        "a multi-label model says so itself, where no class reaches its threshold; leave out unknown or multi_label");
  }
  if (given(smoothing)) {
    smoothing.problem(
        "the several answers of a multi-label model are not smoothed; leave out smoothing or multi_label");
  }
  return config;
}

void refuse_answers(const ConfigNode& model, std::string_view what) {
  for (const char* key : kAnswerKeys) {
    const ConfigNode node = model.find(key);
    if (!given(node)) continue;
    node.problem(fmt::format("{} model has no {}, only a classification has", what, key));
    node.skip();
  }
}

std::string to_string(const UnknownConfig& config) {
  return fmt::format("{} below {}", to_string(config.score), config.threshold);
}

std::string to_string(const SmoothingConfig& config) {
  return fmt::format("over {} s, hysteresis {}", config.window_s, config.hysteresis);
}

std::string to_string(const MultiLabelConfig& config, const std::vector<std::string>& labels) {
  constexpr size_t kShown = 8;
  std::map<double, int64_t> counts;
  for (const double threshold : config.thresholds) ++counts[threshold];
  const double usual = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })->first;
  std::vector<std::string> others;
  for (size_t i = 0; i < config.thresholds.size(); ++i) {
    if (config.thresholds[i] == usual) continue;
    others.push_back(
        fmt::format("{} {}", i < labels.size() ? labels[i] : fmt::format("class {}", i), config.thresholds[i]));
  }
  const size_t count = others.size();
  if (count > kShown) others.resize(kShown);
  std::string text = fmt::format("every class from {}", usual);
  if (count > 0) text += fmt::format(" ({}{})", fmt::join(others, ", "), count > kShown ? ", ..." : "");
  return text;
}

std::vector<std::pair<std::string, std::string>> texts_of(const AnswerConfig& config,
                                                          const std::vector<std::string>& labels) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (config.unknown) texts.emplace_back("unknown", to_string(*config.unknown));
  if (config.smoothing) texts.emplace_back("smoothing", to_string(*config.smoothing));
  if (config.multi_label) texts.emplace_back("multi_label", to_string(*config.multi_label, labels));
  return texts;
}

}  // namespace zoo::models
