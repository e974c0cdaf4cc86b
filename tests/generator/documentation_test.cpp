// docs/configuration.md against the code: every key that is read is documented and every documented key is read; a
// documented default is what leaving the key out means; required keys are missed; values of another type are refused.
#include "tests/generator/documentation.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "heads/detection.h"
#include "models/model_config.h"
#include "nn/core/error.h"
#include "nn/graph/describe.h"
#include "tests/generator/config_generator.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kFiles = 1000;

// Where the keys of a section stand. `owner` is the backbone, neck or head that reads them, empty for all; `form`
// limits what is said of defaults to one form of a backbone.
struct Section {
  std::string owner;
  std::string path;
  std::string form;
};

const std::map<std::string, Section>& sections() {
  static const std::string backbone = "model.architecture.backbone";
  static const std::string neck = "model.architecture.neck";
  static const std::string head = "model.architecture.head";
  static const std::string post = "model.postprocessor";
  static const std::map<std::string, Section> sections = {
      {"Model files", {"", "", ""}},
      {"model", {"", "model", ""}},
      {"model.checkpoint", {"", "model.checkpoint", ""}},
      {"model.architecture", {"", "model.architecture", ""}},
      {"model.unknown", {"", "model.unknown", ""}},
      {"model.smoothing", {"", "model.smoothing", ""}},
      {"model.multi_label", {"", "model.multi_label", ""}},
      {backbone, {"", backbone, ""}},
      {neck, {"", neck, ""}},
      {head, {"", head, ""}},
      {post, {"", post, ""}},
      {"params (mobilenetv3)", {"mobilenetv3", backbone + ".params", "mobilenetv3 stage_params"}},
      {"bottleneck_cfg (mobilenetv3)", {"mobilenetv3", backbone + ".params", "mobilenetv3 bottleneck_cfg"}},
      {"params (mobilenetv4)", {"mobilenetv4", backbone + ".params", "mobilenetv4 stage_params"}},
      {"cfg (mobilenetv4)", {"mobilenetv4", backbone + ".cfg", ""}},
      {"A layer of cfg (mobilenetv4)", {"mobilenetv4", backbone + ".cfg.layer1", ""}},
      {"params beside cfg (mobilenetv4)", {"mobilenetv4", backbone + ".params", "mobilenetv4 cfg"}},
      {"preprocess", {"", "preprocess", ""}},
      {"preprocess.letterbox", {"", "preprocess.letterbox", ""}},
      {"runtime", {"", "runtime", ""}}};
  return sections;
}

// Headings that follow the rule: `params (FAMILY)`, "Head `NAME`", ...
std::optional<Section> section_by_rule(const std::string& heading) {
  static const std::string architecture = "model.architecture.";
  static const std::vector<std::pair<std::regex, std::string>> rules = {
      {std::regex("stage_params \\((\\w+)\\)"), architecture + "backbone.stage_params[]"},
      {std::regex("params \\((\\w+)\\)"), architecture + "backbone.params"},
      {std::regex("Neck `(\\w+)`"), architecture + "neck.params"},
      {std::regex("Head `(\\w+)`"), architecture + "head.params"},
      {std::regex("Postprocessor of `(\\w+)`"), "model.postprocessor.params"}};
  for (const auto& [rule, path] : rules) {
    if (std::smatch match; std::regex_match(heading, match, rule)) return Section{match[1], path, ""};
  }
  return std::nullopt;
}

Section section_of(const DocumentedKey& key) {
  const auto found = sections().find(key.heading);
  if (found != sections().end()) return found->second;
  if (auto section = section_by_rule(key.heading)) return *std::move(section);
  throw Error("no section of this test is called \"" + key.heading + '"');
}

