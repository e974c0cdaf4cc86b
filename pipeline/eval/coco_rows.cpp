#include "pipeline/eval/coco_rows.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/json_nesting.h"
#include "nn/core/shown_text.h"

namespace zoo::eval {
namespace {

constexpr std::array<std::string_view, 3> kLists = {"images", "categories", "annotations"};
constexpr std::array<std::string_view, 10> kFields = {"id",       "file_name",   "width", "height", "name",
                                                      "image_id", "category_id", "bbox",  "area",   "iscrowd"};

/// Reads a stream byte by byte and counts lines.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  LineCounter() = default;
  LineCounter(std::istream& stream, int64_t& line) : at_(stream), line_(&line) {}

  char operator*() const { return *at_; }
  LineCounter& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  LineCounter operator++(int) {
    LineCounter before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const LineCounter& a, const LineCounter& b) { return a.at_ == b.at_; }
  friend bool operator!=(const LineCounter& a, const LineCounter& b) { return !(a == b); }

 private:
  std::istreambuf_iterator<char> at_;
  int64_t* line_ = nullptr;
};

/// nlohmann repeats what it has read, which may be a text of any length.
constexpr size_t kShownSyntaxError = 240;

/// nlohmann's messages begin with a number of its own: "[json.exception.parse_error.101] parse error at ...".
std::string without_code(const std::string& message) {
  const size_t end = message.find("] ");
  return end == std::string::npos ? message : message.substr(end + 2);
}

/// The token stream: finds the elements of the three lists and their fields, skips everything else.
class TokenReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  using Take = std::function<bool(std::string_view, const CocoRow&)>;

  TokenReader(CocoRead& read, const Take& take) : read_(read), take_(take) {}

  bool null() override { return value({CocoValue::Kind::kNull, 0.0, {}, {}}); }
  bool boolean(bool is) override { return value({CocoValue::Kind::kBool, is ? 1.0 : 0.0, {}, {}}); }
  bool number_integer(number_integer_t is) override { return number(static_cast<double>(is)); }
  bool number_unsigned(number_unsigned_t is) override { return number(static_cast<double>(is)); }
  bool number_float(number_float_t is, const string_t& /*text*/) override { return number(is); }
  bool binary(binary_t& /*is*/) override { return true; }
  bool string(string_t& is) override { return value({CocoValue::Kind::kText, 0.0, std::move(is), {}}); }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      section_ = std::move(name);
    } else if (depth_ == kInRow) {
      field_ = std::move(name);
    }
    return true;
  }

  bool start_object(std::size_t /*size*/) override {
    if (too_deep()) return false;
    if (depth_++ != kInList || !in_list_) return value_at(depth_ - 1, {CocoValue::Kind::kObject, 0.0, {}, {}});
    begin_row({CocoValue::Kind::kObject, 0.0, {}, {}});
    in_row_ = true;
    return true;
  }

  bool end_object() override {
    if (--depth_ != kInList || !in_row_) return true;
    in_row_ = false;
    return take_(section_, row_);
  }

  bool start_array(std::size_t /*size*/) override {
    if (too_deep()) return false;
    if (depth_++ != 1) return value_at(depth_ - 1, {CocoValue::Kind::kList, 0.0, {}, {}});
    in_list_ = std::ranges::find(kLists, section_) != kLists.end();
    if (in_list_) read_.lists.insert(section_);
    index_ = 0;
    return true;
  }

  bool end_array() override {
    if (--depth_ == 1) in_list_ = false;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    read_.syntax_error = shortened(without_code(error.what()), kShownSyntaxError);
    return false;
  }

 private:
  // So many brackets are open around an element of a list, a field of a row, an element of a field.
  static constexpr int kInList = 2;
  static constexpr int kInRow = 3;
  static constexpr int kInField = 4;

  bool too_deep() {
    if (depth_ < static_cast<int>(kMaxJsonNesting)) return false;
    read_.syntax_error = fmt::format("lists and objects are nested more than {} deep", kMaxJsonNesting);
    return true;
  }

  bool number(double is) { return value({CocoValue::Kind::kNumber, is, {}, {}}); }
  bool value(CocoValue is) { return value_at(depth_, std::move(is)); }

  bool value_at(int depth, CocoValue is) {
    if (in_list_ && depth == kInList) {
      begin_row(std::move(is));
      return take_(section_, row_);
    }
    if (!in_row_ || depth > kInField || std::ranges::find(kFields, field_) == kFields.end()) return true;
    if (depth == kInRow) row_.fields[field_] = std::move(is);
    if (depth == kInField && row_.fields[field_].kind == CocoValue::Kind::kList) {
      row_.fields[field_].items.push_back(std::move(is));
    }
    return true;
  }

  void begin_row(CocoValue is) {
    row_ = {read_.line, fmt::format("{}[{}]", section_, index_++), std::move(is), {}};
    field_.clear();
  }

  CocoRead& read_;
  const Take& take_;
  int depth_ = 0;  ///< brackets that are open
  bool in_list_ = false;
  bool in_row_ = false;
  int64_t index_ = 0;
  std::string section_;
  std::string field_;
  CocoRow row_;
};

}  // namespace

std::string to_string(const CocoValue& value) {
  switch (value.kind) {
    case CocoValue::Kind::kNumber:
      return fmt::format("{}", value.number);
    case CocoValue::Kind::kText:
      return fmt::format("the text \"{}\"", shortened(value.text));
    case CocoValue::Kind::kBool:
      return value.number != 0.0 ? "true" : "false";
    case CocoValue::Kind::kNull:
      return "null";
    case CocoValue::Kind::kList:
      return "a list";
    case CocoValue::Kind::kObject:
      break;
  }
  return "an object";
}

CocoRead read_coco_rows(std::istream& stream, const std::function<bool(std::string_view, const CocoRow&)>& take) {
  CocoRead read;
  TokenReader reader(read, take);
  read.complete = nlohmann::json::sax_parse(LineCounter(stream, read.line), LineCounter(), &reader);
  return read;
}

}  // namespace zoo::eval
