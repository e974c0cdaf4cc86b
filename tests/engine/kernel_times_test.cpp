#include "nn/engine/choice/kernel_times.h"

#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kMachine = "a machine";

class KernelTimesFile : public ::testing::Test {
 protected:
  /// Saves a time and yields the file.
  fs::path save_one() const {
    KernelTimes times(kMachine, folder_);
    times.add("conv", "fast", 1.25);
    times.save();
    return times.file();
  }

  static std::string content(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path() / "cache";  // not there yet
};

TEST_F(KernelTimesFile, OutlivesTheProcess) {
  save_one();
  const KernelTimes later(kMachine, folder_);
  EXPECT_EQ(later.find("conv", "fast"), 1.25);
  EXPECT_EQ(later.find("conv", "slow"), std::nullopt);
  EXPECT_EQ(later.find("pool", "fast"), std::nullopt);
  EXPECT_EQ(later.note(), "");
}

TEST_F(KernelTimesFile, KeepsTimesExactly) {
  // Rounded ones would let a later process prefer another kernel, and give other digits.
  KernelTimes times(kMachine, folder_);
  const std::vector<double> all = {1.0 / 3.0, 0.004, 1e-7, 123456.789012345, 0.1 + 0.2};
  for (size_t i = 0; i < all.size(); ++i) times.add("conv", std::to_string(i), all[i]);
  times.save();
  const KernelTimes later(kMachine, folder_);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(later.find("conv", std::to_string(i)), all[i]);
}

TEST_F(KernelTimesFile, CountsForItsEnvironmentOnly) {
  const fs::path file = save_one();
  const KernelTimes other("another machine", folder_);
  EXPECT_NE(other.file(), file);
  EXPECT_EQ(other.find("conv", "fast"), std::nullopt);
  // Even under its name: hashes may meet.
  fs::copy_file(file, other.file());
  const KernelTimes confused("another machine", folder_);
  EXPECT_EQ(confused.find("conv", "fast"), std::nullopt);
  EXPECT_THAT(confused.note(), HasSubstr("measured again"));
}

TEST_F(KernelTimesFile, CountsAsEmptyWhenAnyByteIsWrong) {
  const fs::path file = save_one();
  const std::string good = content(file);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    write(file, bad);
    const KernelTimes times(kMachine, folder_);
    ASSERT_EQ(times.find("conv", "fast"), std::nullopt) << "byte " << i;
    ASSERT_THAT(times.note(), HasSubstr("damaged"));
  }
}

TEST_F(KernelTimesFile, CountsAsEmptyWhenCutOff) {
  const fs::path file = save_one();
  const std::string good = content(file);
  for (size_t size = 0; size < good.size(); ++size) {
    write(file, good.substr(0, size));
    ASSERT_EQ(KernelTimes(kMachine, folder_).find("conv", "fast"), std::nullopt) << size << " bytes";
  }
}

TEST_F(KernelTimesFile, IsReplacedWhenDamaged) {
  write(save_one(), "nonsense");
  save_one();
  EXPECT_EQ(KernelTimes(kMachine, folder_).find("conv", "fast"), 1.25);
}

TEST_F(KernelTimesFile, KeepsWhatOthersWroteMeanwhile) {
  KernelTimes one(kMachine, folder_);
  KernelTimes two(kMachine, folder_);
  one.add("conv", "one", 1.0);
  two.add("conv", "two", 2.0);
  one.add("conv", "both", 1.0);
  two.add("conv", "both", 2.0);
  one.save();
  two.save();
  const KernelTimes later(kMachine, folder_);
  EXPECT_EQ(later.find("conv", "one"), 1.0);
  EXPECT_EQ(later.find("conv", "two"), 2.0);
  // Neither what is kept changes, nor what a process has used.
  EXPECT_EQ(later.find("conv", "both"), 1.0);
  EXPECT_EQ(two.find("conv", "both"), 2.0);
  EXPECT_EQ(two.find("conv", "one"), 1.0);
}

