#include "pipeline/eval/coco_annotations.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/files.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/coco_rows.h"
#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/problem_list.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

struct Picture {
  std::string file_name;
  std::optional<std::array<int64_t, 2>> size;
  int64_t line = 0;
  std::string where;
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

/// Takes rows, checks each for itself.
class Tables {
 public:
  explicit Tables(std::string file) : file_(std::move(file)) {}

  std::map<int64_t, Picture> pictures;
  std::map<int64_t, Category> categories;
  std::vector<Annotation> annotations;
  ProblemList problems;

  template <typename Place>  // a row or what was made of one
  void problem(const Place& place, std::string_view what) {
    problems.add(fmt::format("{}:{}: {}: {}", file_, place.line, place.where, what));
  }

  void add(std::string_view list, const CocoRow& row) {
    if (row.value.kind != CocoValue::Kind::kObject) {
      problem(row, fmt::format("expected an object, found {}", to_string(row.value)));
    } else if (list == "images") {
      add_picture(row);
    } else if (list == "categories") {
      add_category(row);
    } else {
      add_annotation(row);
    }
  }

 private:
  using Kind = CocoValue::Kind;

  void add_picture(const CocoRow& row) {
    const std::optional<int64_t> id = whole(row, "id");
    const std::optional<std::string> name = text(row, "file_name");
    std::optional<int64_t> height;
    std::optional<int64_t> width;
    if (row.fields.contains("height")) height = side(row, "height");
    if (row.fields.contains("width")) width = side(row, "width");
    if (!id || !name) return;
    Picture picture{*name, std::nullopt, row.line, row.where};
    if (height && width) picture.size = {*height, *width};
    if (!pictures.emplace(*id, picture).second) problem(row, fmt::format("the id {} came before", *id));
  }

  void add_category(const CocoRow& row) {
    const std::optional<int64_t> id = whole(row, "id");
    const std::optional<std::string> name = text(row, "name");
    if (!id || !name) return;
    if (!categories.emplace(*id, Category{*name, row.line, row.where}).second) {
      problem(row, fmt::format("the id {} came before", *id));
    }
  }

  void add_annotation(const CocoRow& row) {
    const std::optional<int64_t> image = whole(row, "image_id");
    const std::optional<int64_t> category = whole(row, "category_id");
    const std::optional<CocoBox> box = box_of(row);
    const std::optional<bool> crowd = crowd_of(row);
    std::optional<double> area;
    if (row.fields.contains("area")) area = area_of(row);
    const bool area_ok = area || !row.fields.contains("area");
    if (!image || !category || !box || !crowd || !area_ok) return;
    Annotation annotation{*image, *category, {}, row.line, row.where};
    annotation.truth.box = *box;
    annotation.truth.area = area.value_or(box->width * box->height);
    annotation.truth.crowd = *crowd;
    annotations.push_back(std::move(annotation));
  }

  /// A field of this kind; a problem if it is missing or another.
  const CocoValue* field(const CocoRow& row, std::string_view name, Kind kind, std::string_view expected) {
    const auto found = row.fields.find(name);
    if (found == row.fields.end()) {
      problem(row, fmt::format("the {} \"{}\" is missing", kind == Kind::kText ? "text" : "number", name));
    } else if (found->second.kind != kind) {
      problem(row, fmt::format("{}: expected {}, found {}", name, expected, to_string(found->second)));
    } else {
      return &found->second;
    }
    return nullptr;
  }

  std::optional<double> area_of(const CocoRow& row) {
    const CocoValue* value = field(row, "area", Kind::kNumber, "a number");
    if (value == nullptr) return std::nullopt;
    if (value->number >= 0.0) return value->number;
    problem(row, fmt::format("area: expected 0 or more, found {}", to_string(*value)));
    return std::nullopt;
  }

  /// Of a picture, in pixels.
  std::optional<int64_t> side(const CocoRow& row, std::string_view name) {
    const std::optional<int64_t> pixels = whole(row, name);
    if (!pixels || *pixels > 0) return pixels;
    problem(row, fmt::format("{}: expected at least 1, found {}", name, *pixels));
    return std::nullopt;
  }

  std::optional<int64_t> whole(const CocoRow& row, std::string_view name) {
    constexpr double kLargest = 9007199254740992.0;  // 2^53: a double is exact so far
    constexpr const char* kExpected = "a whole number";
    const CocoValue* value = field(row, name, Kind::kNumber, kExpected);
    if (value == nullptr) return std::nullopt;
    if (value->number == std::floor(value->number) && std::abs(value->number) <= kLargest) {
      return static_cast<int64_t>(value->number);
    }
    problem(row, fmt::format("{}: expected {}, found {}", name, kExpected, to_string(*value)));
    return std::nullopt;
  }

