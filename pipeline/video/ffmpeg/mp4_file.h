// An MP4 file being written.
#pragma once

#include <filesystem>
#include <string>

#include "pipeline/video/ffmpeg/av_ptr.h"

namespace zoo::ffmpeg {

/// How the file is laid out.
enum class Mp4Layout {
  kFragments,   ///< plays at any moment up to the last fragment, one a second
  kIndexFirst,  ///< plays once it is whole
};

/// Whether MP4 takes a codec.
bool mp4_takes(AVCodecID codec);

/// Add streams, begin, write, finish. All members throw IoError (`NAME: writing failed: ...`); those that MP4 does not
/// take, too, once begin() is called.
class Mp4File {
 public:
  /// `name`: what messages call the file.
  Mp4File(const std::filesystem::path& file, std::string name);
  ~Mp4File();
  Mp4File(const Mp4File&) = delete;
  Mp4File& operator=(const Mp4File&) = delete;

  /// A stream whose parameters are to be filled in; owned by the file.
  AVStream& add_stream();
  /// By number, from 0.
  const AVStream& stream(int number) const { return *context_->streams[number]; }
  /// From here on streams have their final time bases.
  void begin(Mp4Layout layout);
  /// Takes the packet over, which has its stream's number and time base. Packets of one stream come in the order of
  /// decoding, those of several about in that of time.
  void write(AVPacket& packet);
  /// The same, but false where the packet is none that MP4 takes.
  bool write_if_taken(AVPacket& packet);
  void finish();

 private:
  void check(int result) const;
  [[noreturn]] void fail(int result) const;

  std::string name_;
  AVFormatContext* context_ = nullptr;
};

}  // namespace zoo::ffmpeg
