#include "pipeline/batch/regular_file.h"

#include <string_view>
#include <sys/stat.h>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::batch {
namespace {

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

void check_regular(const std::filesystem::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  throw ConfigError({fmt::format("{}: is {}; a job reads and writes regular files only: name another, or remove it",
                                 file.string(), kind_of(status.st_mode))});
}

}  // namespace zoo::batch
