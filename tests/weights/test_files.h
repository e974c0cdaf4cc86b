// Files for the tests of this folder: a temporary folder per test and safetensors files made byte by byte.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace zoo::weights {

/// A test with a folder of its own, removed afterwards.
class FileTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  /// Writes `bytes` to a file of the folder and yields its path.
  std::filesystem::path write(const std::string& name, std::string_view bytes) const;

  test::TempFolder temp_;
  std::filesystem::path folder_ = temp_.path();
};

/// 8 bytes of header length, the header, the data.
std::string file_bytes(std::string_view header, std::string_view data);
/// The same with a header length that need not be true.
std::string file_bytes(uint64_t header_length, std::string_view header, std::string_view data);

std::string read_bytes(const std::filesystem::path& path);

/// Bytes of a number as they are in a file.
template <typename T>
std::string bytes_of(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// What opening the file says is wrong; "opened" if nothing is.
std::string opening_error(const std::filesystem::path& path);

/// `path` of tests/reference_data.
std::filesystem::path reference_data(const std::string& path);

}  // namespace zoo::weights
