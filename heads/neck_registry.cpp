#include "heads/neck_registry.h"

#include <utility>

#include <fmt/format.h>

#include "heads/fpn.h"
#include "nn/core/error.h"

namespace zoo::heads {

NeckRegistry& NeckRegistry::global() {
  static NeckRegistry registry = [] {
    NeckRegistry built_in;
    built_in.add("fpn", define_fpn);
    return built_in;
  }();
  return registry;
}

void NeckRegistry::add(std::string name, NeckDecoder decoder) {
  if (decoders_.contains(name)) throw Error(fmt::format("neck \"{}\" is registered already", name));
  decoders_[std::move(name)] = std::move(decoder);
}

const NeckDecoder* NeckRegistry::find(std::string_view name) const {
  const auto entry = decoders_.find(name);
  return entry == decoders_.end() ? nullptr : &entry->second;
}

std::vector<std::string> NeckRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, decoder] : decoders_) names.push_back(name);
  return names;
}

}  // namespace zoo::heads
