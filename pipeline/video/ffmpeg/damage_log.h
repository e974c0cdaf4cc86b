// What libav says of damage only in its log.
#pragma once

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/video/ffmpeg/av_ptr.h"

namespace zoo::ffmpeg {

/// Counts lines that libav logs as errors, of the contexts that are given to it; must outlive them and stay where it
/// is. Takes over libav's log callback (av_log_set_callback) and passes every line on to libav's own. Thread-safe.
class DamageLog {
 public:
  /// `beginnings`: of the lines that count; none: all. They outlive this object.
  explicit DamageLog(std::span<const std::string_view> beginnings = {});
  ~DamageLog();
  DamageLog(const DamageLog&) = delete;
  DamageLog& operator=(const DamageLog&) = delete;

  void watch(AVFormatContext& container) { container.opaque = this; }
  void watch(AVCodecContext& decoder) { decoder.opaque = this; }
  int64_t lines() const { return lines_; }

 private:
  static void receive(void* context, int level, const char* format, va_list arguments);
  bool counts(const char* format) const;

  std::span<const std::string_view> beginnings_;
  std::atomic<int64_t> lines_ = 0;
  DamageLog* next_ = nullptr;  ///< of those that live
};

}  // namespace zoo::ffmpeg
