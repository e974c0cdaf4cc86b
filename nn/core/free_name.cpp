#include "nn/core/free_name.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace zoo {

NamingCalls system_naming_calls() {
  return {.rename_to_free = [](const char* from,
                               const char* to) { return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE); },
          .link = ::link,
          .rename = ::rename};
}

bool rename_to_free(const std::filesystem::path& from, const std::filesystem::path& to, const NamingCalls& calls) {
  // Which error says that a way is not known differs between file systems; any but EEXIST may.
  if (calls.rename_to_free(from.c_str(), to.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  if (calls.link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  constexpr mode_t kReserved = 0600;
  const int reserved = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kReserved);
  if (reserved < 0) return false;
  ::close(reserved);
  if (calls.rename(from.c_str(), to.c_str()) == 0) return true;
  const int error = errno;
  ::unlink(to.c_str());
  errno = error;
  return false;
}

}  // namespace zoo
