#include "apps/json_array.h"

#include <exception>

#include <spdlog/spdlog.h>

namespace zoo::apps {

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
  } catch (const std::exception& error) {
    spdlog::error(error.what());
  }
}

}  // namespace zoo::apps
