#include "pipeline/video/ffmpeg/demuxer.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipeline/video/ffmpeg/open_problem.h"
#include "pipeline/video/ffmpeg/protocols.h"

namespace zoo::ffmpeg {
namespace {

constexpr int kMaxDamagedInRow = 64;
constexpr double kFallbackFps = 25.0;
constexpr double kMaxFps = 1000.0;
constexpr int kLiveFramesForRate = 5;

/// So that a colon in a name is no protocol.
std::string url_of(const Input& input) {
  if (input.kind == InputKind::kFile) return fmt::format("file:{}", input.text);
  if (input.kind == InputKind::kPipe) return "";
  return scheme_of(input.text) + input.text.substr(input.text.find("://"));
}

const char* protocols_for(const Input& input) {
  if (input.kind == InputKind::kAddress) return protocols_of(input.text, input.name).allowed;
  return kFileProtocols;
}

/// Whether the protocol is a demuxer's affair.
bool opens_itself(const Input& input) {
  if (input.kind != InputKind::kAddress) return false;
  const std::string scheme = scheme_of(input.text);
  return scheme.starts_with("rtsp") || scheme == "rtp" || scheme == "srtp";
}

bool is_always_live(const Input& input) {
  return input.kind == InputKind::kAddress && protocols_of(input.text, input.name).live;
}

/// Raw formats (.mjpeg, .h264) are told by the extension, too. The rest of a name could be a pattern (%d).
std::string name_to_probe(const Input& input) {
  if (input.kind == InputKind::kPipe) return "";
  std::string path = input.text;
  if (input.kind == InputKind::kAddress) path.erase(std::min(path.find_first_of("?#"), path.size()));
  return std::filesystem::path("x").replace_extension(std::filesystem::path(path).extension()).string();
}

/// Pictures are the affair of our decoders, and texts (which FFmpeg would draw) of nobody.
bool is_no_video(std::string_view format) {
  return format.ends_with("_pipe") || format.starts_with("image2") || format == "tty";
}

/// Whether what came before the end can be the beginning of a video.
bool may_begin_video(AVIOContext& io) {
  constexpr size_t kMostBytes = size_t{1} << 16;
  std::vector<uint8_t> bytes(kMostBytes + AVPROBE_PADDING_SIZE);
  const int count = avio_read(&io, bytes.data(), static_cast<int>(kMostBytes));
  if (count <= 0) return false;
  AVProbeData data{};
  data.buf = bytes.data();
  data.buf_size = count;
  int score = 0;
  const AVInputFormat* const format = av_probe_input_format3(&data, 1, &score);
  return format != nullptr && score > AVPROBE_SCORE_RETRY && !is_no_video(format->name);
}

/// The container's format by its first bytes: how sure that is (AVPROBE_SCORE_...), or an error.
int probe(AVIOContext& io, const Input& input, const AVInputFormat*& format) {
  const int score = av_probe_input_buffer2(&io, &format, name_to_probe(input).c_str(), nullptr, 0, 0);
  if (score < 0) return is_end_without_length(score, io) && !may_begin_video(io) ? AVERROR_INVALIDDATA : score;
  const std::string_view name = format->name;
  if (name == "jpeg_pipe") format = av_find_input_format("mjpeg");  // one picture has been told apart before
  return is_no_video(format->name) ? AVERROR_INVALIDDATA : score;
}

/// The header of Theora that holds a comment. Where recordings follow one another it comes again; decoders refuse it.
bool is_comment(const AVPacket& packet) {
  constexpr std::string_view kBegin = "\x81theora";
  return packet.size >= static_cast<int>(kBegin.size()) && std::memcmp(packet.data, kBegin.data(), kBegin.size()) == 0;
}

/// ISO/IEC 10918-1, B.1.1: behind the scans comes an end marker. Bytes that follow it, and packets of such, are no
/// harm.
bool lacks_jpeg_end(const AVPacket& packet) {
  const std::string_view bytes(reinterpret_cast<const char*>(packet.data), static_cast<size_t>(packet.size));
  const size_t scan = bytes.find("\xFF\xDA");
  const bool ended = scan != std::string_view::npos && bytes.find("\xFF\xD9", scan) != std::string_view::npos;
  return bytes.starts_with("\xFF\xD8\xFF") && !ended;
}

int64_t bytes_read(const Opening& opening) {
  const AVIOContext* const io = opening.pipe ? opening.pipe->context() : opening.io.get();
  return io == nullptr ? 0 : io->bytes_read;
}

bool has_sound(const AVFormatContext& container) {
  const std::span streams(container.streams, container.nb_streams);
  return std::ranges::any_of(streams,
                             [](const AVStream* stream) { return stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO; });
}

std::string video_is_missing(const AVFormatContext& container) {
  bool cover = false;
  for (unsigned i = 0; i < container.nb_streams; ++i) {
    const AVStream& stream = *container.streams[i];
    cover = cover || (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  }
  if (cover) return "holds no video, only sound and a cover picture";
  return has_sound(container) ? "holds no video, only sound" : "holds no video";
}

}  // namespace

bool is_end_without_length(int error, AVIOContext& io) {
  return error == AVERROR(EIO) && io.bytes_read > 0 && avio_size(&io) <= 0;
}

std::unique_ptr<Opening> open_bytes(const Input& input, const ReadOptions& options) {
  auto opening = std::make_unique<Opening>(options);
  if (input.kind != InputKind::kFile) opening->interrupt.allow(options.open_timeout);
  if (input.kind == InputKind::kPipe) {
    opening->pipe = std::make_unique<PipeInput>(input, opening->interrupt);
    return opening;
  }
  if (opens_itself(input)) return opening;
  Options io_options;
  io_options.set("protocol_whitelist", protocols_for(input));
  const AVIOInterruptCB callback = opening->interrupt.callback();
  AVIOContext* io = nullptr;
  const int error = avio_open2(&io, url_of(input).c_str(), AVIO_FLAG_READ, &callback, io_options.address());
  if (error < 0) throw open_problem(error, input, opening->interrupt, options);
  opening->io.reset(io);
  return opening;
}

Demuxer::Demuxer(const Input& input, const ReadOptions& options, std::unique_ptr<Opening> opening)
    : opening_(std::move(opening)) {
  const auto fail = [&](int error) {
    throw open_problem(error, input, opening_->interrupt, options, bytes_read(*opening_));
  };
  const AVInputFormat* format = nullptr;
  AVFormatContext* container = owned<InputPtr>(avformat_alloc_context()).release();
  log_.watch(*container);
  container->interrupt_callback = opening_->interrupt.callback();
  container->pb = opening_->pipe ? opening_->pipe->context() : opening_->io.get();
  Options demuxer_options;
  demuxer_options.set("protocol_whitelist", protocols_for(input));
  if (scheme_of(input.text).starts_with("rtsp")) demuxer_options.set("rtsp_flags", "prefer_tcp");  // UDP loses packets
  const int score = container->pb == nullptr ? 0 : probe(*container->pb, input, format);
  if (score < 0) {
    avformat_free_context(container);
    fail(score);
  }
  // By default a second of frames is waited for to learn their rate; what is live need not be known that well.
  if (is_always_live(input)) container->fps_probe_size = kLiveFramesForRate;
  // Frees the context where it fails.
  const int error = avformat_open_input(&container, url_of(input).c_str(), format, demuxer_options.address());
  if (error < 0) fail(error);
  container_.reset(container);
  avformat_find_stream_info(container, nullptr);  // what it does not find out, the decoder may
  if (opening_->interrupt.pending() && !may_go_on()) fail(AVERROR_EXIT);
  choose_video(input, score);
  is_raw_jpeg_ = std::string_view(container->iformat->name) == "mjpeg";
  if (container->start_time != AV_NOPTS_VALUE) first_stamp_us_ = container->start_time;
  if (input.kind == InputKind::kAddress) {
    const bool playlist = std::string_view(container->iformat->name) == "hls";
    const bool endless = playlist || container->pb == nullptr || avio_size(container->pb) <= 0;
    live_ = is_always_live(input) || (container->duration <= 0 && endless);
  }
}

// What comes slowly has not said everything in time, but may have said enough to decode it.
bool Demuxer::may_go_on() {
  if (opening_->interrupt.stopped()) return false;
  bool decodable = false;
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    const AVCodecParameters& parameters = *container_->streams[i]->codecpar;
    decodable = decodable || (parameters.codec_type == AVMEDIA_TYPE_VIDEO && parameters.width > 0);
  }
  if (!decodable || container_->pb == nullptr) return false;
  opening_->interrupt.allow_any_time();
  container_->pb->eof_reached = 0;
  container_->pb->error = 0;
  return true;
}

// As `ffmpeg` chooses without -map: most pixels, the stream marked as default before others.
void Demuxer::choose_video(const Input& input, int sureness) {
  constexpr int64_t kDefault = 5'000'000;
  constexpr int64_t kHasFrames = 100'000'000;
  int64_t best = -1;
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    AVStream* const stream = container_->streams[i];
    stream->discard = AVDISCARD_ALL;
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
    if ((stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) continue;
    const int64_t score = int64_t{stream->codecpar->width} * stream->codecpar->height +
                          ((stream->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) != 0 ? kHasFrames : 0) +
                          ((stream->disposition & AV_DISPOSITION_DEFAULT) != 0 ? kDefault : 0);
    if (score <= best) continue;
    best = score;
    video_ = stream;
  }
  if (video_ == nullptr) {
    const std::string message = fmt::format("{}: {}", input.name, video_is_missing(*container_));
    if (has_sound(*container_) && sureness > AVPROBE_SCORE_RETRY) throw OnlySound(LossCause::kCodec, message);
    throw LossError(LossCause::kCodec, message);
  }
  video_->discard = AVDISCARD_DEFAULT;
}

PixelAspect Demuxer::pixel_aspect() const {
  const AVRational aspect = av_guess_sample_aspect_ratio(container_.get(), video_, nullptr);
  if (aspect.num <= 0 || aspect.den <= 0) return {};
  const std::optional<DisplayMatrix> matrix = display_matrix();
  if (matrix && swaps_sides(*matrix)) return {aspect.den, aspect.num};
  return {aspect.num, aspect.den};
}

VideoInfo Demuxer::info() const {
  VideoInfo info{.live = live_};
  const AVRational rate = av_guess_frame_rate(container_.get(), video_, nullptr);
  const double fps = rate.den > 0 ? av_q2d(rate) : 0.0;
  info.pixel_aspect = pixel_aspect();
  info.fps = fps > 0.0 && fps <= kMaxFps ? fps : kFallbackFps;
  if (live_) return info;
  info.frames = listed_frames();
  const AVRational average = video_->avg_frame_rate;
  if (!info.frames && container_->duration > 0 && average.num > 0 && average.den > 0) {
    const double frames = static_cast<double>(container_->duration) / AV_TIME_BASE * av_q2d(average);
    if (frames >= 1.0 && frames < 1e12) info.frames = std::llround(frames);
  }
  return info;
}

std::optional<int64_t> Demuxer::listed_frames() const {
  if (video_->nb_frames <= 0) return std::nullopt;
  if (std::string_view(container_->iformat->name).find("mp4") == std::string_view::npos) return video_->nb_frames;
  // Those that an edit list hides are marked; fragments are listed only as they are met.
  int64_t shown = 0;
  const int entries = avformat_index_get_entries_count(video_);
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(video_, i);
    if (entry != nullptr && (entry->flags & AVINDEX_DISCARD_FRAME) == 0) ++shown;
  }
  return shown > 0 ? std::optional(shown) : std::nullopt;
}

