// Damaged model files: each is a network that can be built, or is refused with located problems; where the damage has
// a place, a problem points at it.
#include <algorithm>
#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/core/error.h"
#include "tests/generator/config_generator.h"

namespace zoo::test {
namespace {

using Kind = YamlValue::Kind;

constexpr uint32_t kFiles = 1500;
constexpr uint32_t kFilesPerTest = 500;

struct Outcome {
  std::vector<std::string> problems;  ///< empty: the file is accepted
  std::string fault;                  ///< what must never happen; empty if it did not
};

bool names_a_node(std::string_view message) {
  return message.starts_with("node \"") || message.starts_with("output \"");
}

Outcome outcome_of(const std::string& text) {
  static const std::regex kLine("generated\\.yaml:[1-9][0-9]*:[1-9][0-9]*: [^\n]+");
  Outcome outcome;
  try {
    const ConfigDocument document = ConfigDocument::parse(text, "generated.yaml");
    const graph::Graph graph = build_graph(models::decode_model_config(document, "generated.yaml"));
    infer_shapes(graph, {1, graph.in_channels(), 64, 64});
  } catch (const ConfigError& error) {
    outcome.problems = error.problems();
    for (const std::string& line : outcome.problems) {
      if (!std::regex_match(line, kLine)) outcome.fault = "problem without a place: " + line;
    }
  } catch (const GraphError& error) {
    if (!names_a_node(error.what())) outcome.fault = std::string("no node: ") + error.what();
  } catch (const std::exception& error) {
    outcome.fault = std::string("another exception: ") + error.what();
  }
  return outcome;
}

bool any_problem(const Outcome& outcome, const std::function<bool(const std::string&)>& fits) {
  return std::any_of(outcome.problems.begin(), outcome.problems.end(), fits);
}

bool points_at(const Outcome& outcome, int line) {
  const std::string place = fmt::format("generated.yaml:{}:", line);
  return any_problem(outcome, [&](const std::string& problem) { return problem.starts_with(place); });
}

bool says(const Outcome& outcome, const std::string& text) {
  return any_problem(outcome, [&](const std::string& problem) { return problem.find(text) != std::string::npos; });
}

// A valid file, a place of it that `wanted` accepts, and the random numbers to go on with.
class Damage {
 public:
  Damage(uint32_t seed, uint32_t kind) : random_(seed * 16 + kind), config_(generate_config(seed)) {}

  Random& random() { return random_; }
  YamlValue& tree() { return config_.tree; }
  const std::string& original() const { return config_.text; }

  std::optional<YamlPlace> some_place(const std::function<bool(const YamlPlace&)>& wanted) {
    std::vector<YamlPlace> places = places_of(config_.tree);
    std::erase_if(places, [&](const YamlPlace& place) { return !wanted(place); });
    if (places.empty()) return std::nullopt;
    return places[random_.below(places.size())];
  }

  std::string write() { return write_yaml(config_.tree, random_); }

