// Small videos of all kinds, made by the program `ffmpeg`, and what it and `ffprobe` say is in them.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace zoo::test {

/// What is to be said about a video that is read to its end.
enum class Verdict { kWhole, kCutOff, kDamaged, kAny };

struct VideoCase {
  std::string file;  ///< its name is the case's name, too
  Verdict verdict = Verdict::kWhole;
  std::string make;           ///< commands of sh(1), in the folder; `f` is ffmpeg
  std::string map = "0:v:0";  ///< the stream that is the video
};

inline std::ostream& operator<<(std::ostream& stream, const VideoCase& video) { return stream << video.file; }

const std::vector<VideoCase>& video_cases();

/// The case as a name of a test: letters and digits.
std::string test_name(const VideoCase& video);

/// What ffmpeg and ffprobe say.
struct VideoTruth {
  std::string pixels;                        ///< BGR, frame after frame
  std::vector<std::optional<double>> times;  ///< since the container's start
};

/// The folder with all cases. They are made by the first call on a machine and kept in the build folder until a command
/// changes. Throws std::runtime_error where ffmpeg fails.
const std::filesystem::path& video_folder();

VideoTruth truth_of(const VideoCase& video);

}  // namespace zoo::test
