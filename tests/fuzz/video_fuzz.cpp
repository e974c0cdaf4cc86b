// Arbitrary bytes as a video file: it is read, or an IoError says why not; times rise, frames are whole, and what is
// wrong with it is said once, at the end.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <variant>

#include "nn/core/error.h"
#include "pipeline/video/content.h"
#include "pipeline/video/frame_source.h"

namespace {

constexpr int kMaxFrames = 40;

void check(bool holds) {
  if (!holds) std::abort();
}

/// A file that is in memory only.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* bytes, size_t size) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    check(descriptor_ >= 0 && write(descriptor_, bytes, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void read_frames(zoo::pipeline::FrameSource& source) {
  double last = -1e300;
  for (int i = 0; i < kMaxFrames; ++i) {
    const std::optional<zoo::pipeline::FrameResult> result = source.next();
    if (!result) break;
    if (std::holds_alternative<zoo::pipeline::FrameFailure>(*result)) {
      check(!source.next());
      break;
    }
    const auto& frame = std::get<zoo::pipeline::Frame>(*result);
    check(frame.index == i && !frame.image.empty() && frame.image.type() == CV_8UC3 && frame.time_s > last);
    last = frame.time_s;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const MemoryFile file(bytes, size);
  zoo::pipeline::holds_picture(file.path());
  try {
    const auto source =
        zoo::pipeline::open_source({zoo::pipeline::SourceKind::kVideoFile, file.path(), {}}, {.threads = 1});
    read_frames(*source);
  } catch (const zoo::IoError&) {
  }
  return 0;
}
