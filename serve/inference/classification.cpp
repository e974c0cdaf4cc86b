#include "serve/inference/classification.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include <fmt/format.h>

namespace zoo::serve {
namespace {

std::vector<size_t> best_of(std::span<const float> scores, size_t count) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto better = [&](size_t a, size_t b) {
    const bool a_is_none = std::isnan(scores[a]);
    const bool b_is_none = std::isnan(scores[b]);
    if (a_is_none || b_is_none) return a_is_none == b_is_none ? a < b : b_is_none;
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(order.begin(), middle, order.end(), better);
  order.resize(count);
  return order;
}

}  // namespace

NamedTensor classification_of(const NamedTensor& scores, int64_t count, const std::vector<std::string>& labels) {
  const auto& values = std::get<std::vector<float>>(scores.data);
  const size_t rows = static_cast<size_t>(scores.shape.front());
  const size_t classes = rows == 0 ? 0 : values.size() / rows;
  const size_t best = std::min(static_cast<size_t>(count), classes);
  std::vector<std::string> texts;
  texts.reserve(rows * best);
  for (size_t row = 0; row < rows; ++row) {
    const std::span<const float> of_row(values.data() + row * classes, classes);
    for (const size_t index : best_of(of_row, best)) {
      std::string text = fmt::format("{}:{}", of_row[index], index);
      if (labels.size() == classes) text += ":" + labels[index];
      texts.push_back(std::move(text));
    }
  }
  return {scores.name, Datatype::kBytes, {scores.shape.front(), static_cast<int64_t>(best)}, std::move(texts)};
}

}  // namespace zoo::serve
