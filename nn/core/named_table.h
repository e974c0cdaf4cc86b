// Values by name: what the registries of backbones, necks and heads have in common.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/error.h"

namespace zoo {

/// Not synchronised: add before others read.
template <typename Value>
class NamedTable {
 public:
  /// Throws Error if the name is taken; `what` says in its text what kind of thing the table holds ("backbone").
  void add(std::string_view what, std::string name, Value value) {
    if (values_.contains(name)) throw Error(std::string(what) + " \"" + name + "\" is registered already");
    values_[std::move(name)] = std::move(value);
  }

  /// nullptr if unknown; valid as long as the table.
  const Value* find(std::string_view name) const {
    const auto entry = values_.find(name);
    return entry == values_.end() ? nullptr : &entry->second;
  }

  /// In alphabetical order.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    names.reserve(values_.size());
    for (const auto& [name, value] : values_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace zoo
