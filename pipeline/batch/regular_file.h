// Files of a job are regular files: a pipe would make a task wait for ever. Not installed.
#pragma once

#include <filesystem>

namespace zoo::batch {

/// Throws ConfigError where a name leads to a folder, a pipe, a device or a socket; nothing there is no error. Opens
/// nothing, as a writer at the other end of a pipe would notice.
void check_regular(const std::filesystem::path& file);

}  // namespace zoo::batch
