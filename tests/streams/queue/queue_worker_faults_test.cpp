// Servers and workers that die.
#include <csignal>
#include <mutex>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/streams/gate.h"
#include "tests/streams/queue/queue_rig.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class Messages {
 public:
  std::function<void(const std::string&)> taker() {
    return [this](const std::string& message) {
      const std::scoped_lock lock(mutex_);
      all_.push_back(message);
    };
  }
  std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

TEST(QueueWorkerFaults, ComesBackWithTheServerAndSaysSoOnce) {
  QueueRig rig;
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.threads = 3;
  options.on_message = messages.taker();
  QueueWorker worker(slot_of(), options);
  rig.add("before", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  rig.server.kill();
  ASSERT_TRUE(comes_true([&] { return worker.counts().connections_lost >= 6; }));
  EXPECT_FALSE(worker.state());
  rig.server.start();
  rig.redis.close();
  rig.add("after", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 2; }));
  ASSERT_TRUE(comes_true([&] { return worker.state().has_value(); }));
  ASSERT_TRUE(comes_true([&] { return messages.all().size() > 1; })) << "once the last thread is back";
  EXPECT_THAT(messages.all(), ElementsAre(HasSubstr("trying again until it works"), HasSubstr("works again after")));
  EXPECT_THAT(rig.answers(), SizeIs(2));
}

TEST(QueueWorkerFaults, AServerThatHangsIsLeftAndComeBackTo) {
  QueueRig rig;
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.queue.redis.connect_timeout = 200ms;
  options.queue.redis.command_timeout = 200ms;
  options.on_message = messages.taker();
  QueueWorker worker(slot_of(), options);
  rig.add("before", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  rig.server.pause();
  ASSERT_TRUE(comes_true([&] { return !messages.all().empty(); }));
  EXPECT_THAT(messages.all().front(), HasSubstr("no complete answer within"));
  rig.server.go_on();
  rig.add("after", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 2; }));
}

TEST(QueueWorkerFaults, StartsBeforeTheServerDoes) {
  QueueRig rig;
  rig.add("early", png());
  rig.server.kill();
  QueueWorker worker(slot_of(), rig.options("one"));
  ASSERT_TRUE(comes_true([&] { return worker.counts().connections_lost >= 1; }));
  rig.server.start();
  EXPECT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
}

TEST(QueueWorkerFaults, KeepsItsAnswerWhileTheServerIsAway) {
  QueueRig rig;
  Gate gate;
  QueueWorkerOptions options = rig.options("one");
  options.claim_after = 1h;
  QueueWorker worker(slot_of([&](const cv::Mat& picture) {
                       gate.wait();
                       return width_of(picture);
                     }),
                     options);
  rig.add("a", png());
  gate.wait_until_reached();
  rig.server.kill();
  gate.release();
  ASSERT_TRUE(comes_true([&] { return worker.counts().connections_lost >= 2; }));
  rig.server.start();
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  rig.redis.close();
  EXPECT_THAT(rig.answers(), SizeIs(1));
  EXPECT_EQ(worker.counts().claimed, 0);
}

TEST(QueueWorkerFaults, EndsWithoutTheServer) {
  QueueRig rig;
  Gate gate;
  QueueWorkerOptions options = rig.options("one");
  options.patience_at_end = 200ms;
  auto worker = std::make_unique<QueueWorker>(slot_of([&](const cv::Mat& picture) {
                                                gate.wait();
                                                return width_of(picture);
                                              }),
                                              options);
  rig.add("a", png());
  gate.wait_until_reached();
  rig.server.kill();
  gate.release();
  ASSERT_TRUE(comes_true([&] { return worker->counts().connections_lost >= 1; }));
  worker.reset();
  rig.server.start();
  rig.redis.close();
  EXPECT_EQ(rig.pending(), 1) << "somebody else will answer it";
}

TEST(QueueWorkerFaults, AnEntryThatCannotBeToldIsToldLater) {
  QueueRig rig;
  rig.redis.command({"SET", "out", "no stream"});
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.on_message = messages.taker();
  QueueWorker worker(slot_of(), options);
  rig.add("a", png());
  ASSERT_TRUE(comes_true([&] { return !messages.all().empty(); }));
  EXPECT_THAT(messages.all().front(), HasSubstr("WRONGTYPE"));
  rig.redis.command({"DEL", "out"});
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  EXPECT_THAT(rig.answers(), SizeIs(1));
}

