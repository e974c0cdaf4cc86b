#include "sinks/json_array.h"

#include <exception>

namespace zoo::sinks {

void JsonArray::add(std::string_view entry) {
  out_.write(empty_ ? "[\n" : ",\n");
  out_.write(entry);
  empty_ = false;
}

void JsonArray::finish() {
  finished_ = true;
  out_.write(empty_ ? "[]\n" : "\n]\n");
  out_.finish();
}

JsonArray::~JsonArray() {
  if (finished_ || empty_) return;
  try {
    finish();
  } catch (const std::exception&) {  // whatever went wrong before is being told
  }
}

}  // namespace zoo::sinks
