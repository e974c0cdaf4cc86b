#include "pipeline/batch/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/regular_file.h"
#include "pipeline/batch/row_reader.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxProblems = 20;
constexpr size_t kBuffer = 1 << 20;

/// Says so many problems, and how many more there are.
class Problems {
 public:
  void add(std::string problem) {
    if (++count_ <= kMaxProblems) lines_.push_back(std::move(problem));
  }

  void throw_if_any(const std::string& way_out) {
    if (count_ == 0) return;
    if (count_ > kMaxProblems) {
      lines_.push_back(fmt::format("and {} more", counted(static_cast<int64_t>(count_ - kMaxProblems), "problem")));
    }
    lines_.push_back(way_out);
    throw ConfigError(std::move(lines_));
  }

 private:
  size_t count_ = 0;
  std::vector<std::string> lines_;
};

std::string rows_text(const RowRange& range) {
  if (range.size() == 0) return "no rows";
  if (range.size() == 1) return fmt::format("row {}", range.begin);
  return fmt::format("rows {} to {}", range.begin, range.end - 1);
}

/// One shard or several that are missing one after the other.
std::string missing_text(const ShardId& first, int64_t last, int64_t rows) {
  const RowRange range{rows_of_shard(rows, first).begin, rows_of_shard(rows, {last, first.count}).end};
  if (first.index == last) return fmt::format("shard {} is missing: {}", to_string(first), rows_text(range));
  return fmt::format("shards {} to {}/{} are missing: {}", to_string(first), last, first.count, rows_text(range));
}

/// A record of one of a part's two files, or the end of it.
class Side {
 public:
  Side(const fs::path& file, LineFormat format, bool is_there) {
    if (is_there) reader_.emplace(file, format);
    advance();
  }

  bool has_ended() const { return ended_; }
  int64_t row() const { return reader_->row(); }
  const RowReader& reader() const { return *reader_; }
  const std::string& head() const {
    static const std::string none;
    return reader_ ? reader_->head() : none;
  }
  void advance() { ended_ = !reader_ || !reader_->next(); }

 private:
  std::optional<RowReader> reader_;
  bool ended_ = false;
};

[[noreturn]] void refuse(const std::string& where, const std::string& problem) {
  throw ConfigError(
      {fmt::format("{}: {}; the part must be made anew: remove it and its receipt and run its command "
                   "again",
                   where, problem)});
}

void check_seal(const fs::path& file, const FileSeal& seal, const fs::path& receipt) {
  check_regular(file);
  std::error_code error;
  const bool is_there = fs::exists(file, error);
  if (seal.bytes == 0 && !is_there) return;
  if (!is_there) refuse(file.string(), fmt::format("is not there, but {} counts on it", receipt.string()));
  if (seal_of(file) != seal) {
    refuse(file.string(),
           fmt::format("is not what {} says (SHA-256, bytes): it was changed or cut off", receipt.string()));
  }
}

/// The frames of a video, one after the other, and the records of each; a picture is one.
void visit_row(Side& results, int64_t row, const PartSet::Visitor& visitor) {
  int64_t last = -1;
  std::optional<int64_t> last_rank;
  for (; !results.has_ended() && results.row() == row; results.advance()) {
    const int64_t frame = results.reader().frame();
    const std::optional<int64_t> rank = results.reader().rank();
    const bool same_again = frame == last && rank && last_rank && *rank <= *last_rank;
    if (frame >= 0 && (frame < last || same_again)) {
      refuse(results.reader().where(), fmt::format("row {} is there twice (frame {} after {})", row, frame, last));
    }
    last = frame;
    last_rank = rank;
    visitor.result(results.reader().record());
  }
}

void visit_part(const PartNames& names, const Receipt& receipt, const PartSet::Visitor& visitor, bool is_first) {
  check_seal(names.results, receipt.results, names.receipt);
  check_seal(names.failed, receipt.failures, names.receipt);
  Side results(names.results, line_format(receipt.key), receipt.results.bytes > 0);
  Side failures(names.failed, LineFormat::kJsonLines, receipt.failures.bytes > 0);
  if (is_first && visitor.head && !results.head().empty()) visitor.head(results.head());
  const RowRange range = receipt.key.range();
  int64_t failed_rows = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    const bool failed = !failures.has_ended() && failures.row() == row;
    const bool found = !results.has_ended() && results.row() == row;
    if (failed && found) refuse(failures.reader().where(), fmt::format("row {} has results, too", row));
    if (failed) {
      visitor.failure(failures.reader().record());
      failures.advance();
      ++failed_rows;
      continue;
    }
    if (!found) refuse(names.results.string(), fmt::format("row {} is missing, or not in its place", row));
    visit_row(results, row, visitor);
  }
  for (const Side* side : {&results, &failures}) {
    if (!side->has_ended()) {
      refuse(side->reader().where(), fmt::format("row {} is there twice, or not in its place", side->row()));
    }
  }
  if (failed_rows != receipt.failed) {
    refuse(names.failed.string(), fmt::format("there are {} failed rows, but {} counts {}", failed_rows,
                                              names.receipt.string(), receipt.failed));
  }
}