TEST(QueueWorkerFaults, WhatCannotBeToldForAWhileIsSaidOnceAndWorksAgainWhenItDoes) {
  QueueRig rig;
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.on_message = messages.taker();
  QueueWorker worker(slot_of(), options);
  rig.add("a", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  rig.redis.command({"DEL", "out"});
  rig.redis.command({"SET", "out", "no stream"});
  rig.add("b", png());
  rig.add("c", png());
  // The thread that fails is not the one that reads in vain meanwhile, and so works.
  ASSERT_TRUE(comes_true([&] { return worker.counts().connections_lost >= 10; }));
  EXPECT_THAT(messages.all(), ElementsAre(AllOf(HasSubstr("WRONGTYPE"), HasSubstr("trying again until it works"))));
  rig.redis.command({"DEL", "out"});
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered + worker.counts().repeated >= 3; }));
  ASSERT_TRUE(comes_true([&] { return messages.all().size() > 1; }));
  EXPECT_THAT(messages.all(), ElementsAre(HasSubstr("WRONGTYPE"), HasSubstr("works again after")));
}

TEST(QueueWorkerFaults, AnEmptyQueueThatCannotBeLookedAtIsSaid) {
  QueueRig rig;
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.on_message = messages.taker();
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.state().has_value(); }));
  rig.redis.command({"SET", "dead", "no stream"});
  ASSERT_TRUE(comes_true([&] { return !messages.all().empty(); }));
  EXPECT_THAT(messages.all().front(), HasSubstr("XLEN dead: WRONGTYPE"));
}

TEST(QueueWorkerFaults, UntilEmptyEndsWhereWhatWasAddedWasDeleted) {
  QueueRig rig;
  rig.redis.command({"XDEL", "jobs", rig.add("a", png())});
  QueueWorkerOptions options = rig.options("one");
  options.until_empty = true;
  QueueWorker worker(slot_of(), options);
  EXPECT_TRUE(comes_true([&] { return worker.stopping(); }));
}

TEST(QueueWorkerFaults, EndsWhereTheServerHangsAndSaysWhatItLeaves) {
  QueueRig rig;
  Gate gate;
  Messages messages;
  QueueWorkerOptions options = rig.options("one");
  options.queue.redis.connect_timeout = options.queue.redis.command_timeout = 1h;
  options.patience_at_end = 1'500ms;
  options.leaves_group = true;
  options.on_message = messages.taker();
  QueueWorker worker(slot_of([&](const cv::Mat& picture) {
                       gate.wait();
                       return width_of(picture);
                     }),
                     options);
  rig.add("a", png());
  gate.wait_until_reached();
  rig.server.pause();
  gate.release();
  worker.stop();
  worker.join();
  EXPECT_EQ(worker.counts().left, 1);
  EXPECT_THAT(messages.all().front(), HasSubstr("ending: waiting for what is being worked on, and at most 1.5 s"));
  rig.server.go_on();
}

TEST(QueueWorkerFaults, TheEndDoesNotWaitForWhatOnlyAPersonMends) {
  QueueRig rig;
  QueueWorkerOptions options = rig.options("one");
  options.patience_at_end = 1h;
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.state().has_value(); }));
  rig.redis.command({"SET", "out", "no stream"});
  rig.add("a", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().connections_lost >= 1; }));
  worker.stop();
  worker.join();
  EXPECT_EQ(worker.counts().left, 1);
  EXPECT_EQ(rig.pending(), 1) << "somebody else will answer it";
}

/// A worker in a process of its own that dies of pictures 13 pixels wide.
pid_t mortal_worker(const QueueWorkerOptions& options) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  QueueWorker worker(slot_of([](const cv::Mat& picture) {
                       if (picture.cols == 13) kill(getpid(), SIGKILL);
                       return width_of(picture);
                     }),
                     options);
  worker.join();
  _exit(0);
}

TEST(QueueWorkerFaults, APictureThatEndsItsWorkersIsADeadLetterAfterThreeOfThem) {
  QueueRig rig;
  for (int i = 0; i < 40; ++i) rig.add(std::to_string(i), png(i == 20 ? 13 : 4));
  rig.redis.close();  // not for the processes to come
  int deaths = 0;
  for (; deaths < 10; ++deaths) {
    QueueWorkerOptions options = rig.options("worker" + std::to_string(deaths));
    options.threads = 2;
    options.until_empty = true;
    const pid_t pid = mortal_worker(options);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) break;
  }
  EXPECT_EQ(deaths, 3);
  EXPECT_THAT(rig.answers(), SizeIs(39)) << "nobody else died of it";
  ASSERT_THAT(rig.answers("dead"), SizeIs(1));
  EXPECT_THAT(rig.answers("dead").at("20")[0], HasSubstr("delivered 3 times and never answered"));
  EXPECT_EQ(rig.pending(), 0);
}

}  // namespace
}  // namespace zoo::streams
