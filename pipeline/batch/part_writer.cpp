#include "pipeline/batch/part_writer.h"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/journal.h"
#include "pipeline/batch/regular_file.h"
#include "pipeline/batch/row_reader.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBuffer = 64 * 1024;

[[noreturn]] void fail(const fs::path& file, std::string_view what) {
  throw IoError(fmt::format("{}: {}: {}", file.string(), what, errno_text()));
}

/// What is wrong with the command, wherever it is run.
[[noreturn]] void refuse(const fs::path& file, std::string_view why) {
  throw ConfigError({fmt::format("{}: {}", file.string(), why)});
}

/// What is wrong with this part, or on this machine, while other parts of the job may go on.
[[noreturn]] void give_up(const fs::path& file, std::string_view why) {
  throw IoError(fmt::format("{}: {}", file.string(), why));
}

void put(int descriptor, const fs::path& file, std::string_view text) {
  if (!write_all(descriptor, std::as_bytes(std::span(text)))) fail(file, "writing failed");
}

bool is_there(const fs::path& file) {
  struct stat status = {};
  return ::lstat(file.c_str(), &status) == 0;
}

/// Throws ConfigError unless what was found is of the same job and shard; IoError where another node may go on with it.
/// `results`: what it found is said of.
void check_key(const fs::path& file, const JobKey& found, const JobKey& key, const fs::path& results) {
  std::vector<std::string> differing = differences(found, key);
  if (found.shard.index != key.shard.index) differing.push_back(fmt::format("it is shard {}", to_string(found.shard)));
  if (differing.empty()) return;
  if (differ_by_node_only(found, key)) {
    give_up(file, fmt::format("was begun on a node with another program or precision ({}): go on there, give all nodes "
                              "the same (--precision names one), or remove it and {} to begin anew",
                              fmt::join(differing, "; "), results.string()));
  }
  refuse(file, fmt::format("belongs to another job ({}): go on with what it was begun with, write elsewhere, or remove "
                           "it and {} to begin anew",
                           fmt::join(differing, "; "), results.string()));
}

/// A damaged one is no fault of the command: other parts may go on.
Receipt read_own_receipt(const fs::path& file) {
  try {
    return read_receipt(file);
  } catch (const ConfigError& error) {
    throw IoError(error.problems().front());
  }
}

/// Throws IoError where a file of a finished part is not as its receipt says; one that takes long to read only by its
/// size, as merging reads all.
void check_file(const fs::path& file, const FileSeal& seal, const fs::path& receipt) {
  constexpr int64_t kMostHashed = int64_t{64} << 20;
  if (seal.bytes == 0 && !is_there(file)) return;
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  std::string found;
  if (error) {
    found = error == std::errc::no_such_file_or_directory ? "is not there" : "cannot be read: " + error.message();
  } else if (static_cast<int64_t>(bytes) != seal.bytes) {
    found = fmt::format("has {} bytes in place of {}", bytes, seal.bytes);
  } else if (seal.bytes <= kMostHashed && seal_of(file) != seal) {
    found = "has another SHA-256";
  } else {
    return;
  }
  give_up(file, fmt::format("{}, though {} says that the part is finished: bring back what it was, or remove {} and "
                            "what is left of the part to do it again",
                            found, receipt.filename().string(), receipt.string()));
}

/// Where what a journal counts lies: a part in another format has another name.
fs::path open_results(const PartNames& names, const JobKey& found, const JobKey& key) {
  if (line_format(found) == line_format(key)) return names.results_open();
  const char* extension = line_format(found) == LineFormat::kCsv ? ".csv" : ".jsonl";
  return fs::path(names.results).replace_extension(extension).native() + ".open";
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

}  // namespace

