#include "streams/model_watcher.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

const fs::path kDemo = fs::path(ZOO_SOURCE_DIR) / "configs/demo";

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_in_place(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

/// As editors save.
void replace(const fs::path& file, const std::string& content) {
  const fs::path aside = file.string() + "~";
  write_in_place(aside, content);
  fs::rename(aside, file);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// A copy of the demo's model that is watched.
class ModelWatcherTest : public testing::Test {
 protected:
  ModelWatcherTest() {
    for (const char* const name : {"emoji.yaml", "emoji.safetensors", "emoji_labels.txt", "emoji_detection.yaml",
                                   "emoji_detection.safetensors", "emoji_scenes_labels.txt"}) {
      fs::copy(kDemo / name, folder_ / name);
    }
    options_.file = folder_ / "emoji.yaml";
    options_.debounce = 20ms;
    options_.poll_interval = 50ms;
    options_.predictor.network.kernels.timing = engine::KernelTiming::kKnownOnly;
    options_.on_change = [this](const ModelChange& change) {
      const std::lock_guard lock(mutex_);
      changes_.push_back(change);
      changed_.notify_all();
    };
  }

  void start() {
    auto model = std::make_shared<const models::Model>(models::Model::load(options_.file, options_.load));
    slot_ = std::make_shared<ModelSlot>(make_served_model(std::move(model), options_.predictor, 1, 2));
    watcher_ = std::make_unique<ModelWatcher>(slot_, options_);
  }

  /// The next change, which must come.
  ModelChange next_change() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [this] { return changes_.size() > seen_; }));
    return seen_ < changes_.size() ? changes_[seen_++] : ModelChange{};
  }

  fs::path file(const char* name) const { return folder_ / name; }

  const test::TempFolder folder_;
  ModelWatcherOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ModelChange> changes_;
  size_t seen_ = 0;
  std::shared_ptr<ModelSlot> slot_;
  std::unique_ptr<ModelWatcher> watcher_;
};

TEST_F(ModelWatcherTest, SwapsWhenTheModelFileIsSaved) {
  options_.debounce = 500ms;  // in which the writing is done
  start();
  const std::string text = content_of(options_.file);
  replace(options_.file, replaced(text, "mobilenet_v3_demo_emoji", "another"));
  ModelChange change = next_change();
  EXPECT_EQ(change.kind, ModelChange::Kind::kSwapped);
  EXPECT_EQ(change.version, 2);
  EXPECT_THAT(change.message, AllOf(HasSubstr("another (version 2) runs from now on"),
                                    EndsWith("before it ran mobilenet_v3_demo_emoji")));
  EXPECT_EQ(slot_->current()->name, "another");
  write_in_place(options_.file, replaced(text, "mobilenet_v3_demo_emoji", "third"));
  change = next_change();
  EXPECT_EQ(change.version, 3);
  EXPECT_EQ(slot_->current()->name, "third");
  EXPECT_EQ(watcher_->counts().swaps, 2);
}

TEST_F(ModelWatcherTest, AWrongFileChangesNothingAndSaysWhyOnce) {
  start();
  const std::string text = content_of(options_.file);
  replace(options_.file, replaced(replaced(text, "kernel_sizes: [3]", "kernel_sizes: [4]"), "resize", "resice"));
  const ModelChange change = next_change();
  EXPECT_EQ(change.kind, ModelChange::Kind::kRefused);
  EXPECT_EQ(change.version, 1);
  EXPECT_THAT(change.message, AllOf(StartsWith(options_.file.string() + ":"), HasSubstr("resice"),
                                    HasSubstr("kernel_sizes[0]"), EndsWith("(version 1) goes on")));
  EXPECT_THAT(watcher_->counts().last_error, HasSubstr("resice"));
  EXPECT_EQ(slot_->current()->version, 1);
  replace(options_.file, text);
  EXPECT_EQ(next_change().kind, ModelChange::Kind::kSwapped);
  const SwapCounts counts = watcher_->counts();
  EXPECT_EQ(counts.swaps, 1);
  EXPECT_EQ(counts.refused, 1);
  EXPECT_EQ(counts.last_error, "");
}

TEST_F(ModelWatcherTest, FollowsLabelsAndCheckpoint) {
  start();
  const std::string labels = content_of(file("emoji_labels.txt"));
  const std::string first = labels.substr(0, labels.find('\n'));
  replace(file("emoji_labels.txt"), replaced(labels, first, "renamed"));
  EXPECT_EQ(next_change().kind, ModelChange::Kind::kSwapped);
  EXPECT_EQ(slot_->current()->model->config().labels.front(), "renamed");
  fs::remove(file("emoji.safetensors"));
  EXPECT_THAT(next_change().message, HasSubstr("emoji.safetensors"));
  replace(file("emoji.safetensors"), content_of(kDemo / "emoji.safetensors"));
  EXPECT_EQ(next_change().version, 3);
}

