#include "pipeline/batch/row_source.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/descriptor.h"
#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "pipeline/images/image_io.h"
#include "pipeline/video/image_source.h"

namespace zoo::batch {
namespace {

constexpr size_t kBlock = 1 << 20;

/// Whether an `errno` of opening or reading a file is a fact about the file, which trying again does not change.
bool is_of_file(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG || error == EACCES ||
         error == EPERM || error == EISDIR;
}

/// 0 where the file can be read from its beginning to its end, or is nothing to be read; else `errno`.
int reading_error(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.is_open()) return errno;
  struct stat status = {};
  if (::fstat(descriptor.get(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return 0;
  std::vector<char> block(kBlock);
  while (true) {
    const ssize_t bytes = ::read(descriptor.get(), block.data(), block.size());
    if (bytes == 0) return 0;
    if (bytes < 0 && errno != EINTR) return errno;
  }
}

/// Throws IoError where a picture could not be read because there was no memory for its pixels.
void check_memory(const RowPlace& place, const ManifestRow& row) {
  try {
    pipeline::read_image(place.file_of(row));
  } catch (const pipeline::ImageError& error) {
    if (error.fault() != pipeline::ImageFault::kNoMemory) return;
    throw IoError(fmt::format("{}; give the task more memory, or --threads less work at once: --resume goes on here",
                              error.what()));
  }
}

pipeline::FrameResult read_row(const RowPlace& place, const ManifestRow& row) {
  if (auto changed = changed_row(place, row)) return *std::move(changed);
  const auto read = [&] { return *pipeline::ImageSource({place.file_of(row)}).next(); };
  pipeline::FrameResult result = read();
  if (const auto* failure = std::get_if<pipeline::FrameFailure>(&result)) {
    check_storage(place, row);
    const pipeline::FailureKind kind = failure->kind;
    if (kind == pipeline::FailureKind::kTooLarge) check_memory(place, row);
    // What went wrong may have been the storage, and be over.
    if (kind == pipeline::FailureKind::kMissing || kind == pipeline::FailureKind::kTruncated) result = read();
  }
  if (auto* frame = std::get_if<pipeline::Frame>(&result)) {
    frame->source = place.name_of(row);
    frame->index = row.row;
  } else {
    auto& failure = std::get<pipeline::FrameFailure>(result);
    failure.message = with_row_name(std::move(failure.message), place.file_of(row), place.name_of(row));
    failure.source = place.name_of(row);
    failure.index = row.row;
  }
  return result;
}

}  // namespace

std::optional<pipeline::FrameFailure> changed_row(const RowPlace& place, const ManifestRow& row) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(place.file_of(row), error);
  if (error || static_cast<int64_t>(bytes) == row.bytes) return std::nullopt;
  if (place.mended) {
    place.mended->add(row.row);
    return std::nullopt;
  }
  const std::string name = place.name_of(row);
  return pipeline::FrameFailure{
      .source = name,
      .index = row.row,
      .kind = pipeline::FailureKind::kChanged,
      .message = fmt::format("{}: the file has {} bytes, but the manifest says {}: it has changed since; --resume "
                             "--retry-failed takes it as it is now",
                             name, bytes, row.bytes)};
}

void check_storage(const RowPlace& place, const ManifestRow& row) {
  const int error = reading_error(place.file_of(row));
  if (error == 0) return;
  const std::string root = place.root.string();
  if (file_id(place.root) != place.root_id || ::access(place.root.c_str(), X_OK) != 0) {
    throw IoError(
        fmt::format("{}: {}, and its root {} is not there as it was when the work began: see that it is "
                    "mounted and may be read, then --resume goes on here",
                    place.name_of(row), errno_text(error), root));
  }
  if (is_of_file(error)) return;
  throw IoError(
      fmt::format("{}: reading failed: {}; this is no fault of the file, so that it is no failed row: "
                  "--resume goes on here",
                  place.file_of(row).string(), errno_text(error)));
}

std::string with_row_name(std::string message, const std::filesystem::path& file, const std::string& name) {
  const std::string from = printable(file.string());
  const std::string to = printable(name);
  for (size_t at = message.find(from); !from.empty() && at != std::string::npos; at = message.find(from, at)) {
    message.replace(at, from.size(), to);
    at += to.size();
  }
  return message;
}

pipeline::FrameFailure row_that_ends_processes(const RowPlace& place, const ManifestRow& row) {
  const std::string name = place.name_of(row);
  return {.source = name,
          .index = row.row,
          .kind = pipeline::FailureKind::kEndedProcess,
          .message = fmt::format("{}: ended its process {} times (a crash, or more memory than there is), and is not "
                                 "tried again without --resume --retry-failed",
                                 name, kMostEndings)};
}

RowSource::RowSource(RowPlace place, std::vector<ManifestRow> rows, std::shared_ptr<RowsBegun> begun)
    : place_(std::move(place)), rows_(std::move(rows)), begun_(std::move(begun)) {
  info_.frames = std::ssize(rows_);
  info_.name = counted(std::ssize(rows_), "picture");
}

std::optional<pipeline::FrameResult> RowSource::next() {
  const std::optional<Pending> pending = next_pending();
  if (!pending) return std::nullopt;
  return (*pending)();
}

std::optional<pipeline::FrameSource::Pending> RowSource::next_pending() {
  if (position_ == rows_.size()) return std::nullopt;
  return [place = place_, row = rows_[position_++], begun = begun_] {
    if (begun) begun->begin(row.row);
    return read_row(place, row);
  };
}

}  // namespace zoo::batch
