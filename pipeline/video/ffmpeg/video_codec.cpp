#include "pipeline/video/ffmpeg/video_codec.h"

#include <algorithm>
#include <array>
#include <utility>

namespace zoo::ffmpeg {
namespace {

using Named = std::pair<std::string_view, VideoCodec>;
constexpr std::array<Named, 4> kCodecs = {Named{"auto", VideoCodec::kAuto}, Named{"h264", VideoCodec::kH264},
                                          Named{"mpeg4", VideoCodec::kMpeg4}, Named{"mjpeg", VideoCodec::kMjpeg}};

}  // namespace

std::string_view to_string(VideoCodec codec) { return std::ranges::find(kCodecs, codec, &Named::second)->first; }

std::optional<VideoCodec> video_codec_from(std::string_view name) {
  const auto* const found = std::ranges::find(kCodecs, name, &Named::first);
  if (found == kCodecs.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> video_codec_names() {
  std::vector<std::string> names;
  names.reserve(kCodecs.size());
  for (const Named& codec : kCodecs) names.emplace_back(codec.first);
  return names;
}

}  // namespace zoo::ffmpeg
