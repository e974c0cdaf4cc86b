#include "apps/json_array.h"

namespace zoo::apps {

void JsonArray::add(std::string_view entry) {
  out_.write(empty_ ? "[\n" : ",\n");
  out_.write(entry);
  empty_ = false;
}

void JsonArray::finish() {
  out_.write(empty_ ? "[]\n" : "\n]\n");
  out_.finish();
}

}  // namespace zoo::apps
