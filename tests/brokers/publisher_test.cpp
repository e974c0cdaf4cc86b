#include "brokers/publisher.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <poll.h>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace zoo::brokers {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

/// A broker as a test wants it. Thread-safe.
class FakeBroker {
 public:
  std::atomic<bool> there = true;
  std::atomic<bool> refuses = false;    ///< what no waiting helps against
  std::atomic<bool> breaks = false;     ///< the connection, at the next message
  std::atomic<bool> hangs = false;      ///< heeding the deadline alone
  std::atomic<bool> stuck = false;      ///< heeding nothing
  std::atomic<size_t> most = SIZE_MAX;  ///< bytes of a payload; larger ones of QoS 0 are taken, then it hangs up
  std::set<std::string> poison;         ///< places whose messages break the connection; set before

  void take(const Message& message) {
    const std::scoped_lock lock(mutex_);
    taken_.push_back(message.place + "=" + message.payload());
    changed_.notify_all();
  }
  void note_connect(Clock::TimePoint time) {
    const std::scoped_lock lock(mutex_);
    tries_.push_back(time);
    changed_.notify_all();
  }
  void note_close() {
    const std::scoped_lock lock(mutex_);
    ++closed_;
  }
  std::vector<std::string> taken() const {
    const std::scoped_lock lock(mutex_);
    return taken_;
  }
  std::vector<Clock::TimePoint> tries() const {
    const std::scoped_lock lock(mutex_);
    return tries_;
  }
  int closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  bool wait_for(const std::function<bool(const std::vector<std::string>&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return condition(taken_); });
  }
  bool wait_for_tries(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return tries_.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> taken_;
  std::vector<Clock::TimePoint> tries_;
  int closed_ = 0;
};

class FakeLink final : public Link {
 public:
  FakeLink(std::shared_ptr<FakeBroker> broker, Clock& clock) : broker_(std::move(broker)), clock_(clock) {}

  std::string name() const override { return "fake://broker"; }
  void connect(const Wakeup& wakeup) override {
    broker_->note_connect(clock_.now());
    hang(wakeup);
    if (broker_->refuses) throw BrokerError("fake://broker: wrong password", false);
    if (!broker_->there) throw BrokerError("fake://broker: nobody listens", true);
    connected_ = true;
  }
  void deliver(std::span<const Message> messages, const Wakeup& wakeup, size_t& delivered) override {
    for (const Message& message : messages) {
      hang(wakeup);
      if (!broker_->there || broker_->poison.contains(message.place) || broker_->breaks.exchange(false)) {
        throw BrokerError("fake://broker: lost", true);
      }
      if (hangs_up_) throw BrokerError("fake://broker: hung up", true);
      hangs_up_ = message.payload().size() > broker_->most;
      if (!hangs_up_) broker_->take(message);
      ++delivered;
    }
  }
  void idle(std::chrono::milliseconds time, const Wakeup& wakeup) override {
    pollfd polled{.fd = wakeup.descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&polled, 1, static_cast<int>(std::min(time, 20ms).count()));
    if (!broker_->there || hangs_up_) throw BrokerError("fake://broker: lost", true);
  }
  void close() override {
    hangs_up_ = false;
    if (std::exchange(connected_, false)) broker_->note_close();
  }

 private:
  void hang(const Wakeup& wakeup) const {
    while (broker_->stuck) std::this_thread::sleep_for(1ms);
    while (broker_->hangs) {
      if (Wakeup::Clock::now() >= wakeup.deadline()) throw BrokerError("fake://broker: hangs", true);
      std::this_thread::sleep_for(1ms);
    }
  }

  const std::shared_ptr<FakeBroker> broker_;
  Clock& clock_;
  bool connected_ = false;
  bool hangs_up_ = false;
};

