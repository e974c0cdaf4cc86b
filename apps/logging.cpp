#include "apps/logging.h"

#include <cstdlib>
#include <dlfcn.h>
#include <iostream>
#include <memory>
#include <mutex>
#include <streambuf>
#include <string>
#include <string_view>

#include <opencv2/core/utils/logger.hpp>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "apps/output.h"

namespace zoo::apps {

namespace {

/// Where all messages go: write_error() knows of the status line, and what must not be shown.
class MessageSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    write_error({text.data(), text.size()});
  }
  void flush_() override {}
};

/// Takes the place of std::cerr's buffer, through which OpenCV passes on what libraries say: whole lines go to
/// write_error().
class LineBuffer : public std::streambuf {
 protected:
  int_type overflow(int_type c) override {
    const char text = traits_type::to_char_type(c);
    if (!traits_type::eq_int_type(c, traits_type::eof())) put({&text, 1});
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    put({text, static_cast<size_t>(size)});
    return size;
  }

 private:
  void put(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    line_ += text;
    const size_t end = line_.rfind('\n');
    if (end == std::string::npos) return;
    write_error(std::string_view(line_).substr(0, end + 1));
    line_.erase(0, end + 1);
  }

  std::mutex mutex_;
  std::string line_;
};

/// GLib prints the criticals of GStreamer unless told otherwise by a function; there is no variable for it and no way
/// through OpenCV, which brings the library along.
void silence_glib() {
  using Handler = void (*)(const char*, int, const char*, void*);
  using Setter = Handler (*)(Handler, void*);
  // dlsym is specified to yield functions through an object pointer.
  if (const auto set_handler = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "g_log_set_default_handler"))) {
    set_handler([](const char*, int, const char*, void*) {}, nullptr);
  }
}

}  // namespace

void set_up_logging(int verbosity) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("backbone-zoo", std::make_shared<MessageSink>()));
  spdlog::set_pattern("%n: %v");
  spdlog::set_level(verbosity >= 2 ? spdlog::level::debug : verbosity == 1 ? spdlog::level::info : spdlog::level::err);
  constexpr int kKeepUserSetting = 0;
  // AV_LOG_QUIET, at any verbosity: FFmpeg writes to standard error itself, addresses with their passwords included.
  setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", kKeepUserSetting);
  if (verbosity >= 2) {
    static LineBuffer* const lines = new LineBuffer;  // for as long as anybody may write
    std::cerr.rdbuf(lines);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_WARNING);
    return;
  }
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  silence_glib();
  setenv("CPL_LOG", "/dev/null", kKeepUserSetting);  // GDAL, which OpenCV asks about unknown pictures
}

}  // namespace zoo::apps
