#include "pipeline/video/ffmpeg/mp4_file.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "pipeline/video/ffmpeg/av_error.h"

namespace zoo::ffmpeg {
namespace {

constexpr const char* kFormat = "mp4";
/// Microseconds.
constexpr int64_t kFragmentLength = 1'000'000;

}  // namespace

bool mp4_takes(AVCodecID codec) {
  return avformat_query_codec(av_guess_format(kFormat, nullptr, nullptr), codec, FF_COMPLIANCE_NORMAL) == 1;
}

Mp4File::Mp4File(const std::filesystem::path& file, std::string name) : name_(std::move(name)) {
  silence_log();
  const std::string url = "file:" + file.string();  // so that no part of the path is taken for a protocol
  check(avformat_alloc_output_context2(&context_, nullptr, kFormat, url.c_str()));
  const int result = avio_open(&context_->pb, url.c_str(), AVIO_FLAG_WRITE);
  if (result >= 0) return;
  avformat_free_context(context_);
  throw IoError(fmt::format("{}: cannot be written: {}", name_, error_text(result)));
}

Mp4File::~Mp4File() {
  avio_closep(&context_->pb);
  avformat_free_context(context_);
}

AVStream& Mp4File::add_stream() {
  AVStream* stream = avformat_new_stream(context_, nullptr);
  if (stream == nullptr) throw EngineError("FFmpeg: no memory");
  return *stream;
}

void Mp4File::begin(Mp4Layout layout) {
  context_->flags |= AVFMT_FLAG_FLUSH_PACKETS;                   // fragments reach the file when they are complete
  context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // FLAC in MP4 is of 2018, and libav still careful
  Options options;
  if (layout == Mp4Layout::kFragments) {
    // The index of a first fragment is delayed until what it says of the sound is known.
    options.set("movflags", "frag_keyframe+delay_moov+default_base_moof");
    options.set("frag_duration", std::to_string(kFragmentLength));
  } else {
    options.set("movflags", "faststart");
  }
  check(avformat_write_header(context_, options.address()));
}

void Mp4File::write(AVPacket& packet) {
  const int result = av_write_frame(context_, &packet);
  av_packet_unref(&packet);
  check(result);
}

bool Mp4File::write_if_taken(AVPacket& packet) {
  const int result = av_write_frame(context_, &packet);
  av_packet_unref(&packet);
  if (result < 0 && context_->pb->error < 0) fail(result);
  return result >= 0;
}

void Mp4File::finish() {
  check(av_write_trailer(context_));
  check(avio_closep(&context_->pb));
}

void Mp4File::check(int result) const {
  if (result < 0) fail(result);
}

void Mp4File::fail(int result) const {
  const bool is_full = result == AVERROR(ENOSPC) || result == AVERROR(EDQUOT) || result == AVERROR(EFBIG);
  throw IoError(fmt::format("{}: writing failed: {}{}", name_, error_text(result),
                            is_full ? ": make room, or save elsewhere (--save)" : ""));
}

}  // namespace zoo::ffmpeg