class PublisherTest : public ::testing::Test {
 protected:
  Publisher& start(PublisherOptions options = {}, Clock* clock = nullptr) {
    options.clock = clock;
    options.on_message = [this](const std::string& text) {
      const std::scoped_lock lock(mutex_);
      said_.push_back(text);
    };
    publisher_.emplace(std::make_unique<FakeLink>(broker_, clock == nullptr ? system_clock() : *clock), options);
    return *publisher_;
  }
  void send(int number) { publisher_->send(message("results", std::to_string(number))); }
  static Message message(const std::string& place, const std::string& text) {
    return {.place = place, .fields = {{"", text}}};
  }
  std::vector<std::string> said() const {
    const std::scoped_lock lock(mutex_);
    return said_;
  }
  static bool adds_up(const PublisherState& state) {
    return state.sent == state.delivered + state.dropped + state.waiting;
  }
  template <typename Condition>
  bool wait_until(const Condition& condition) const {
    for (int i = 0; i < 20'000; ++i) {
      if (condition(publisher_->state())) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  ManualClock clock_;
  std::shared_ptr<FakeBroker> broker_ = std::make_shared<FakeBroker>();
  std::optional<Publisher> publisher_;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
};

TEST_F(PublisherTest, SendsEverythingInOrder) {
  start();
  for (int i = 0; i < 500; ++i) send(i);
  ASSERT_TRUE(broker_->wait_for([](const auto& taken) { return taken.size() == 500; }));
  for (size_t i = 0; i < 500; ++i) EXPECT_EQ(broker_->taken()[i], fmt::format("results={}", i));
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.delivered == 500; }));
  EXPECT_TRUE(publisher_->idle());
  publisher_->stop({message("available", "offline")});
  EXPECT_EQ(broker_->taken().back(), "available=offline");
  EXPECT_EQ(broker_->closed(), 1);
  EXPECT_THAT(said(), IsEmpty());
  EXPECT_EQ(publisher_->state().dropped, 0);
  send(500);
  EXPECT_EQ(publisher_->state().dropped, 1) << "after the end";
  EXPECT_TRUE(adds_up(publisher_->state()));
}

TEST_F(PublisherTest, WhatCannotBeSentWaitsBoundedAndTheOldestGo) {
  broker_->there = false;
  start({.max_messages = 10});
  for (int i = 0; i < 100; ++i) {
    send(i);
    const PublisherState state = publisher_->state();
    EXPECT_LE(state.waiting, 10);
    EXPECT_TRUE(adds_up(state));
  }
  ASSERT_TRUE(broker_->wait_for_tries(2));
  EXPECT_EQ(publisher_->state().dropped, 90);
  EXPECT_TRUE(publisher_->state().away);
  EXPECT_EQ(publisher_->state().message, "fake://broker: nobody listens");
  EXPECT_TRUE(publisher_->idle()) << "nobody waits for a broker that is away";
  broker_->there = true;
  ASSERT_TRUE(broker_->wait_for([](const auto& taken) { return taken.size() == 10; }));
  EXPECT_EQ(broker_->taken().front(), "results=90");
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.delivered == 10 && !state.away; }));
  ASSERT_THAT(said(), SizeIs(2));
  EXPECT_THAT(said()[0], AllOf(HasSubstr("fake://broker: nobody listens; what is published waits for it"),
                               HasSubstr("at most 10 messages")));
  EXPECT_THAT(said()[1], AllOf(HasSubstr("is there again after"), HasSubstr("dropped meanwhile")));
}

Message owed(int number) { return {.place = "results", .fields = {{"", std::to_string(number)}}, .owed = true}; }

TEST_F(PublisherTest, WhatIsOwedWaitsForRoomAndNotForABrokerThatIsAway) {
  start({.max_messages = 5});
  for (int i = 0; i < 500; ++i) publisher_->send(owed(i));
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.delivered == 500; }));
  EXPECT_EQ(publisher_->state().dropped, 0);
  broker_->there = false;
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.away; }));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) publisher_->send(owed(i));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, Publisher::kRoomPatience);
  EXPECT_EQ(publisher_->state().lost, 15);
  publisher_->stop();
  EXPECT_EQ(publisher_->state().lost, 20);
  EXPECT_TRUE(publisher_->state().ended);
  EXPECT_TRUE(adds_up(publisher_->state()));
}

TEST_F(PublisherTest, WhatIsOwedWaitsOnlyWhileItMay) {
  int asked = 0;
  start({.max_messages = 1, .may_wait = [&] { return ++asked < 3; }});
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.connected; }));
  broker_->hangs = true;
  publisher_->send(owed(0));
  publisher_->send(owed(1));
  EXPECT_EQ(asked, 3);
  broker_->hangs = false;
}

TEST_F(PublisherTest, BytesAreBoundedToo) {
  broker_->there = false;
  start({.max_messages = 1000, .max_bytes = 1000});
  for (int i = 0; i < 10; ++i) publisher_->send(message("p", std::string(299, 'x')));
  EXPECT_EQ(publisher_->state().waiting, 3);
  publisher_->send(message("p", std::string(5000, 'x')));
  EXPECT_EQ(publisher_->state().waiting, 1) << "one message waits, however large it is";
}

