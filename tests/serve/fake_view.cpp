#include "tests/serve/fake_view.h"

#include <array>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/error.h"
#include "streams/live_streams.h"

namespace zoo::test {

using streams::DropReason;
using streams::StreamCounts;
using streams::StreamSnapshot;

namespace {

constexpr std::array kThings = {"person", "dog", "bicycle", "parcel", "cat", "car"};

serve::HttpServerOptions any_port(serve::HttpServerOptions options) {
  options.listen.port = 0;
  return options;
}

}  // namespace

StreamSnapshot running_stream(size_t number, const std::string& name) {
  StreamSnapshot stream;
  const auto n = static_cast<int64_t>(number);
  stream.stream = number;
  stream.name = name;
  stream.source = fmt::format("rtsp://camera{}/main", number);
  stream.policy = "latest";
  stream.state = streams::StreamState::kRunning;
  StreamCounts& counts = stream.counts;
  counts.ok = 11'000 + 137 * n;
  counts.late = n % 3;
  counts.failed = n % 4 == 3 ? 2 : 0;
  counts.dropped_for[static_cast<size_t>(DropReason::kReplaced)] = 4'200 + 31 * n;
  counts.dropped_for[static_cast<size_t>(DropReason::kTooOld)] = n % 2 == 0 ? 0 : 17 + n;
  counts.in_flight = 1 + n % 2;
  counts.captured = counts.ok + counts.late + counts.failed + counts.dropped() + counts.in_flight;
  stream.epoch = n % 5;
  stream.width = 640;
  stream.height = 360;
  stream.captured_fps = 25.0;
  stream.answered_fps = 12.5 + 0.1 * static_cast<double>(n);
  stream.ages = {.p50_ms = 34.0 + static_cast<double>(n), .p99_ms = 71.5, .last_ms = 33.0};
  stream.quality = "excellent";
  stream.last_answer = fmt::format("{} 0.{}", kThings[number % kThings.size()], 81 + number % 15);
  return stream;
}

pipeline::ProcessedFrame answered_frame(size_t stream, int64_t index, cv::Size size) {
  cv::Mat image(size, CV_8UC3);
  const double tint = 0.5 + 0.5 * std::sin(static_cast<double>(stream) * 1.7);
  for (int y = 0; y < size.height; ++y) {
    const double light = 0.35 + 0.5 * y / size.height;
    image.row(y).setTo(cv::Scalar(200 * light * (1.2 - tint * 0.6), 190 * light, 170 * light * (0.7 + tint * 0.5)));
  }
  const auto unit = static_cast<float>(size.height) / 10.0F;
  const auto pixel = [&](double x, double y) { return cv::Point(cvRound(x * unit), cvRound(y * unit)); };
  cv::rectangle(image, pixel(1.0, 1.2), pixel(4.0, 4.0), {90, 110, 130}, -1);
  cv::rectangle(image, pixel(11.5, 1.0), pixel(14.0, 8.2), {70, 80, 110}, -1);
  const double x = 3.0 + std::fmod(static_cast<double>(index) * 0.23 + static_cast<double>(stream), 9.0);
  cv::ellipse(image, pixel(x + 1.0, 6.6), {cvRound(unit), cvRound(1.5F * unit)}, 0, 0, 360, {60, 60, 180}, -1,
              cv::LINE_AA);
  cv::circle(image, pixel(x + 1.0, 4.6), cvRound(0.7F * unit), {140, 170, 220}, -1, cv::LINE_AA);

  pipeline::ProcessedFrame item;
  item.frame.image = image;
  item.frame.index = index;
  item.frame.stream = stream;
  item.frame.captured_at = std::chrono::steady_clock::now();
  pipeline::FoundObjects objects;
  objects.boxes.push_back({.index = static_cast<int64_t>(stream % kThings.size()),
                           .label = kThings[stream % kThings.size()],
                           .score = 0.81 + 0.01 * static_cast<double>(stream % 15),
                           .box = {static_cast<float>(x) * unit - unit * 0.2F, 3.7F * unit,
                                   static_cast<float>(x + 2.2) * unit, 8.3F * unit}});
  item.result = objects;
  item.model_version = 3;
  return item;
}

FakeView::FakeView(std::vector<StreamSnapshot> streams, serve::HttpServerOptions options)
    : streams_(std::move(streams)), server_(any_port(std::move(options))), view_(server_, frames_, source()) {
  server_.start();
}

void FakeView::change(const std::function<void(std::vector<StreamSnapshot>&, serve::ModelState&)>& change) {
  const std::scoped_lock lock(mutex_);
  change(streams_, model_);
}

std::vector<StreamSnapshot> FakeView::streams() const {
  const std::scoped_lock lock(mutex_);
  return streams_;
}

void FakeView::set_sinks(std::vector<streams::SinkSnapshot> sinks) {
  const std::scoped_lock lock(mutex_);
  sinks_ = std::move(sinks);
}

int FakeView::reloads() const {
  const std::scoped_lock lock(mutex_);
  return reloads_;
}

serve::ViewSource FakeView::source() {
  serve::ViewSource source;
  source.streams = [this] { return streams(); };
  source.total = [this] {
    StreamCounts sum;
    for (const StreamSnapshot& stream : streams()) sum += stream.counts;
    return sum;
  };
  source.sinks = [this] {
    const std::scoped_lock lock(mutex_);
    return sinks_;
  };
  source.model = [this] {
    const std::scoped_lock lock(mutex_);
    return model_;
  };
  source.add = [this](const streams::StreamOptions& options) {
    const std::scoped_lock lock(mutex_);
    if (options.name == "one-too-many") throw streams::TooManyStreams("there are as many as may be");
    if (options.name == "unwanted") throw Error("stream \"unwanted\": not this one");
    StreamSnapshot stream;
    stream.stream = streams_.size() + 100;
    stream.name = options.name;
    stream.policy = to_string(options.policy);
    streams_.push_back(stream);
  };
  source.remove = [this](const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return std::erase_if(streams_, [&](const StreamSnapshot& stream) { return stream.name == name; }) > 0;
  };
  source.reload = [this] {
    const std::scoped_lock lock(mutex_);
    ++reloads_;
  };
  return source;
}

}  // namespace zoo::test
