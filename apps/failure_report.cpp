#include "apps/failure_report.h"

#include <algorithm>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "apps/output.h"
#include "nn/core/counted.h"

namespace zoo::apps {

std::string failures_text(const std::map<pipeline::FailureKind, int64_t>& failures) {
  int64_t total = 0;
  std::vector<std::string> parts;
  for (const auto& [kind, count] : failures) {
    total += count;
    std::string name(pipeline::to_string(kind));
    std::ranges::replace(name, '_', ' ');
    parts.push_back(fmt::format("{} {}", count, name));
  }
  return fmt::format("{} could not be read: {}", counted(total, "input"), fmt::join(parts, ", "));
}

void FailureReport::write(const pipeline::FrameEvent& event) {
  const auto* failure = std::get_if<pipeline::FrameFailure>(&event);
  if (failure == nullptr) return;
  ++failures_[failure->kind];
  report(failure->message);
}

void FailureReport::finish() {
  if (any()) report(failures_text(failures_));
}

}  // namespace zoo::apps
