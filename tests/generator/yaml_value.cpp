#include "tests/generator/yaml_value.h"

#include <algorithm>

#include <fmt/format.h>

namespace zoo::test {
namespace {

using Kind = YamlValue::Kind;

constexpr size_t kLongestFlow = 100;

class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string take() { return std::move(text_); }

  void block_map(YamlValue& map, size_t indent) {
    map.line = line_;
    bool first = true;
    for (YamlEntry& entry : map.entries) {
      if (!first) start_line(indent);
      first = false;
      entry.key_line = line_;
      text_ += entry.key + ":";
      value_after_key(entry.value, indent);
    }
    if (map.entries.empty()) text_ += "{}";
  }

 private:
  static bool is_short(const YamlValue& value) { return flow_length(value) <= kLongestFlow; }

  static size_t flow_length(const YamlValue& value) {
    size_t length = value.text.size() + 2;
    for (const YamlValue& item : value.items) length += flow_length(item) + 2;
    for (const YamlEntry& entry : value.entries) length += entry.key.size() + flow_length(entry.value) + 4;
    return length;
  }

  bool wants_flow(const YamlValue& value) {
    if (value.kind == Kind::kScalar || (value.items.empty() && value.entries.empty())) return true;
    const bool holds_scalars = value.kind == Kind::kList && value.items.front().kind == Kind::kScalar;
    return is_short(value) && !random_.one_in(holds_scalars ? 8 : 2);
  }

  void start_line(size_t indent) {
    if (random_.one_in(40)) text_ += "  # a comment";
    text_ += '\n';
    ++line_;
    text_.append(indent, ' ');
  }

  void value_after_key(YamlValue& value, size_t indent) {
    if (wants_flow(value)) {
      text_ += ' ';
      flow(value);
    } else if (value.kind == Kind::kMap) {
      start_line(indent + 2);
      block_map(value, indent + 2);
    } else {
      start_line(indent + 2);
      block_list(value, indent + 2);
    }
  }

  void block_list(YamlValue& list, size_t indent) {
    list.line = line_;
    bool first = true;
    for (YamlValue& item : list.items) {
      if (!first) start_line(indent);
      first = false;
      text_ += "- ";
      if (wants_flow(item)) {
        flow(item);
      } else if (item.kind == Kind::kMap) {
        block_map(item, indent + 2);
      } else {
        block_list(item, indent + 2);
      }
    }
  }

  void flow(YamlValue& value) {
    value.line = line_;
    if (value.kind == Kind::kScalar) {
      text_ += value.text;
      return;
    }
    const bool is_list = value.kind == Kind::kList;
    text_ += is_list ? '[' : '{';
    const char* comma = "";
    for (YamlValue& item : value.items) {
      text_ += std::exchange(comma, ", ");
      flow(item);
    }
    for (YamlEntry& entry : value.entries) {
      text_ += std::exchange(comma, ", ");
      entry.key_line = line_;
      text_ += entry.key + ": ";
      flow(entry.value);
    }
    text_ += is_list ? ']' : '}';
  }

  Random& random_;
  std::string text_;
  int line_ = 1;
};

void collect_keys(const YamlValue& value, const std::string& path, std::set<std::string>& keys) {
  for (const YamlValue& item : value.items) collect_keys(item, path + "[]", keys);
  for (const YamlEntry& entry : value.entries) {
    const std::string entry_path = path.empty() ? entry.key : path + "." + entry.key;
    keys.insert(entry_path);
    collect_keys(entry.value, entry_path, keys);
  }
}

void collect_places(const YamlPlace& place, std::vector<YamlPlace>& places) {
  places.push_back(place);
  YamlValue& value = *place.value;
  for (size_t i = 0; i < value.items.size(); ++i) {
    YamlValue& item = value.items[i];
    collect_places({&item, &value, i, fmt::format("{}[{}]", place.path, i), place.free || item.free}, places);
  }
  for (size_t i = 0; i < value.entries.size(); ++i) {
    YamlEntry& entry = value.entries[i];
    const std::string path = place.path.empty() ? entry.key : place.path + "." + entry.key;
    collect_places({&entry.value, &value, i, path, place.free || entry.value.free}, places);
  }
}

}  // namespace

YamlValue YamlValue::list(std::vector<YamlValue> items) {
  YamlValue value;
  value.kind = Kind::kList;
  value.items = std::move(items);
  return value;
}

YamlValue YamlValue::map() {
  YamlValue value;
  value.kind = Kind::kMap;
  return value;
}

YamlValue YamlValue::any(YamlValue value) {
  value.free = true;
  return value;
}

void YamlValue::add(std::string key, YamlValue value) { entries.push_back({std::move(key), std::move(value)}); }

YamlValue* YamlValue::find(std::string_view key) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const YamlEntry& e) { return e.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

std::string write_yaml(YamlValue& root, Random& random) {
  Writer writer(random);
  writer.block_map(root, 0);
  return writer.take() + "\n";
}

std::set<std::string> keys_of(const YamlValue& root) {
  std::set<std::string> keys;
  collect_keys(root, "", keys);
  return keys;
}

std::vector<YamlPlace> places_of(YamlValue& root) {
  std::vector<YamlPlace> places;
  collect_places({&root, nullptr, 0, "", root.free}, places);
  return places;
}

}  // namespace zoo::test
