#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/cores.h"
#include "nn/core/counted.h"
#include "nn/core/stopwatch.h"
#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/decoder.h"
#include "pipeline/video/ffmpeg/demuxer.h"
#include "pipeline/video/ffmpeg/ffmpeg.h"
#include "pipeline/video/ffmpeg/frame_converter.h"
#include "pipeline/video/ffmpeg/frame_times.h"
#include "pipeline/video/ffmpeg/libav_entries.h"
#include "pipeline/video/ffmpeg/open_problem.h"
#include "pipeline/video/ffmpeg/protocols.h"
#include "pipeline/video/ffmpeg/stated_size.h"

namespace zoo::ffmpeg {
namespace {

constexpr int kMaxThreads = 16;
constexpr size_t kMaxPictureBytes = size_t{512} << 20;
/// Enough for every picture's signature, and in libav's buffer still when it is to be read again.
constexpr size_t kFirstLook = 64;

int decoder_threads(const ReadOptions& options, const Demuxer& demuxer, bool live) {
  if (demuxer.is_ogg()) return 1;
  if (options.threads > 0) return std::min(options.threads, kMaxThreads);
  return live ? 1 : std::min(usable_cores(), kMaxThreads);
}

class Reader : public VideoReader {
 public:
  Reader(Input input, const ReadOptions& options, std::unique_ptr<Opening> opening)
      : input_(std::move(input)),
        options_(options),
        demuxer_(input_, options_, std::move(opening)),
        info_(demuxer_.info()),
        decoder_(demuxer_.video(), decoder_threads(options_, demuxer_, info_.live), input_.name),
        display_matrix_(demuxer_.display_matrix()),
        times_(1.0 / info_.fps, demuxer_.period_s()) {}

  const VideoInfo& info() const override { return info_; }
  const std::optional<ReadProblem>& problem() const override { return problem_; }

  std::optional<VideoFrame> read() override {
    if (ended_) return std::nullopt;
    if (input_.kind == InputKind::kAddress) {
      demuxer_.interrupt().allow(options_.stall_timeout);
    } else {
      demuxer_.interrupt().allow_any_time();
    }
    while (!demuxer_.interrupt().pending()) {
      const int status = decoder_.receive(*frame_);
      if (status == 0) return converted();
      if (status == AVERROR_EOF) break;
      if (status != AVERROR(EAGAIN)) {
        count_damage();
      } else {
        feed();
      }
    }
    end();
    return std::nullopt;
  }

 private:
  /// Gives the decoder its next packet, or tells it that there are no more.
  void feed() {
    const int status = demuxer_.read(*packet_);
    if (status < 0) {
      read_error_ = status == AVERROR_EOF ? 0 : status;
      decoder_.send(nullptr);
      return;
    }
    ++packets_;
    const bool cut = demuxer_.is_cut(*packet_);
    if (decoder_.send(packet_.get()) < 0 || cut) count_damage();
    av_packet_unref(packet_.get());
  }

  void count_damage() {
    if (frames_ > 0 || !demuxer_.begins_anywhere()) ++damaged_packets_;
  }

  VideoFrame converted() {
    if (is_damaged(*frame_)) ++damaged_frames_;
    VideoFrame result;
    try {
      result.image = converter_.convert(*frame_, display_matrix_);
    } catch (const IoError& error) {
      throw LossError(LossCause::kCodec, fmt::format("{}: frame {}: {}", input_.name, frames_, error.what()));
    }
    result.time_s =
        info_.live ? since_opened_.elapsed_ms() / 1000.0 : times_.next(demuxer_.seconds(frame_->best_effort_timestamp));
    if (!info_.live) result.duration_s = std::max(0.0, static_cast<double>(duration_of(*frame_)) * demuxer_.tick_s());
    av_frame_unref(frame_.get());
    ++frames_;
    return result;
  }

  void end() {
    ended_ = true;
    if (demuxer_.interrupt().stopped()) return;
    if (input_.kind == InputKind::kAddress && (info_.live || read_error_ != 0 || demuxer_.interrupt().late())) {
      problem_ = ReadProblem{ReadProblem::Kind::kLost, fmt::format("{}: {}", input_.name, loss()), loss_cause()};
      return;
    }
    if (frames_ == 0) {
      throw LossError(LossCause::kCodec, fmt::format("{}: holds no frame that can be decoded", input_.name));
    }
    if (const std::string damage = damage_text(); !damage.empty()) {
      problem_ = ReadProblem{ReadProblem::Kind::kDamaged, fmt::format("{}: {}", input_.name, damage)};
    }
  }

  std::string loss() const {
    const std::string after = counted(frames_, "frame");
    if (demuxer_.interrupt().late()) {
      return fmt::format("no frame for {} after {}", seconds_text(options_.stall_timeout), after);
    }
    if (read_error_ != 0) return fmt::format("the connection was lost after {} ({})", after, error_text(read_error_));
    return fmt::format("the peer ended the stream after {}", after);
  }

  LossCause loss_cause() const {
    return demuxer_.interrupt().late() ? LossCause::kTimeout : cause_of_read_error(read_error_);
  }

  std::string frames_word(const std::string& of) const { return frames_ == 1 && of.empty() ? "frame" : "frames"; }

