#include "sinks/frame_writer.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "nn/core/files.h"
#include "pipeline/images/encode_image.h"
#include "sinks/video_writer.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFallback = ".png";

class ImageWriter : public FrameWriter {
 public:
  explicit ImageWriter(std::shared_ptr<OutputFolder> folder) : folder_(std::move(folder)) {}

  void write(const pipeline::Frame& frame) override {
    std::string ending = picture_ending(frame.source);
    if (!pipeline::can_encode(ending, frame.image.size())) ending = kFallback;  // a format smaller than the picture
    const std::vector<uint8_t> bytes = pipeline::encode_image(frame.image, ending);
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
  std::string extension = picture.extension().string();
  return pipeline::can_encode(extension, {1, 1}) ? extension : kFallback;
}

std::unique_ptr<FrameWriter> make_frame_writer(std::shared_ptr<OutputFolder> folder, const pipeline::SourceInfo& source,
                                               const std::string& video, const VideoOptions& options) {
  if (source.kind == pipeline::SourceKind::kImages) return std::make_unique<ImageWriter>(std::move(folder));
  return std::make_unique<VideoWriter>(std::move(folder), source, video.empty() ? source.name : video, options);
}

}  // namespace zoo::sinks
