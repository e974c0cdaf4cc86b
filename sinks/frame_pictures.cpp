#include "sinks/frame_pictures.h"

#include "nn/core/error.h"
#include "pipeline/images/encode_image.h"

namespace zoo::sinks {
namespace {

constexpr int kQuality = 85;

}  // namespace

std::optional<std::string> FramePictures::picture_of(const pipeline::ProcessedFrame& item) {
  const auto captured = item.frame.captured_at;
  const auto last = last_.find(item.frame.stream);
  if (last != last_.end() && captured - last->second < options_.every) return std::nullopt;
  last_[item.frame.stream] = captured;
  try {
    cv::Mat image = item.frame.image;
    if (options_.annotated) {
      image = image.clone();
      pipeline::draw_result(image, item.result);
    }
    const std::vector<uint8_t> bytes = pipeline::encode_jpeg(image, kQuality);
    return std::string(bytes.begin(), bytes.end());
  } catch (const Error&) {
    return std::nullopt;  // larger than JPEG can be
  }
}

}  // namespace zoo::sinks
