#include "nn/core/cores.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sched.h>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

TEST(Cores, CpuMaxOfVersion2) {
  EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2);
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 2) << "rounded up";
  EXPECT_EQ(parse_cpu_max("1000 100000\n"), 1);
  EXPECT_EQ(parse_cpu_max("6400000 100000"), 64);
  for (const char* text :
       {"max 100000\n", "", "100000", "x 100000", "100000 0", "-1 100000", "99999999999999999999 1"}) {
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  }
}

TEST(Cores, CfsQuotaOfVersion1) {
  EXPECT_EQ(parse_cfs_quota("400000\n", "100000\n"), 4);
  EXPECT_EQ(parse_cfs_quota("50000\n", "100000\n"), 1);
  EXPECT_EQ(parse_cfs_quota("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(parse_cfs_quota("", ""), std::nullopt);
}

/// /proc and /sys made by hand.
class CoresOfFiles : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) {
    const fs::path path = folder_.path() / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<int> cores() const { return quota_cores(folder_.path()); }

  test::TempFolder folder_;
};

TEST_F(CoresOfFiles, WithoutAnyThereIsNoQuota) { EXPECT_EQ(cores(), std::nullopt); }

TEST_F(CoresOfFiles, Version2TakesTheLeastOfAGroupAndThoseAboveIt) {
  write("proc/self/mountinfo",
        "24 31 0:22 / /proc rw shared:13 - proc proc rw\n"
        "35 34 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  write("proc/self/cgroup", "0::/user.slice/job.scope\n");
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), std::nullopt);
  write("sys/fs/cgroup/user.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(cores(), 3);
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "150000 100000\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(CoresOfFiles, Version2InAContainerWithANamespaceOfItsOwn) {
  write("proc/self/mountinfo", "35 34 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_EQ(cores(), 3);
  write("proc/self/cgroup", "0::/../other\n");  // seen from outside
  EXPECT_EQ(cores(), 3);
}

TEST_F(CoresOfFiles, Version1FollowsTheRootOfTheMount) {
  write("proc/self/mountinfo",
        "40 32 0:35 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"
        "41 32 0:36 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:16 - cgroup cgroup rw,cpu,cpuacct\n");
  write("proc/self/cgroup", "5:cpuset:/docker/abc\n4:cpuacct,cpu:/docker/abc/inner\n1:name=systemd:/docker/abc\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 4);
}

TEST_F(CoresOfFiles, BrokenFilesAreNoQuota) {
  write("proc/self/mountinfo", "35 34\n\n- cgroup2\n35 34 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  write("proc/self/cgroup", "nonsense\n0::\n");
  write("sys/fs/cgroup/cpu.max", "many");
  EXPECT_EQ(cores(), std::nullopt);
}

TEST(Cores, AffinityCounts) {
  const int before = affinity_cores();
  EXPECT_GE(before, 1);
  EXPECT_LE(usable_cores(), before);
  std::thread([] {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
      if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(affinity_cores(), 1);
    EXPECT_EQ(usable_cores(), 1);
  }).join();
  EXPECT_EQ(affinity_cores(), before);
}

}  // namespace
}  // namespace zoo
