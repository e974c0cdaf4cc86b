#include "nn/weights/pickle_stack.h"

#include <charconv>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::weights {
namespace {

// Far above what a checkpoint needs (a tensor takes about 15 values), low enough that the values fit some 100 MB.
constexpr size_t kMaxValues = 1'000'000;
constexpr size_t kMaxReferences = 4'000'000;
constexpr size_t kMaxMarks = 1'000;
constexpr size_t kMaxDigits = 20;

}  // namespace

std::string_view PickleBytes::line(std::string_view what, size_t limit) {
  const size_t end = pickle_.find('\n', position_);
  if (end == std::string_view::npos || end - position_ > limit) fail(fmt::format("{} without end", what));
  const std::string_view text = read(end - position_);
  ++position_;
  return text;
}

size_t PickleBytes::number_line() {
  const std::string_view text = line("a number", kMaxDigits);
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) fail("a number that is none");
  return value;
}

void PickleBytes::fail(const std::string& problem) const {
  throw WeightError(fmt::format("{}: data.pkl at byte {}: {}", file_, opcode_at_, problem));
}

void PickleStack::push(PickleValue value) {
  if (document_.values.size() == kMaxValues) bytes_.fail(fmt::format("more than {} values", kMaxValues));
  document_.values.push_back(std::move(value));
  push_again(static_cast<PickleRef>(document_.values.size() - 1));
}

void PickleStack::push(PickleTensor tensor) {
  push(PickleTensorIndex{static_cast<uint32_t>(document_.tensors.size())});
  document_.tensors.push_back(std::move(tensor));
}

void PickleStack::push_again(PickleRef ref) {
  if (stack_.size() == kMaxValues) bytes_.fail(fmt::format("more than {} values", kMaxValues));
  charge(1);
  stack_.push_back(ref);
}

PickleRef PickleStack::top() const {
  if (stack_.size() <= floor()) bytes_.fail("takes a value that is not there");
  return stack_.back();
}

PickleRef PickleStack::pop() {
  const PickleRef ref = top();
  stack_.pop_back();
  return ref;
}

std::vector<PickleRef> PickleStack::pop_last(size_t count) {
  if (stack_.size() - floor() < count) bytes_.fail("takes a value that is not there");
  std::vector<PickleRef> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return values;
}

void PickleStack::set_mark() {
  if (marks_.size() == kMaxMarks) bytes_.fail(fmt::format("nested more than {} deep", kMaxMarks));
  marks_.push_back(stack_.size());
}

std::vector<PickleRef> PickleStack::pop_to_mark() {
  if (marks_.empty()) bytes_.fail("takes a mark that is not there");
  std::vector<PickleRef> values = pop_last(stack_.size() - floor());
  marks_.pop_back();
  return values;
}

void PickleStack::drop() {
  if (!marks_.empty() && stack_.size() == marks_.back()) {
    marks_.pop_back();
  } else {
    pop();
  }
}

void PickleStack::remember(size_t slot) {
  if (slot >= kMaxValues) bytes_.fail(fmt::format("memo slot {}, the limit is {}", slot, kMaxValues));
  if (slot >= memo_.size()) memo_.resize(slot + 1, kEmpty);
  if (memo_[slot] == kEmpty) ++remembered_;
  memo_[slot] = top();
}

void PickleStack::recall(size_t slot) {
  if (slot >= memo_.size() || memo_[slot] == kEmpty) bytes_.fail(fmt::format("memo slot {} is empty", slot));
  push_again(memo_[slot]);
}

void PickleStack::charge(size_t references) {
  if (references > kMaxReferences - references_) {
    bytes_.fail(fmt::format("more than {} references to values", kMaxReferences));
  }
  references_ += references;
}

PickleDocument PickleStack::finish() {
  if (!marks_.empty() || stack_.size() != 1) bytes_.fail(fmt::format("ends with {} values, not one", stack_.size()));
  document_.root = stack_.front();
  return std::move(document_);
}

}  // namespace zoo::weights