TEST_F(KernelTimesFile, StaysWholeWhenManyWriteAtOnce) {
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < 20; ++i) {
        KernelTimes times(kMachine, folder_);
        EXPECT_THAT(times.note(), ::testing::Not(HasSubstr("damaged")));
        times.add("conv " + std::to_string(i), "kernel " + std::to_string(w), 1.0);
        times.save();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(KernelTimes(kMachine, folder_).note(), "");
}

TEST_F(KernelTimesFile, GoesOnWithoutAFolderItCannotWrite) {
  write(folder_, "a file where the folder should be");
  KernelTimes times(kMachine, folder_);
  times.add("conv", "fast", 1.0);
  EXPECT_NO_THROW(times.save());
  EXPECT_THAT(times.note(), HasSubstr("cannot be kept"));
  EXPECT_EQ(times.find("conv", "fast"), 1.0);
}

TEST_F(KernelTimesFile, IsNoFileWithoutAFolder) {
  KernelTimes times(kMachine, {});
  times.add("conv", "fast", 1.0);
  EXPECT_NO_THROW(times.save());
  EXPECT_EQ(times.note(), "");
  EXPECT_EQ(times.find("conv", "fast"), 1.0);
}

TEST_F(KernelTimesFile, TakesNoTimeThatIsNone) {
  KernelTimes times(kMachine, folder_);
  for (const double time :
       {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    times.add("conv", "fast", time);
    EXPECT_EQ(times.find("conv", "fast"), std::nullopt) << time;
  }
  times.add("conv\nend", "fast", 1.0);
  EXPECT_EQ(times.find("conv\nend", "fast"), std::nullopt);
}

TEST(KernelTimes, AreSharedInTheProcess) {
  KernelTimes::shared("shared machine", {})->add("conv", "fast", 3.0);
  EXPECT_EQ(KernelTimes::shared("shared machine", {})->find("conv", "fast"), 3.0);
  EXPECT_EQ(KernelTimes::shared("other machine", {})->find("conv", "fast"), std::nullopt);
}

TEST_F(KernelTimesFile, ReplacesWhatIsMeasuredAgain) {
  save_one();
  KernelTimes times(kMachine, folder_);
  EXPECT_FALSE(times.was_measured_here("conv"));
  times.add("conv", "fast", 7.5);
  EXPECT_TRUE(times.was_measured_here("conv"));
  times.save();
  EXPECT_EQ(KernelTimes(kMachine, folder_).find("conv", "fast"), 7.5);
}

TEST_F(KernelTimesFile, OneMeasuresAtATime) {
  KernelTimes one(kMachine, folder_);
  KernelTimes two("another machine", folder_);
  auto turn = one.take_turn();
  ASSERT_NE(turn, nullptr);
  EXPECT_EQ(two.take_turn(std::chrono::milliseconds(1)), nullptr);
  EXPECT_THAT(two.note(), HasSubstr("another process holds it"));
  turn.reset();
  EXPECT_NE(two.take_turn(std::chrono::milliseconds(1)), nullptr);
  EXPECT_EQ(KernelTimes(kMachine, "").take_turn(), nullptr) << "nothing is kept";
}

TEST_F(KernelTimesFile, FilesThatNobodyUsesAreRemoved) {
  const auto age = [](const fs::path& file, int days) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::days(days));
  };
  const auto saved = [&](const std::string& machine) {
    KernelTimes times(machine, folder_);
    times.add("conv", "fast", 1.0);
    times.save();
    return times.file();
  };
  const fs::path old = saved("an older build");
  const fs::path recent = saved("a neighbour");
  const fs::path strange = folder_ / "kernel-times-of-mine.txt";
  write(strange, "notes\n");
  age(old, KernelTimes::kUnusedDays + 1);
  age(strange, KernelTimes::kUnusedDays + 1);
  age(recent, KernelTimes::kUnusedDays - 1);
  save_one();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(recent));
  EXPECT_TRUE(fs::exists(strange)) << "none of ours";
}

TEST_F(KernelTimesFile, ReadingAFileCountsAsUse) {
  const fs::path file = save_one();
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::days(KernelTimes::kUnusedDays + 1));
  const KernelTimes reader(kMachine, folder_);
  EXPECT_LT(fs::file_time_type::clock::now() - fs::last_write_time(file), std::chrono::hours(1));
}

}  // namespace
}  // namespace zoo::engine
