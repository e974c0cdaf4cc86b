// A file that holds one JSON array.
#pragma once

#include <string>
#include <string_view>

#include "apps/output.h"

namespace zoo::apps {

/// Writes a JSON array entry by entry, one a line.
class JsonArray {
 public:
  /// Creates or empties the file. Throws IoError.
  explicit JsonArray(std::string path) : out_(std::move(path)) {}

  /// `entry`: JSON text. Throws as TextOutput::write.
  void add(std::string_view entry);
  /// Ends the array; without it the file is not JSON. Throws as TextOutput::write.
  void finish();

 private:
  TextOutput out_;
  bool empty_ = true;
};

}  // namespace zoo::apps
