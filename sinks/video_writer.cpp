#include "sinks/video_writer.h"

#include <array>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/counted.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

struct Format {
  const char* extension;
  int codec;
};

}  // namespace

VideoWriter::VideoWriter(std::shared_ptr<OutputFolder> folder, pipeline::SourceInfo source, std::string input)
    : folder_(std::move(folder)), source_(std::move(source)), input_(std::move(input)) {}

VideoWriter::~VideoWriter() {
  try {
    finish();
  } catch (const std::exception&) {  // whoever wants to know calls finish()
  }
}

void VideoWriter::write(const pipeline::Frame& frame) {
  if (!writer_.isOpened()) open(frame.image.size());
  cv::Mat image = frame.image;
  if (image.cols < size_.width || image.rows < size_.height || image.cols > size_.width + 1 ||
      image.rows > size_.height + 1) {
    cv::resize(frame.image, image, size_, 0, 0, cv::INTER_AREA);
  }
  writer_.write(image(cv::Rect({0, 0}, size_)));
  ++frames_;
}

void VideoWriter::finish() {
  if (!writer_.isOpened()) return;
  writer_.release();
  const std::unique_ptr<NewFile> file = std::move(file_);
  cv::VideoCapture check(file->part().string(), cv::CAP_FFMPEG);
  const int64_t found = check.isOpened() ? static_cast<int64_t>(check.get(cv::CAP_PROP_FRAME_COUNT)) : 0;
  if (found < frames_) {
    throw IoError(fmt::format("{}: incomplete: holds {} of {}{}; nothing was kept", file->name().string(), found,
                              counted(frames_, "frame"), disk_state()));
  }
  file->publish();
  files_.push_back(file->name());
}

void VideoWriter::open(cv::Size size) {
  static const std::array<Format, 2> formats = {
      Format{".mp4", cv::VideoWriter::fourcc('m', 'p', '4', 'v')},
      Format{".avi", cv::VideoWriter::fourcc('M', 'J', 'P', 'G')},
  };
  size_ = {size.width & ~1, size.height & ~1};
  if (size_.empty()) {
    throw IoError(fmt::format("{}: frames of {}x{} pixels are too small for a video file", source_.name, size.width,
                              size.height));
  }
  std::string tried;
  for (const Format& format : formats) {
    const fs::path file = folder_->file({input_, source_.stem + format.extension, format.extension});
    file_ = std::make_unique<NewFile>(file, Durability::kPower, format.extension);
    if (writer_.open(file_->part().string(), cv::CAP_FFMPEG, format.codec, source_.fps, size_, true)) return;
    file_.reset();
    tried += (tried.empty() ? "" : ", ") + file.filename().string();
  }
  throw IoError(fmt::format("{}: OpenCV cannot write a video of {}x{} pixels at {} frames/s here (tried {})",
                            folder_->folder().string(), size_.width, size_.height, source_.fps, tried));
}

std::string VideoWriter::disk_state() const {
  constexpr uintmax_t kNearlyFull = 1 << 20;
  std::error_code error;
  const fs::space_info space = fs::space(folder_->folder(), error);
  return !error && space.available < kNearlyFull ? " (the disk is full)" : "";
}

}  // namespace zoo::sinks
