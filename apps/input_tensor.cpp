#include "apps/input_tensor.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/error.h"

namespace zoo::apps {

const weights::StoredTensor& input_tensor(const weights::SafetensorsFile& file, const std::string& path) {
  if (const weights::StoredTensor* stored = file.find("input")) return *stored;
  constexpr size_t kShown = 4;
  std::vector<std::string> names;
  for (const weights::StoredTensor& tensor : file.tensors()) {
    if (names.size() == kShown) {
      names.emplace_back("...");
      break;
    }
    names.push_back(tensor.name);
  }
  throw WeightError(fmt::format(
      "{}: there is no tensor \"input\" but {}; `backbone-zoo preprocess MODEL IMAGE --output FILE` writes one", path,
      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

}  // namespace zoo::apps
