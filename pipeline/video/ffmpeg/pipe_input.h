// Pipes as libav reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/interrupt.h"

namespace zoo::ffmpeg {

/// A pipe that is read from front to back. Its first bytes can be looked at; they are then read again. Must stay where
/// it is.
class PipeInput {
 public:
  /// `input`: of InputKind::kPipe. Throws IoError: it cannot be opened, or is a terminal.
  PipeInput(const Input& input, Interrupt& interrupt);
  ~PipeInput();
  PipeInput(const PipeInput&) = delete;
  PipeInput& operator=(const PipeInput&) = delete;

  /// Bytes in the order of the pipe; waits for at least one. 0 at the end, an AVERROR when interrupted or broken.
  int read(std::span<uint8_t> bytes);
  /// To be read first from now on.
  void unread(std::vector<uint8_t> bytes);
  /// Owned by this object.
  AVIOContext* context() const { return context_; }

 private:
  int descriptor_ = -1;
  bool owns_descriptor_ = false;
  Interrupt& interrupt_;
  std::vector<uint8_t> unread_;
  size_t unread_position_ = 0;
  AVIOContext* context_ = nullptr;
};

}  // namespace zoo::ffmpeg
