// Where frames come from: pictures, video files, cameras, network streams, GStreamer pipelines.
//
// What the user writes -> what it means (`resolve_sources`):
//   gst:DESCRIPTION      GStreamer pipeline; without an appsink, ` ! videoconvert ! video/x-raw,format=BGR ! appsink`
//                        is added
//   12, /dev/video12     camera 12; a file of that name is written ./12
//   scheme://...         what is read over the network (ffmpeg/protocols.h): a video, over HTTP also a picture; rtsp,
//   rtmp,
//                        udp, rtp, srt, tcp are live, others if they have no length
//   -, a named pipe      picture or video, by content; /dev/stdin too, and all of them files where they are
//   folder               its pictures (has_image_extension), by name; hidden files are left out, and subfolders where
//                        they are not asked for
//   file                 picture or video, by content; what FFmpeg does not know, by the extension of a video
//   pattern with * ? [   glob(7); every match that is a file, by name
//   anything else        with the extension of a picture: a picture that is missing; else an error
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/core/error.h"
#include "nn/core/walk_folder.h"
#include "pipeline/video/ffmpeg/pixel_aspect.h"
#include "pipeline/video/ffmpeg/read_options.h"
#include "pipeline/video/frame.h"

namespace zoo::pipeline {

enum class SourceKind { kImages, kVideoFile, kCamera, kStream, kGStreamer, kPipe };

using ffmpeg::ReadOptions;

/// A source that is known but not opened.
struct SourceSpec {
  SourceKind kind = SourceKind::kImages;
  std::string text;                           ///< path, index, address, pipeline or "-"; unused for kImages
  std::vector<std::filesystem::path> images;  ///< only kImages
  /// Of files, the folders that the user named: a folder, the one of a file, what precedes a pattern's first wildcard.
  std::vector<std::filesystem::path> roots = {};
};

/// How messages and results call the source, e.g. "camera 0 (/dev/video0)"; passwords of addresses and pipelines are
/// `***` (nn/core/shown_text.h).
std::string name_of(const SourceSpec& spec);

/// The name without folder and extension, for output files, e.g. "clip", "camera0"; of several pictures, the first's.
std::string stem_of(const SourceSpec& spec);

/// Name of the file that a stream of this address is saved as: "door" of "rtsp://user:password@host/camera/door.mp4?x",
/// without a path the host. Nobody's password, not even that of an address that no library takes.
std::string stem_of_address(const std::string& address);

/// What is known about an opened source.
struct SourceInfo {
  SourceKind kind = SourceKind::kImages;
  std::string name;                              ///< for messages and results: name_of(spec)
  std::string stem;                              ///< stem_of(spec)
  bool live = false;                             ///< frames come when they come: a slow reader has to drop some
  std::optional<int64_t> frames = std::nullopt;  ///< about how many there are, if that is known; no promise
  double fps = 0.0;                              ///< nominal rate of a video (25 where it does not say); 0 for pictures
  ffmpeg::PixelAspect pixel_aspect = {};         ///< of a video's frames
  bool ends_stalls = false;                      ///< the source itself sees to ReadOptions::stall_timeout
  std::string stream_name = {};                  ///< what the user calls it among several streams; else empty
};

/// Yields frames one after the other. One thread at a time.
class FrameSource {
 public:
  virtual ~FrameSource() = default;

  /// The next frame, or why it could not be read (the one after it may be fine); nothing at the end. Throws IoError
  /// when the source as a whole is unusable.
  virtual std::optional<FrameResult> next() = 0;

  /// Reads a frame; to be called once, by any thread.
  using Pending = std::function<FrameResult()>;
  /// next(), with the reading left to the caller where no frame depends on another (pictures): several can then be read
  /// at the same time. Other sources read at once.
  virtual std::optional<Pending> next_pending();
  virtual const SourceInfo& info() const = 0;
};

/// Whether the extension is one of a video, any case.
bool has_video_extension(const std::filesystem::path& file);

/// Sorts out what the user wrote; neighbouring pictures become one source. Throws IoError: nothing there, an empty
/// folder, a pattern that matches nothing. `depth`: of folders.
std::vector<SourceSpec> resolve_sources(std::span<const std::string> specs, WalkDepth depth = WalkDepth::kThisFolder);

/// Opens a source. Pictures always open (each fails on its own); others throw IoError saying what was tried. Cameras
/// and GStreamer pipelines know no timeouts.
std::unique_ptr<FrameSource> open_source(const SourceSpec& spec, const ReadOptions& options = {});

/// Resolves and opens one source. Throws IoError, also where the text means several sources (a pattern that matches
/// videos).
std::unique_ptr<FrameSource> open_source(const std::string& spec, const ReadOptions& options = {});

}  // namespace zoo::pipeline