// List positions and the numbers of lucid's layers do not matter, nor where its map stands, nor which classes have
// thresholds of their own.
std::string general_path(std::string path) {
  static const std::regex kIndex("\\[[0-9]+\\]");
  static const std::regex kLayer("\\.(layer[0-9]+|conv0)\\.");
  static const std::regex kLastLayer("\\.layer[0-9]+$");
  static const std::regex kInParams("\\.params\\.cfg\\.");
  static const std::regex kClass("(model\\.multi_label\\.thresholds)\\..*");
  path = std::regex_replace(path, kIndex, "[]");
  path = std::regex_replace(path, kClass, "$1");
  path = std::regex_replace(path, kLayer, ".layer1.");
  path = std::regex_replace(path, kLastLayer, ".layer1");
  return std::regex_replace(path, kInParams, ".cfg.");
}

std::string joined(const std::string& path, const std::string& key) { return path.empty() ? key : path + '.' + key; }

using OwnedKey = std::pair<std::string, std::string>;  // owner, path

// The names that decide what a key means.
struct Names {
  std::string backbone;
  std::string neck;
  std::string head;
};

// Whose key it is: what a backbone, neck or head finds below its own map depends on its name.
OwnedKey owned(const std::string& path, const Names& names) {
  const std::string general = general_path(path);
  static const std::regex kBackbone("model\\.architecture\\.backbone\\.(params|stage_params|cfg)[.\\[].*");
  static const std::regex kNeck("model\\.architecture\\.neck\\.params\\..*");
  static const std::regex kHead("model\\.(architecture\\.head|postprocessor)\\.params\\..*");
  if (std::regex_match(general, kBackbone)) return {names.backbone, general};
  if (std::regex_match(general, kNeck)) return {names.neck, general};
  if (std::regex_match(general, kHead)) return {names.head, general};
  return {"", general};
}

std::set<OwnedKey> all_documented() {
  std::set<OwnedKey> keys;
  for (const DocumentedKey& key : documented_keys()) {
    const Section& section = section_of(key);
    for (const std::string& name : key.names) keys.emplace(section.owner, joined(section.path, name));
  }
  return keys;
}

models::ModelConfig decode(const std::string& text) {
  return models::decode_model_config(ConfigDocument::parse(text, "generated.yaml"), "generated.yaml");
}

struct KnownFile {
  GeneratedConfig generated;
  Names names;
};

Names names_in(const models::ModelConfig& config) { return {config.backbone_name, config.neck_name, config.head_name}; }

const std::vector<KnownFile>& known_files() {
  static const std::vector<KnownFile> files = [] {
    std::vector<KnownFile> made;
    for (uint32_t seed = 0; seed < kFiles; ++seed) {
      GeneratedConfig generated = generate_config(seed);
      const models::ModelConfig config = decode(generated.text);
      made.push_back({std::move(generated), names_in(config)});
    }
    return made;
  }();
  return files;
}

void add_keys_read(const ConfigDocument& document, const fs::path& file, std::set<OwnedKey>& keys) {
  const models::ModelConfig config = models::decode_model_config(document, file);
  for (const std::string& path : document.asked_keys()) keys.insert(owned(path, names_in(config)));
}

// What decoding the generated files and those of configs/ asks for.
std::set<OwnedKey> all_read() {
  std::set<OwnedKey> keys;
  for (const KnownFile& file : known_files()) {
    add_keys_read(ConfigDocument::parse(file.generated.text, "generated.yaml"), "generated.yaml", keys);
  }
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(ZOO_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".yaml") add_keys_read(ConfigDocument::load(entry.path()), entry.path(), keys);
  }
  return keys;
}

std::vector<std::string> only_in_first(const std::set<OwnedKey>& first, const std::set<OwnedKey>& second) {
  std::vector<OwnedKey> difference;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(difference));
  std::vector<std::string> lines;
  for (const auto& [owner, path] : difference) lines.push_back(fmt::format("{} ({})", path, owner));
  return lines;
}

TEST(ConfigurationKeys, ThatAreReadAreDocumented) {
  EXPECT_EQ(only_in_first(all_read(), all_documented()), std::vector<std::string>());
}

