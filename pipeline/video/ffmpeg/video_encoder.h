// Pictures into a video file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <opencv2/core/mat.hpp>

#include "pipeline/video/ffmpeg/pixel_aspect.h"
#include "pipeline/video/ffmpeg/video_codec.h"

namespace zoo::ffmpeg {

struct VideoEncoderOptions {
  /// Where to write, an MP4 file; what is there is replaced.
  std::filesystem::path file;
  /// What messages call the file.
  std::string name;
  VideoCodec codec = VideoCodec::kAuto;
  /// Of every picture, at least 1x1.
  cv::Size size;
  /// Pictures per second, about: for the encoder's choices, and how long the last is shown at most.
  double fps = 25.0;
  /// How players are to show the pictures' pixels.
  PixelAspect pixel_aspect = {};
  /// The file that the pictures come from, whose sound is copied, packet by packet. Empty: none.
  std::filesystem::path sound = {};
  /// Called with a sentence for each thing that is not as wanted: another codec, a size that grew, sound that is
  /// missing.
  std::function<void(const std::string& note)> on_note = {};
};

/// Writes one video. At any moment, the end of the process included, the file plays up to a second or so ago: it is an
/// MP4 file in fragments. One thread at a time.
class VideoEncoder {
 public:
  virtual ~VideoEncoder() = default;

  /// `image`: 8-bit BGR of the size promised. `time_s`: seconds since the start of the file that it comes from, its
  /// earliest time stamp of any stream, else from anywhere. The video begins with the first picture, or with the sound
  /// where that is earlier. Times ascend; one that does not is taken for that of a source which began anew, and comes
  /// after what is there. A step of more than 30 days is left out, which is noted. Each picture is shown until the
  /// next; where that is longer than MP4 can say (6 hours), it is there several times. The last is shown for
  /// `duration_s`, or, where that is 0 (unknown), as long as the one before it, at most 1 / fps.
  /// Throws IoError: a full disk, an encoder that gives up; then the file is of no use.
  virtual void write(const cv::Mat& image, double time_s, double duration_s = 0.0) = 0;

  /// The pictures of the sound's file are complete: the last is not shown beyond the end that the file states for them,
  /// and the sound is copied to its own. To be called before finish().
  virtual void source_ended() = 0;

  /// Completes the file: all pictures are in it, or it throws IoError. To be called last.
  virtual void finish() = 0;

  /// When the last picture ends, in seconds from the start of the video. After finish().
  virtual double end_s() const = 0;
};

/// Throws IoError where the file cannot be written or no encoder of the codec is there or takes the size.
std::unique_ptr<VideoEncoder> open_video_encoder(const VideoEncoderOptions& options);

/// Copies a file of a VideoEncoder into one without fragments, which every player seeks in at once, its index in front.
/// `end_s`: VideoEncoder::end_s(), which fragments do not tell. `name`: what messages call the file. Throws IoError.
void write_without_fragments(const std::filesystem::path& from, const std::filesystem::path& to, double end_s,
                             const std::string& name);

}  // namespace zoo::ffmpeg
