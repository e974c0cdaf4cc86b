#include "heads/registry.h"

#include <utility>

#include "heads/all_mlp_decoder.h"
#include "heads/anchor_decoupled_head.h"
#include "heads/deeplabv3.h"
#include "heads/fc.h"
#include "heads/fc_conv.h"
#include "heads/lraspp.h"
#include "heads/names/head_names.h"
#include "heads/ssdlite.h"

namespace zoo::heads {

HeadRegistry& HeadRegistry::global() {
  static HeadRegistry registry = [] {
    HeadRegistry built_in;
    built_in.add(Task::kClassification, "fc", define_fc, fc_names());
    built_in.add(Task::kClassification, "fc_conv", define_fc_conv, fc_conv_names());
    built_in.add(Task::kDetection, "anchor_decoupled_head", define_anchor_decoupled_head,
                 anchor_decoupled_head_names());
    built_in.add(Task::kDetection, "ssdlite", define_ssdlite, ssdlite_names());
    built_in.add(Task::kSegmentation, "all_mlp_decoder", define_all_mlp_decoder, all_mlp_decoder_names());
    built_in.add(Task::kSegmentation, "deeplabv3", define_deeplabv3, deeplabv3_names());
    built_in.add(Task::kSegmentation, "lraspp", define_lraspp, lraspp_names());
    return built_in;
  }();
  return registry;
}

void HeadRegistry::add(Task task, std::string name, HeadDecoder decoder, HeadNames names) {
  heads_[task].add(std::string(to_string(task)) + " head", std::move(name), {std::move(decoder), std::move(names)});
}

const HeadEntry* HeadRegistry::find(Task task, std::string_view name) const {
  const auto of_task = heads_.find(task);
  return of_task == heads_.end() ? nullptr : of_task->second.find(name);
}

std::vector<std::string> HeadRegistry::names(Task task) const {
  const auto of_task = heads_.find(task);
  return of_task == heads_.end() ? std::vector<std::string>() : of_task->second.names();
}

}  // namespace zoo::heads
