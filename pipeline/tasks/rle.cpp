#include "pipeline/tasks/rle.h"

#include <cstddef>

#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

constexpr int kBits = 5;
constexpr int64_t kGroup = (1 << kBits) - 1;
constexpr int64_t kSign = 1 << (kBits - 1);
constexpr int64_t kMore = 1 << kBits;
constexpr char kFirst = 48;
constexpr int kMaxShift = 60;

}  // namespace

std::vector<int64_t> runs_of(const cv::Mat& labels, uint8_t index) {
  std::vector<int64_t> runs = {0};
  bool inside = false;
  for (int x = 0; x < labels.cols; ++x) {
    const uint8_t* pixel = labels.ptr(0) + x;
    for (int y = 0; y < labels.rows; ++y, pixel += labels.step) {
      if ((*pixel == index) != inside) {
        inside = !inside;
        runs.push_back(0);
      }
      ++runs.back();
    }
  }
  return runs;
}

std::string compress_runs(const std::vector<int64_t>& runs) {
  std::string counts;
  for (size_t i = 0; i < runs.size(); ++i) {
    int64_t rest = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    bool more = true;
    while (more) {
      const int64_t group = rest & kGroup;
      rest >>= kBits;
      more = (group & kSign) != 0 ? rest != -1 : rest != 0;
      counts += static_cast<char>((more ? group | kMore : group) + kFirst);
    }
  }
  return counts;
}

std::vector<int64_t> expand_runs(std::string_view counts) {
  std::vector<int64_t> runs;
  size_t at = 0;
  while (at < counts.size()) {
    int64_t value = 0;
    bool more = true;
    for (int shift = 0; more; shift += kBits) {
      const int64_t group = at < counts.size() ? counts[at++] - kFirst : -1;
      if (group < 0 || group >= 2 * kMore || shift > kMaxShift - kBits) throw Error("not a run-length encoded mask");
      value |= (group & kGroup) << shift;
      more = (group & kMore) != 0;
      if (!more && (group & kSign) != 0) value -= int64_t{1} << (shift + kBits);
    }
    runs.push_back(runs.size() > 2 ? runs[runs.size() - 2] + value : value);
  }
  return runs;
}

}  // namespace zoo::pipeline
