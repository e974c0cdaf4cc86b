// What the program and the libraries below it say on standard error.
#pragma once

namespace zoo::apps {

/// Quiet by default: OpenCV, FFmpeg, GStreamer and GDAL keep their warnings to themselves, since whatever goes wrong
/// arrives as an error. `verbosity` 1 shows what the program does (spdlog's default logger, info), 2 and more also
/// what the libraries say. To be called before any of them is used.
void set_up_logging(int verbosity);

}  // namespace zoo::apps
