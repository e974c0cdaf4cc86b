// The file is read as a stream of JSON tokens: a million annotations with their outlines need no tree in memory.
#include "pipeline/eval/coco_annotations.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/files.h"
#include "nn/core/json_nesting.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/problem_list.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

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

/// The fields of a row of `images`, `categories` or `annotations` that matter, as far as they are there.
struct Row {
  std::map<std::string, double, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> texts;
  std::vector<double> box;
  int64_t line = 0;
  std::string where;  ///< "annotations[7]"
};

struct Picture {
  fs::path file;
  std::optional<std::array<int64_t, 2>> size;
};

struct Category {
  std::string name;
  int64_t line = 0;
  std::string where;
};

struct Annotation {
  int64_t image_id = 0;
  int64_t category_id = 0;
  CocoTruth truth;
  int64_t line = 0;
  std::string where;
};

/// Takes finished rows, checks each for itself.
class Tables {
 public:
  explicit Tables(std::string file) : file_(std::move(file)) {}

  std::map<int64_t, Picture> pictures;
  std::map<int64_t, Category> categories;
  std::vector<Annotation> annotations;
  ProblemList problems;

  void problem(int64_t line, std::string_view where, std::string_view what) {
    problems.add(fmt::format("{}:{}: {}: {}", file_, line, where, what));
  }

  void add_picture(const Row& row) {
    const std::optional<int64_t> id = whole(row, "id");
    const std::optional<std::string> name = text(row, "file_name");
    if (!id || !name) return;
    Picture picture{*name, std::nullopt};
    if (row.numbers.contains("width") && row.numbers.contains("height")) {
      const std::optional<int64_t> height = whole(row, "height");
      const std::optional<int64_t> width = whole(row, "width");
      if (height && width) picture.size = {*height, *width};
    }
    if (!pictures.emplace(*id, picture).second) problem(row.line, row.where, fmt::format("the id {} came before", *id));
  }

  void add_category(const Row& row) {
    const std::optional<int64_t> id = whole(row, "id");
    const std::optional<std::string> name = text(row, "name");
    if (!id || !name) return;
    if (!categories.emplace(*id, Category{*name, row.line, row.where}).second) {
      problem(row.line, row.where, fmt::format("the id {} came before", *id));
    }
  }

  void add_annotation(const Row& row) {
    const std::optional<int64_t> image = whole(row, "image_id");
    const std::optional<int64_t> category = whole(row, "category_id");
    const bool box_ok = check_box(row);
    if (!image || !category || !box_ok) return;
    Annotation annotation{*image, *category, {}, row.line, row.where};
    annotation.truth.box = {row.box[0], row.box[1], row.box[2], row.box[3]};
    const auto area = row.numbers.find("area");
    annotation.truth.area = area != row.numbers.end() ? area->second : row.box[2] * row.box[3];
    const auto crowd = row.numbers.find("iscrowd");
    annotation.truth.crowd = crowd != row.numbers.end() && crowd->second != 0.0;
    annotations.push_back(std::move(annotation));
  }

 private:
  std::optional<int64_t> whole(const Row& row, std::string_view field) {
    constexpr double kLargest = 9007199254740992.0;  // 2^53: a double is exact so far
    const auto value = row.numbers.find(field);
    if (value == row.numbers.end()) {
      problem(row.line, row.where, fmt::format("the number \"{}\" is missing", field));
    } else if (value->second != std::floor(value->second) || std::abs(value->second) > kLargest) {
      problem(row.line, row.where, fmt::format("{}: expected a whole number, found {}", field, value->second));
    } else {
      return static_cast<int64_t>(value->second);
    }
    return std::nullopt;
  }

  std::optional<std::string> text(const Row& row, std::string_view field) {
    const auto value = row.texts.find(field);
    if (value != row.texts.end() && !value->second.empty()) return value->second;
    problem(row.line, row.where, fmt::format("the text \"{}\" is missing", field));
    return std::nullopt;
  }

