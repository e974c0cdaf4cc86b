#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "nn/weights/load.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

/// A heading with the count, then one line each, at most `limit`.
void append_section(std::string& text, std::string_view heading, const std::vector<std::string>& lines, size_t limit) {
  if (lines.empty()) return;
  text += fmt::format("\n  {} ({}):", heading, lines.size());
  const size_t shown = std::min(limit, lines.size());
  for (size_t i = 0; i < shown; ++i) text += "\n    " + lines[i];
  if (shown < lines.size()) text += fmt::format("\n    ... and {} more", lines.size() - shown);
}

std::vector<std::string> printable_names(const std::vector<std::string>& names) {
  std::vector<std::string> lines;
  std::transform(names.begin(), names.end(), std::back_inserter(lines), printable_name);
  return lines;
}

/// Names that the network needs, behind a prefix that is the file's: not cut.
std::vector<std::string> whole_names(const std::vector<std::string>& names) {
  std::vector<std::string> lines;
  std::transform(names.begin(), names.end(), std::back_inserter(lines), printable);
  return lines;
}

std::vector<std::string> mismatch_lines(const std::vector<LoadReport::Mismatch>& mismatches) {
  std::vector<std::string> lines;
  lines.reserve(mismatches.size());
  for (const LoadReport::Mismatch& mismatch : mismatches) {
    lines.push_back(fmt::format("{}: the network needs {}, the file has {}", printable(mismatch.tensor),
                                mismatch.expected.to_string(), mismatch.found.to_string()));
  }
  return lines;
}

/// Whether everything that does not fit is in the head; then a head for other classes is the likely reason.
bool only_head_differs(const LoadReport& report) {
  const auto in_head = [&report](std::string_view name) {
    if (name.starts_with(report.stripped_prefix)) name.remove_prefix(report.stripped_prefix.size());
    return section_of_tensor(report.ecosystem, name, report.names.get()) == Section::kHead;
  };
  return report.wrong_type.empty() && report.non_finite.empty() &&
         std::all_of(report.missing.begin(), report.missing.end(), in_head) &&
         std::all_of(report.unexpected.begin(), report.unexpected.end(), in_head) &&
         std::all_of(report.misshaped.begin(), report.misshaped.end(),
                     [&](const LoadReport::Mismatch& mismatch) { return in_head(mismatch.tensor); });
}

/// Classes of the file and of the network.
struct ClassCounts {
  int64_t found = 0;
  int64_t expected = 0;
};

/// The number of classes, if that is all that differs: the classifiers' weights and biases, in their outputs only.
std::optional<ClassCounts> differing_class_counts(const LoadReport& report) {
  if (report.misshaped.empty() || !report.missing.empty() || !report.unexpected.empty()) return std::nullopt;
  std::optional<ClassCounts> counts;
  for (const LoadReport::Mismatch& mismatch : report.misshaped) {
    const std::vector<int64_t>& expected = mismatch.expected.dims;
    const std::vector<int64_t>& found = mismatch.found.dims;
    if (expected.empty() || expected.size() != found.size()) return std::nullopt;
    if (!std::equal(expected.begin() + 1, expected.end(), found.begin() + 1)) return std::nullopt;
    const int64_t rows = mismatch.rows_per_class;
    if (rows == 0 || expected[0] % rows != 0 || found[0] % rows != 0) return std::nullopt;
    if (!counts) counts = ClassCounts{found[0] / rows, expected[0] / rows};
    if (counts->found != found[0] / rows || counts->expected != expected[0] / rows) return std::nullopt;
  }
  return counts;
}

}  // namespace

bool LoadReport::complete() const {
  return matched == total && missing.empty() && unexpected.empty() && misshaped.empty() && wrong_type.empty() &&
         non_finite.empty();
}

std::string LoadReport::advice() const {
  const size_t names_found = matched + misshaped.size() + wrong_type.size();
  if (names_found == 0 && total > 0) {
    return requested
               ? fmt::format("it has no name of {}; is checkpoint.scheme right?", weights::to_string(ecosystem))
               : "it has none of the network's tensors under any known name; is it a checkpoint of another model?";
  }
  if (!non_finite.empty()) return "it holds NaN or infinity; the training diverged or the file is damaged";
  if (!wrong_type.empty()) return "tensors have integer types; save the weights as F32, F16 or BF16";
  if (only_head_differs(*this)) {
    if (const std::optional<ClassCounts> classes = differing_class_counts(*this)) {
      return fmt::format(
          "only the number of classes differs ({} in the file, {} in the model file); set num_classes to {}, or load "
          "without the head (--allow-missing head)",
          classes->found, classes->expected, classes->found);
    }
    return "only the head differs; use the checkpoint's head in the model file, or load without the head "
           "(--allow-missing head)";
  }
  if (matched == total) return "it has tensors that the network lacks; use the model file of this checkpoint";
  return "the network differs from the one that was trained; use the model file of this checkpoint";
}

std::string LoadReport::to_string(size_t limit) const {
  std::string text = fmt::format(
      "{} names ({}), {} of {} tensors match: {} missing, {} unexpected, {} misshaped, {} of wrong type, {} non-finite",
      weights::to_string(ecosystem), requested ? "as asked" : (detected ? "detected" : "nearest"), matched, total,
      missing.size(), unexpected.size(), misshaped.size(), wrong_type.size(), non_finite.size());
  if (!entry.empty()) text += fmt::format("; taken from \"{}\"", printable_name(entry));
  if (!other_entries.empty()) {
    text += fmt::format(", not from \"{}\"", fmt::join(printable_names(other_entries), "\" or \""));
  }
  if (!stripped_prefix.empty() && outside_prefix.empty()) {
    text += fmt::format("; names begin with \"{}\", which was ignored", printable_name(stripped_prefix));
  } else if (!stripped_prefix.empty()) {
    text +=
        fmt::format("; {} fit behind \"{}\", {} that {} not begin with it left alone", matched,
                    printable_name(stripped_prefix), outside_prefix.size(), outside_prefix.size() == 1 ? "does" : "do");
  }
  if (!ignored.empty()) text += fmt::format("; {} for training only ignored", ignored.size());
  append_section(text, "missing", whole_names(missing), limit);
  append_section(text, "unexpected", printable_names(unexpected), limit);
  append_section(text, "misshaped", mismatch_lines(misshaped), limit);
  append_section(text, "wrong type", whole_names(wrong_type), limit);
  append_section(text, "non-finite", whole_names(non_finite), limit);
  append_section(text, "ignored", printable_names(ignored), limit);
  append_section(text, "left alone", printable_names(outside_prefix), limit);
  return text;
}

}  // namespace zoo::weights
