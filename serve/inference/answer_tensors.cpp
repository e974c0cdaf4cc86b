#include "serve/inference/answer_tensors.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/images/mask_png.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

using pipeline::Classification;
using pipeline::FoundObjects;
using pipeline::Segmentation;
using pipeline::TaskResult;

int64_t count_of(const auto& items) { return static_cast<int64_t>(items.size()); }

std::vector<NamedTensor> class_tensors(const std::vector<TaskResult>& results) {
  std::vector<std::string> labels;
  std::vector<float> scores;
  std::vector<int64_t> classes;
  std::vector<uint8_t> known;
  size_t guesses = 0;
  for (const TaskResult& result : results) guesses = std::max(guesses, std::get<Classification>(result).top.size());
  for (const TaskResult& result : results) {
    const auto& picture = std::get<Classification>(result);
    for (size_t i = 0; i < guesses; ++i) {
      const bool there = i < picture.top.size();
      labels.push_back(there ? picture.top[i].label : "");
      scores.push_back(there ? static_cast<float>(picture.top[i].score) : 0.0F);
      classes.push_back(there ? picture.top[i].index : -1);
    }
    if (picture.known) known.push_back(*picture.known ? 1 : 0);
  }
  const std::vector<int64_t> shape = {count_of(results), static_cast<int64_t>(guesses)};
  std::vector<NamedTensor> tensors = {{kLabels, Datatype::kBytes, shape, std::move(labels)},
                                      {kScores, Datatype::kFp32, shape, std::move(scores)},
                                      {kClasses, Datatype::kInt64, shape, std::move(classes)}};
  if (!known.empty()) tensors.push_back({kKnown, Datatype::kBool, {count_of(known)}, std::move(known)});
  return tensors;
}

std::vector<NamedTensor> box_tensors(const std::vector<TaskResult>& results) {
  std::vector<float> boxes;
  std::vector<float> scores;
  std::vector<int64_t> classes;
  std::vector<std::string> labels;
  std::vector<int64_t> counts;
  for (const TaskResult& result : results) {
    const auto& picture = std::get<FoundObjects>(result);
    for (const pipeline::FoundObject& found : picture.boxes) {
      boxes.insert(boxes.end(), {found.box.x0, found.box.y0, found.box.x1, found.box.y1});
      scores.push_back(static_cast<float>(found.score));
      classes.push_back(found.index);
      labels.push_back(found.label);
    }
    counts.push_back(count_of(picture.boxes));
  }
  const int64_t all = count_of(scores);
  return {{kBoxes, Datatype::kFp32, {all, 4}, std::move(boxes)},
          {kScores, Datatype::kFp32, {all}, std::move(scores)},
          {kClasses, Datatype::kInt64, {all}, std::move(classes)},
          {kLabels, Datatype::kBytes, {all}, std::move(labels)},
          {kCounts, Datatype::kInt64, {count_of(results)}, std::move(counts)}};
}

std::vector<NamedTensor> mask_tensors(const std::vector<TaskResult>& results) {
  std::vector<std::string> masks;
  for (const TaskResult& result : results) {
    const std::vector<uint8_t> png = pipeline::encode_mask_png(std::get<Segmentation>(result).labels);
    masks.emplace_back(png.begin(), png.end());
  }
  return {{kMasks, Datatype::kBytes, {count_of(results)}, std::move(masks)}};
}

}  // namespace

std::vector<NamedTensor> answer_tensors(const std::vector<TaskResult>& results) {
  if (std::holds_alternative<Classification>(results.front())) return class_tensors(results);
  if (std::holds_alternative<FoundObjects>(results.front())) return box_tensors(results);
  return mask_tensors(results);
}

std::vector<NamedTensor> network_tensors(std::vector<std::vector<std::pair<std::string, Tensor>>> pictures,
                                         std::span<const std::string> wanted) {
  std::vector<NamedTensor> tensors;
  for (auto& [name, first] : pictures.front()) {
    if (std::ranges::find(wanted, name) == wanted.end()) continue;
    const std::vector<int64_t> one = first.shape.dims;
    NamedTensor tensor{name, Datatype::kFp32, one, {}};
    std::vector<float> values = std::move(first.data);
    for (size_t picture = 1; picture < pictures.size() && name != kAnchors; ++picture) {
      const auto more = std::ranges::find(pictures[picture], name, &std::pair<std::string, Tensor>::first);
      if (more == pictures[picture].end() || more->second.shape.dims != one) {
        throw Error(
            fmt::format("output \"{}\" has another shape for each size of picture; send one picture at a time", name));
      }
      values.insert(values.end(), more->second.data.begin(), more->second.data.end());
      tensor.shape.front() += one.front();
    }
    tensor.data = std::move(values);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace zoo::serve
