// How many cores this process may use, which is not how many the machine has.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace zoo {

/// The processors that the calling thread's affinity allows (taskset, a container's CPU set), and no more than the
/// quota of the process's control groups pays for (a container's `--cpus`, systemd's CPUQuota), rounded up. At least 1.
int usable_cores();

/// Processors that the calling thread may run on.
int affinity_cores();

/// Cores that the quota of the process's control groups and of those above them pays for, rounded up; empty without a
/// quota, or where nothing about it can be read. `root` is where /proc and /sys lie, for tests. Versions 1 and 2.
std::optional<int> quota_cores(const std::filesystem::path& root = "/");

/// What `cpu.max` of version 2 says: "QUOTA PERIOD" in microseconds, or "max PERIOD".
std::optional<int> parse_cpu_max(std::string_view text);
/// What `cpu.cfs_quota_us` (-1: none) and `cpu.cfs_period_us` of version 1 say.
std::optional<int> parse_cfs_quota(std::string_view quota_us, std::string_view period_us);

}  // namespace zoo
