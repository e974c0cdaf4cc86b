#include "pipeline/video/ffmpeg_source.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "nn/core/stopwatch.h"
#include "pipeline/video/content.h"
#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/image_source.h"

namespace zoo::pipeline {
namespace fs = std::filesystem;
namespace {

class FfmpegSource : public FrameSource {
 public:
  FfmpegSource(std::unique_ptr<ffmpeg::VideoReader> reader, SourceInfo info)
      : reader_(std::move(reader)), info_(std::move(info)) {}

  std::optional<FrameResult> next() override {
    const Stopwatch watch;
    if (std::optional<ffmpeg::VideoFrame> read = reader_->read()) {
      Frame frame{.image = std::move(read->image), .source = info_.name, .index = next_index_++};
      frame.time_s = read->time_s;
      frame.duration_s = read->duration_s;
      frame.capture_ms = watch.elapsed_ms();
      return frame;
    }
    if (told_ || !reader_->problem()) return std::nullopt;
    told_ = true;
    const ffmpeg::ReadProblem& problem = *reader_->problem();
    const bool lost = problem.kind == ffmpeg::ReadProblem::Kind::kLost;
    return FrameFailure{.source = info_.name,
                        .index = next_index_,
                        .kind = lost ? FailureKind::kLost : FailureKind::kTruncated,
                        .message = problem.message,
                        .cause = problem.cause};
  }
  const SourceInfo& info() const override { return info_; }

 private:
  std::unique_ptr<ffmpeg::VideoReader> reader_;
  SourceInfo info_;
  int64_t next_index_ = 0;
  bool told_ = false;
};

ffmpeg::InputKind input_kind(SourceKind kind) {
  switch (kind) {
    case SourceKind::kStream:
      return ffmpeg::InputKind::kAddress;
    case SourceKind::kPipe:
      return ffmpeg::InputKind::kPipe;
    case SourceKind::kVideoFile:
    case SourceKind::kImages:
    case SourceKind::kCamera:
    case SourceKind::kGStreamer:
      break;
  }
  return ffmpeg::InputKind::kFile;
}

void check_file(const SourceSpec& spec, const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(spec.text, error);
  if (status.type() == fs::file_type::not_found)
    throw LossError(LossCause::kNotFound, fmt::format("{}: no such file", name));
  if (status.type() == fs::file_type::regular && fs::file_size(spec.text, error) == 0) {
    throw IoError(fmt::format("{}: the file is empty", name));
  }
}

}  // namespace

std::unique_ptr<FrameSource> open_ffmpeg_source(const SourceSpec& spec, const ReadOptions& options) {
  SourceInfo info{.kind = spec.kind, .name = name_of(spec), .stem = stem_of(spec)};
  if (spec.kind == SourceKind::kVideoFile) check_file(spec, info.name);
  ffmpeg::Opened opened = ffmpeg::open({input_kind(spec.kind), spec.text, info.name}, options, content_of);
  if (auto* picture = std::get_if<std::vector<uint8_t>>(&opened)) {
    return std::make_unique<MemoryImageSource>(std::move(*picture), std::move(info));
  }
  auto reader = std::get<std::unique_ptr<ffmpeg::VideoReader>>(std::move(opened));
  info.live = reader->info().live;
  info.frames = reader->info().frames;
  info.fps = reader->info().fps;
  info.pixel_aspect = reader->info().pixel_aspect;
  info.ends_stalls = true;
  return std::make_unique<FfmpegSource>(std::move(reader), std::move(info));
}

}  // namespace zoo::pipeline