TEST(ConfigurationKeys, ThatAreDocumentedAreRead) {
  EXPECT_EQ(only_in_first(all_documented(), all_read()), std::vector<std::string>());
}

// Without this the generator could lose an option and nobody would notice.
TEST(ConfigurationKeys, ThatAreDocumentedAreGenerated) {
  std::set<OwnedKey> generated;
  for (const auto& [file, names] : known_files()) {
    for (const std::string& path : keys_of(file.tree)) generated.insert(owned(path, names));
  }
  EXPECT_EQ(only_in_first(all_documented(), generated), std::vector<std::string>());
}

TEST(ConfigurationKeys, HaveASourceThatIsExplained) {
  for (const DocumentedKey& key : documented_keys()) {
    EXPECT_TRUE(key.source == "trainer" || key.source == "lucid" || key.source == "ours")
        << key.heading << ": " << fmt::format("{}", fmt::join(key.names, ", "));
    EXPECT_FALSE(key.type.empty()) << key.heading << ": " << key.names.front();
  }
}

std::string description(const heads::DetectionDecoding& decoding) {
  const heads::Postprocess& post = decoding.postprocess;
  std::string text = fmt::format("{} {} {} {} {}\n", post.topk_candidates, post.score_thresh, post.nms_thresh,
                                 post.class_agnostic, post.max_detections);
  // Any maps will do: the boxes of all levels show sizes, ratios, steps and clipping.
  const std::vector<graph::Size2d> maps(decoding.anchors_per_position.size(), {2, 3});
  for (const heads::Box& box : decoding.anchors(maps, {64, 96})) {
    text += fmt::format("{} {} {} {}\n", box.x0, box.y0, box.x1, box.y1);
  }
  return text;
}

std::string description(const models::PreprocessConfig& preprocess) {
  std::string text =
      fmt::format("{} {} {} {} {} {}\n", preprocess.resize, preprocess.crop, static_cast<int>(preprocess.interpolation),
                  preprocess.mean, preprocess.std, static_cast<int>(preprocess.color));
  if (const auto& letterbox = preprocess.letterbox) {
    const std::vector<uint8_t> black(preprocess.mean.size(), 0);
    text += fmt::format("{} {} {}\n", letterbox->size, letterbox->fill.empty() ? black : letterbox->fill,
                        static_cast<int>(letterbox->position));
  }
  return text;
}

// Everything a model file decides, as text.
std::string description(const models::ModelConfig& config) {
  const graph::Graph graph = models::build_graph(config);
  std::string text;
  for (const auto& row : graph::layer_rows(graph, {1, graph.in_channels(), 64, 64})) {
    text += fmt::format("{} {} {} {}\n", row.name, row.op, row.attributes, row.output.to_string());
  }
  for (const graph::Node& node : graph.nodes) {
    if (const auto* norm = std::get_if<graph::BatchNorm>(&node.op)) text += fmt::format("{} ", norm->eps);
    if (const auto* norm = std::get_if<graph::InstanceNorm>(&node.op)) text += fmt::format("{} ", norm->eps);
  }
  for (const Parameter& parameter : graph.parameters) text += parameter.name + parameter.shape.to_string() + '\n';
  for (const graph::Output& output : graph.outputs) text += fmt::format("{} {}\n", output.name, output.node);
  text += description(config.preprocess);
  if (config.detection) text += description(*config.detection);
  for (const auto& [key, what] : models::texts_of(config.answers, config.labels)) text += key + ' ' + what + '\n';
  text += fmt::format("{} {} {} {}\n", config.runtime.precision, config.runtime.threads, config.use_pretrained,
                      config.backbone.returned_levels);
  return text;
}

// Generated files in which a documented key can stand: those of its backbone, head and form, for pictures.
std::vector<const GeneratedConfig*> files_for(const Section& section) {
  std::vector<const GeneratedConfig*> files;
  for (const auto& [file, names] : known_files()) {
    const bool is_owner = section.owner.empty() || section.owner == names.backbone || section.owner == names.neck ||
                          section.owner == names.head;
    const bool is_form = section.form.empty() || section.form == file.form;
    if (is_owner && is_form && file.input[1] == 3) files.push_back(&file);
  }
  return files;
}

