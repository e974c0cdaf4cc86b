// The pictures of a manifest as a source of frames.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nn/core/files.h"
#include "pipeline/batch/manifest.h"
#include "pipeline/batch/rows_begun.h"
#include "pipeline/video/frame_source.h"

namespace zoo::batch {

/// Rows whose file has another size than the manifest says, and which are worked on as it is now. Thread-safe.
class MendedRows {
 public:
  void add(int64_t row) {
    const std::scoped_lock lock(mutex_);
    rows_.insert(row);
  }
  bool has(int64_t row) const {
    const std::scoped_lock lock(mutex_);
    return rows_.contains(row);
  }

 private:
  mutable std::mutex mutex_;
  std::set<int64_t> rows_;
};

/// What rows are called in results, whatever the root: the path of the manifest behind `prefix`.
struct RowPlace {
  std::filesystem::path root;
  std::string prefix = {};
  std::optional<FileId> root_id = {};       ///< of the root when the work began
  std::shared_ptr<MendedRows> mended = {};  ///< takes rows whose file has changed; null: they are failures

  std::filesystem::path file_of(const ManifestRow& row) const { return root / row.path; }
  std::string name_of(const ManifestRow& row) const { return prefix + row.path; }
  /// Of a row that was worked on although its file has another size: the one that the manifest says.
  std::optional<int64_t> listed_bytes_of(const ManifestRow& row) const {
    return mended && mended->has(row.row) ? std::optional(row.bytes) : std::nullopt;
  }
};

/// Why a row cannot be worked on: its file has another size than the manifest says; nothing, but noted, where such rows
/// are taken (RowPlace::mended). A file that is not there is left to
/// whoever opens it.
std::optional<pipeline::FrameFailure> changed_row(const RowPlace& place, const ManifestRow& row);

/// Of a row that is not tried any more, as it has ended kMostEndings processes (rows_begun.h).
pipeline::FrameFailure row_that_ends_processes(const RowPlace& place, const ManifestRow& row);

/// Reads the file of a row that could not be used, to tell a bad file from bad storage: throws IoError where trying
/// again later may help, i.e. the root is not what it was when the work began (not mounted, say), it may not be looked
/// into, or the system says anything but that this one file is missing, its path impossible or its permissions wrong
/// (an I/O error, a stale handle, no memory, no descriptors). Otherwise the row's failure is the file's own.
void check_storage(const RowPlace& place, const ManifestRow& row);

/// The text of a message with the name of a row in place of the name of its file, so that it does not depend on where
/// that lies.
std::string with_row_name(std::string message, const std::filesystem::path& file, const std::string& name);

/// Reads rows that are pictures. Frames and failures carry the row as their index and the name of RowPlace; next()
/// throws IoError only as check_storage does, or where a row cannot be noted in `begun`: the row is to be answered
/// later.
class RowSource : public pipeline::FrameSource {
 public:
  /// `begun`: is told of each row before it is touched; may be null.
  RowSource(RowPlace place, std::vector<ManifestRow> rows, std::shared_ptr<RowsBegun> begun = nullptr);

  std::optional<pipeline::FrameResult> next() override;
  std::optional<Pending> next_pending() override;
  const pipeline::SourceInfo& info() const override { return info_; }

 private:
  RowPlace place_;
  std::vector<ManifestRow> rows_;
  std::shared_ptr<RowsBegun> begun_;
  pipeline::SourceInfo info_;
  size_t position_ = 0;
};

}  // namespace zoo::batch