PartWriter::PartWriter(PartNames names, JobKey key, PartOptions options)
    : names_(std::move(names)), key_(std::move(key)), options_(std::move(options)) {
  for (const fs::path& file : names_.all()) {
    check_regular(file);
    check_replaceable(file);
  }
  if (take_finished()) return;
  if (is_there(names_.journal) && options_.when_there == WhenThere::kRefuse) {
    refuse(names_.journal, "this part was begun: --resume goes on where it stopped; remove it to begin anew");
  }
  lock_journal();
  if (take_finished()) {  // by a process that has just finished
    remove_notes();
    return;
  }
  if (options_.when_there == WhenThere::kRetryFailed) take_back_failures();
  resume();
  last_commit_ = std::chrono::steady_clock::now();
}

PartWriter::~PartWriter() {
  if (begun_) begun_->close();
}

void PartWriter::remove_notes() const {
  ::unlink(names_.begun().c_str());
  ::unlink(names_.journal.c_str());
}

bool PartWriter::take_receipt() {
  if (!is_there(names_.receipt)) return false;
  if (options_.when_there == WhenThere::kRefuse) {
    refuse(names_.receipt, "this part is finished: --resume leaves it as it is; remove it to begin anew");
  }
  const Receipt receipt = read_own_receipt(names_.receipt);
  const fs::path folder = names_.receipt.parent_path();
  check_key(names_.receipt, receipt.key, key_,
            receipt.results_name.empty() ? names_.results : folder / receipt.results_name);
  check_file(names_.results, receipt.results, names_.receipt);
  check_file(names_.failed, receipt.failures, names_.receipt);
  rows_failed_ = receipt.failed;
  rows_done_ = receipt.done + receipt.failed;
  return true;
}

/// Whether there is nothing to do.
bool PartWriter::take_finished() {
  finished_ = take_receipt() && (options_.when_there != WhenThere::kRetryFailed || rows_failed_ == 0);
  return finished_;
}

void PartWriter::check_journal_key(const std::string& head) const {
  const JobKey found = key_from_json(head, names_.journal.string() + ":1");
  check_key(names_.journal, found, key_, open_results(names_, found, key_));
}

// The journal says how far back before the receipt goes: whenever this is interrupted, the part is finished as before,
// or goes on.
void PartWriter::take_back_failures() {
  const bool was_finished = is_there(names_.receipt);
  const Journal journal = read_journal(names_.journal);
  if (!was_finished && journal.last.failed_rows == 0) return;
  if (!was_finished) {
    check_journal_key(journal.head);
  }
  const fs::path failed_file = is_there(names_.failed_open()) && !was_finished ? names_.failed_open() : names_.failed;
  const fs::path results_file =
      is_there(names_.results_open()) && !was_finished ? names_.results_open() : names_.results;
  if (!was_finished) {
    checked_content(results_file, journal.last.result_bytes, journal.last.result_sum);
    checked_content(failed_file, journal.last.failed_bytes, journal.last.failed_sum);
  }
  RowReader failures(failed_file, LineFormat::kJsonLines);
  if (!failures.next()) return;
  RowReader results(results_file, line_format(key_));
  const int64_t end = was_finished ? read_receipt(names_.receipt).results.bytes : journal.last.result_bytes;
  auto bytes = static_cast<int64_t>(results.head().size());
  while (bytes < end && results.next() && results.row() < failures.row()) bytes += std::ssize(results.record());
  if (::ftruncate(journal_.get(), 0) != 0) fail(names_.journal, "writing failed");
  put(journal_.get(), names_.journal,
      to_json(key_) + "\n" +
          to_line({.rows = failures.row() - key_.range().begin,
                   .result_bytes = bytes,
                   .result_sum = checksum_of(results_file, bytes).value()}));
  if (::fdatasync(journal_.get()) != 0) fail(names_.journal, "writing failed");
  if (was_finished && ::unlink(names_.receipt.c_str()) != 0) fail(names_.receipt, "cannot be removed");
  rows_failed_ = 0;
}

