#include "pipeline/video/ffmpeg/loss_error.h"

namespace zoo::ffmpeg {

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
      break;
  }
  return "other";
}

LossCause cause_of(const IoError& error) {
  const auto* loss = dynamic_cast<const LossError*>(&error);
  return loss == nullptr ? LossCause::kOther : loss->cause();
}

}  // namespace zoo::ffmpeg
