#include "heads/registry.h"

#include <utility>

#include "heads/all_mlp_decoder.h"
#include "heads/anchor_decoupled_head.h"
#include "heads/deeplabv3.h"
#include "heads/fc.h"
#include "heads/fc_conv.h"
#include "heads/lraspp.h"
#include "heads/ssdlite.h"

namespace zoo::heads {

HeadRegistry& HeadRegistry::global() {
  static HeadRegistry registry = [] {
    HeadRegistry built_in;
    built_in.add("classification", "fc", define_fc);
    built_in.add("classification", "fc_conv", define_fc_conv);
    built_in.add("detection", "anchor_decoupled_head", define_anchor_decoupled_head);
    built_in.add("detection", "ssdlite", define_ssdlite);
    built_in.add("segmentation", "all_mlp_decoder", define_all_mlp_decoder);
    built_in.add("segmentation", "deeplabv3", define_deeplabv3);
    built_in.add("segmentation", "lraspp", define_lraspp);
    return built_in;
  }();
  return registry;
}

void HeadRegistry::add(const std::string& task, std::string name, HeadDecoder decoder) {
  decoders_[task].add(task + " head", std::move(name), std::move(decoder));
}

const HeadDecoder* HeadRegistry::find(std::string_view task, std::string_view name) const {
  const auto of_task = decoders_.find(task);
  return of_task == decoders_.end() ? nullptr : of_task->second.find(name);
}

std::vector<std::string> HeadRegistry::names(std::string_view task) const {
  const auto of_task = decoders_.find(task);
  return of_task == decoders_.end() ? std::vector<std::string>() : of_task->second.names();
}

}  // namespace zoo::heads
