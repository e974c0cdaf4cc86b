#include "apps/video_flags.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "nn/core/config_node.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

CLI::Option* add_codec_flag(CLI::App& app, ffmpeg::VideoCodec& codec) {
  const auto parse = [&codec](const std::string& name) {
    if (const auto found = ffmpeg::video_codec_from(name)) {
      codec = *found;
      return;
    }
    const std::vector<std::string> known = ffmpeg::video_codec_names();
    const std::string meant = nearest_name(name, known);
    throw CLI::ValidationError("--codec", fmt::format("{} is none of {}{}", printable(name), fmt::join(known, ", "),
                                                      meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
  };
  return app
      .add_option_function<std::string>("--codec", parse,
                                        "Of saved videos: h264, mpeg4, mjpeg, or auto, H.264 where this FFmpeg has an "
                                        "encoder of it, else MPEG-4 (default: auto)")
      ->type_name("CODEC");
}

}  // namespace

void VideoFlags::add_to(CLI::App& app, const CLI::Option* save) {
  save_ = save;
  codec_ = add_codec_flag(app, options.codec);
  fps_ = app.add_option("--fps", options.fps,
                        "Frames per second of saved videos, repeated and left out as their times ask for (default: "
                        "each frame at its own time)")
             ->check(number_in(0.1, 1000.0))
             ->type_name("N");
}

void VideoFlags::check() const {
  if (save_->count() > 0) return;
  for (const CLI::Option* flag : {codec_, fps_}) {
    if (flag->count() > 0) {
      throw UsageError(fmt::format("{} says how videos are saved: give --save DIR, too", flag->get_name()));
    }
  }
}

}  // namespace zoo::apps
