// A file that holds one JSON array.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "apps/output.h"

namespace zoo::apps {

/// Writes a JSON array entry by entry, one a line.
class JsonArray {
 public:
  /// Creates or empties the file. Throws IoError.
  explicit JsonArray(std::string path) : out_(std::move(path)) {}
  /// Ends the array where something has gone wrong before finish(): what was added is not lost.
  ~JsonArray();
  JsonArray(const JsonArray&) = delete;
  JsonArray& operator=(const JsonArray&) = delete;

  /// `entry`: JSON text. Throws as TextOutput::write.
  void add(std::string_view entry);
  /// Ends the array. Throws as TextOutput::write.
  void finish();

 private:
  TextOutput out_;
  bool empty_ = true;
  bool finished_ = false;
};

}  // namespace zoo::apps