bool has_any(YamlValue& map, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return map.find(name) != nullptr; });
}

// The maps in which the key may stand.
std::vector<YamlValue*> holders(YamlValue& tree, const Section& section) {
  std::vector<YamlValue*> maps;
  for (const YamlPlace& place : places_of(tree)) {
    const bool is_there =
        general_path(place.path) == section.path || general_path(place.path + ".") == section.path + ".";
    if (is_there && place.value->kind == YamlValue::Kind::kMap) maps.push_back(place.value);
  }
  return maps;
}

// The default, once per block in the lists of a stage.
YamlValue as_written(const YamlValue& map, const Section& section, const std::string& value) {
  if (!section.path.ends_with("stage_params[]")) return value;
  const auto list = std::find_if(map.entries.begin(), map.entries.end(),
                                 [](const YamlEntry& entry) { return entry.value.kind == YamlValue::Kind::kList; });
  return YamlValue::list(std::vector<YamlValue>(list->value.items.size(), YamlValue(value)));
}

std::string text_of(YamlValue& tree) {
  Random random(1);
  return write_yaml(tree, random);
}

// Whether a key stands there in place of this one, which then has no default.
bool is_replaced(YamlValue& map, const DocumentedKey& key) {
  static const std::map<std::string, std::string> kReplacements = {
      {"resize", "letterbox"}, {"crop", "letterbox"}, {"min_ratio", "scales"}, {"max_ratio", "scales"}};
  const auto found = kReplacements.find(key.names.front());
  return found != kReplacements.end() && map.find(found->second) != nullptr;
}

TEST(ConfigurationDefaults, AreWhatLeavingTheKeyOutMeans) {
  constexpr int kComparisons = 4;
  for (const DocumentedKey& key : documented_keys()) {
    if (!key.has_literal_default()) continue;
    const Section& section = section_of(key);
    int compared = 0;
    for (const GeneratedConfig* original : files_for(section)) {
      if (compared == kComparisons) break;
      GeneratedConfig file = *original;
      const std::string before = description(decode(file.text));
      bool added = false;
      for (YamlValue* map : holders(file.tree, section)) {
        if (has_any(*map, key.names) || is_replaced(*map, key)) continue;
        map->add(key.names.front(), as_written(*map, section, key.literal_default()));
        added = true;
      }
      if (!added) continue;
      const std::string text = text_of(file.tree);
      try {
        EXPECT_EQ(description(decode(text)), before) << key.heading << ": " << key.names.front() << '\n' << text;
      } catch (const Error& error) {
        ADD_FAILURE() << key.heading << ": " << key.names.front() << ": " << error.what() << '\n' << text;
      }
      ++compared;
    }
    EXPECT_GT(compared, 0) << key.heading << ": " << key.names.front();
  }
}

TEST(ConfigurationKeys, WithoutDefaultAreMissedByName) {
  for (const DocumentedKey& key : documented_keys()) {
    if (!key.default_text.empty() || key.type == "any") continue;
    const Section& section = section_of(key);
    const std::string expected = fmt::format("missing key \"{}\"", key.names.front());
    bool missed = false;
    for (const GeneratedConfig* original : files_for(section)) {
      GeneratedConfig file = *original;
      for (YamlValue* map : holders(file.tree, section)) {
        std::erase_if(map->entries, [&](const YamlEntry& entry) {
          return std::find(key.names.begin(), key.names.end(), entry.key) != key.names.end();
        });
      }
      try {
        decode(text_of(file.tree));
      } catch (const ConfigError& error) {
        missed = std::string(error.what()).find(expected) != std::string::npos;
      }
      if (missed) break;
    }
    EXPECT_TRUE(missed) << key.heading << ": " << expected;
  }
}