std::optional<DisplayMatrix> Demuxer::display_matrix() const {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100)
  const AVPacketSideData* found = av_packet_side_data_get(
      video_->codecpar->coded_side_data, video_->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  const uint8_t* const data = found == nullptr ? nullptr : found->data;
  const size_t size = found == nullptr ? 0 : found->size;
#else
  size_t size = 0;
  const uint8_t* const data = av_stream_get_side_data(video_, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
  if (data == nullptr || size < sizeof(DisplayMatrix)) return std::nullopt;
  DisplayMatrix matrix;
  std::copy_n(reinterpret_cast<const int32_t*>(data), matrix.size(), matrix.begin());
  return matrix;
}

bool Demuxer::begins_anywhere() const { return (container_->iformat->flags & AVFMT_TS_DISCONT) != 0; }

std::optional<double> Demuxer::seconds(int64_t stamp) const {
  if (stamp == AV_NOPTS_VALUE) return std::nullopt;
  return static_cast<double>(stamp) * av_q2d(video_->time_base) - static_cast<double>(first_stamp_us_) / AV_TIME_BASE;
}

// Some demuxers call a broken connection the end, and libav's HTTP calls the end of what has no stated length broken.
int Demuxer::end_of(int error) const {
  if (container_->pb == nullptr) return error;
  if (error == AVERROR_EOF && container_->pb->error < 0) error = container_->pb->error;
  return error == AVERROR(EIO) && avio_size(container_->pb) <= 0 ? AVERROR_EOF : error;
}

int Demuxer::read(AVPacket& packet) {
  int damaged = 0;
  while (true) {
    const int error = av_read_frame(container_.get(), &packet);
    if (error == AVERROR_INVALIDDATA && ++damaged <= kMaxDamagedInRow) continue;
    if (error < 0) return end_of(error);
    if (packet.stream_index == video_->index && !is_comment(packet)) {
      ends_in_packet_ = is_raw_jpeg_ && lacks_jpeg_end(packet);
      return 0;
    }
    av_packet_unref(&packet);
  }
}

bool Demuxer::is_ogg() const { return std::string_view(container_->iformat->name) == "ogg"; }

bool Demuxer::is_gif() const { return std::string_view(container_->iformat->name) == "gif"; }

// MPEG-TS marks every join of two recordings so.
bool Demuxer::is_cut(const AVPacket& packet) const {
  return (packet.flags & AV_PKT_FLAG_CORRUPT) != 0 && !begins_anywhere();
}

}  // namespace zoo::ffmpeg
