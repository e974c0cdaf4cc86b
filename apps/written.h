// What is said of files that are there already.
#pragma once

#include <string>

namespace zoo::apps {

/// Text on standard output behind a file that was written. Where that fails, the message (IoError) says that the file
/// is whole all the same.
void tell_of_written(const std::string& file, const std::string& text);

}  // namespace zoo::apps
