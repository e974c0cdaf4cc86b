#include "pipeline/eval/class_names.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "models/labels.h"
#include "models/model_config.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "pipeline/eval/problem_list.h"

namespace zoo::eval {
namespace {

using Labels = std::span<const std::string>;

bool reads_like(std::string_view label, std::string_view name) {
  return std::ranges::equal(label, name, [](char a, char b) { return a == b || (a == ' ' && b == '_'); });
}

std::optional<int64_t> find_label(std::string_view name, Labels labels) {
  auto found = std::ranges::find(labels, name);
  if (found == labels.end()) {
    found = std::ranges::find_if(labels, [&](const std::string& label) { return reads_like(label, name); });
  }
  if (found == labels.end()) return std::nullopt;
  return found - labels.begin();
}

/// Number of an ImageNet-1k class by its WordNet id.
std::optional<size_t> imagenet_class(std::string_view name) {
  const std::vector<std::string>& ids = models::imagenet1k_wordnet_ids();
  const auto found = std::ranges::find(ids, name);
  if (found == ids.end()) return std::nullopt;
  return static_cast<size_t>(found - ids.begin());
}

std::optional<int64_t> class_of_wordnet_id(std::string_view name, Labels labels, int64_t num_classes) {
  const std::optional<size_t> number = imagenet_class(name);
  if (!number) return std::nullopt;
  if (!labels.empty()) return find_label(models::imagenet1k_labels()[*number], labels);
  if (num_classes != static_cast<int64_t>(models::imagenet1k_labels().size())) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<int64_t> class_of_numbered_label(std::string_view name, Labels labels, int64_t num_classes) {
  const size_t end = name.find('_');
  if (end == std::string_view::npos) return std::nullopt;
  const std::optional<int64_t> index = parse_number_in<int64_t>(name.substr(0, end), 0, num_classes - 1);
  if (!index || *index >= static_cast<int64_t>(labels.size())) return std::nullopt;
  return reads_like(labels[static_cast<size_t>(*index)], name.substr(end + 1)) ? index : std::nullopt;
}

}  // namespace

std::optional<int64_t> class_of_folder(std::string_view name, Labels labels, int64_t num_classes) {
  if (const auto index = find_label(name, labels)) return index;
  if (const auto index = parse_number_in<int64_t>(name, 0, num_classes - 1)) return index;
  if (const auto index = class_of_wordnet_id(name, labels, num_classes)) return index;
  return class_of_numbered_label(name, labels, num_classes);
}

std::string unknown_class(std::string_view name, Labels labels, const ProblemList& problems) {
  const std::string shown = fmt::format("\"{}\"", shortened(name));
  if (const std::optional<size_t> number = imagenet_class(name)) {
    return fmt::format("the model has no class {}, ImageNet's \"{}\"", shown, models::imagenet1k_labels()[*number]);
  }
  return fmt::format("the model has no class {}{}", shown, did_you_mean(name, labels, problems));
}

}  // namespace zoo::eval
