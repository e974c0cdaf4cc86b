// `--depth`: how much of a network is told apart.
#pragma once

#include <CLI/CLI.hpp>

#include "nn/graph/describe.h"

namespace zoo::apps {

struct DepthFlag {
  int value = graph::kBlocks;

  /// `what` is one of them: "line", "box".
  void add_to(CLI::App& app, const std::string& what);
};

}  // namespace zoo::apps
