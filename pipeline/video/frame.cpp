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
  }
  return "unknown";
}

std::string_view to_string(LossCause cause) {
  switch (cause) {
    case LossCause::kNone:
      return "none";
    case LossCause::kRefused:
      return "refused";
    case LossCause::kNotFound:
      return "not_found";
    case LossCause::kTimeout:
      return "timeout";
    case LossCause::kAuthentication:
      return "authentication";
    case LossCause::kCodec:
      return "codec";
    case LossCause::kEnded:
      return "ended";
    case LossCause::kOther:
      return "other";
  }
  return "other";
}

}  // namespace zoo::pipeline
