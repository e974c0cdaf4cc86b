#include "serve/inference/oip_data.h"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "serve/inference/oip_tensor.h"

namespace zoo::serve {
namespace {

constexpr size_t kOpen = std::numeric_limits<size_t>::max();  // the size of a list that has not ended yet
constexpr const char* kMixed = "elements and lists stand side by side";

}  // namespace

void OipDataReader::begin(OipInput& input) {
  input_ = &input;
  counts_.clear();
  leaf_depth_ = 0;
  const std::optional<int64_t> count = input.shape.empty() ? std::nullopt : element_count(input.shape);
  most_ = count ? static_cast<size_t>(*count) : std::numeric_limits<size_t>::max();
}

bool OipDataReader::fail(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool OipDataReader::open_list() {
  if (leaf_depth_ != 0 && counts_.size() >= leaf_depth_) return fail(kMixed);
  if (counts_.size() == kMaxOipRank) return fail(fmt::format("lists are nested deeper than {}", kMaxOipRank));
  if (!counts_.empty()) ++counts_.back();
  counts_.push_back(0);
  if (input_->nesting.size() < counts_.size()) input_->nesting.push_back(kOpen);
  return true;
}

bool OipDataReader::close_list() {
  size_t& size = input_->nesting[counts_.size() - 1];
  if (size != kOpen && size != counts_.back()) {
    return fail(fmt::format("lists are uneven: one has {} elements, another {}", size, counts_.back()));
  }
  size = counts_.back();
  counts_.pop_back();
  if (counts_.empty()) input_->has_data = true;
  return true;
}

bool OipDataReader::element() {
  if (leaf_depth_ == 0) leaf_depth_ = input_->nesting.size();
  if (counts_.size() != leaf_depth_) return fail(kMixed);
  if (input_->count == most_) return fail(fmt::format("the shape has no more than {} elements", most_));
  ++counts_.back();
  ++input_->count;
  return true;
}

bool OipDataReader::number(double value, float nearest) {
  if (input_->datatype == "UINT8") {
    if (!(value >= 0 && value <= 255) || value != std::floor(value)) {
      return fail(fmt::format("{} is no UINT8, a whole number from 0 to 255", value));
    }
    input_->bytes.push_back(static_cast<uint8_t>(value));
  } else {
    if (!std::isfinite(nearest)) return fail(fmt::format("{} is more than an FP32 holds", value));
    input_->numbers.push_back(nearest);
  }
  return element();
}

bool OipDataReader::text(std::string value) {
  if (input_->texts.size() == kMaxOipTexts) return fail(fmt::format("a request has at most {} texts", kMaxOipTexts));
  input_->texts.push_back(std::move(value));
  return element();
}

bool OipDataReader::truth() {
  input_->has_bools = true;
  return element();
}

}  // namespace zoo::serve
