// Owners of what libav hands out. Only files of this folder include it: nothing of libav is seen outside.
#pragma once

#include <memory>
#include <string>

#include "nn/core/error.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavformat/avio.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

namespace zoo::ffmpeg {

/// Calls a libav function that takes the address of the pointer.
template <auto Free>
struct FreeByAddress {
  template <typename T>
  void operator()(T* object) const {
    Free(&object);
  }
};

/// Calls a libav function that takes the pointer.
template <auto Free>
struct FreeByPointer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using InputPtr = std::unique_ptr<AVFormatContext, FreeByAddress<avformat_close_input>>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using PacketPtr = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using FramePtr = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using ScalerPtr = std::unique_ptr<SwsContext, FreeByPointer<sws_freeContext>>;
/// Of avio_open2; not of avio_alloc_context, whose buffer is separate.
using IoPtr = std::unique_ptr<AVIOContext, FreeByPointer<avio_close>>;

/// What libav allocated, for its owner. Throws EngineError for a null pointer.
template <typename Owner>
Owner owned(typename Owner::pointer object) {
  if (object == nullptr) throw EngineError("FFmpeg: no memory");
  return Owner(object);
}

inline PacketPtr make_packet() { return owned<PacketPtr>(av_packet_alloc()); }
inline FramePtr make_frame() { return owned<FramePtr>(av_frame_alloc()); }

/// Options by name, as libav takes them: it takes out those that it knows.
class Options {
 public:
  Options() = default;
  ~Options() { av_dict_free(&dictionary_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void set(const char* name, const std::string& value) { av_dict_set(&dictionary_, name, value.c_str(), 0); }
  AVDictionary** address() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

}  // namespace zoo::ffmpeg
