#include "pipeline/frame_writer.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/video_writer.h"
#include "pipeline/write_file.h"

namespace zoo::pipeline {
namespace fs = std::filesystem;
namespace {

class ImageWriter : public FrameWriter {
 public:
  explicit ImageWriter(OutputNames& names) : names_(names) {}

  void write(const Frame& frame) override {
    const fs::path source = frame.source;
    const fs::path parent = source.has_parent_path() ? source.parent_path() : fs::path(".");
    std::error_code error;
    if (fs::equivalent(parent, names_.folder(), error)) {
      throw IoError(fmt::format("{}: the pictures come from this folder, so they would be overwritten; choose another",
                                names_.folder().string()));
    }
    std::string extension = source.extension().string();
    std::vector<unsigned char> bytes;
    if (!encode(frame.image, extension, bytes)) {
      extension = ".png";
      if (!encode(frame.image, extension, bytes)) {
        throw IoError(fmt::format("{}: OpenCV cannot encode the annotated picture", frame.source));
      }
    }
    files_.push_back(names_.claim(source.stem().string(), extension));
    write_file(files_.back(), bytes);
  }

  void finish() override {}
  const std::vector<fs::path>& files() const override { return files_; }

 private:
  static bool encode(const cv::Mat& image, const std::string& extension, std::vector<unsigned char>& bytes) {
    try {
      return extension.size() > 1 && cv::haveImageWriter(extension) && cv::imencode(extension, image, bytes);
    } catch (const cv::Exception&) {  // a format that exists but does not take colour, e.g. .pgm
      return false;
    }
  }

  OutputNames& names_;
  std::vector<fs::path> files_;
};

}  // namespace

OutputNames::OutputNames(fs::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error || !fs::is_directory(folder_, error)) {
    throw IoError(
        fmt::format("{}: cannot be made a folder: {}", folder_.string(), error ? error.message() : "it is a file"));
  }
}

fs::path OutputNames::claim(const std::string& stem, const std::string& extension) {
  fs::path file = folder_ / (stem + extension);
  for (int i = 2; !taken_.insert(file).second; ++i) file = folder_ / fmt::format("{}_{}{}", stem, i, extension);
  return file;
}

std::unique_ptr<FrameWriter> make_frame_writer(OutputNames& names, const SourceInfo& source) {
  if (source.kind == SourceKind::kImages) return std::make_unique<ImageWriter>(names);
  return std::make_unique<VideoWriter>(names, source);
}

}  // namespace zoo::pipeline
