#include "pipeline/video/ffmpeg/pipe_input.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/files.h"

namespace zoo::ffmpeg {
namespace {

constexpr int kBufferBytes = 1 << 16;
constexpr int kPollMs = 100;

}  // namespace

PipeInput::PipeInput(const Input& input, Interrupt& interrupt) : interrupt_(interrupt) {
  owns_descriptor_ = input.text != "-";
  // Without O_NONBLOCK opening waits for a writer, and nothing could end that.
  descriptor_ = owns_descriptor_ ? ::open(input.text.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : STDIN_FILENO;
  if (descriptor_ < 0) throw IoError(fmt::format("{}: {}", input.name, errno_text()));
  if (isatty(descriptor_) != 0) {
    if (owns_descriptor_) close(descriptor_);
    throw IoError(
        fmt::format("{}: it is a terminal; send a picture or a video into it, e.g. `cat clip.mp4 | ...`", input.name));
  }
  auto* const buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  const auto read_some = [](void* self, uint8_t* bytes, int size) {
    const int count = static_cast<PipeInput*>(self)->read({bytes, static_cast<size_t>(size)});
    return count == 0 ? AVERROR_EOF : count;
  };
  if (buffer != nullptr) context_ = avio_alloc_context(buffer, kBufferBytes, 0, this, read_some, nullptr, nullptr);
  if (context_ == nullptr) {
    av_free(buffer);
    if (owns_descriptor_) close(descriptor_);
    throw EngineError("FFmpeg: no memory");
  }
}

PipeInput::~PipeInput() {
  av_freep(&context_->buffer);
  avio_context_free(&context_);
  if (owns_descriptor_) close(descriptor_);
}

int PipeInput::read(std::span<uint8_t> bytes) {
  if (unread_position_ < unread_.size()) {
    const size_t count = std::min(bytes.size(), unread_.size() - unread_position_);
    std::copy_n(unread_.begin() + static_cast<std::ptrdiff_t>(unread_position_), count, bytes.begin());
    unread_position_ += count;
    return static_cast<int>(count);
  }
  while (!interrupt_.pending()) {
    pollfd wanted{descriptor_, POLLIN, 0};
    const int ready = poll(&wanted, 1, kPollMs);
    if (ready < 0 && errno != EINTR) return AVERROR(errno);
    if (ready <= 0) continue;  // of a named pipe, also before the first writer comes
    const ssize_t count = ::read(descriptor_, bytes.data(), bytes.size());
    if (count >= 0) return static_cast<int>(count);
    if (errno != EINTR && errno != EAGAIN) return AVERROR(errno);
  }
  return AVERROR_EXIT;
}

void PipeInput::unread(std::vector<uint8_t> bytes) {
  unread_ = std::move(bytes);
  unread_position_ = 0;
}

}  // namespace zoo::ffmpeg
