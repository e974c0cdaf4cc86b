// Why a source was lost or could not be opened, as a code beside the words.
#pragma once

#include <string>
#include <string_view>

#include "nn/core/error.h"

namespace zoo::ffmpeg {

/// Why a camera or stream was lost or could not be opened.
enum class LossCause {
  kNone,            ///< it was not
  kRefused,         ///< nobody listens there, or the device is taken
  kNotFound,        ///< no such host, path, device or file
  kTimeout,         ///< nothing came in time
  kAuthentication,  ///< a password is missing or wrong, or the server forbids it
  kCodec,           ///< what comes cannot be decoded
  kEnded,           ///< the other side ended it
  kOther,           ///< see the message
};
/// "none", "refused", "not_found", "timeout", "authentication", "codec", "ended", "other".
std::string_view to_string(LossCause cause);

/// A source that cannot be opened or read, and why.
class LossError : public IoError {
 public:
  LossError(LossCause cause, const std::string& what) : IoError(what), cause_(cause) {}

  LossCause cause() const { return cause_; }

 private:
  LossCause cause_;
};

/// Of a LossError its own, else kOther.
LossCause cause_of(const IoError& error);

}  // namespace zoo::ffmpeg
