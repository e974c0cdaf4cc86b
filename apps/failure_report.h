// Inputs that could not be used, for a person.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pipeline/result_sink.h"

namespace zoo::apps {

/// "5 inputs could not be read: 1 empty, 4 missing".
std::string failures_text(const std::map<pipeline::FailureKind, int64_t>& failures);

/// Each failure is a message on standard error, and at the end how many there were.
class FailureReport : public pipeline::ResultSink {
 public:
  void write(const pipeline::FrameEvent& event) override;
  void finish() override;
  bool any() const { return !failures_.empty(); }

 private:
  std::map<pipeline::FailureKind, int64_t> failures_;
};

}  // namespace zoo::apps