TEST_F(PublisherTest, WhatWasOnItsWayIsSentAgain) {
  start();
  broker_->breaks = true;
  for (int i = 0; i < 100; ++i) send(i);
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.delivered == 100; }));
  std::set<std::string> different;
  for (const std::string& text : broker_->taken()) different.insert(text);
  EXPECT_EQ(different.size(), 100U);
  EXPECT_EQ(publisher_->state().dropped, 0);
  EXPECT_EQ(publisher_->state().reconnects, 1);
}

TEST_F(PublisherTest, WhatIsKeptIsSentAgainAfterEachConnect) {
  broker_->there = false;
  start({.max_messages = 5});
  ASSERT_TRUE(broker_->wait_for_tries(1));
  for (int i = 0; i < 50; ++i) {
    send(i);
    publisher_->keep(message("state", std::to_string(i)));
  }
  publisher_->keep(message("available", "online"));
  publisher_->keep(message("gone", "1"));
  publisher_->forget("gone");
  broker_->there = true;
  ASSERT_TRUE(broker_->wait_for([](const auto& taken) { return taken.size() == 7; }));
  EXPECT_THAT(broker_->taken(), ElementsAre("available=online", "state=49", "results=45", "results=46", "results=47",
                                            "results=48", "results=49"));
  broker_->breaks = true;
  send(50);
  ASSERT_TRUE(broker_->wait_for([](const auto& taken) { return taken.size() == 10; }));
  const std::vector<std::string> taken = broker_->taken();
  EXPECT_THAT(std::vector(taken.end() - 3, taken.end()), ElementsAre("available=online", "state=49", "results=50"));
}

TEST_F(PublisherTest, AMessageThatBreaksConnectionsIsGivenUp) {
  broker_->poison = {"huge", "huge state"};
  start({}, &clock_);
  send(0);
  publisher_->send(message("huge", std::string(1000, 'x')));
  send(1);
  for (int i = 0; i < 2000 && publisher_->state().delivered < 2; ++i) {
    std::this_thread::sleep_for(1ms);
    clock_.turn(1s);
  }
  EXPECT_EQ(publisher_->state().delivered, 2);
  EXPECT_EQ(publisher_->state().dropped, 1);
  EXPECT_THAT(said(), ::testing::Contains(
                          AllOf(HasSubstr("a message of 1004 bytes for huge is dropped"), HasSubstr("3 times"))));
  publisher_->keep(message("huge state", "x"));
  publisher_->keep(message("state", "y"));
  for (int i = 0; i < 2000 && !publisher_->idle(); ++i) {
    std::this_thread::sleep_for(1ms);
    clock_.turn(1s);
  }
  for (int i = 0; i < 2000 && broker_->taken().back() != "state=y"; ++i) {
    std::this_thread::sleep_for(1ms);
    clock_.turn(1s);
  }
  EXPECT_EQ(broker_->taken().back(), "state=y");
}

Message picture(const std::string& place, size_t bytes) {
  return {.place = place,
          .fields = {},
          .shared_payload = std::make_shared<const std::string>(bytes, 'x'),
          .qos = 0,
          .retain = true,
          .lasts = false};
}

TEST_F(PublisherTest, PicturesThatBreakConnectionsUnacknowledgedAreGivenUpAndNothingElseIs) {
  broker_->most = 100;
  start({}, &clock_);
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.connected; }));
  const auto said_often = [&] {
    int count = 0;
    for (const std::string& text : said()) count += text.find("for frame is dropped") != std::string::npos ? 1 : 0;
    return count;
  };
  int sent = 0;
  for (int i = 0; i < 5000 && said_often() == 0; ++i) {
    publisher_->keep(picture("frame", 200));
    if (i % 10 == 0) send(sent++);
    std::this_thread::sleep_for(1ms);
    clock_.turn(500ms);
  }
  ASSERT_EQ(said_often(), 1);
  for (int i = 0; i < 100; ++i) {
    publisher_->keep(picture("frame", 200));
    send(sent++);
  }
  publisher_->keep(picture("frame", 50));
  for (int i = 0; i < 5000 && (publisher_->state().delivered < sent || !publisher_->idle()); ++i) {
    std::this_thread::sleep_for(1ms);
    clock_.turn(100ms);
  }
  EXPECT_EQ(publisher_->state().delivered, sent);
  EXPECT_EQ(publisher_->state().dropped, 0);
  EXPECT_THAT(broker_->taken(), ::testing::Contains("frame=" + std::string(50, 'x'))) << "smaller ones go on";
  EXPECT_EQ(said_often(), 1);
}

