#include "pipeline/batch/row_source.h"

#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/video/image_source.h"

namespace zoo::batch {
namespace {

pipeline::FrameResult read_row(const RowPlace& place, const ManifestRow& row) {
  if (auto changed = changed_row(place, row)) return *std::move(changed);
  pipeline::ImageSource picture({place.file_of(row)});
  pipeline::FrameResult result = *picture.next();
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
  const std::string name = place.name_of(row);
  return pipeline::FrameFailure{
      .source = name,
      .index = row.row,
      .kind = pipeline::FailureKind::kChanged,
      .message = fmt::format("{}: the file has {} bytes, but the manifest says {}: it has changed since", name, bytes,
                             row.bytes)};
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

RowSource::RowSource(RowPlace place, std::vector<ManifestRow> rows) : place_(std::move(place)), rows_(std::move(rows)) {
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
  return [place = place_, row = rows_[position_++]] { return read_row(place, row); };
}

}  // namespace zoo::batch