  bool check_box(const Row& row) {
    if (row.box.size() != 4) {
      problem(row.line, row.where, fmt::format("bbox: {} numbers, expected x, y, width, height", row.box.size()));
    } else if (row.box[2] < 0.0 || row.box[3] < 0.0) {
      problem(row.line, row.where, fmt::format("bbox: negative size {}x{}", row.box[2], row.box[3]));
    } else {
      return true;
    }
    return false;
  }

  std::string file_;
};

/// The token stream: finds rows at depth 3 of the three lists and their fields, skips everything else.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Reader(Tables& tables, const int64_t& line) : tables_(tables), line_(line) {}

  bool seen(std::string_view list) const { return seen_.contains(list); }
  const std::string& syntax_error() const { return syntax_error_; }

  bool null() override { return true; }
  bool boolean(bool value) override { return number(value ? 1.0 : 0.0); }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return number(value); }
  bool binary(binary_t& /*value*/) override { return true; }
  bool string(string_t& value) override {
    if (depth_ == kInRow && in_list_) row_.texts[field_] = std::move(value);
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1) {
      section_ = std::move(value);
    } else if (depth_ == kInRow) {
      field_ = std::move(value);
    }
    return true;
  }
  bool start_object(std::size_t /*size*/) override {
    if (too_deep()) return false;
    if (++depth_ > kInRow) field_.clear();  // what is inside has other names
    if (depth_ != kInRow || !in_list_) return true;
    row_ = {};
    row_.line = line_;
    row_.where = fmt::format("{}[{}]", section_, index_++);
    return true;
  }
  bool end_object() override {
    if (depth_-- != kInRow || !in_list_) return true;
    if (section_ == "images") tables_.add_picture(row_);
    if (section_ == "categories") tables_.add_category(row_);
    if (section_ == "annotations") tables_.add_annotation(row_);
    return !tables_.problems.full();
  }
  bool start_array(std::size_t /*size*/) override {
    if (too_deep()) return false;
    if (++depth_ != 2) return true;
    in_list_ = section_ == "images" || section_ == "categories" || section_ == "annotations";
    if (in_list_) seen_.insert(section_);
    index_ = 0;
    return true;
  }
  bool end_array() override {
    if (depth_-- == 2) in_list_ = false;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    syntax_error_ = error.what();
    return false;
  }

 private:
  static constexpr int kInRow = 3;  // the file's object, a list, one of its objects

  bool too_deep() {
    if (depth_ < static_cast<int>(kMaxJsonNesting)) return false;
    syntax_error_ = fmt::format("lists and objects are nested more than {} deep", kMaxJsonNesting);
    return true;
  }

  bool number(double value) {
    if (!in_list_) return true;
    if (depth_ == kInRow) row_.numbers[field_] = value;
    if (depth_ == kInRow + 1 && field_ == "bbox") row_.box.push_back(value);
    return true;
  }

  Tables& tables_;
  const int64_t& line_;
  std::set<std::string, std::less<>> seen_;
  std::string syntax_error_;
  int depth_ = 0;
  bool in_list_ = false;
  int64_t index_ = 0;
  std::string section_;
  std::string field_;
  Row row_;
};

/// nlohmann repeats what it has read, which may be a text of any length.
constexpr size_t kShownSyntaxError = 240;

/// nlohmann's messages begin with a number of its own: "[json.exception.parse_error.101] parse error at ...".
std::string without_code(const std::string& message) {
  const size_t end = message.find("] ");
  return end == std::string::npos ? message : message.substr(end + 2);
}

