// The published checkpoints as their libraries list them, compiled in. Internal to models; see pretrained.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace zoo::models {

/// One line of models/timm_pretrained.tsv (timm 1.0.12). A name without a tag stands for the repository's checkpoint.
struct TimmRow {
  const char* name;
  const char* repository;
  int64_t input_size;
  double crop_pct;
  const char* interpolation;
  std::array<float, 3> mean;
  std::array<float, 3> std;
  int64_t num_classes;
  const char* model_file;
  const char* commit;
  const char* sha256;
};

/// One line of models/torchvision_pretrained.tsv (torchvision 0.14.1), a model's older weights first.
struct TorchvisionRow {
  const char* weights;
  const char* url;
  const char* model;
  std::vector<int64_t> resize;
  std::vector<int64_t> crop;
  const char* interpolation;  ///< empty where the library publishes no preprocessing
  std::array<float, 3> mean;
  std::array<float, 3> std;
  int64_t num_classes;
  const char* model_file;
  const char* sha256;
};

std::span<const TimmRow> timm_rows();
std::span<const TorchvisionRow> torchvision_rows();

}  // namespace zoo::models
