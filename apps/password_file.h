// Passwords that are not on the command line.
#pragma once

#include <string>

namespace zoo::apps {

/// The one line of the file of `--password-file`. Throws IoError, and UsageError for what is no line.
std::string password_from_file(const std::string& file);

}  // namespace zoo::apps
