#include "models/threshold_edit.h"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/model_config.h"
#include "nn/core/error.h"
#include "nn/core/parse_number.h"

namespace zoo::models {
namespace {

/// Where lines begin.
std::vector<size_t> line_starts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    starts.push_back(end + 1);
  }
  return starts;
}

class Editor {
 public:
  Editor(std::string_view text, const std::filesystem::path& file, const UnknownConfig& config)
      : text_(text), file_(file), config_(config), starts_(line_starts(text)) {}

  std::string edited() {
    const ConfigDocument document = ConfigDocument::parse(text_, file_.string());
    const ConfigNode model = document.root().at("model");
    const ConfigNode unknown = model.find("unknown");
    if (!unknown) {
      insert_below(model.at("task"));
    } else if (given(unknown)) {
      // The later one first, so that the place of the other stays what it is.
      const ConfigNode score = unknown.at("score");
      const ConfigNode threshold = unknown.at("threshold");
      const bool threshold_is_later = place_of(threshold) > place_of(score);
      if (threshold_is_later) replace(threshold, fmt::to_string(config_.threshold));
      replace(score, std::string(to_string(config_.score)));
      if (!threshold_is_later) replace(threshold, fmt::to_string(config_.threshold));
    } else {
      fail();
    }
    check();
    return text_;
  }

 private:
  [[noreturn]] void fail() const {
    throw ConfigError(
        {fmt::format("{}: laid out so that only a person can put this in its place; write it yourself, in "
                     "the place of `unknown` under `model`: {}",
                     file_.string(), to_yaml(config_))});
  }

  /// Of a value's first byte.
  size_t place_of(const ConfigNode& node) const {
    const std::string where = node.where();  // FILE:LINE:COLUMN
    const size_t column_at = where.rfind(':');
    if (column_at == std::string::npos || column_at == 0) fail();
    const size_t line_at = where.rfind(':', column_at - 1);
    if (line_at == std::string::npos) fail();
    const auto line = parse_number<size_t>(std::string_view(where).substr(line_at + 1, column_at - line_at - 1));
    const auto column = parse_number<size_t>(std::string_view(where).substr(column_at + 1));
    if (!line || !column || *line < 1 || *line > starts_.size() || *column < 1) fail();
    const size_t place = starts_[*line - 1] + *column - 1;
    if (place >= text_.size()) fail();
    return place;
  }

  void replace(const ConfigNode& node, const std::string& value) {
    if (!node.is_scalar()) fail();
    const size_t place = place_of(node);
    const std::string old = node.as_string();
    if (text_.compare(place, old.size(), old) == 0) {
      text_.replace(place, old.size(), value);
      return;
    }
    const char quote = text_[place];
    const bool quoted = (quote == '"' || quote == '\'') && text_.compare(place + 1, old.size(), old) == 0 &&
                        place + 1 + old.size() < text_.size() && text_[place + 1 + old.size()] == quote;
    if (!quoted) fail();
    text_.replace(place, old.size() + 2, value);
  }

  void insert_below(const ConfigNode& task) {
    const size_t place = place_of(task);
    size_t start = 0;
    for (const size_t line : starts_) start = line <= place ? line : start;
    size_t key = text_.find_first_not_of(' ', start);
    constexpr std::string_view kTask = "task:";
    if (key > place || text_.compare(key, kTask.size(), kTask) != 0) fail();
    const size_t end = text_.find('\n', place);
    const bool has_end = end != std::string::npos;
    const bool is_dos = has_end && end > 0 && text_[end - 1] == '\r';
    const std::string line =
        fmt::format("{}{}{}", text_.substr(start, key - start), to_yaml(config_), is_dos ? "\r\n" : "\n");
    text_.insert(has_end ? end + 1 : text_.size(), has_end ? line : "\n" + line);
  }

  /// That the file now says what it should.
  void check() const {
    try {
      const ModelConfig config = decode_model_config(ConfigDocument::parse(text_, file_.string()), file_);
      if (config.answers.unknown == config_) return;
    } catch (const ConfigError&) {
    }
    fail();
  }

  std::string text_;
  const std::filesystem::path file_;
  const UnknownConfig config_;
  const std::vector<size_t> starts_;  ///< of the text as it was
};

}  // namespace

std::string to_yaml(const UnknownConfig& config) {
  return fmt::format("unknown: {{score: {}, threshold: {}}}", to_string(config.score), config.threshold);
}

std::string with_unknown(std::string_view text, const std::filesystem::path& file, const UnknownConfig& config) {
  return Editor(text, file, config).edited();
}

}  // namespace zoo::models
