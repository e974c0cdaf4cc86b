#include "models/labels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/model_config.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::models {
namespace {

constexpr size_t kMaxFileBytes = 4U << 20U;
constexpr size_t kMaxProblems = 10;

// The first control character (C0, DEL or C1) of well-formed text. A label is printed as it is: what moves a terminal's
// cursor or changes its colours is no part of a name.
std::optional<unsigned> control_in(std::string_view label) {
  for (size_t i = 0; i < label.size(); ++i) {
    const auto byte = static_cast<unsigned char>(label[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return byte;
    if (byte != 0xC2) continue;
    const auto next = static_cast<unsigned char>(label[i + 1]);
    if (next < 0xA0) return next;
  }
  return std::nullopt;
}

// The text without a byte order mark before it and without blank lines behind it.
std::string_view without_frame(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? "" : text.substr(0, text.find('\n', last));
}

// Where the working directory is not the model file's folder, `--set model.labels=FILE` may have meant the former.
std::string here_instead(const std::string& source) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(source, error)) return {};
  return fmt::format("; paths are relative to the model file: write {}",
                     std::filesystem::absolute(source, error).string());
}

std::optional<std::string> read_text(const ConfigNode& node, const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    const std::string source = node.as_string();
    const std::vector<std::string> lists = {"imagenet1k", "coco91", "voc21"};
    const std::string meant = nearest_name(source, lists);
    node.problem(fmt::format("no labels file {} (built-in lists are {}){}", file.string(), fmt::join(lists, ", "),
                             meant.empty() ? here_instead(source) : fmt::format("; did you mean {}?", meant)));
    return std::nullopt;
  }
  if (!std::filesystem::is_regular_file(status)) {
    node.problem(fmt::format("{} is not a file", file.string()));
    return std::nullopt;
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::array<char, 4096> chunk{};
  while (stream.read(chunk.data(), chunk.size()) || stream.gcount() > 0) {
    text.append(chunk.data(), static_cast<size_t>(stream.gcount()));
    if (text.size() > kMaxFileBytes) {
      node.problem(fmt::format("{} is larger than 4 MiB", file.string()));
      return std::nullopt;
    }
  }
  if (!stream.eof()) {
    node.problem(fmt::format("{} cannot be read", file.string()));
    return std::nullopt;
  }
  return text;
}

}  // namespace

std::filesystem::path labels_file(const ConfigNode& node, const std::filesystem::path& folder) {
  if (!node || node.is_null() || !node.is_scalar()) return {};
  const std::string source = node.as_string();
  if (source == "imagenet1k" || source == "coco91" || source == "voc21") return {};
  return folder / source;
}

std::vector<std::string> decode_labels(const ConfigNode& node, const std::filesystem::path& folder) {
  if (!given(node)) return {};
  const std::string source = node.as_string();
  if (source == "imagenet1k") return imagenet1k_labels();
  if (source == "coco91") return coco91_labels();
  if (source == "voc21") return voc21_labels();
  const std::filesystem::path file = labels_file(node, folder);
  if (file.empty()) return {};
  const std::optional<std::string> text = read_text(node, file);
  if (!text) return {};
  const std::string_view content = without_frame(*text);
  if (content.empty()) {
    node.problem(fmt::format("{} is empty", file.string()));
    return {};
  }

  std::vector<std::string> labels;
  std::map<std::string, size_t> first_line;
  size_t problems = 0;
  const auto wrong = [&](const std::string& what) {
    node.problem(fmt::format("{}:{}: {}", file.string(), labels.size() + 1, what));
    ++problems;
  };
  for (size_t begin = 0; begin < content.size() && problems < kMaxProblems;) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    std::string label(content.substr(begin, end - begin));
    begin = end + 1;
    if (label.ends_with('\r')) label.pop_back();
    if (label.find_first_not_of(" \t") == std::string::npos) {
      wrong("empty line");
    } else if (!is_utf8(label)) {  // results carry labels into JSON, which allows nothing else
      wrong("not UTF-8 text");
    } else if (const std::optional<unsigned> control = control_in(label)) {
      wrong(fmt::format("a control character (0x{:02X})", *control));
    } else if (const auto [first, is_new] = first_line.try_emplace(label, labels.size() + 1); !is_new) {
      wrong(fmt::format("\"{}\" is the label of line {} already", shortened(label), first->second));
    }
    labels.push_back(std::move(label));
  }
  if (problems > 0) return {};
  return labels;
}

}  // namespace zoo::models
