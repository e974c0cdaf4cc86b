// Cameras and GStreamer pipelines through cv::VideoCapture, the module of pipeline/video.
#include <utility>

#include <opencv2/videoio.hpp>

#include "pipeline/video/capture_module.h"

namespace zoo::pipeline {
namespace {

class OpenCvCapture final : public Capture {
 public:
  explicit OpenCvCapture(cv::VideoCapture capture) : capture_(std::move(capture)) {}

  bool read(cv::Mat& image) override {
    image.release();  // VideoCapture writes into the old one, which others may still read
    return capture_.read(image) && !image.empty();
  }
  double frames() const override { return capture_.get(cv::CAP_PROP_FRAME_COUNT); }
  double fps() const override { return capture_.get(cv::CAP_PROP_FPS); }

 private:
  cv::VideoCapture capture_;
};

/// cv::VideoCapture reports most problems by not being open, a few by throwing.
template <typename Source>
std::unique_ptr<Capture> opened(const Source& source, int backend) {
  try {
    cv::VideoCapture capture(source, backend);
    if (capture.isOpened()) return std::make_unique<OpenCvCapture>(std::move(capture));
  } catch (const cv::Exception&) {  // as good as not open
  }
  return nullptr;
}

}  // namespace
}  // namespace zoo::pipeline

extern "C" [[gnu::visibility("default")]] const zoo::pipeline::CaptureModule* zoo_module_capture() {
  static constexpr zoo::pipeline::CaptureModule kModule = {
      [](int index) { return zoo::pipeline::opened(index, cv::CAP_V4L2); },
      [](const std::string& description) { return zoo::pipeline::opened(description, cv::CAP_GSTREAMER); },
  };
  return &kModule;
}