Tables read_tables(const fs::path& file) {
  Tables tables(file.string());
  constexpr const char* kExpected = "expected COCO annotations: DIR/annotations.json and pictures in DIR/images";
  std::ifstream stream(file, std::ios::binary);
  std::error_code error;
  if (!stream || fs::is_directory(file, error)) {
    tables.problems.add(
        fmt::format("{}: cannot be read: {}; {}", file.string(), stream ? "it is a folder" : errno_text(), kExpected));
    tables.problems.throw_if_any();
  }
  int64_t line = 1;
  Reader reader(tables, line);
  const bool complete = nlohmann::json::sax_parse(LineCounter(stream, line), LineCounter(), &reader);
  if (!reader.syntax_error().empty()) {
    tables.problems.add(fmt::format("{}:{}: {}", file.string(), line,
                                    shortened(without_code(reader.syntax_error()), kShownSyntaxError)));
  }
  for (const char* list : {"images", "categories", "annotations"}) {
    if (complete && !reader.seen(list)) {
      tables.problems.add(fmt::format("{}: there is no list \"{}\"; {}", file.string(), list, kExpected));
    }
  }
  tables.problems.throw_if_any();
  return tables;
}

/// Class indices by category id. Categories that the model does not know matter only where something is annotated so.
std::map<int64_t, int64_t> match_categories(Tables& tables, std::span<const std::string> labels, int64_t num_classes) {
  std::set<int64_t> used;
  for (const Annotation& annotation : tables.annotations) used.insert(annotation.category_id);
  std::map<std::string_view, int64_t> class_of;
  for (size_t i = 0; i < labels.size(); ++i) class_of.emplace(labels[i], static_cast<int64_t>(i));
  std::map<int64_t, int64_t> classes;
  std::set<int64_t> taken;
  for (const auto& [id, category] : tables.categories) {
    const auto label = class_of.find(category.name);
    const bool known = labels.empty() ? id >= 0 && id < num_classes : label != class_of.end();
    if (known) {
      classes[id] = labels.empty() ? id : label->second;
      if (!taken.insert(classes[id]).second) {
        tables.problem(category.line, category.where,
                       fmt::format("the name \"{}\" came before", shortened(category.name)));
      }
    } else if (used.contains(id) && labels.empty()) {
      tables.problem(category.line, category.where,
                     fmt::format("the model has no labels, so ids are its classes; expected 0 to {}, found {}",
                                 num_classes - 1, id));
    } else if (used.contains(id)) {
      tables.problem(category.line, category.where,
                     fmt::format("the model has no class \"{}\"{}", shortened(category.name),
                                 did_you_mean(category.name, labels, tables.problems)));
    }
  }
  return classes;
}

}  // namespace

CocoAnnotations read_coco_annotations(const fs::path& file, const fs::path& folder, std::span<const std::string> labels,
                                      int64_t num_classes) {
  Tables tables = read_tables(file);
  const std::map<int64_t, int64_t> classes = match_categories(tables, labels, num_classes);
  std::error_code error;
  const fs::path pictures = fs::is_directory(folder / "images", error) ? folder / "images" : folder;
  std::map<int64_t, BoxItem> items;
  for (const auto& [id, picture] : tables.pictures) items[id] = {id, pictures / picture.file, picture.size, {}};
  if (items.empty()) tables.problems.add(fmt::format("{}: the list \"images\" is empty", file.string()));
  for (Annotation& annotation : tables.annotations) {
    const auto item = items.find(annotation.image_id);
    if (item == items.end()) {
      tables.problem(annotation.line, annotation.where, fmt::format("no image has the id {}", annotation.image_id));
    }
    if (!tables.categories.contains(annotation.category_id)) {
      tables.problem(annotation.line, annotation.where,
                     fmt::format("no category has the id {}", annotation.category_id));
    }
    const auto known = classes.find(annotation.category_id);
    if (item == items.end() || known == classes.end()) continue;
    annotation.truth.class_index = known->second;
    item->second.truths.push_back(annotation.truth);
  }
  tables.problems.throw_if_any();
  CocoAnnotations result;
  result.match = labels.empty() ? CategoryMatch::kById : CategoryMatch::kByName;
  for (auto& [id, item] : items) result.items.push_back(std::move(item));
  return result;
}

}  // namespace zoo::eval