  std::optional<std::string> text(const CocoRow& row, std::string_view name) {
    const CocoValue* value = field(row, name, Kind::kText, "a text");
    if (value == nullptr) return std::nullopt;
    if (!value->text.empty()) return value->text;
    problem(row, fmt::format("{}: the text is empty", name));
    return std::nullopt;
  }

  std::optional<CocoBox> box_of(const CocoRow& row) {
    constexpr const char* kExpected = "x, y, width, height";
    const auto found = row.fields.find("bbox");
    if (found == row.fields.end()) {
      problem(row, fmt::format("bbox: is missing, expected {}", kExpected));
      return std::nullopt;
    }
    const CocoValue& box = found->second;
    const auto wrong = std::ranges::find_if(box.items, [](const CocoValue& v) { return v.kind != Kind::kNumber; });
    if (box.kind != Kind::kList) {
      problem(row, fmt::format("bbox: expected a list of {}, found {}", kExpected, to_string(box)));
    } else if (wrong != box.items.end()) {
      problem(row, fmt::format("bbox[{}]: expected a number, found {}", wrong - box.items.begin(), to_string(*wrong)));
    } else if (box.items.size() != 4) {
      problem(row, fmt::format("bbox: {} numbers, expected {}", box.items.size(), kExpected));
    } else if (box.items[2].number < 0.0 || box.items[3].number < 0.0) {
      problem(row, fmt::format("bbox: negative size {}x{}", box.items[2].number, box.items[3].number));
    } else {
      return CocoBox{box.items[0].number, box.items[1].number, box.items[2].number, box.items[3].number};
    }
    return std::nullopt;
  }

  /// 0 and 1, or false and true; absent means no.
  std::optional<bool> crowd_of(const CocoRow& row) {
    const auto found = row.fields.find("iscrowd");
    if (found == row.fields.end()) return false;
    const CocoValue& value = found->second;
    const bool is_number = value.kind == Kind::kNumber || value.kind == Kind::kBool;
    if (is_number && (value.number == 0.0 || value.number == 1.0)) return value.number != 0.0;
    problem(row, fmt::format("iscrowd: expected 0 or 1, found {}", to_string(value)));
    return std::nullopt;
  }

  std::string file_;
};

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
  const CocoRead read = read_coco_rows(stream, [&](std::string_view list, const CocoRow& row) {
    tables.add(list, row);
    return !tables.problems.full();
  });
  if (!read.syntax_error.empty()) {
    tables.problems.add(fmt::format("{}:{}: {}", file.string(), read.line, read.syntax_error));
  }
  for (const char* list : {"images", "categories", "annotations"}) {
    if (read.complete && !read.lists.contains(list)) {
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
        tables.problem(category, fmt::format("the name \"{}\" came before", shortened(category.name)));
      }
    } else if (used.contains(id) && labels.empty()) {
      tables.problem(category,
                     fmt::format("the model has no labels, so ids are its classes; expected 0 to {}, found {}",
                                 num_classes - 1, id));
    } else if (used.contains(id)) {
      tables.problem(category, fmt::format("the model has no class \"{}\"{}", shortened(category.name),
                                           did_you_mean(category.name, labels, tables.problems)));
    }
  }
  return classes;
}

/// The pictures by id, without objects.
std::map<int64_t, BoxItem> find_pictures(Tables& tables, const fs::path& folder) {
  const fs::path pictures = folder_of_pictures(folder);
  std::map<int64_t, BoxItem> items;
  for (const auto& [id, picture] : tables.pictures) {
    const std::optional<fs::path> place = place_in(pictures, picture.file_name);
    if (!place) {
      tables.problem(picture,
                     fmt::format("file_name: \"{}\" is not in the folder of the pictures, {} (--data DIR: they "
                                 "are in DIR/images or in DIR)",
                                 shortened(picture.file_name), pictures.string()));
    }
    items[id] = {id, place.value_or(""), picture.size, {}};
  }
  return items;
}

}  // namespace

CocoAnnotations read_coco_annotations(const fs::path& file, const fs::path& folder, std::span<const std::string> labels,
                                      int64_t num_classes) {
  Tables tables = read_tables(file);
  const std::map<int64_t, int64_t> classes = match_categories(tables, labels, num_classes);
  std::map<int64_t, BoxItem> items = find_pictures(tables, folder);
  if (items.empty()) tables.problems.add(fmt::format("{}: the list \"images\" is empty", file.string()));
  for (Annotation& annotation : tables.annotations) {
    const auto item = items.find(annotation.image_id);
    if (item == items.end()) {
      tables.problem(annotation, fmt::format("no image has the id {}", annotation.image_id));
    }
    if (!tables.categories.contains(annotation.category_id)) {
      tables.problem(annotation, fmt::format("no category has the id {}", annotation.category_id));
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