// The name may be taken from the file between opening and locking it, by the process that finishes the part.
void PartWriter::lock_journal() {
  while (true) {
    journal_ = Descriptor(::open(names_.journal.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!journal_.is_open()) fail(names_.journal, "cannot be written");
    lock_problem_.clear();
    while (::flock(journal_.get(), LOCK_EX | LOCK_NB) != 0 && lock_problem_.empty()) {
      if (errno == EWOULDBLOCK) {
        give_up(names_.journal, "another process is at work on this part; wait for it, or end it");
      }
      // File systems without locks have none to take; check_ours() notices a second process when it has written.
      if (errno != EINTR) lock_problem_ = errno_text();
    }
    if (has_its_name()) return;
    journal_ = {};
  }
}

bool PartWriter::has_its_name() const {
  struct stat status = {};
  return ::fstat(journal_.get(), &status) == 0 &&
         file_id(names_.journal) == FileId{static_cast<uint64_t>(status.st_dev), static_cast<uint64_t>(status.st_ino)};
}

void PartWriter::check_ours() const {
  constexpr std::string_view kSecond =
      "another process is at work on this part, or has removed it: what this one did since its last commit is lost; "
      "run one task of each shard at a time";
  if (!has_its_name()) give_up(names_.journal, kSecond);
  for (const Growing* file : {&results_, &failed_}) {
    struct stat status = {};
    if (::fstat(file->descriptor.get(), &status) != 0) fail(file->path, "cannot be looked at");
    if (status.st_size != file->written) give_up(file->path, kSecond);
  }
}

void PartWriter::begin_anew() {
  if (::ftruncate(journal_.get(), 0) != 0) fail(names_.journal, "writing failed");
  open(results_, names_.results_open(), 0, 0);
  open(failed_, names_.failed_open(), 0, 0);
  begun_ = std::make_shared<RowsBegun>(names_.begun(), RowsBegun::Earlier::kForget);
  put(journal_.get(), names_.journal, to_json(key_) + "\n");
  results_.add(options_.head);
  results_.end_row();
  commit();
  sync_folder(folder_of(names_.journal));
}

void PartWriter::resume() {
  const Journal journal = read_journal(names_.journal);
  if (journal.head.empty()) return begin_anew();
  check_journal_key(journal.head);
  if (journal.last.rows > key_.range().size())
    give_up(names_.journal, "has more rows than the shard; remove it to begin anew");
  if (journal.last.result_bytes < static_cast<int64_t>(options_.head.size())) return begin_anew();
  if (::ftruncate(journal_.get(), journal.bytes) != 0) fail(names_.journal, "writing failed");
  rows_done_ = committed_ = journal.last.rows;
  rows_failed_ = journal.last.failed_rows;
  // Finishing may have been interrupted after a file had its name.
  const auto found = [](const fs::path& open, const fs::path& name) { return is_there(open) ? open : name; };
  open(results_, found(names_.results_open(), names_.results), journal.last.result_bytes, journal.last.result_sum);
  open(failed_, journal.last.failed_bytes == 0 ? names_.failed_open() : found(names_.failed_open(), names_.failed),
       journal.last.failed_bytes, journal.last.failed_sum);
  begun_ = std::make_shared<RowsBegun>(names_.begun(), RowsBegun::Earlier::kKeep);
}

Checksum PartWriter::checked_content(const fs::path& path, int64_t bytes, uint32_t sum) const {
  const Checksum found = bytes == 0 ? Checksum() : checksum_of(path, bytes);
  if (found.value() == sum) return found;
  give_up(path,
          fmt::format("is not what was written (CRC-32 of its first {} bytes, in {}): it was changed from outside; "
                      "remove {} to begin anew",
                      bytes, names_.journal.filename().string(), names_.journal.string()));
}

void PartWriter::open(Growing& file, const fs::path& path, int64_t size, uint32_t sum) const {
  file.path = path;
  file.descriptor =
      Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
  if (!file.descriptor.is_open()) fail(path, "cannot be written");
  struct stat status = {};
  if (::fstat(file.descriptor.get(), &status) != 0) fail(path, "cannot be written");
  if (status.st_size < size) {
    give_up(path, fmt::format("has {} bytes, but {} says that there are {}: it was changed from outside; remove {} to "
                              "begin anew",
                              status.st_size, names_.journal.filename().string(), size, names_.journal.string()));
  }
  file.row_sum = checked_content(path, size, sum);
  file.written = status.st_size;
  file.row_begin = size;
  cut(file);
}

void PartWriter::flush(Growing& file) const {
  put(file.descriptor.get(), file.path, file.pending);
  file.written += static_cast<int64_t>(file.pending.size());
  file.pending.clear();
}

void PartWriter::cut(Growing& file) const {
  const int64_t size = file.row_begin;
  file.sum = file.row_sum;
  if (size >= file.written) {
    file.pending.resize(static_cast<size_t>(size - file.written));
    return;
  }
  file.pending.clear();
  if (::ftruncate(file.descriptor.get(), size) != 0) fail(file.path, "writing failed");
  file.written = size;
}

void PartWriter::write(std::string_view lines) {
  results_.add(lines);
  if (results_.pending.size() >= kBuffer) flush(results_);
}

void PartWriter::end_row() { row_is_done(); }

void PartWriter::fail_row(std::string_view line) {
  abandon_row();
  failed_.add(line);
  ++rows_failed_;
  row_is_done();
}

void PartWriter::abandon_row() { cut(results_); }

void PartWriter::row_is_done() {
  const int64_t row = key_.range().begin + rows_done_++;
  results_.end_row();
  // How often a row has ended its process is forgotten only once nobody will try it again.
  const bool is_suspect = begun_->endings(row) > 0;
  if (is_suspect || std::chrono::steady_clock::now() - last_commit_ >= options_.commit_interval) commit();
  begun_->end(row);
}

void PartWriter::commit() {
  if (finished_ || committed_ == rows_done_) return;
  for (Growing* file : {&results_, &failed_}) {
    flush(*file);
    if (::fdatasync(file->descriptor.get()) != 0) fail(file->path, "writing failed");
  }
  check_ours();
  put(journal_.get(), names_.journal,
      to_line(
          {rows_done_, results_.written, failed_.written, rows_failed_, results_.sum.value(), failed_.sum.value()}));
  if (::fdatasync(journal_.get()) != 0) fail(names_.journal, "writing failed");
  committed_ = rows_done_;
  last_commit_ = std::chrono::steady_clock::now();
}

void PartWriter::publish(const Growing& file, const fs::path& name, bool wanted) const {
  if (!wanted) {
    if (file.path != name) ::unlink(file.path.c_str());
    ::unlink(name.c_str());  // of an earlier job that was begun anew
    return;
  }
  if (file.path != name && ::rename(file.path.c_str(), name.c_str()) != 0) fail(name, "cannot be written");
}

// The receipt is what makes a part whole: it comes last, and everything before it can be done again.
void PartWriter::finish(const std::string& facts) {
  if (finished_) return;
  commit();
  if (rows_done_ != key_.range().size()) {
    throw Error(fmt::format("{}: {} of {} rows are done", names_.results.string(), rows_done_, key_.range().size()));
  }
  check_ours();
  for (const Growing* file : {&results_, &failed_}) checked_content(file->path, file->written, file->sum.value());
  publish(results_, names_.results, true);
  publish(failed_, names_.failed, failed_.written > 0);
  sync_folder(folder_of(names_.results));
  Receipt receipt;
  receipt.key = key_;
  receipt.done = rows_done_ - rows_failed_;
  receipt.failed = rows_failed_;
  receipt.results = seal_of(names_.results);
  receipt.results_name = names_.results.filename().string();
  receipt.failures_name = names_.failed.filename().string();
  receipt.facts = facts;
  if (failed_.written > 0) receipt.failures = seal_of(names_.failed);
  write_receipt(names_.receipt, receipt);
  begun_->close();
  remove_notes();
  finished_ = true;
}

}  // namespace zoo::batch
