// Reading sources in tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nn/core/error.h"
#include "pipeline/video/frame_source.h"
#include "tests/pipeline/video/video_cases.h"

namespace zoo::pipeline {

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string content_of(const char* video) { return content_of(test::video_folder() / video); }

inline std::string error_of(const std::string& address, const ReadOptions& options = {}) {
  try {
    open_source(address, options);
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

struct Read {
  std::vector<Frame> frames;
  std::vector<FrameFailure> failures;
};

inline Read read_all(FrameSource& source) {
  Read read;
  while (std::optional<FrameResult> result = source.next()) {
    if (auto* frame = std::get_if<Frame>(&*result)) {
      read.frames.push_back(std::move(*frame));
    } else {
      read.failures.push_back(std::get<FrameFailure>(*result));
    }
  }
  EXPECT_EQ(source.next(), std::nullopt);
  return read;
}

}  // namespace zoo::pipeline
