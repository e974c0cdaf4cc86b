#include "nn/core/cores.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <sched.h>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "nn/core/parse_number.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> whole_number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return parse_number<int64_t>(text);
}

std::optional<int> cores_of(std::optional<int64_t> quota_us, std::optional<int64_t> period_us) {
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
  const int64_t cores = *quota_us / *period_us + (*quota_us % *period_us > 0 ? 1 : 0);
  return static_cast<int>(std::min<int64_t>(cores, std::numeric_limits<int>::max()));
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<int> smaller(std::optional<int> a, std::optional<int> b) { return a && b ? std::min(a, b) : a ? a : b; }

bool has_item(std::string_view list, std::string_view item) {
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, end - begin) == item) return true;
    begin = end + 1;
  }
  return false;
}

/// Where a hierarchy of control groups is mounted, and which of its groups is seen there.
struct Mount {
  fs::path at;
  fs::path group;
  bool is_version2 = false;
};

/// From /proc/self/mountinfo, proc(5): "ID PARENT DEVICE ROOT POINT OPTIONS ... - TYPE SOURCE SUPER_OPTIONS".
std::vector<Mount> cpu_mounts(const fs::path& root) {
  std::vector<Mount> mounts;
  std::istringstream lines(text_of(root / "proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped;
    std::string group;
    std::string point;
    words >> skipped >> skipped >> skipped >> group >> point;
    while (words >> skipped && skipped != "-") {
    }
    std::string type;
    std::string options;
    words >> type >> skipped >> options;
    const bool is_version2 = type == "cgroup2";
    if (!is_version2 && !(type == "cgroup" && has_item(options, "cpu"))) continue;
    mounts.push_back({root / fs::path(point).relative_path(), group, is_version2});
  }
  return mounts;
}

/// The process's group in the hierarchy, from /proc/self/cgroup, cgroups(7): "ID:CONTROLLERS:PATH", version 2
/// "0::PATH".
std::optional<fs::path> own_group(const fs::path& root, bool is_version2) {
  std::istringstream lines(text_of(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_version2 ? controllers.empty() : has_item(controllers, "cpu")) return fs::path(line.substr(second + 1));
  }
  return std::nullopt;
}

std::optional<int> quota_of(const fs::path& folder, bool is_version2) {
  if (is_version2) return parse_cpu_max(text_of(folder / "cpu.max"));
  return parse_cfs_quota(text_of(folder / "cpu.cfs_quota_us"), text_of(folder / "cpu.cfs_period_us"));
}

}  // namespace

std::optional<int> parse_cpu_max(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return cores_of(whole_number(text.substr(0, space)), whole_number(text.substr(space + 1)));
}

std::optional<int> parse_cfs_quota(std::string_view quota_us, std::string_view period_us) {
  return cores_of(whole_number(quota_us), whole_number(period_us));
}

std::optional<int> quota_cores(const fs::path& root) {
  std::optional<int> least;
  for (const Mount& mount : cpu_mounts(root)) {
    const std::optional<fs::path> group = own_group(root, mount.is_version2);
    if (!group) continue;
    // Every group above limits, too. One that lies beyond what is mounted here cannot be read.
    fs::path below = group->lexically_relative(mount.group);
    if (below.empty() || *below.begin() == "..") below = ".";
    fs::path folder = mount.at;
    least = smaller(least, quota_of(folder, mount.is_version2));
    for (const fs::path& part : below) {
      folder /= part;
      least = smaller(least, quota_of(folder, mount.is_version2));
    }
  }
  return least;
}

int affinity_cores() {
  // The kernel refuses sets that are smaller than its own.
  for (int processors = CPU_SETSIZE; processors <= (1 << 20); processors *= 2) {
    const size_t bytes = CPU_ALLOC_SIZE(processors);
    const auto free = [](cpu_set_t* set) { CPU_FREE(set); };
    const std::unique_ptr<cpu_set_t, decltype(free)> set(CPU_ALLOC(processors), free);
    if (set != nullptr && sched_getaffinity(0, bytes, set.get()) == 0)
      return std::max(1, CPU_COUNT_S(bytes, set.get()));
    if (errno != EINVAL) break;
  }
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

int usable_cores() {
  const int affinity = affinity_cores();
  return std::min(affinity, quota_cores().value_or(affinity));
}

}  // namespace zoo
