#include "apps/password_file.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "apps/commands.h"
#include "nn/core/files.h"

namespace zoo::apps {
namespace {

constexpr size_t kMaxPassword = 4'096;

}  // namespace

std::string password_from_file(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw IoError(fmt::format("--password-file {}: {}", file, errno_text()));
  std::string text(kMaxPassword + 2, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() || text.size() > kMaxPassword ||
      text.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
    throw UsageError(fmt::format("--password-file {}: one line with the password is expected", file));
  }
  return text;
}

}  // namespace zoo::apps
