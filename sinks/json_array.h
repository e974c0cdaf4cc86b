// A file that holds one JSON array.
#pragma once

#include <string>
#include <string_view>

#include "sinks/text_output.h"

namespace zoo::sinks {

/// Writes a JSON array entry by entry, one a line. The file appears, or takes an older one's place, when it is whole.
class JsonArray {
 public:
  /// See DocumentOutput. Throws IoError.
  explicit JsonArray(const std::string& path) : out_(path) {}
  /// Ends the array where something has gone wrong before finish(), as far as it goes: what was added is not lost, and
  /// an older file stays where nothing was.
  ~JsonArray();
  JsonArray(const JsonArray&) = delete;
  JsonArray& operator=(const JsonArray&) = delete;

  /// `entry`: JSON text. Throws as DocumentOutput::write.
  void add(std::string_view entry);
  /// Ends the array. Throws as DocumentOutput::finish.
  void finish();

 private:
  DocumentOutput out_;
  bool empty_ = true;
  bool finished_ = false;
};

}  // namespace zoo::sinks
