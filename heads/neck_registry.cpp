#include "heads/neck_registry.h"

#include "heads/fpn.h"
#include "heads/names/head_names.h"

namespace zoo::heads {

NeckRegistry& NeckRegistry::global() {
  static NeckRegistry registry = [] {
    NeckRegistry built_in;
    built_in.add("fpn", define_fpn, fpn_names());
    return built_in;
  }();
  return registry;
}

}  // namespace zoo::heads