TEST_F(PublisherTest, WhatIsKeptAllTheTimeDoesNotKeepResultsWaiting) {
  start();
  std::atomic<bool> ends = false;
  std::thread keeper([&] {
    for (int i = 0; !ends; ++i) publisher_->keep(message(fmt::format("state{}", i % 1000), std::to_string(i)));
  });
  for (int i = 0; i < 2000; ++i) send(i);
  EXPECT_TRUE(wait_until([](const PublisherState& state) { return state.delivered + state.dropped == 2000; }));
  ends = true;
  keeper.join();
}

/// Seconds between the tries of five minutes.
std::vector<double> waits_of(const std::vector<Clock::TimePoint>& tries) {
  std::vector<double> waits;
  for (size_t i = 1; i < tries.size(); ++i) {
    waits.push_back(std::chrono::duration<double>(tries[i] - tries[i - 1]).count());
  }
  return waits;
}

TEST_F(PublisherTest, ABrokerThatIsAwayIsAskedEveryHalfSecond) {
  broker_->there = false;
  start({}, &clock_);
  clock_.run_for(5min, 1);
  const std::vector<double> waits = waits_of(broker_->tries());
  ASSERT_GE(waits.size(), 600U);
  EXPECT_EQ(waits.front(), 0.0) << "at once";
  for (size_t i = 1; i < waits.size(); ++i) {
    EXPECT_LE(waits[i], 0.5);
    EXPECT_GE(waits[i], 0.4);
  }
}

TEST_F(PublisherTest, ABrokerThatRefusesIsAskedLessAndLess) {
  broker_->refuses = true;
  start({}, &clock_);
  clock_.run_for(5min, 1);
  const std::vector<double> waits = waits_of(broker_->tries());
  ASSERT_GE(waits.size(), 10U);
  ASSERT_LE(waits.size(), 20U);
  EXPECT_EQ(waits[0], 0.0);
  EXPECT_LE(waits[1], 0.5);
  EXPECT_GE(waits[3], 1.6);
  EXPECT_GE(waits.back(), 24.0);
  EXPECT_LE(waits.back(), 30.0);
  EXPECT_THAT(said(), SizeIs(1)) << "once";
}

TEST_F(PublisherTest, EndsAtOnceWhereTheBrokerIsAway) {
  broker_->there = false;
  start();
  send(0);
  ASSERT_TRUE(broker_->wait_for_tries(2));
  const auto begin = std::chrono::steady_clock::now();
  publisher_->stop({message("available", "offline")});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(publisher_->state().dropped, 1);
  EXPECT_THAT(broker_->taken(), IsEmpty());
  EXPECT_EQ(threads_left_behind(), 0);
}

TEST_F(PublisherTest, ABrokerThatHangsIsNotWaitedForAtTheEnd) {
  start();
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.connected; }));
  broker_->hangs = true;
  send(0);
  const auto begin = std::chrono::steady_clock::now();
  publisher_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(publisher_->state().dropped, 1);
  EXPECT_EQ(threads_left_behind(), 0);
}

TEST_F(PublisherTest, AThreadThatHangsIsLeftBehind) {
  start();
  ASSERT_TRUE(wait_until([](const PublisherState& state) { return state.connected; }));
  broker_->stuck = true;
  for (int i = 0; i < 3; ++i) send(i);
  publisher_->stop();
  publisher_.reset();
  EXPECT_EQ(threads_left_behind(), 1);
  broker_->stuck = false;
  while (threads_left_behind() > 0) std::this_thread::sleep_for(1ms);
}

TEST_F(PublisherTest, DrainsWhatWaits) {
  start();
  for (int i = 0; i < 1000; ++i) send(i);
  while (!publisher_->idle()) std::this_thread::sleep_for(1ms);
  for (int i = 0; i < 200; ++i) send(i);
  publisher_->keep(message("state", "last"));
  publisher_->stop({message("available", "offline")});
  EXPECT_EQ(publisher_->state().delivered, 1200);
  EXPECT_EQ(broker_->taken().back(), "available=offline");
  EXPECT_THAT(broker_->taken(), ::testing::Contains("state=last"));
}

}  // namespace
}  // namespace zoo::brokers