std::string way_out(const std::vector<std::string>& foreign) {
  if (foreign.empty()) {
    return "nothing was written: run the missing shards with --resume, and name each part of one job once";
  }
  const std::string more = foreign.size() == 1 ? "" : fmt::format(" and {} more", foreign.size() - 1);
  return fmt::format("nothing was written: remove {}{}, or keep it elsewhere, and run what is missing with --resume",
                     foreign.front(), more);
}

/// Collects what is written into larger pieces.
class Buffered {
 public:
  explicit Buffered(fs::path file) : file_(std::move(file)) {}

  void write(const std::string& text) {
    pending_ += text;
    if (pending_.size() >= kBuffer) flush();
  }
  void publish() {
    flush();
    file_.publish();
  }

 private:
  void flush() {
    file_.write(pending_);
    pending_.clear();
  }

  NewFile file_;
  std::string pending_;
};

}  // namespace

size_t PartSet::norm_of(std::span<const Part> parts) {
  std::vector<std::pair<size_t, int64_t>> jobs;  // first part of each, and how many there are
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto same = std::ranges::find_if(
        jobs, [&](const auto& job) { return differences(parts[i].receipt.key, parts[job.first].receipt.key).empty(); });
    if (same == jobs.end()) {
      jobs.emplace_back(i, 1);
    } else {
      ++same->second;
    }
  }
  return std::ranges::max_element(jobs, {}, [](const auto& job) { return job.second; })->first;
}

PartSet::PartSet(std::span<const PartNames> parts) {
  Problems problems;
  std::vector<Part> read;
  std::set<int64_t> counts;
  for (const PartNames& names : parts) {
    read.push_back({names, read_receipt(names.receipt)});
    counts.insert(read.back().receipt.key.shard.count);
  }
  if (read.empty()) throw ConfigError({"there are no parts to merge"});
  const size_t norm = norm_of(read);
  const JobKey job = read[norm].receipt.key;
  const fs::path norm_receipt = read[norm].names.receipt;
  std::map<int64_t, Part> by_shard;
  std::vector<std::string> foreign;
  for (Part& part : read) {
    const std::vector<std::string> differing = differences(part.receipt.key, job);
    if (!differing.empty()) {
      problems.add(fmt::format("{}: is of another job than {}: {}", part.names.receipt.string(), norm_receipt.string(),
                               fmt::join(differing, "; ")));
      foreign.push_back(part.names.receipt.string());
      continue;
    }
    const ShardId shard = part.receipt.key.shard;
    const fs::path receipt = part.names.receipt;
    const auto [place, is_new] = by_shard.try_emplace(shard.index, std::move(part));
    if (!is_new && place->second.names.receipt != receipt) {
      problems.add(fmt::format("shard {} ({}) is there twice: {} and {}", to_string(shard),
                               rows_text(place->second.receipt.key.range()), place->second.names.receipt.string(),
                               receipt.string()));
    }
  }
  const int64_t count = job.shard.count;
  int64_t expected = 0;
  const auto add_missing = [&](int64_t end) {
    if (expected < end) problems.add(missing_text({expected, count}, end - 1, job.rows));
  };
  for (const auto& [index, part] : by_shard) {
    add_missing(index);
    expected = index + 1;
  }
  add_missing(count);
  problems.throw_if_any(counts.size() == 1
                            ? way_out(foreign)
                            : fmt::format("nothing was written: these are parts of jobs of {} shards: remove those of "
                                          "all but one, or name the files of one, and run what is missing of it with "
                                          "--resume",
                                          fmt::join(counts, " and ")));
  for (auto& [index, part] : by_shard) parts_.push_back(std::move(part));
}

int64_t PartSet::done() const {
  int64_t sum = 0;
  for (const Part& part : parts_) sum += part.receipt.done;
  return sum;
}

int64_t PartSet::failed() const {
  int64_t sum = 0;
  for (const Part& part : parts_) sum += part.receipt.failed;
  return sum;
}

std::vector<fs::path> PartSet::files() const {
  std::vector<fs::path> files;
  for (const Part& part : parts_) {
    files.insert(files.end(), {part.names.results, part.names.failed, part.names.receipt});
  }
  return files;
}

void PartSet::visit(const Visitor& visitor) const {
  bool is_first = true;
  for (const Part& part : parts_) visit_part(part.names, part.receipt, visitor, std::exchange(is_first, false));
}

void merge_parts(const PartSet& parts, const PartNames& names) {
  for (const fs::path& file : {names.results, names.failed, names.receipt}) check_regular(file);
  Buffered results(names.results);
  std::optional<Buffered> failures;
  if (parts.failed() > 0) failures.emplace(names.failed);
  parts.visit({.head = [&](const std::string& head) { results.write(head); },
               .result = [&](const std::string& record) { results.write(record); },
               .failure =
                   [&](const std::string& record) {
                     if (failures) failures->write(record);
                   }});
  results.publish();
  Receipt receipt;
  receipt.key = parts.key();
  receipt.key.shard = {};
  receipt.done = parts.done();
  receipt.failed = parts.failed();
  receipt.results = seal_of(names.results);
  receipt.results_name = names.results.filename().string();
  receipt.failures_name = names.failed.filename().string();
  receipt.facts = parts.facts();
  receipt.merged = true;
  if (failures) {
    failures->publish();
    receipt.failures = seal_of(names.failed);
  } else {
    std::error_code error;
    fs::remove(names.failed, error);  // of an earlier job
  }
  write_receipt(names.receipt, receipt);
}

}  // namespace zoo::batch
