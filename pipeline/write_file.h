// Whole files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace zoo::pipeline {

/// Writes all bytes, or removes the file and throws IoError: full disk, no permission.
void write_file(const std::filesystem::path& file, std::span<const uint8_t> bytes);

}  // namespace zoo::pipeline
