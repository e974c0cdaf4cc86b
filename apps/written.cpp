#include "apps/written.h"

#include <fmt/format.h>

#include "nn/core/error.h"
#include "sinks/text_output.h"

namespace zoo::apps {

void tell_of_written(const std::string& file, const std::string& text) {
  try {
    sinks::TextOutput().write(text);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; {} is whole all the same, nothing has to be run again", error.what(), file));
  }
}

}  // namespace zoo::apps
