#include "models/pretrained.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "models/pretrained_table.h"
#include "nn/core/config_node.h"

namespace zoo::models {
namespace {

PreprocessConfig preprocess_of(std::string_view interpolation, const std::array<float, 3>& mean,
                               const std::array<float, 3>& std) {
  PreprocessConfig config;
  config.interpolation = interpolation_from_name(interpolation).value_or(Interpolation::kBilinear);
  config.mean.assign(mean.begin(), mean.end());
  config.std.assign(std.begin(), std.end());
  return config;
}

PretrainedCheckpoint from_timm(const TimmRow& row) {
  PretrainedCheckpoint known{.name = row.name,
                             .aliases = {},
                             .source = PretrainedSource::kHub,
                             .repository = row.repository,
                             .url = {},
                             .commit = row.commit,
                             .sha256 = row.sha256,
                             .model_file = row.model_file,
                             .num_classes = row.num_classes,
                             .preprocess = preprocess_of(row.interpolation, row.mean, row.std)};
  known.preprocess->resize = {resize_from_crop(row.input_size, row.crop_pct)};
  known.preprocess->crop = {row.input_size};
  return known;
}

PretrainedCheckpoint from_torchvision(const TorchvisionRow& row) {
  PretrainedCheckpoint known{.name = row.weights,
                             .aliases = {},
                             .source = PretrainedSource::kTorchvision,
                             .repository = {},
                             .url = row.url,
                             .commit = {},
                             .sha256 = row.sha256,
                             .model_file = row.model_file,
                             .num_classes = row.num_classes,
                             .preprocess = std::nullopt};
  if (*row.interpolation != '\0') {
    known.preprocess = preprocess_of(row.interpolation, row.mean, row.std);
    known.preprocess->resize = row.resize;
    known.preprocess->crop = row.crop;
  }
  return known;
}

void add_aliases(PretrainedCheckpoint& known, const std::string& model) {
  known.aliases.push_back(model);
  if (!known.model_file.empty()) known.aliases.push_back(known.model_file);
}

std::vector<PretrainedCheckpoint> build_table() {
  std::vector<PretrainedCheckpoint> table;
  for (const TimmRow& row : timm_rows()) {
    if (std::string_view(row.name).find('.') != std::string_view::npos) table.push_back(from_timm(row));
  }
  for (const TimmRow& row : timm_rows()) {
    const std::string_view name = row.name;
    if (name.find('.') != std::string_view::npos) continue;
    add_aliases(*std::ranges::find(table, row.repository, &PretrainedCheckpoint::repository), std::string(name));
  }
  const auto rows = torchvision_rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    table.push_back(from_torchvision(rows[i]));
    // torchvision's DEFAULT is a model's newest.
    const bool newest = i + 1 == rows.size() || std::string_view(rows[i + 1].model) != rows[i].model;
    if (newest) add_aliases(table.back(), rows[i].model);
  }
  return table;
}

}  // namespace

const std::vector<PretrainedCheckpoint>& pretrained_checkpoints() {
  static const std::vector<PretrainedCheckpoint> table = build_table();
  return table;
}

const PretrainedCheckpoint* find_pretrained(std::string_view name) {
  for (const PretrainedCheckpoint& known : pretrained_checkpoints()) {
    if (known.name == name || std::ranges::find(known.aliases, name) != known.aliases.end()) return &known;
  }
  return nullptr;
}

std::string unknown_pretrained(std::string_view name) {
  std::vector<std::string> names;
  for (const PretrainedCheckpoint& known : pretrained_checkpoints()) {
    names.insert(names.end(), known.aliases.begin(), known.aliases.end());
    names.push_back(known.name);
  }
  const std::string nearest = nearest_name(name, names);
  return fmt::format("no checkpoint is known as \"{}\"{}", name,
                     nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest));
}

int64_t resize_from_crop(int64_t size, double crop_pct) {
  return static_cast<int64_t>(std::floor(static_cast<double>(size) / crop_pct));
}

}  // namespace zoo::models
