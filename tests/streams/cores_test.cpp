#include "streams/cores.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "streams/scheduler.h"
#include "tests/streams/live_run.h"
#include "tests/support/manual_clock.h"

namespace zoo::streams {
namespace {

TEST(ThreadsPerFrame, AreTheCoresOverTheFramesUpToTheMost) {
  EXPECT_EQ(threads_per_frame(8, 0, 8), 8);
  EXPECT_EQ(threads_per_frame(8, 1, 8), 8);
  EXPECT_EQ(threads_per_frame(8, 2, 8), 4);
  EXPECT_EQ(threads_per_frame(8, 3, 8), 2);
  EXPECT_EQ(threads_per_frame(8, 5, 8), 1);
  EXPECT_EQ(threads_per_frame(8, 100, 8), 1);
  EXPECT_EQ(threads_per_frame(1, 1, 8), 1);
  EXPECT_EQ(threads_per_frame(8, 1, 1), 1);
  EXPECT_EQ(threads_per_frame(8, 1, 3), 3);
  EXPECT_EQ(threads_per_frame(8, 5, 3), 1);
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
  Scheduler scheduler_{clock_, {.workers = 8, .frame_threads = 8}};
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

TEST_F(SharedCores, OneThreadIsForAFrameUnlessMoreAreAskedFor) {
  const auto options = stream_named("door");
  Scheduler scheduler(clock_, {.workers = 8});
  const auto door = scheduler.add(options, {});
  EXPECT_EQ(door->snapshot(clock_.now()).frame_threads, 0) << "before the first frame";
  EXPECT_TRUE(scheduler.put(*door, numbered_frame(0)));
  EXPECT_EQ(std::get<PredictJob>(*scheduler.try_next()).threads, 1);
  EXPECT_EQ(door->snapshot(clock_.now()).frame_threads, 1);
}

}  // namespace
}  // namespace zoo::streams