 private:
  Random random_;
  GeneratedConfig config_;
};

bool is_entry(const YamlPlace& place) { return place.parent != nullptr && place.parent->kind == Kind::kMap; }
bool is_item(const YamlPlace& place) { return place.parent != nullptr && place.parent->kind == Kind::kList; }

std::string parent_path(const YamlPlace& place) { return place.path.substr(0, place.path.rfind('.')); }

class MutatedConfigs : public ::testing::TestWithParam<uint32_t> {
 protected:
  // Runs `check` for every seed of this test; it damages a file and says what is wrong with the outcome.
  void for_each_file(uint32_t kind, const std::function<std::string(Damage&)>& check) {
    for (uint32_t seed = GetParam(); seed < GetParam() + kFilesPerTest; ++seed) {
      Damage damage(seed, kind);
      const std::string wrong = check(damage);
      ASSERT_EQ(wrong, "") << "seed " << seed << '\n' << damage.original();
    }
  }
};

std::string report(const std::string& what, const Outcome& outcome, const std::string& text) {
  if (!outcome.fault.empty()) return outcome.fault + '\n' + text;
  return fmt::format("{}; problems:\n{}\n{}", what, fmt::join(outcome.problems, "\n"), text);
}

TEST_P(MutatedConfigs, MisspeltKeyIsNamedAtItsLine) {
  for_each_file(1, [](Damage& damage) -> std::string {
    const auto place = damage.some_place([](const YamlPlace& p) {
      // Not inside what is ignored, and no label.
      return is_entry(p) && (!p.free || p.value->free) && !p.parent->entries[p.index].key.starts_with('"');
    });
    std::string& key = place->parent->entries[place->index].key;
    const std::string before = key;
    key.insert(damage.random().below(key.size() + 1), 1, 'x');
    const std::string text = damage.write();
    const int line = place->parent->entries[place->index].key_line;
    const Outcome outcome = outcome_of(text);
    if (!outcome.fault.empty()) return report("", outcome, text);
    const bool named = points_at(outcome, line) && says(outcome, fmt::format("did you mean \"{}\"?", before));
    // What has no name cannot be read further: the missing name is the problem then.
    const bool is_name = before == "name" || before == "block_name";
    const bool missing = is_name && says(outcome, fmt::format("missing key \"{}\"", before));
    return named || missing ? "" : report(fmt::format("line {}: {} for {}", line, key, before), outcome, text);
  });
}

TEST_P(MutatedConfigs, WrongTypeIsNamedAtItsLine) {
  for_each_file(2, [](Damage& damage) -> std::string {
    const auto place = damage.some_place([](const YamlPlace& p) { return p.parent != nullptr && !p.free; });
    YamlValue wrong = YamlValue::map();
    wrong.add("wrong", int64_t{1});
    const bool is_map = place->value->kind == Kind::kMap;
    *place->value = is_map ? YamlValue("wrong") : wrong;
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    const bool found = outcome.fault.empty() && points_at(outcome, place->value->line);
    return found ? "" : report(fmt::format("line {}: {}", place->value->line, place->path), outcome, text);
  });
}

TEST_P(MutatedConfigs, ListOfAnotherLengthIsNamedInItsStage) {
  for_each_file(3, [](Damage& damage) -> std::string {
    const auto stage = damage.some_place([](const YamlPlace& p) {
      return is_item(p) && p.value->kind == Kind::kMap && p.path.find(".stage_params[") != std::string::npos;
    });
    if (!stage) return "";
    std::vector<YamlEntry*> lists;
    for (YamlEntry& entry : stage->value->entries) {
      if (entry.value.kind == Kind::kList) lists.push_back(&entry);
    }
    YamlEntry& list = *lists[damage.random().below(lists.size())];
    std::vector<YamlValue>& items = list.value.items;
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(damage.random().below(items.size())));
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    if (!outcome.fault.empty()) return report("", outcome, text);
    // The lists are measured by the first one that is read; without one of its values, all others are too long.
    const bool found = points_at(outcome, list.value.line) || points_at(outcome, list.key_line) ||
                       says(outcome, fmt::format("but {} has {}", list.key, items.size()));
    return found ? "" : report(fmt::format("{}.{}", stage->path, list.key), outcome, text);
  });
}

TEST_P(MutatedConfigs, ListWithOneValueTooManyOrFewIsNamedAtItsLine) {
  for_each_file(9, [](Damage& damage) -> std::string {
    static const std::regex kPerLevelOrChannel(".*\\.(anchor_sizes|scales|steps|mean|std)");
    const auto place = damage.some_place([](const YamlPlace& p) {
      return p.value->kind == Kind::kList && std::regex_match(p.path, kPerLevelOrChannel);
    });
    if (!place) return "";
    std::vector<YamlValue>& items = place->value->items;
    if (damage.random().one_in(2)) {
      items.pop_back();
    } else {
      items.push_back(YamlValue(items.front()));
    }
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    const bool found = outcome.fault.empty() && points_at(outcome, place->value->line);
    return found ? "" : report(fmt::format("line {}: {}", place->value->line, place->path), outcome, text);
  });
}

TEST_P(MutatedConfigs, HeadOfAnotherTaskIsNamedAtItsLine) {
  for_each_file(10, [](Damage& damage) -> std::string {
    const auto task = damage.some_place([](const YamlPlace& p) { return p.path == "model.task"; });
    const auto head = damage.some_place([](const YamlPlace& p) { return p.path == "model.architecture.head.name"; });
    const std::string before = task->value->text;
    while (task->value->text == before) {
      task->value->text = damage.random().word({"classification", "detection", "segmentation"});
    }
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    const bool found = outcome.fault.empty() && points_at(outcome, head->value->line);
    return found ? "" : report(fmt::format("{} for {}", task->value->text, before), outcome, text);
  });
}

TEST_P(MutatedConfigs, SecondOfTwoEqualKeysIsNamedAtItsLine) {
  for_each_file(4, [](Damage& damage) -> std::string {
    const auto place = damage.some_place(is_entry);
    YamlValue& parent = *place->parent;
    const YamlEntry copy = parent.entries[place->index];
    parent.entries.push_back(copy);
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    const bool found = outcome.fault.empty() && points_at(outcome, parent.entries.back().key_line);
    return found ? "" : report(place->path + " twice", outcome, text);
  });
}

TEST_P(MutatedConfigs, MissingKeyIsNamedOrOptional) {
  for_each_file(5, [](Damage& damage) -> std::string {
    const auto place = damage.some_place(is_entry);
    const std::string key = place->parent->entries[place->index].key;
    const std::string path = parent_path(*place);
    place->parent->entries.erase(place->parent->entries.begin() + static_cast<std::ptrdiff_t>(place->index));
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    return outcome.fault.empty() ? "" : report(path + '.' + key, outcome, text);
  });
}

TEST_P(MutatedConfigs, OtherNumberIsAnotherNetworkOrRefused) {
  for_each_file(6, [](Damage& damage) -> std::string {
    const auto place = damage.some_place([](const YamlPlace& p) {
      return p.value->kind == Kind::kScalar && p.value->text.find_first_not_of("0123456789.e-") == std::string::npos;
    });
    if (!place) return "";
    place->value->text = damage.random().word({"0",
                                               "-1",
                                               "-0",
                                               "1",
                                               "2",
                                               "3",
                                               "4",
                                               "7",
                                               "31",
                                               "16384",
                                               "16385",
                                               "2147483648",
                                               "9223372036854775807",
                                               "9223372036854775808",
                                               "1e9",
                                               "1e400",
                                               "-1e-300",
                                               ".inf",
                                               ".nan",
                                               "0x10",
                                               "010",
                                               "1_000",
                                               "\"1\""});
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    return outcome.fault.empty() ? "" : report(place->path, outcome, text);
  });
}

TEST_P(MutatedConfigs, SwappedRepeatedOrLostElementsAreAnotherNetworkOrRefused) {
  for_each_file(7, [](Damage& damage) -> std::string {
    const auto place = damage.some_place([](const YamlPlace& p) { return is_item(p) && p.parent->items.size() > 1; });
    if (!place) return "";
    std::vector<YamlValue>& items = place->parent->items;
    const auto at = items.begin() + static_cast<std::ptrdiff_t>(place->index);
    switch (damage.random().below(3)) {
      case 0:
        std::iter_swap(at, items.begin() + static_cast<std::ptrdiff_t>(damage.random().below(items.size())));
        break;
      case 1:
        items.push_back(YamlValue(*at));
        break;
      default:
        items.erase(at);
    }
    const std::string text = damage.write();
    const Outcome outcome = outcome_of(text);
    return outcome.fault.empty() ? "" : report(place->path, outcome, text);
  });
}

TEST_P(MutatedConfigs, DamagedTextIsReadOrRefused) {
  for_each_file(8, [](Damage& damage) -> std::string {
    static constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@` \t\n\r~<.0x";
    Random& random = damage.random();
    std::string text = damage.original();
    if (random.one_in(6)) text.resize(random.below(text.size()));
    for (size_t i = random.below(4); i > 0 && !text.empty(); --i) {
      char& c = text[random.below(text.size())];
      c = random.one_in(2) ? kIndicators[random.below(kIndicators.size())] : static_cast<char>(random.below(256));
    }
    const Outcome outcome = outcome_of(text);
    return outcome.fault.empty() ? "" : report("", outcome, text);
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, MutatedConfigs, ::testing::Range(0U, kFiles, kFilesPerTest),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace zoo::test