TEST_F(ModelWatcherTest, WeightsThatAreOverwrittenInPlaceLeaveTheRunningModelAlone) {
  options_.debounce = 500ms;  // in which the writing is done
  start();
  const std::shared_ptr<const ServedModel> running = slot_->current();
  const cv::Mat picture(112, 112, CV_8UC3, cv::Scalar(10, 200, 30));
  const auto answer = std::get<pipeline::Classification>(running->predict(picture, 1)).top;
  std::string weights = content_of(file("emoji.safetensors"));
  std::fill(weights.end() - 400'000, weights.end(), '\xFF');  // no numbers
  write_in_place(file("emoji.safetensors"), weights);
  const ModelChange change = next_change();
  EXPECT_EQ(change.kind, ModelChange::Kind::kRefused);
  EXPECT_THAT(change.message, HasSubstr("finite"));
  EXPECT_EQ(slot_->current(), running);
  EXPECT_EQ(std::get<pipeline::Classification>(running->predict(picture, 1)).top.front().score, answer.front().score);
}

TEST_F(ModelWatcherTest, TheTaskMayChange) {
  start();
  const cv::Mat picture(120, 160, CV_8UC3, cv::Scalar(10, 200, 30));
  EXPECT_TRUE(std::holds_alternative<pipeline::Classification>(slot_->current()->predict(picture, 1)));
  replace(options_.file, content_of(file("emoji_detection.yaml")));
  const ModelChange change = next_change();
  EXPECT_EQ(change.kind, ModelChange::Kind::kSwapped);
  EXPECT_THAT(change.message, HasSubstr("(detection, version 2) runs from now on"));
  EXPECT_TRUE(std::holds_alternative<pipeline::FoundObjects>(slot_->current()->predict(picture, 1)));
}

TEST_F(ModelWatcherTest, TriesARecentFrameOfEachStream) {
  std::atomic<int> asked = 0;
  options_.last_frames = [&] {
    ++asked;
    return std::vector<cv::Mat>{cv::Mat(50, 60, CV_8UC3), cv::Mat(), cv::Mat(90, 80, CV_32FC1)};
  };
  start();
  watcher_->request_reload();
  EXPECT_EQ(next_change().kind, ModelChange::Kind::kSwapped);  // one of the frames fits
  EXPECT_EQ(asked, 1);
}

TEST_F(ModelWatcherTest, AChangeAnswersTheRequestsThatCameBeforeItBegan) {
  std::atomic<int64_t> late = 0;
  options_.last_frames = [&] {
    if (late == 0) late = watcher_->request_reload();  // while the first is being made
    return std::vector<cv::Mat>();
  };
  start();
  const int64_t early = watcher_->request_reload();
  EXPECT_EQ(next_change().requests, early);
  EXPECT_EQ(next_change().requests, late);
  EXPECT_EQ(late, early + 1);
  watcher_.reset();
}

TEST_F(ModelWatcherTest, RefusesWhatFitsNoFrame) {
  options_.last_frames = [] { return std::vector<cv::Mat>{cv::Mat(90, 80, CV_32FC1)}; };
  start();
  watcher_->request_reload();
  EXPECT_THAT(next_change().message, HasSubstr("a stream's recent frame"));
}

TEST_F(ModelWatcherTest, TheOldModelLivesAsLongAsSomebodyUsesIt) {
  start();
  std::shared_ptr<const ServedModel> used = slot_->current();
  const std::weak_ptr<const ServedModel> old = used;
  watcher_->request_reload();
  EXPECT_EQ(next_change().version, 2);
  EXPECT_FALSE(old.expired());
  used->predict(cv::Mat(112, 112, CV_8UC3, cv::Scalar(1, 2, 3)), 1);
  used.reset();
  watcher_.reset();
  EXPECT_TRUE(old.expired());
}

TEST_F(ModelWatcherTest, WaitsUntilFilesAreQuiet) {
  class StillClock : public Clock {
   public:
    TimePoint now() const override { return TimePoint(std::chrono::milliseconds(ms)); }
    WallTime wall_time() const override { return {}; }
    bool wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, TimePoint,
                    const std::function<bool()>& ready) override {
      return ready();
    }
    std::atomic<int64_t> ms = 0;
  } clock;
  options_.clock = &clock;
  options_.debounce = 300ms;
  options_.poll_interval = 1ms;
  start();
  const std::string text = content_of(options_.file);
  replace(options_.file, "half of it");
  replace(options_.file, replaced(text, "mobilenet_v3_demo_emoji", "whole"));
  while (watcher_->counts().swaps + watcher_->counts().refused == 0) {
    clock.ms += 100;
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_THAT(next_change().message, HasSubstr("whole (version 2)"));
  EXPECT_EQ(watcher_->counts().refused, 0);
}

}  // namespace
}  // namespace zoo::streams