// 1,000,000 as a number.
int64_t whole_number(std::string text) {
  std::erase(text, ',');
  return std::stoll(text);
}

// Values that the type in the documentation excludes.
std::vector<YamlValue> wrong_values(const std::string& type) {
  static const std::regex kAtMost("at most ([0-9][0-9,]*[0-9]|[0-9])");
  static const std::regex kRange("([0-9][0-9,]*[0-9]|[0-9]) to ([0-9][0-9,]*)");
  if (type == "any") return {};
  if (type.starts_with("map")) return {YamlValue("wrong"), YamlValue::list({int64_t{1}})};
  YamlValue map = YamlValue::map();
  map.add("wrong", int64_t{1});
  std::vector<YamlValue> values = {map};
  if (std::smatch range; std::regex_search(type, range, kRange)) {
    values.emplace_back(whole_number(range[1]) - 1);
    values.emplace_back(whole_number(range[2]) + 1);
    values.emplace_back("1.5");
  }
  if (std::smatch limit; std::regex_search(type, limit, kAtMost)) values.emplace_back(whole_number(limit[1]) + 1);
  if (type.starts_with("odd")) values.emplace_back(int64_t{2});
  if (type.find("over 0") != std::string::npos) {
    values.insert(values.end(), {YamlValue("0"), YamlValue("-1"), YamlValue(".nan")});
  }
  if (type.ends_with("under 1")) values.emplace_back(int64_t{1});
  if (type.ends_with("to 16")) values.emplace_back("16.5");
  if (type.starts_with("bool")) values.insert(values.end(), {YamlValue("2"), YamlValue("\"True\"")});
  if (type.starts_with("level")) values.insert(values.end(), {YamlValue("-2"), YamlValue("99"), YamlValue("0.5")});
  if (type.starts_with("activation") || type.starts_with('`')) values.emplace_back("nonsense");
  return values;
}

// The value itself, or the first one in the lists that it consists of.
YamlValue& value_to_replace(YamlValue& value, const std::string& type, const Section& section) {
  const bool is_column = section.path.ends_with("stage_params[]");
  YamlValue* replaced = &value;
  while ((is_column || type.starts_with("list of")) && !replaced->items.empty()) replaced = &replaced->items.front();
  return *replaced;
}

std::vector<std::string> problems_of(const std::string& text) {
  try {
    decode(text);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

// Empty if a value that the type excludes is refused at its line.
std::string fault_with(GeneratedConfig file, const DocumentedKey& key, const YamlValue& wrong) {
  for (YamlValue* map : holders(file.tree, section_of(key))) {
    for (const std::string& name : key.names) {
      YamlValue* value = map->find(name);
      if (value == nullptr || value->free) continue;
      YamlValue& replaced = value_to_replace(*value, key.type, section_of(key));
      replaced = wrong;
      const std::string text = text_of(file.tree);
      const std::string place = fmt::format("generated.yaml:{}:", replaced.line);
      const std::vector<std::string> problems = problems_of(text);
      const bool refused = std::any_of(problems.begin(), problems.end(),
                                       [&](const std::string& line) { return line.starts_with(place); });
      return refused ? "" : fmt::format("line {}: {}\n{}", replaced.line, fmt::join(problems, "\n"), text);
    }
  }
  return "not there";
}

TEST(ConfigurationTypes, ExcludeOtherValues) {
  for (const DocumentedKey& key : documented_keys()) {
    const std::vector<const GeneratedConfig*> files = files_for(section_of(key));
    for (const YamlValue& wrong : wrong_values(key.type)) {
      std::string fault = "no file";
      for (const GeneratedConfig* file : files) {
        fault = fault_with(*file, key, wrong);
        if (fault != "not there") break;
      }
      EXPECT_EQ(fault, "") << key.heading << ": " << key.names.front() << ", type " << key.type << ", wrong "
                           << wrong.text;
    }
  }
}

}  // namespace
}  // namespace zoo::test
