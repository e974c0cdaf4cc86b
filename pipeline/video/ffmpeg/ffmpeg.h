// Videos and streams as FFmpeg's libraries read them. Nothing of libav is seen from outside this folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "nn/core/error.h"
#include "pipeline/video/ffmpeg/loss_error.h"
#include "pipeline/video/ffmpeg/pixel_aspect.h"
#include "pipeline/video/ffmpeg/read_options.h"

namespace zoo::ffmpeg {

enum class InputKind {
  kFile,     ///< a file: whatever its name or content, nothing but files is opened
  kAddress,  ///< scheme://...: only the protocols that belong to its scheme are used (protocols.h)
  kPipe,     ///< a named pipe, or "-" for standard input: read once, from front to back
};

struct Input {
  InputKind kind = InputKind::kFile;
  std::string text;  ///< path or address
  std::string name;  ///< what messages call it; without secrets
};

struct VideoFrame {
  cv::Mat image;  ///< 8-bit BGR, upright, of the size that this frame has; owned by this frame alone
  /// Seconds since the container's start, that is its earliest time stamp of any stream: a video that begins later than
  /// its sound keeps that distance. Strictly increasing: what does not is moved a millisecond behind the frame before,
  /// and where the container's clock starts anew (more than a second back), it goes on from there.
  double time_s = 0.0;
  /// How long it is shown, as the container says; 0 where it does not, and of a live input.
  double duration_s = 0.0;
};

struct VideoInfo {
  bool live = false;  ///< frames come when they come
  double fps = 25.0;  ///< nominal rate; 25 where the container does not say
  /// How many frames there are by the container's index, or about how many by its duration and rate: no promise.
  std::optional<int64_t> frames = std::nullopt;
  /// Of the images as they are read, upright.
  PixelAspect pixel_aspect = {};
};

/// Why a video ended otherwise than it should have.
struct ReadProblem {
  enum class Kind {
    kDamaged,  ///< some of it could not be decoded, or the file is cut off
    kLost,     ///< the peer closed, died or stalled
  };
  Kind kind = Kind::kDamaged;
  std::string message;                 ///< complete, names the input
  LossCause cause = LossCause::kNone;  ///< of kLost
};

/// Frames one after the other. One thread at a time.
class VideoReader {
 public:
  virtual ~VideoReader() = default;

  virtual const VideoInfo& info() const = 0;
  /// The next frame, nothing at the end or once ReadOptions::stop is set. Pixels are those of `ffmpeg -pix_fmt bgr24`:
  /// matrix and range by the frame's tags, BT.601 where there are none. What cannot be decoded is left out and counted.
  /// Throws IoError for a file without any frame that can be decoded.
  virtual std::optional<VideoFrame> read() = 0;
  /// After the end.
  virtual const std::optional<ReadProblem>& problem() const = 0;
};

/// What the first bytes of an address or a pipe are.
enum class Content { kUndecided, kPicture, kVideo };
/// Looks at them, and whether that is all there is; not undecided then.
using ContentCheck = std::function<Content(std::span<const uint8_t> bytes, bool complete)>;

/// A video, or the bytes of a picture.
using Opened = std::variant<std::unique_ptr<VideoReader>, std::vector<uint8_t>>;

/// Opens an input, of an address over HTTP and of a pipe the kind that `check` finds. Takes the video stream that
/// `ffmpeg` takes, never a cover picture. Throws LossError: what is wrong (refused, 404, no answer in time, password
/// wanted, unknown host, no video, no decoder, a picture over 512 MiB), nothing of it once ReadOptions::stop is set.
Opened open(const Input& input, const ReadOptions& options, const ContentCheck& check);

/// Whether the file holds a video, or sound without one, which open() says. Pictures, also those of formats that only
/// FFmpeg knows, are neither.
bool is_film(const std::filesystem::path& file);

}  // namespace zoo::ffmpeg
