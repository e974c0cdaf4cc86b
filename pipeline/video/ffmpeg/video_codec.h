// The codecs that annotated videos are written with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::ffmpeg {

enum class VideoCodec {
  kAuto,   ///< H.264 where this FFmpeg has an encoder of it, else MPEG-4
  kH264,   ///< plays everywhere; pictures get even sizes
  kMpeg4,  ///< MPEG-4 part 2: for players of files, not for browsers; larger
  kMjpeg,  ///< a JPEG per frame: large, and nothing is lost to motion
};

/// "auto", "h264", "mpeg4", "mjpeg".
std::string_view to_string(VideoCodec codec);

/// Nothing for a name that is none.
std::optional<VideoCodec> video_codec_from(std::string_view name);

/// All names.
std::vector<std::string> video_codec_names();

}  // namespace zoo::ffmpeg
