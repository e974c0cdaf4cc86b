#include "pipeline/video/ffmpeg/encoder_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace zoo::ffmpeg {
namespace {

// Hardware is not tried: whether it works is known only after the first frames, and what it makes differs.
// x264's default quality (crf 23) at its preset "veryfast" is that of crf 26 at "superfast", which takes 0.6 times the
// time for a sixth more bytes and looks no frames ahead (measured: docs/predict.md).
const std::vector<EncoderChoice>& all_encoders() {
  static const std::vector<EncoderChoice> encoders = {
      {.encoder = "libx264",
       .codec = VideoCodec::kH264,
       .even_size = true,
       .options = {{"preset", "superfast"}, {"crf", "26"}, {"forced-idr", "1"}}},
      {.encoder = "libopenh264", .codec = VideoCodec::kH264, .even_size = true, .bits_per_pixel = 0.1},
      // The standard has 16 bits for the ticks of a second.
      {.encoder = "mpeg4", .codec = VideoCodec::kMpeg4, .ticks_per_s = 60'000, .quantizer = 3},
      {.encoder = "mjpeg", .codec = VideoCodec::kMjpeg, .format = AV_PIX_FMT_YUVJ420P, .quantizer = 3},
  };
  return encoders;
}

bool writes(const EncoderChoice& choice, VideoCodec wanted) {
  if (wanted != VideoCodec::kAuto) return choice.codec == wanted;
  return choice.codec == VideoCodec::kH264 || choice.codec == VideoCodec::kMpeg4;
}

}  // namespace

std::vector<EncoderChoice> encoders_of(VideoCodec codec, const std::function<bool(const std::string& name)>& has) {
  std::vector<EncoderChoice> found;
  for (const EncoderChoice& choice : all_encoders()) {
    if (writes(choice, codec) && has(choice.encoder)) found.push_back(choice);
  }
  return found;
}

bool has_encoder(const std::string& name) { return avcodec_find_encoder_by_name(name.c_str()) != nullptr; }

std::string no_encoder_text(VideoCodec codec) {
  std::vector<std::string> tried;
  for (const EncoderChoice& choice : all_encoders()) {
    if (writes(choice, codec)) tried.push_back(choice.encoder);
  }
  return fmt::format("this FFmpeg has no encoder of {} ({})", to_string(codec), fmt::join(tried, ", "));
}

}  // namespace zoo::ffmpeg
