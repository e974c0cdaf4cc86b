// The rows of a COCO file's lists `images`, `categories` and `annotations`, with the fields that matter. The file is
// read as a stream of JSON tokens: a million annotations with their outlines need no tree in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::eval {

/// A JSON value, as far as it is looked at.
struct CocoValue {
  enum class Kind { kNumber, kText, kBool, kNull, kList, kObject };

  Kind kind = Kind::kNull;
  double number = 0.0;           ///< of a number; 1 for true, 0 for false
  std::string text;              ///< of a text
  std::vector<CocoValue> items;  ///< of a list that is a field; lists and objects in it are empty
};

/// What a message calls a value: `3.5`, `the text "1"`, `true`, `null`, `a list`, `an object`.
std::string to_string(const CocoValue& value);

/// An element of one of the three lists.
struct CocoRow {
  int64_t line = 0;
  std::string where;  ///< "annotations[7]"
  CocoValue value;    ///< an object; else what is there in place of one
  /// Of an object: those that are read (id, file_name, width, height, name, image_id, category_id, bbox, area,
  /// iscrowd).
  std::map<std::string, CocoValue, std::less<>> fields;
};

/// How far a file could be read.
struct CocoRead {
  std::set<std::string, std::less<>> lists;  ///< those of the three that are there
  bool complete = false;
  std::string syntax_error;  ///< empty where it was `take` that ended it
  int64_t line = 1;          ///< where it ended
};

/// Hands every row to `take(list, row)` until that returns false or the file is no JSON. Holds one row at a time.
CocoRead read_coco_rows(std::istream& stream, const std::function<bool(std::string_view, const CocoRow&)>& take);

}  // namespace zoo::eval
