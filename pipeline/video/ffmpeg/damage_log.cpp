#include "pipeline/video/ffmpeg/damage_log.h"

#include <algorithm>
#include <mutex>

extern "C" {
#include <libavutil/log.h>
}

namespace zoo::ffmpeg {
namespace {

/// Nothing here is destroyed: libav may log until the process ends.
constinit std::mutex mutex;
constinit DamageLog* first = nullptr;

/// What the owner of a context has put into it; others' contexts hold what is none of ours.
const void* owner_of(void* context) {
  const AVClass* const type = context == nullptr ? nullptr : *static_cast<AVClass**>(context);
  if (type == nullptr || type->class_name == nullptr) return nullptr;
  const std::string_view name = type->class_name;
  if (name == "AVFormatContext") return static_cast<AVFormatContext*>(context)->opaque;
  if (name == "AVCodecContext") return static_cast<AVCodecContext*>(context)->opaque;
  return nullptr;
}

}  // namespace

DamageLog::DamageLog(std::span<const std::string_view> beginnings) : beginnings_(beginnings) {
  const std::lock_guard lock(mutex);
  next_ = first;
  first = this;
  av_log_set_callback(&DamageLog::receive);
}

DamageLog::~DamageLog() {
  const std::lock_guard lock(mutex);
  DamageLog** place = &first;
  while (*place != this) place = &(*place)->next_;
  *place = next_;
}

bool DamageLog::counts(const char* format) const {
  const std::string_view line = format;
  return beginnings_.empty() ||
         std::ranges::any_of(beginnings_, [&](std::string_view beginning) { return line.starts_with(beginning); });
}

void DamageLog::receive(void* context, int level, const char* format, va_list arguments) {
  if (level <= AV_LOG_ERROR) {
    if (const void* const owner = owner_of(context)) {
      const std::lock_guard lock(mutex);
      DamageLog* log = first;
      while (log != nullptr && log != owner) log = log->next_;
      if (log != nullptr && log->counts(format)) ++log->lines_;
    }
  }
  av_log_default_callback(context, level, format, arguments);
}

}  // namespace zoo::ffmpeg
