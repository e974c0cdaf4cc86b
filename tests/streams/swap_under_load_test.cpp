// Models are swapped again and again while streams run: no frame is lost, and no memory.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "streams/live_streams.h"
#include "streams/model_watcher.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int kStreams = 4;
constexpr std::chrono::milliseconds kFrameInterval{20};
constexpr int kGoodForEachBad = 10;

/// ZOO_SWAPS=1000 for the long run.
int swaps_wanted() {
  const char* const swaps = std::getenv("ZOO_SWAPS");
  return swaps == nullptr ? 20 : std::atoi(swaps);
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void replace(const fs::path& file, const std::string& content) {
  const fs::path aside = file.string() + "~";
  std::ofstream(aside) << content;
  fs::rename(aside, file);
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  int64_t all = 0;
  int64_t resident = 0;
  statm >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Once a model that was replaced is gone.
double settled_mb(const std::weak_ptr<const ServedModel>& replaced) {
  while (!replaced.expired()) std::this_thread::sleep_for(1ms);
  return resident_mb();
}

class Camera : public pipeline::FrameSource {
 public:
  explicit Camera(const std::atomic<bool>* stop) : stop_(stop) {
    info_.kind = pipeline::SourceKind::kStream;
    info_.name = "camera";
    info_.live = true;
  }

  std::optional<pipeline::FrameResult> next() override {
    if (*stop_) return std::nullopt;
    next_ = std::max(next_ + kFrameInterval, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next_);
    pipeline::Frame frame{.image = cv::Mat(60, 80, CV_8UC3, cv::Scalar(20, 120, 220)), .source = "camera"};
    frame.index = index_++;
    return frame;
  }
  const pipeline::SourceInfo& info() const override { return info_; }

 private:
  const std::atomic<bool>* stop_;
  pipeline::SourceInfo info_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
  int64_t index_ = 0;
};

/// Each stream's frames ascend, and so do the versions that answer them.
class OrderCheck : public pipeline::ResultSink {
 public:
  void write(const pipeline::FrameEvent& event) override {
    const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
    ASSERT_NE(item, nullptr) << std::get<pipeline::FrameFailure>(event).message;
    auto& [index, version] = last_.try_emplace(item->frame.stream, -1, 0).first->second;
    EXPECT_GT(item->frame.index, index);
    EXPECT_GE(item->model_version, version - 1);  // one that was begun before the swap may be answered behind it
    index = item->frame.index;
    version = std::max(version, item->model_version);
    ages_ms_.push_back(item->age_ms);
  }
  void finish() override {
    std::ranges::sort(ages_ms_);
    const auto age_of = [&](size_t share) { return ages_ms_[(ages_ms_.size() - 1) * share / 1000]; };
    fmt::print("answers after the frame: median {:.1f} ms, 99 % {:.1f} ms, 99.9 % {:.1f} ms, last {:.1f} ms\n",
               age_of(500), age_of(990), age_of(999), age_of(1000));
  }

 private:
  std::map<size_t, std::pair<int64_t, int64_t>> last_;
  std::vector<double> ages_ms_;
};

class SwapUnderLoad : public testing::Test {
 protected:
  SwapUnderLoad() {
    watcher_options_.file = folder_ / "model.yaml";
    watcher_options_.load.random_weights = true;
    watcher_options_.predictor.network.input_size = {64, 64};
    watcher_options_.predictor.network.kernels.timing = engine::KernelTiming::kKnownOnly;
    watcher_options_.debounce = 10ms;
    watcher_options_.on_change = [this](const ModelChange& change) {
      const std::lock_guard lock(mutex_);
      changes_.push_back(change);
      changed_.notify_all();
    };
  }

  ModelChange next_change() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [this] { return changes_.size() > seen_; }));
    return seen_ < changes_.size() ? changes_[seen_++] : ModelChange{};
  }

  const test::TempFolder folder_;
  ModelWatcherOptions watcher_options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ModelChange> changes_;
  size_t seen_ = 0;
};

TEST_F(SwapUnderLoad, LosesNoFrameAndNoMemory) {
  const fs::path configs = fs::path(ZOO_SOURCE_DIR) / "configs/timm";
  const std::vector<std::string> models = {content_of(configs / "mobilenetv4_conv_small.yaml"),
                                           content_of(configs / "mobilenetv3_small_100.yaml")};
  const fs::path& file = watcher_options_.file;
  replace(file, models[1]);
  auto first = std::make_shared<const models::Model>(models::Model::load(file, watcher_options_.load));
  const auto slot = std::make_shared<ModelSlot>(make_served_model(first, watcher_options_.predictor, 1, 2));
  first.reset();

  LiveOptions live;
  live.workers = 2;
  live.open = [](const StreamOptions&, const pipeline::ReadOptions& read) {
    return std::make_unique<Camera>(read.stop);
  };
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  sinks.push_back(std::make_unique<OrderCheck>());
  LiveStreams streams(slot, std::move(sinks), live);
  watcher_options_.last_frames = [&] { return streams.recent_frames(); };
  for (int i = 0; i < kStreams; ++i) {
    StreamOptions options;
    options.name = fmt::format("camera{}", i);
    options.spec = {.kind = pipeline::SourceKind::kStream, .text = "fake://camera", .images = {}};
    streams.add(options);
  }
  int bad = 0;
  double after_ten_mb = 0.0;
  double after_all_mb = 0.0;
  std::weak_ptr<const ServedModel> before;
  {
    ModelWatcher watcher(slot, watcher_options_);
    for (int swap = 1; swap <= swaps_wanted(); ++swap) {
      if (swap % kGoodForEachBad == 0) {
        replace(file, fmt::format("model: {{name: bad{}, task: nothing}}\n", ++bad));
        const ModelChange refused = next_change();
        EXPECT_EQ(refused.kind, ModelChange::Kind::kRefused);
        EXPECT_THAT(refused.message, HasSubstr("model.yaml:1:"));
      }
      before = slot->current();
      replace(file, models[static_cast<size_t>(swap % 2)] + fmt::format("# {}\n", swap));
      const ModelChange swapped = next_change();
      ASSERT_EQ(swapped.kind, ModelChange::Kind::kSwapped) << swapped.message;
      ASSERT_EQ(swapped.version, swap + 1);
      ASSERT_TRUE(streams.total().adds_up());
      if (swap == 10) after_ten_mb = settled_mb(before);
    }
    EXPECT_EQ(watcher.counts().refused, bad);
    EXPECT_EQ(watcher.counts().swaps, swaps_wanted());
    after_all_mb = settled_mb(before);
  }
  EXPECT_EQ(changes_.size(), seen_);
  streams.stop();
  const StreamCounts total = streams.total();
  EXPECT_TRUE(total.adds_up());
  EXPECT_EQ(total.in_flight, 0);
  EXPECT_EQ(total.failed, 0);
  EXPECT_GT(total.ok, 0);
  fmt::print(
      "{} swaps, {} bad files: {} frames, {} ok, {} replaced; resident after ten {:.1f} MB, after all {:.1f} MB\n",
      swaps_wanted(), bad, total.captured, total.ok, total.dropped(DropReason::kReplaced), after_ten_mb, after_all_mb);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what was freed
  EXPECT_LT(after_all_mb, after_ten_mb + 30.0);
#endif
}

}  // namespace
}  // namespace zoo::streams
