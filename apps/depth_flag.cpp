#include "apps/depth_flag.h"

#include <optional>
#include <string>

#include <fmt/format.h>

#include "nn/core/parse_number.h"

namespace zoo::apps {

void DepthFlag::add_to(CLI::App& app, const std::string& what) {
  const auto parse = [this](const std::string& text) {
    constexpr int kDeepest = 9;
    if (text == "all") {
      value = graph::kEverything;
      return;
    }
    const std::optional<int> number = parse_number_in(text, 1, kDeepest);
    if (!number) throw CLI::ValidationError("--depth", fmt::format("expected 1 to {} or all", kDeepest));
    value = *number;
  };
  const std::string description = fmt::format(
      "What is one {}: 1 the backbone, the neck or the head, 2 a stage, 3 a block, 4 a layer, all: every operation "
      "(default: {})",
      what, graph::kBlocks);
  app.add_option_function<std::string>("--depth", parse, description)->type_name("N|all");
}

}  // namespace zoo::apps
