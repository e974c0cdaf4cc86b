#include "backbones/registry.h"

#include <utility>

#include <fmt/format.h>

#include "backbones/mobilenetv1.h"
#include "backbones/mobilenetv2.h"
#include "backbones/mobilenetv3.h"
#include "backbones/mobilenetv4.h"
#include "nn/core/error.h"

namespace zoo::backbones {

BackboneRegistry& BackboneRegistry::global() {
  static BackboneRegistry registry = [] {
    BackboneRegistry built_in;
    built_in.add("mobilenetv1", define_mobilenetv1);
    built_in.add("mobilenetv2", define_mobilenetv2);
    built_in.add("mobilenetv3", define_mobilenetv3);
    built_in.add("mobilenetv4", define_mobilenetv4);
    return built_in;
  }();
  return registry;
}

void BackboneRegistry::add(std::string name, BackboneDecoder decoder) {
  if (decoders_.contains(name)) throw Error(fmt::format("backbone \"{}\" is registered already", name));
  decoders_[std::move(name)] = std::move(decoder);
}

const BackboneDecoder* BackboneRegistry::find(std::string_view name) const {
  const auto entry = decoders_.find(name);
  return entry == decoders_.end() ? nullptr : &entry->second;
}

std::vector<std::string> BackboneRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, decoder] : decoders_) names.push_back(name);
  return names;
}

}  // namespace zoo::backbones
