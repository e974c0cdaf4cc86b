#include "streams/cores.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "streams/scheduler.h"
#include "tests/streams/live_run.h"
#include "tests/streams/manual_clock.h"

namespace zoo::streams {
namespace {

TEST(ThreadsPerFrame, AreTheCoresOverTheFrames) {
  EXPECT_EQ(threads_per_frame(8, 0), 8);
  EXPECT_EQ(threads_per_frame(8, 1), 8);
  EXPECT_EQ(threads_per_frame(8, 2), 4);
  EXPECT_EQ(threads_per_frame(8, 3), 2);
  EXPECT_EQ(threads_per_frame(8, 5), 1);
  EXPECT_EQ(threads_per_frame(8, 100), 1);
  EXPECT_EQ(threads_per_frame(1, 1), 1);
}

class SharedCores : public ::testing::Test {
 protected:
  std::shared_ptr<Lane> add(const std::string& name, const std::string& policy = "latest") {
    return scheduler_.add(stream_named(name, frame_policy_from(policy)), {});
  }
  void tell(Lane& lane, StreamState state) {
    SourceStatus status;
    status.state = state;
    scheduler_.note_status(lane, status, {});
  }

  /// Of a frame of that stream, which is then answered and delivered.
  int threads_for(Lane& lane) {
    EXPECT_TRUE(scheduler_.put(lane, numbered_frame(next_++)));
    auto job = std::get<PredictJob>(*scheduler_.try_next());
    EXPECT_EQ(job.lane.get(), &lane);
    const int threads = job.threads;
    scheduler_.answer(job, std::move(job.item), "", 1);
    scheduler_.delivered(std::get<DeliverJob>(*scheduler_.try_next()));
    return threads;
  }

  ManualClock clock_;
  Scheduler scheduler_{clock_, {.workers = 8}};
  int64_t next_ = 0;
};

TEST_F(SharedCores, AStreamAloneHasAllAndLeavesThemToThoseThatCome) {
  const auto door = add("door");
  EXPECT_EQ(threads_for(*door), 8);
  tell(*door, StreamState::kRunning);
  const auto yard = add("yard");
  EXPECT_EQ(threads_for(*door), 8) << "the other is still being opened";
  tell(*yard, StreamState::kRunning);
  EXPECT_EQ(threads_for(*door), 4);
  EXPECT_EQ(threads_for(*yard), 4);
  tell(*yard, StreamState::kWaiting);
  EXPECT_EQ(threads_for(*door), 8);
  tell(*yard, StreamState::kRunning);
  EXPECT_EQ(threads_for(*door), 4);
  scheduler_.remove("yard");
  EXPECT_EQ(threads_for(*door), 8);
}

TEST_F(SharedCores, AFileHasAsManyFramesAtOnceAsThereAreCores) {
  const auto file = add("file", "block");
  EXPECT_EQ(threads_for(*file), 1);
  const auto door = add("door");
  EXPECT_EQ(threads_for(*door), 8) << "nothing is read from the file yet";
  tell(*file, StreamState::kRunning);
  EXPECT_EQ(threads_for(*door), 1);
}

}  // namespace
}  // namespace zoo::streams
