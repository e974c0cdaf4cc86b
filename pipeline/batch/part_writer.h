// Writes the results of one shard so that a kill at any moment, or a power failure, loses seconds of work and nothing
// else.
//
// Results and failures are added to files of their own (part_files.h). Now and then both are brought to the disk, and
// only then a line of the journal says how far they are:
// `ROWS<TAB>RESULT_BYTES<TAB>FAILED_BYTES<TAB>FAILED_ROWS<TAB>RESULT_CRC<TAB>FAILED_CRC<TAB>LINE_CRC`. Its first line
// is the key of the job. Whoever resumes cuts both files back to the last line that is whole, so that no row is there
// twice or in part, whatever was written after it; a file whose bytes up to there are others than were written is
// refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "nn/core/descriptor.h"
#include "pipeline/batch/checksum.h"
#include "pipeline/batch/job_key.h"
#include "pipeline/batch/part_files.h"
#include "pipeline/batch/rows_begun.h"

namespace zoo::batch {

/// What to do with what is there of the same part.
enum class WhenThere {
  kRefuse,
  kResume,
  kRetryFailed,  ///< go on before the first row that failed, also where the part was finished
};

struct PartOptions {
  WhenThere when_there = WhenThere::kRefuse;
  std::string head = {};  ///< what a file of results begins with: the header of a table with its line feed; else empty
  /// How much work a kill may cost.
  std::chrono::milliseconds commit_interval{1'000};
};

/// One thread at a time. Every member throws IoError, after which only the destructor may be called. That leaves
/// everything as the last commit has it.
class PartWriter {
 public:
  /// Makes or resumes the part. Throws ConfigError, with the way out, where there is a part of this name that is not to
  /// be resumed, or one of another job (other flags, another model), or where one of its files is no regular file;
  /// IoError, as other parts may go on, where it is damaged, or another process is at work on it.
  PartWriter(PartNames names, JobKey key, PartOptions options = {});
  ~PartWriter();
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  /// Rows of the shard that are done, from its first on, failed ones included.
  int64_t rows_done() const { return rows_done_; }
  int64_t rows_failed() const { return rows_failed_; }
  /// Whether the part was finished before; there is nothing to do then.
  bool is_finished() const { return finished_; }

  /// Why the file system has no locks (flock), so that a second process at work on the part would be noticed late, when
  /// one of them commits; empty where it has them.
  const std::string& lock_problem() const { return lock_problem_; }

  /// Which rows are under way: to be told before one is touched (by any thread, and longer than this lives); that they
  /// have ended it hears from here. None where the part was finished before.
  const std::shared_ptr<RowsBegun>& begun() const { return begun_; }

  /// Adds whole lines to the results of the row that comes next.
  void write(std::string_view lines);
  /// The row has its results.
  void end_row();
  /// The row has none: what was written of it is taken back. `line`: with its line feed.
  void fail_row(std::string_view line);
  /// Takes back what was written of the row that is not done.
  void abandon_row();
  /// Brings what is done to the disk now. Nothing of a row may be under way.
  void commit();
  /// Once every row is done: gives the files their names and writes the receipt. `facts`: Receipt::facts.
  void finish(const std::string& facts = {});

 private:
  /// A file that grows.
  struct Growing {
    std::filesystem::path path;
    Descriptor descriptor = {};
    int64_t written = 0;       ///< bytes in the file
    std::string pending = {};  ///< bytes behind them
    int64_t row_begin = 0;     ///< where the row that comes next begins
    Checksum sum = {};         ///< of the file and what is pending
    Checksum row_sum = {};     ///< up to row_begin

    int64_t size() const { return written + static_cast<int64_t>(pending.size()); }
    void add(std::string_view text) {
      pending += text;
      sum.add(text);
    }
    void end_row() {
      row_begin = size();
      row_sum = sum;
    }
  };

  bool take_receipt();
  void check_journal_key(const std::string& head) const;
  bool take_finished();
  /// What is there only while the part is worked on.
  void remove_notes() const;
  void take_back_failures();
  void begin_anew();
  void resume();
  void lock_journal();
  /// Whether the journal that is open is the one of this name.
  bool has_its_name() const;
  /// Throws IoError where another process has written to the files or replaced them.
  void check_ours() const;
  /// Yields `sum`. Throws IoError unless a file begins with what was written.
  Checksum checked_content(const std::filesystem::path& path, int64_t bytes, uint32_t sum) const;
  void open(Growing& file, const std::filesystem::path& path, int64_t size, uint32_t sum) const;
  void flush(Growing& file) const;
  /// Back to the begin of the row.
  void cut(Growing& file) const;
  void row_is_done();
  void publish(const Growing& file, const std::filesystem::path& name, bool wanted) const;

  const PartNames names_;
  const JobKey key_;
  const PartOptions options_;
  Growing results_;
  Growing failed_;
  Descriptor journal_;
  std::shared_ptr<RowsBegun> begun_;
  std::string lock_problem_;
  int64_t rows_done_ = 0;
  int64_t rows_failed_ = 0;
  int64_t committed_ = -1;  ///< rows; -1: nothing yet
  bool finished_ = false;
  std::chrono::steady_clock::time_point last_commit_;
};

}  // namespace zoo::batch
