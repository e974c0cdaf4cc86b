#include "models/calibration_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_node.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"

namespace zoo::models {
namespace {

/// 2: the fingerprint covers the attributes of operations.
constexpr int64_t kVersion = 2;

constexpr std::array kMethods = {engine::RangeMethod::kMinMax, engine::RangeMethod::kPercentile,
                                 engine::RangeMethod::kMse};

float as_float(const ConfigNode& node) {
  const double value = node.as_double();
  if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    node.problem(fmt::format("must fit single precision, found {}", value));
    return 0.0F;
  }
  return static_cast<float>(value);
}

std::vector<float> as_floats(const ConfigNode& node, size_t count) {
  std::vector<float> values;
  const std::vector<ConfigNode> items = node.items();
  values.reserve(items.size());
  for (const ConfigNode& item : items) values.push_back(as_float(item));
  if (node.is_list() && values.size() != count) {
    node.problem(fmt::format("expected {}, found {}", counted(static_cast<int64_t>(count), "value"), values.size()));
  }
  values.resize(count);
  return values;
}

void check_range(const ConfigNode& node, float low, float high) {
  if (!(low <= 0.0F && high >= 0.0F)) node.problem(fmt::format("must enclose 0, found {} to {}", low, high));
}

std::vector<std::string> value_names(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

void decode_input(const ConfigNode& node, size_t channels, engine::Calibration& calibration) {
  calibration.input_low = as_floats(node.at("low"), channels);
  calibration.input_high = as_floats(node.at("high"), channels);
  for (size_t c = 0; c < channels; ++c) check_range(node, calibration.input_low[c], calibration.input_high[c]);
}

void decode_ranges(const ConfigNode& node, const graph::Graph& graph, engine::Calibration& calibration) {
  const std::vector<std::string> names = value_names(graph);
  for (const std::string& name : node.keys()) {
    const ConfigNode entry = node.at(name);
    const std::vector<float> ends = as_floats(entry, 2);
    // Of a list that is too short or too long nothing more can be said.
    if (entry.is_list() && entry.items().size() == ends.size()) check_range(entry, ends[0], ends[1]);
    if (std::ranges::find(names, name) == names.end()) {
      const std::string nearest = nearest_name(name, names);
      entry.problem("the network has no such value" +
                    (nearest.empty() ? std::string("; `backbone-zoo calibrate` makes the table anew")
                                     : fmt::format("; did you mean \"{}\"?", nearest)));
    }
    calibration.ranges.push_back({name, ends[0], ends[1]});
  }
}

CalibrationFile decode(const ConfigDocument& document, const graph::BoundGraph& network) {
  const ConfigNode node = document.root().at("calibration");
  CalibrationFile file;
  const ConfigNode version = node.at("version");
  const bool is_other_version = version && version.as_int(kVersion) != kVersion;
  if (is_other_version) {
    version.problem(
        fmt::format("this program reads version {}; `backbone-zoo calibrate` makes the table anew", kVersion));
  }
  file.model = node.at("model").as_string();
  const ConfigNode print = node.at("fingerprint");
  file.calibration.fingerprint = print.as_string();
  // Another version's fingerprint is another one for the same network.
  const std::string wanted = engine::fingerprint(network);
  if (print && !is_other_version && file.calibration.fingerprint != wanted) {
    print.problem(
        fmt::format("made for another network or other weights: this one's is {}; `backbone-zoo calibrate` "
                    "makes the table anew",
                    wanted));
  }
  file.images = node.at("images").as_int_in(1, std::numeric_limits<int64_t>::max(), 1);
  std::vector<std::string> methods;
  methods.reserve(kMethods.size());
  for (const engine::RangeMethod method : kMethods) methods.emplace_back(engine::to_string(method));
  if (const auto choice = node.at("method").as_choice(methods, "method")) file.method = kMethods[*choice];
  decode_input(node.at("input"), static_cast<size_t>(network.graph.in_channels()), file.calibration);
  decode_ranges(node.at("ranges"), network.graph, file.calibration);
  document.finish();
  return file;
}

/// Any text as a YAML scalar in double quotes (YAML 1.2, 7.3.1).
std::string in_double_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (code < 0x20 || code == 0x7F) {
      result += fmt::format("\\x{:02X}", code);
    } else {
      result += character;
    }
  }
  return result + '"';
}

/// A value's name as a key: as it is where YAML takes that for nothing else. No word that means something (null, true,
/// yes) has a dot or an underscore in it.
std::string key(const std::string& name) {
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_'; };
  const bool plain = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                     name.find_first_of("._") != std::string::npos;
  return plain && std::ranges::all_of(name, is_plain) ? name : in_double_quotes(name);
}

}  // namespace

std::filesystem::path calibration_path(const std::filesystem::path& checkpoint) {
  std::filesystem::path path = checkpoint;
  path += ".calibration.yaml";
  return path;
}

std::string to_yaml(const CalibrationFile& file) {
  const engine::Calibration& calibration = file.calibration;
  std::string text =
      "# Between which numbers the values of a network lie, for --precision int8. Belongs to the weights beside it.\n"
      "calibration:\n";
  text +=
      fmt::format("  version: {}\n  model: {}\n  fingerprint: \"{}\"\n  images: {}\n  method: {}\n", kVersion,
                  in_double_quotes(file.model), calibration.fingerprint, file.images, engine::to_string(file.method));
  text += fmt::format("  input: {{low: [{}], high: [{}]}}\n  ranges:\n", fmt::join(calibration.input_low, ", "),
                      fmt::join(calibration.input_high, ", "));
  for (const engine::ValueRange& range : calibration.ranges) {
    text += fmt::format("    {}: [{}, {}]\n", key(range.value), range.low, range.high);
  }
  return text;
}

CalibrationFile load_calibration(const std::filesystem::path& file, const graph::BoundGraph& network) {
  return decode(ConfigDocument::load(file), network);
}

CalibrationFile parse_calibration(std::string_view text, const std::string& file_name,
                                  const graph::BoundGraph& network) {
  return decode(ConfigDocument::parse(text, file_name), network);
}

}  // namespace zoo::models
