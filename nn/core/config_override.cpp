#include "nn/core/config_override.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/config_parser.h"
#include "nn/core/config_source.h"
#include "nn/core/config_text.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/parse_number.h"

namespace zoo {
namespace detail {
namespace {

/// One part of a path: `name`, or `[index]`.
struct Step {
  std::string text;
  bool in_brackets = false;
};

std::string label_of(const ConfigOverride& setting) {
  return fmt::format("--set {}={}", escaped(setting.path), escaped(setting.value));
}

[[noreturn]] void fail(const ConfigOverride& setting, std::string_view message) {
  throw ConfigError({fmt::format("{}: {}", label_of(setting), message)});
}

std::optional<size_t> index_of(const Step& step) { return parse_number<size_t>(step.text); }

std::vector<Step> steps_of(const ConfigOverride& setting) {
  const std::string_view path = setting.path;
  const auto malformed = [&] { fail(setting, "the path is no key.path like a.b[0].c"); };
  std::vector<Step> steps;
  for (size_t i = 0; i < path.size();) {
    if (path[i] == '[') {
      const size_t end = path.find(']', i);
      if (end == path.npos) malformed();
      steps.push_back({std::string(path.substr(i + 1, end - i - 1)), true});
      if (!index_of(steps.back())) malformed();
      i = end + 1;
      if (i < path.size() && path[i] != '.' && path[i] != '[') malformed();
    } else {
      if (path[i] == '.' && !steps.empty()) ++i;
      const size_t end = std::min(path.find_first_of(".[]", i), path.size());
      if (end == i) malformed();
      steps.push_back({std::string(path.substr(i, end - i)), false});
      i = end;
      if (i < path.size() && path[i] == ']') malformed();
    }
  }
  if (steps.empty()) malformed();
  if (steps.size() > kMaxDepth) fail(setting, fmt::format("the path has more than {} parts", kMaxDepth));
  return steps;
}

/// Walks a path and replaces what it ends at.
class Setter {
 public:
  Setter(const ConfigOverride& setting, Tree& tree, Position position)
      : setting_(setting), tree_(tree), position_(position), slot_(&tree.root) {}

  void step(const Step& step) {
    if ((*slot_)->kind == NodeKind::kNull) *slot_ = &tree_.add(NodeKind::kMap, position_);
    switch ((*slot_)->kind) {
      case NodeKind::kMap:
        step_into_map(**slot_, step);
        break;
      case NodeKind::kList:
        step_into_list(**slot_, step);
        break;
      default:
        fail(setting_, fmt::format("{} is {}, no map", path_, in_quotes((*slot_)->text)));
    }
  }

  const std::string& path() const { return path_; }
  void set(YamlNode& value) { *slot_ = &value; }

 private:
  void step_into_map(YamlNode& map, const Step& step) {
    if (step.in_brackets) fail(setting_, fmt::format("{} is a map, no list", shown_path()));
    if (map.find(step.text) == nullptr) {
      map.add_entry({tree_.keep(step.text), position_, &tree_.add(NodeKind::kNull, position_)});
    }
    slot_ = &map.find(step.text)->value;
    path_ = path_with_key(path_, step.text);
  }

  void step_into_list(YamlNode& list, const Step& step) {
    const std::optional<size_t> index = index_of(step);
    if (!index) fail(setting_, fmt::format("{0} is a list; its elements are {0}[0], {0}[1], ...", shown_path()));
    if (*index >= list.items.size()) {
      const size_t count = list.items.size();
      fail(setting_, fmt::format("{} has {}, counted from 0; there is no [{}]", shown_path(),
                                 counted(static_cast<int64_t>(count), "element"), *index));
    }
    slot_ = &list.items[*index];
    path_ = path_with_index(path_, *index);
  }

  std::string shown_path() const { return path_.empty() ? "the file" : path_; }

  const ConfigOverride& setting_;
  Tree& tree_;
  const Position position_;
  YamlNode** slot_;
  std::string path_;
};

}  // namespace

void apply_override(const ConfigOverride& setting, Tree& tree, Origins& origins) {
  const std::vector<Step> steps = steps_of(setting);
  const auto origin = static_cast<int>(origins.overrides.size());
  const Position position{.origin = origin};
  origins.overrides.push_back({label_of(setting), ""});

  Setter setter(setting, tree, position);
  for (const Step& step : steps) setter.step(step);
  origins.overrides.back().path = setter.path();

  const SourceText source(setting.value, origin, origins);
  YamlNode* value = parse_yaml(source, setter.path(), origins, tree);
  setter.set(value != nullptr ? *value : tree.add(NodeKind::kNull, position));
}

}  // namespace detail

ConfigOverride ConfigOverride::parse(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    throw ConfigError({fmt::format("--set {}: expected key.path=value", detail::escaped(text))});
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace zoo
