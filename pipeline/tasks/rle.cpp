#include "pipeline/tasks/rle.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <variant>

#include <opencv2/core.hpp>

#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

constexpr int kBits = 5;
constexpr int64_t kGroup = (1 << kBits) - 1;
constexpr int64_t kSign = 1 << (kBits - 1);
constexpr int64_t kMore = 1 << kBits;
constexpr char kFirst = 48;
constexpr int kMaxShift = 60;

/// Columns that are laid out one behind the other at a time: a cache line of each row, and of any common height what
/// the second-level cache holds.
constexpr int kColumns = 64;

/// How many labels from `begin` on equal the first.
size_t run_length(std::span<const uint8_t> labels, size_t begin) {
  constexpr uint64_t kEveryByte = 0x0101010101010101;
  const uint8_t label = labels[begin];
  size_t end = begin + 1;
  for (; end + sizeof(uint64_t) <= labels.size(); end += sizeof(uint64_t)) {
    uint64_t next = 0;
    std::memcpy(&next, &labels[end], sizeof(next));
    if (next != kEveryByte * label) break;
  }
  while (end < labels.size() && labels[end] == label) ++end;
  return end - begin;
}

/// Takes the labels of a map in pieces, and has the runs of all classes.
class RunCollector {
 public:
  void add(std::span<const uint8_t> labels) {
    for (size_t at = 0; at < labels.size();) {
      const size_t length = run_length(labels, at);
      extend(labels[at], static_cast<int64_t>(length));
      at += length;
    }
  }

  std::array<Runs, 256> finish() {
    for (size_t label = 0; label < runs_.size(); ++label) {
      if (!runs_[label].empty() && ends_[label] < pixels_) runs_[label].push_back(pixels_ - ends_[label]);
    }
    return std::move(runs_);
  }

 private:
  void extend(uint8_t label, int64_t length) {
    Runs& runs = runs_[label];
    if (runs.empty() || ends_[label] < pixels_) {
      runs.push_back(pixels_ - ends_[label]);
      runs.push_back(0);
    }
    runs.back() += length;
    pixels_ += length;
    ends_[label] = pixels_;
  }

  std::array<Runs, 256> runs_;
  std::array<int64_t, 256> ends_ = {};  ///< of each class, where its last run ends
  int64_t pixels_ = 0;
};

}  // namespace

std::array<Runs, 256> runs_by_class(const cv::Mat& labels) {
  RunCollector collector;
  cv::Mat columns;
  for (int x = 0; x < labels.cols; x += kColumns) {
    cv::transpose(labels.colRange(x, std::min(x + kColumns, labels.cols)), columns);
    collector.add({columns.ptr(), columns.total()});
  }
  return collector.finish();
}

std::string compress_runs(const Runs& runs) {
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

Runs expand_runs(std::string_view counts) {
  Runs runs;
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

std::vector<std::string> mask_counts(const Segmentation& result) {
  const std::array<Runs, 256> runs = runs_by_class(result.labels);
  std::vector<std::string> counts;
  for (const ClassShare& present : result.classes)
    counts.push_back(compress_runs(runs.at(static_cast<size_t>(present.index))));
  return counts;
}

void add_mask_counts(const TaskResult& result, std::vector<std::string>& counts) {
  const auto* segmentation = std::get_if<Segmentation>(&result);
  if (segmentation != nullptr && counts.empty()) counts = mask_counts(*segmentation);
}

}  // namespace zoo::pipeline
