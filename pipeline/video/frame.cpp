#include "pipeline/video/frame.h"

namespace zoo::pipeline {

std::string_view to_string(FailureKind kind) {
  switch (kind) {
    case FailureKind::kMissing:
      return "missing";
    case FailureKind::kEmpty:
      return "empty";
    case FailureKind::kNotAnImage:
      return "not_an_image";
    case FailureKind::kTruncated:
      return "truncated";
    case FailureKind::kTooLarge:
      return "too_large";
    case FailureKind::kLost:
      return "lost";
    case FailureKind::kProcessing:
      return "processing";
    case FailureKind::kChanged:
      return "changed";
    case FailureKind::kEndedProcess:
      return "ended_process";
  }
  return "unknown";
}

}  // namespace zoo::pipeline
