#include "sinks/video_writer.h"

#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "sinks/fit_image.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExtension = ".mp4";
/// A file up to this size is written a second time at the end, without fragments, which takes a second or so.
constexpr uintmax_t kRewriteLimit = uintmax_t{1} << 30;
/// How long a frame is repeated, at most: a step in a broken file's times is often of a day or more.
constexpr double kLongestRepeatSeconds = 3600.0;

/// Yields the name that the file has got.
fs::path publish(NewFile& file, const VideoOptions& options) {
  if (options.keeps_older) {
    file.publish_beside();
  } else {
    file.publish();
  }
  return file.name();
}

/// Gives the part's content to its name as a plain file. Nothing where that is not done: it is too large, the disk too
/// full.
std::optional<fs::path> publish_rewritten(const NewFile& part, double end_s, const VideoOptions& options) {
  std::error_code error;
  const uintmax_t size = fs::file_size(part.part(), error);
  if (error || size > kRewriteLimit) return std::nullopt;
  try {
    NewFile plain(part.name(), Durability::kPower, kExtension);
    ffmpeg::write_without_fragments(part.part(), plain.part(), end_s, part.name().string());
    return publish(plain, options);
  } catch (const IoError&) {  // the part is whole, too
    return std::nullopt;
  }
}

}  // namespace

VideoWriter::VideoWriter(std::shared_ptr<OutputFolder> folder, pipeline::SourceInfo source, std::string input,
                         const VideoOptions& options)
    : folder_(std::move(folder)), source_(std::move(source)), input_(std::move(input)), options_(options) {
  if (options_.fps) rate_.emplace(*options_.fps, 1.0 / (source_.fps > 0.0 ? source_.fps : *options_.fps));
}

VideoWriter::~VideoWriter() {
  try {
    finish();
  } catch (const std::exception&) {  // whoever wants to know calls finish()
  }
}

void VideoWriter::write(const pipeline::Frame& frame) {
  if (!encoder_) open(frame.image.size());
  if (frame.image.size() != size_ && !size_noted_) note_size(frame.image.size());
  all_or_nothing([&] { encode(frame); });
}

void VideoWriter::encode(const pipeline::Frame& frame) {
  cv::Mat image = fit_image(frame.image, size_);
  if (!rate_) {
    encoder_->write(image, frame.time_s, frame.duration_s);
    return;
  }
  show_waiting(rate_->next(frame.time_s, frame.duration_s));
  waiting_ = std::move(image);
}

void VideoWriter::show_waiting(int64_t times) {
  const double shown_s = static_cast<double>(times) / *options_.fps;
  if (shown_s > kLongestRepeatSeconds) {
    note_long(shown_s);
    encoder_->write(waiting_, rate_->show(), shown_s);
    rate_->skip(times - 1);
    return;
  }
  for (int64_t i = 0; i < times; ++i) {
    if (i > 0 && stopped()) {
      rate_->skip(times - i);
      return;
    }
    encoder_->write(waiting_, rate_->show(), 1.0 / *options_.fps);
  }
}

void VideoWriter::source_ended() {
  if (encoder_) encoder_->source_ended();
}

void VideoWriter::finish() {
  if (!encoder_) return;
  all_or_nothing([&] {
    if (rate_) show_waiting(rate_->end());
    encoder_->finish();
  });
  const double end_s = encoder_->end_s();
  encoder_.reset();
  const std::unique_ptr<NewFile> file = std::move(file_);
  const std::optional<fs::path> rewritten = publish_rewritten(*file, end_s, options_);
  if (rewritten) {
    files_.push_back(*rewritten);
    return;
  }
  try {
    files_.push_back(publish(*file, options_));
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; it stays as {}, which plays: rename it", error.what(), file->keep_part().string()));
  }
}

void VideoWriter::open(cv::Size size) {
  size_ = size;
  const fs::path file = folder_->file({input_, source_.stem + kExtension, kExtension});
  file_ = std::make_unique<NewFile>(file, Durability::kPower, kExtension);
  std::error_code error;
  const bool has_file = source_.kind == pipeline::SourceKind::kVideoFile && fs::is_regular_file(input_, error);
  all_or_nothing([&] {
    encoder_ = ffmpeg::open_video_encoder({.file = file_->part(),
                                           .name = printable(file.string()),
                                           .codec = options_.codec,
                                           .size = size,
                                           .fps = options_.fps.value_or(source_.fps),
                                           .pixel_aspect = source_.pixel_aspect,
                                           .sound = has_file ? fs::path(input_) : fs::path(),
                                           .on_note = options_.on_note});
  });
}

void VideoWriter::note_size(cv::Size size) {
  size_noted_ = true;
  if (!options_.on_note) return;
  options_.on_note(
      fmt::format("{}: frames change their size from {}x{} to {}x{} pixels; the saved video keeps the first, "
                  "and shows others in it with black bars",
                  source_.name, size_.width, size_.height, size.width, size.height));
}

void VideoWriter::note_long(double shown_s) {
  if (std::exchange(long_noted_, true) || !options_.on_note) return;
  options_.on_note(fmt::format(
      "{}: a frame is shown for {:.0f} s; the saved video does not repeat it, as that is more than an hour, "
      "so its rate is not constant there",
      source_.name, shown_s));
}

template <typename Work>
void VideoWriter::all_or_nothing(Work work) {
  try {
    work();
  } catch (...) {
    encoder_.reset();
    if (options_.keeps_what_plays) keep();
    file_.reset();
    throw;
  }
}

/// A video in fragments plays as far as it goes.
void VideoWriter::keep() {
  try {
    files_.push_back(publish(*file_, options_));
  } catch (const IoError&) {  // what keeps it from being written is said already
    files_.push_back(file_->keep_part());
  }
}

}  // namespace zoo::sinks
