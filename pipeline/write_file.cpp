#include "pipeline/write_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::pipeline {

void write_file(const std::filesystem::path& file, std::span<const uint8_t> bytes) {
  std::FILE* stream = std::fopen(file.c_str(), "wb");
  if (stream == nullptr) throw IoError(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(errno)));
  errno = 0;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size();
  int error = errno;
  if (std::fclose(stream) != 0 && written) error = errno;
  if (written && error == 0) return;
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  throw IoError(fmt::format("{}: writing failed: {}", file.string(), std::strerror(error)));
}

}  // namespace zoo::pipeline
