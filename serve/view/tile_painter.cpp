#include "serve/view/tile_painter.h"

#include <algorithm>
#include <cmath>
#include <sys/resource.h>
#include <unistd.h>
#include <variant>

#include <opencv2/imgproc.hpp>

#include "nn/core/error.h"
#include "nn/core/start_thread.h"
#include "pipeline/images/encode_image.h"

namespace zoo::serve {
namespace {

/// Of libjpeg: at the size of a tile nobody sees the difference to 95, which takes twice the bytes.
constexpr int kQuality = 80;
constexpr int kPriority = 10;
/// Pictures that are kept for a second client; of streams and widths that nobody looks at any more they age out.
constexpr size_t kMaxKept = 64;

pipeline::TaskResult scaled(const pipeline::TaskResult& result, double factor, const cv::Size& size) {
  pipeline::TaskResult smaller = result;
  if (auto* objects = std::get_if<pipeline::FoundObjects>(&smaller)) {
    const auto scale = [&](auto& value) {
      value = static_cast<std::remove_reference_t<decltype(value)>>(value * factor);
    };
    for (pipeline::FoundObject& object : objects->boxes) {
      scale(object.box.x0);
      scale(object.box.y0);
      scale(object.box.x1);
      scale(object.box.y1);
    }
  } else if (auto* segmentation = std::get_if<pipeline::Segmentation>(&smaller)) {
    cv::Mat labels;
    cv::resize(segmentation->labels, labels, size, 0, 0, cv::INTER_NEAREST);
    segmentation->labels = labels;
  }
  return smaller;
}

}  // namespace

Tile draw_tile(const AnsweredFrame& answered, int width) {
  const pipeline::Frame& frame = answered.item.frame;
  cv::Mat image;
  pipeline::TaskResult result = answered.item.result;
  if (width <= 0 || width >= frame.image.cols) {
    image = frame.image.clone();
  } else {
    // Drawn at the size that is looked at, so that lines and letters have theirs.
    const double factor = static_cast<double>(width) / frame.image.cols;
    const cv::Size size(width, std::max(1, static_cast<int>(std::lround(frame.image.rows * factor))));
    cv::resize(frame.image, image, size, 0, 0, cv::INTER_AREA);
    result = scaled(result, factor, size);
  }
  pipeline::draw_result(image, result);
  const std::vector<uint8_t> jpeg = pipeline::encode_jpeg(image, kQuality);
  return {.jpeg = std::string(jpeg.begin(), jpeg.end()),
          .width = image.cols,
          .height = image.rows,
          .number = answered.number,
          .frame = frame.index,
          .epoch = frame.epoch,
          .model_version = answered.item.model_version,
          .captured_at = frame.captured_at};
}

TilePainter::TilePainter(std::shared_ptr<const NewestFrames> frames)
    : frames_(std::move(frames)), thread_(start_thread("zoo-paint", [this] { run(); })) {}

TilePainter::~TilePainter() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  asked_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& [key, dones] : waiting_) {
    for (const Done& done : dones) done(nullptr);
  }
}

void TilePainter::paint(size_t stream, int width, Done done) {
  const std::scoped_lock lock(mutex_);
  const Key key(stream, width);
  std::vector<Done>& waiting = waiting_[key];
  if (waiting.empty()) turns_.push_back(key);
  waiting.push_back(std::move(done));
  asked_.notify_one();
}

void TilePainter::run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kPriority);
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [&] { return ending_ || !turns_.empty(); });
    if (ending_) return;
    const Key key = turns_.front();
    turns_.pop_front();
    const std::vector<Done> dones = std::move(waiting_[key]);
    waiting_.erase(key);
    lock.unlock();
    const std::shared_ptr<const Tile> tile = tile_of(key);
    for (const Done& done : dones) done(tile);
    lock.lock();
  }
}

std::shared_ptr<const Tile> TilePainter::tile_of(const Key& key) {
  const std::shared_ptr<const AnsweredFrame> frame = frames_->newest(key.first);
  if (!frame) return nullptr;
  std::shared_ptr<const Tile>& kept = drawn_[key];
  if (kept && kept->number == frame->number) return kept;
  try {
    kept = std::make_shared<const Tile>(draw_tile(*frame, key.second));
    ++painted_;
  } catch (const std::exception&) {  // no memory, or a picture too large for JPEG: there is none
    drawn_.erase(key);
    return nullptr;
  }
  const std::shared_ptr<const Tile> tile = kept;
  if (drawn_.size() > kMaxKept) {
    std::erase_if(drawn_, [&](const auto& entry) { return entry.second->number + kMaxKept * 4 < tile->number; });
  }
  return tile;
}

}  // namespace zoo::serve
