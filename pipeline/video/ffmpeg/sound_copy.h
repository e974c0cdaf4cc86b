// The sound of one file for another, packet by packet.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/video/ffmpeg/av_ptr.h"
#include "pipeline/video/ffmpeg/mp4_file.h"

extern "C" {
#include <libavcodec/bsf.h>
}

namespace zoo::ffmpeg {

/// Copies the sound that MP4 takes. What it cannot copy is told to `on_note`, which is no reason to end a video.
class SoundCopy {
  using FilterPtr = std::unique_ptr<AVBSFContext, FreeByAddress<av_bsf_free>>;

 public:
  using OnNote = std::function<void(const std::string& note)>;

  /// Opens the file and adds a stream to `to` for each of its sound streams. `name`: what notes call the new file.
  SoundCopy(const std::filesystem::path& file, Mp4File& to, const std::string& name, OnNote on_note);

  bool has_sound() const { return !streams_.empty(); }
  /// When the last of the file's pictures ends, in seconds since the file's start, or, where the file does not say
  /// that, when all of it ends.
  std::optional<double> pictures_end_s() const { return pictures_end_s_; }

  /// Copies what is played before `end_s`. Times are seconds since the file's start, that is its earliest time stamp of
  /// any stream; `origin_s`, the same in all calls, is the new file's 0. Throws IoError where writing fails.
  void copy_until(double end_s, double origin_s);

 private:
  struct Stream {
    int source = 0;
    AVRational source_base = {0, 1};
    AVStream* target = nullptr;
    FilterPtr unwrap;          ///< null where packets are what MP4 takes
    int64_t next = INT64_MIN;  ///< the least time of decoding that its next packet may have, in the target's time base
  };

  static FilterPtr make_unwrap(const AVStream& source);
  void open(const std::filesystem::path& file);
  void find_end();
  void add_streams();
  /// Reads the next packet of sound into `packet_`.
  void read();
  Stream* stream_of(const AVPacket& packet);
  /// False for a damaged packet.
  bool unwrap(Stream& stream);
  void write(Stream& stream, double origin_s);
  /// Says the first.
  void note_damage(const std::string& problem);

  std::string file_;
  std::string name_;
  Mp4File& to_;
  OnNote on_note_;
  InputPtr input_;
  std::vector<Stream> streams_;
  double start_s_ = 0.0;
  std::optional<double> pictures_end_s_;
  PacketPtr packet_;
  bool has_packet_ = false;
  bool damage_noted_ = false;
};

}  // namespace zoo::ffmpeg
