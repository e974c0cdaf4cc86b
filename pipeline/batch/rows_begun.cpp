#include "pipeline/batch/rows_begun.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"

namespace zoo::batch {
namespace {

/// Divides a page, so that no record is written in two.
constexpr size_t kRecord = 32;
constexpr int64_t kMostCounted = 1'000'000;

std::string to_record(int64_t row, int64_t times) { return fmt::format("{:<20} {:<10}\n", row, times); }

std::string empty_record() { return std::string(kRecord - 1, ' ') + "\n"; }

/// Row and times; nothing for a record that is empty or was not written whole.
std::optional<std::pair<int64_t, int64_t>> from_record(std::string_view text) {
  const auto word = [](std::string_view padded) { return padded.substr(0, padded.find(' ')); };
  const auto row = parse_number_in<int64_t>(word(text.substr(0, 20)), 0, INT64_MAX);
  const auto times = parse_number_in<int64_t>(word(text.substr(21, 10)), 1, kMostCounted);
  if (!row || !times || to_record(*row, *times) != text) return std::nullopt;
  return std::pair(*row, *times);
}

}  // namespace

RowsBegun::RowsBegun(std::filesystem::path file, Earlier earlier)
    : file_(std::move(file)),
      descriptor_(::open(file_.c_str(),
                         O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (earlier == Earlier::kForget ? O_TRUNC : 0),
                         0666)) {
  if (!descriptor_.is_open()) throw IoError(fmt::format("{}: cannot be written: {}", file_.string(), errno_text()));
  read();
}

void RowsBegun::read() {
  std::ifstream stream(file_, std::ios::binary);
  std::string record(kRecord, '\0');
  for (; stream.read(record.data(), kRecord); ++slots_) {
    const auto found = from_record(record);
    if (found && records_.emplace(found->first, Record{.slot = slots_, .endings = found->second}).second) continue;
    free_.insert(slots_);
  }
}

size_t RowsBegun::free_slot() {
  if (free_.empty()) return slots_++;
  return free_.extract(free_.begin()).value();
}

void RowsBegun::write(size_t slot, const std::string& text) const {
  for (size_t done = 0; done < text.size();) {
    const ssize_t count =
        ::pwrite(descriptor_.get(), text.data() + done, text.size() - done, static_cast<off_t>(slot * kRecord + done));
    if (count < 0 && errno != EINTR) {
      throw IoError(fmt::format("{}: writing failed: {}", file_.string(), errno_text()));
    }
    if (count > 0) done += static_cast<size_t>(count);
  }
}

void RowsBegun::write(int64_t row, const Record& record) const {
  const int64_t times = std::min(record.endings + (record.under_way ? 1 : 0), kMostCounted);
  write(record.slot, times == 0 ? empty_record() : to_record(row, times));
}

void RowsBegun::begin(int64_t row) {
  const std::scoped_lock lock(mutex_);
  if (!descriptor_.is_open()) return;
  const auto [found, is_new] = records_.try_emplace(row);
  if (is_new) found->second.slot = free_slot();
  found->second.under_way = true;
  write(row, found->second);
}

void RowsBegun::end(int64_t row) {
  const std::scoped_lock lock(mutex_);
  const auto found = records_.find(row);
  if (!descriptor_.is_open() || found == records_.end()) return;
  write(found->second.slot, empty_record());
  free_.insert(found->second.slot);
  records_.erase(found);
}

int64_t RowsBegun::endings(int64_t row) const {
  const std::scoped_lock lock(mutex_);
  const auto found = records_.find(row);
  return found == records_.end() ? 0 : found->second.endings;
}

int64_t RowsBegun::suspects() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::count_if(records_, [](const auto& record) { return record.second.endings > 0; });
}

void RowsBegun::close() noexcept {
  const std::scoped_lock lock(mutex_);
  if (!descriptor_.is_open()) return;
  for (auto& [row, record] : records_) {
    if (!std::exchange(record.under_way, false)) continue;
    try {
      write(row, record);
    } catch (const std::exception&) {
      // The row is tried by itself once, no more.
    }
  }
  descriptor_ = {};
}

}  // namespace zoo::batch
