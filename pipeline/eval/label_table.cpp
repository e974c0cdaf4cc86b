#include "pipeline/eval/label_table.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "nn/core/files.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/class_names.h"
#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/problem_list.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kExpectedHeader = "expected the header file,labels";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The fields of a line; nothing where a quote is not closed, or stands where none may.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    std::string& field = fields.back();
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      field += line[++i];
    } else if (quoted && c == '"') {
      quoted = false;
      if (i + 1 < line.size() && line[i + 1] != ',') return std::nullopt;
    } else if (!quoted && c == ',') {
      fields.emplace_back();
    } else if (!quoted && c == '"') {
      if (!field.empty()) return std::nullopt;
      quoted = true;
    } else {
      field += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

class TableReader {
 public:
  TableReader(const fs::path& file, const fs::path& folder, std::span<const std::string> labels, int64_t num_classes)
      : file_(file), pictures_(folder_of_pictures(folder)), labels_(labels), num_classes_(num_classes) {}

  std::vector<LabelItem> read() {
    std::ifstream stream(file_);
    if (!stream) {
      problems_.add(fmt::format("{}: {}; {} and a line FILE,LABEL;LABEL per picture (--annotations FILE)",
                                file_.string(), errno_text(), kExpectedHeader));
      problems_.throw_if_any();
    }
    for (std::string line; std::getline(stream, line) && !problems_.full();) {
      ++line_;
      std::string_view text = line;
      if (line_ == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
      if (!trimmed(text).empty()) add_line(trimmed(text));
    }
    if (stream.bad()) problems_.add(fmt::format("{}: cannot be read: {}", file_.string(), errno_text()));
    problems_.throw_if_any();
    if (!has_header_) problems_.add(fmt::format("{}: {}", file_.string(), kExpectedHeader));
    problems_.throw_if_any();
    if (items_.empty()) problems_.add(fmt::format("{}: no pictures below the header", file_.string()));
    problems_.throw_if_any();
    return std::move(items_);
  }

 private:
  void problem(const std::string& what) { problems_.add(fmt::format("{}:{}: {}", file_.string(), line_, what)); }

  void add_line(std::string_view line) {
    const auto fields = fields_of(line);
    if (!fields) {
      problem("a quote that is not closed, or inside a field that is not quoted");
    } else if (!std::exchange(has_header_, true)) {
      const bool is_header =
          fields->size() == 2 && trimmed((*fields)[0]) == "file" && trimmed((*fields)[1]) == "labels";
      if (!is_header) problem(fmt::format("{}, found {}", kExpectedHeader, shortened(std::string(line))));
    } else if (fields->size() != 2) {
      problem(fmt::format("expected 2 fields (file,labels), found {}; several labels are separated by semicolons",
                          fields->size()));
    } else {
      add_item((*fields)[0], (*fields)[1]);
    }
  }

  void add_item(const std::string& name, std::string_view labels) {
    const auto place = place_in(pictures_, name);
    if (!place) {
      problem(
          fmt::format("\"{}\" is not in the folder of the pictures, {} (--data DIR: they are in DIR/images or in DIR)",
                      shortened(name), pictures_.string()));
      return;
    }
    const auto [first, is_new] = lines_.emplace(place->string(), line_);
    if (!is_new) {
      problem(fmt::format("\"{}\" has line {} already", shortened(name), first->second));
      return;
    }
    items_.push_back({*place, classes_of(labels)});
  }

  std::vector<int64_t> classes_of(std::string_view labels) {
    std::vector<int64_t> classes;
    while (!labels.empty()) {
      const size_t end = std::min(labels.find(';'), labels.size());
      const std::string_view name = trimmed(labels.substr(0, end));
      labels.remove_prefix(std::min(end + 1, labels.size()));
      if (name.empty()) continue;
      if (const auto index = class_of_folder(name, labels_, num_classes_)) {
        classes.push_back(*index);
      } else {
        problem(unknown_class(name, labels_, problems_));
      }
    }
    std::ranges::sort(classes);
    classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
    return classes;
  }

  const fs::path file_;
  const fs::path pictures_;
  const std::span<const std::string> labels_;
  const int64_t num_classes_;
  ProblemList problems_;
  int64_t line_ = 0;
  bool has_header_ = false;
  std::map<std::string, int64_t> lines_;  ///< by picture
  std::vector<LabelItem> items_;
};

}  // namespace

std::vector<LabelItem> read_label_table(const fs::path& file, const fs::path& folder,
                                        std::span<const std::string> labels, int64_t num_classes) {
  return TableReader(file, folder, labels, num_classes).read();
}

}  // namespace zoo::eval
