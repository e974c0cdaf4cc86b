// What FFmpeg's own tools say of a video, and videos that they make.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zoo::test {

/// What a command prints. Throws where it fails.
inline std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error(command);
  std::string text;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), count);
  if (pclose(pipe) != 0) throw std::runtime_error(command + ": failed; " + text);
  return text;
}

/// Runs ffmpeg; `arguments` as for a shell.
inline void run_ffmpeg(const std::string& arguments) { output_of("ffmpeg -v error -nostdin -y " + arguments); }

/// What ffprobe says of a file.
struct Probed {
  /// By its names: "codec_name", "width", "nb_frames".
  nlohmann::json streams;
  /// Of every stream the times of its packets, in seconds.
  std::vector<std::vector<double>> times;

  /// A property that ffprobe writes as text, "duration" or "start_time", in seconds.
  double seconds(size_t stream, const char* name) const {
    return std::stod(streams.at(stream).at(name).get<std::string>());
  }
};

inline Probed probe(const std::filesystem::path& file) {
  const auto text = output_of(fmt::format("ffprobe -v error -show_streams -show_packets -of json '{}'", file.string()));
  nlohmann::json all = nlohmann::json::parse(text);
  Probed probed{all.at("streams"), std::vector<std::vector<double>>(all.at("streams").size())};
  for (const auto& packet : all.at("packets")) {
    probed.times.at(packet.at("stream_index")).push_back(std::stod(packet.at("pts_time").get<std::string>()));
  }
  return probed;
}

/// How long the file lasts as a whole, in seconds.
inline double seconds_of(const std::filesystem::path& file) {
  return std::stod(
      output_of(fmt::format("ffprobe -v error -show_entries format=duration -of csv=p=0 '{}'", file.string())));
}

/// Whether FFmpeg decodes all of it, frame by frame, without a word.
inline bool decodes_cleanly(const std::filesystem::path& file) {
  return output_of(
             fmt::format("ffmpeg -v error -nostdin -i '{}' -fps_mode passthrough -enc_time_base -1 -f null - 2>&1",
                         file.string()))
      .empty();
}

}  // namespace zoo::test