  /// What the file lacks; empty where nothing. Counts of containers are no promise: a file is cut off where it is
  /// shorter than its own parts, and frames are missing where there were errors, too.
  std::string damage_text() const {
    const std::optional<int64_t> listed = demuxer_.listed_frames();
    const bool has_all = listed && frames_ >= *listed;
    if (input_.kind == InputKind::kFile && !has_all && is_cut_off()) {
      const std::string of = listed ? fmt::format(" of {}", *listed) : "";
      return fmt::format("only {}{} {} could be decoded: the file is cut off", frames_, of, frames_word(of));
    }
    if (read_error_ != 0) {
      return fmt::format("reading ended after {} ({})", counted(frames_, "frame"), error_text(read_error_));
    }
    if (damaged_packets_ > 0) {
      return fmt::format("{} of {} damaged; {} could be decoded",
                         damaged_packets_ == 1 ? "1 packet" : fmt::format("{} packets", damaged_packets_), packets_,
                         counted(frames_, "frame"));
    }
    if (damaged_frames_ > 0) {
      return fmt::format("{} of {} decoded from damaged data", damaged_frames_, counted(frames_, "frame"));
    }
    const bool lacks_frames = info_.frames && frames_ + 1 < *info_.frames;
    if (demuxer_.met_damage() && (lacks_frames || demuxer_.is_ogg() || lacks_gif_end())) {
      const std::string of = lacks_frames ? fmt::format(" of about {}", *info_.frames) : "";
      return fmt::format("only {}{} {} could be decoded: the file is damaged", frames_, of, frames_word(of));
    }
    if (decoder_.met_damage() && !demuxer_.begins_anywhere()) {
      return fmt::format("some of {} decoded from damaged data", counted(frames_, "frame"));
    }
    return "";
  }

  /// A GIF is its own promise: it has an end mark, and what follows that may be anything.
  bool lacks_gif_end() const {
    return demuxer_.is_gif() && input_.kind == InputKind::kFile && !stated_size(input_.text);
  }

  bool is_cut_off() const {
    if (demuxer_.ends_in_packet()) return true;
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(input_.text, error);
    const std::optional<uint64_t> stated = stated_size(input_.text);
    return !error && stated && *stated > size;
  }

  const Input input_;
  const ReadOptions options_;
  Demuxer demuxer_;
  const VideoInfo info_;
  Decoder decoder_;
  const std::optional<DisplayMatrix> display_matrix_;
  FrameConverter converter_;
  FrameTimes times_;
  PacketPtr packet_ = make_packet();
  FramePtr frame_ = make_frame();
  Stopwatch since_opened_;
  int64_t frames_ = 0;
  int64_t packets_ = 0;
  int64_t damaged_packets_ = 0;
  int64_t damaged_frames_ = 0;
  int read_error_ = 0;
  bool ended_ = false;
  std::optional<ReadProblem> problem_;
};

bool may_be_picture(const Input& input) {
  return input.kind == InputKind::kPipe ||
         (input.kind == InputKind::kAddress && scheme_of(input.text).starts_with("http"));
}

/// Bytes of an address or a pipe; 0 at the end.
int read_bytes(Opening& opening, std::span<uint8_t> bytes) {
  if (opening.pipe) return opening.pipe->read(bytes);
  const int count = avio_read_partial(opening.io.get(), bytes.data(), static_cast<int>(bytes.size()));
  return count == AVERROR_EOF || is_end_without_length(count, *opening.io) ? 0 : count;
}

/// The bytes of a picture, all of them; empty where a video comes, of which nothing has been read then.
std::vector<uint8_t> read_picture(std::unique_ptr<Opening>& opening, const Input& input, const ReadOptions& options,
                                  const ContentCheck& check) {
  std::vector<uint8_t> bytes;
  Content content = Content::kUndecided;
  size_t looked_at = 0;
  while (content != Content::kVideo) {
    const size_t before = bytes.size();
    if (before > kMaxPictureBytes) {
      throw IoError(
          fmt::format("{}: the picture has more than {} bytes, the most that is read", input.name, kMaxPictureBytes));
    }
    bytes.resize(before + (size_t{1} << 15));
    const int count = read_bytes(*opening, std::span(bytes).subspan(before));
    bytes.resize(before + static_cast<size_t>(std::max(count, 0)));
    if (count < 0) throw open_problem(count, input, opening->interrupt, options, std::ssize(bytes));
    const bool complete = count == 0;
    if (complete && bytes.empty()) throw open_problem(AVERROR_EOF, input, opening->interrupt, options);
    // Growing, so that looking costs no more than reading.
    if (content == Content::kUndecided && (complete || bytes.size() >= std::max(kFirstLook, 2 * looked_at))) {
      content = check(bytes, complete);
      looked_at = bytes.size();
    }
    if (complete && content == Content::kPicture) return bytes;
  }
  if (opening->pipe) {
    opening->pipe->unread(std::move(bytes));
  } else if (avio_seek(opening->io.get(), 0, SEEK_SET) < 0) {
    opening.reset();
    opening = open_bytes(input, options);
  }
  return {};
}

}  // namespace

Opened libav::open(const Input& input, const ReadOptions& options, const ContentCheck& check) {
  silence_log();
  limit_memory();
  std::unique_ptr<Opening> opening = open_bytes(input, options);
  if (may_be_picture(input)) {
    std::vector<uint8_t> picture = read_picture(opening, input, options, check);
    if (!picture.empty()) return picture;
  }
  return std::make_unique<Reader>(input, options, std::move(opening));
}

bool libav::is_film(const std::filesystem::path& file) {
  silence_log();
  limit_memory();
  const Input input{InputKind::kFile, file.string(), file.string()};
  const ReadOptions options;
  try {
    const Demuxer demuxer(input, options, open_bytes(input, options));
    return true;
  } catch (const OnlySound&) {
    return true;
  } catch (const IoError&) {
    return false;
  }
}

}  // namespace zoo::ffmpeg
