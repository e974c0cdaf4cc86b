#include "tests/weights/test_files.h"

#include <fstream>
#include <iterator>

#include "nn/core/error.h"
#include "nn/weights/safetensors.h"

namespace zoo::weights {

std::filesystem::path FileTest::write(const std::string& name, std::string_view bytes) const {
  std::filesystem::remove(path(name));  // truncating instead makes some file systems flush, thousands of times
  std::ofstream stream(path(name), std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  EXPECT_TRUE(stream.good());
  return path(name);
}

std::string file_bytes(std::string_view header, std::string_view data) {
  return file_bytes(header.size(), header, data);
}

std::string file_bytes(uint64_t header_length, std::string_view header, std::string_view data) {
  return bytes_of(header_length).append(header).append(data);
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string opening_error(const std::filesystem::path& path) {
  try {
    SafetensorsFile::open(path);
  } catch (const WeightError& error) {
    return error.what();
  }
  return "opened";
}

std::filesystem::path reference_data(const std::string& path) {
  return std::filesystem::path(ZOO_SOURCE_DIR) / "tests/reference_data" / path;
}

}  // namespace zoo::weights
