#include "sinks/frame_writer.h"

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include "nn/core/files.h"
#include "sinks/video_writer.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFallback = ".png";

bool encode(const cv::Mat& image, const std::string& extension, std::vector<unsigned char>& bytes) {
  try {
    return extension.size() > 1 && cv::haveImageWriter(extension) && cv::imencode(extension, image, bytes);
  } catch (const cv::Exception&) {  // a format that exists but does not take colour, e.g. .pgm
    return false;
  }
}

class ImageWriter : public FrameWriter {
 public:
  explicit ImageWriter(std::shared_ptr<OutputFolder> folder) : folder_(std::move(folder)) {}

  void write(const pipeline::Frame& frame) override {
    std::string ending = picture_ending(frame.source);
    std::vector<unsigned char> bytes;
    if (!encode(frame.image, ending, bytes)) {  // a format that is smaller than the picture
      ending = kFallback;
      if (!encode(frame.image, ending, bytes)) {
        throw IoError(fmt::format("{}: OpenCV cannot encode the annotated picture", frame.source));
      }
    }
    const fs::path file = folder_->file({frame.source, fs::path(frame.source).filename(), ending});
    write_file(file, std::as_bytes(std::span(bytes)), Durability::kProcess);
    files_.push_back(file);
  }

  void finish() override {}
  const std::vector<fs::path>& files() const override { return files_; }

 private:
  std::shared_ptr<OutputFolder> folder_;
  std::vector<fs::path> files_;
};

}  // namespace

std::string picture_ending(const fs::path& picture) {
  static std::mutex mutex;
  static std::map<std::string, bool> known;
  std::string extension = picture.extension().string();
  const std::scoped_lock lock(mutex);
  const auto [entry, is_new] = known.try_emplace(extension);
  if (is_new) {
    std::vector<unsigned char> bytes;
    entry->second = encode(cv::Mat(8, 8, CV_8UC3, cv::Scalar::all(0)), extension, bytes);
  }
  return entry->second ? extension : kFallback;
}

std::unique_ptr<FrameWriter> make_frame_writer(std::shared_ptr<OutputFolder> folder, const pipeline::SourceInfo& source,
                                               const std::string& video) {
  if (source.kind == pipeline::SourceKind::kImages) return std::make_unique<ImageWriter>(std::move(folder));
  return std::make_unique<VideoWriter>(std::move(folder), source, video.empty() ? source.name : video);
}

}  // namespace zoo::sinks
