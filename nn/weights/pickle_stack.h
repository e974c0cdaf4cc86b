// The memory of pickle's stack machine: the bytes it reads, its stack, its marks and what it remembers, each within
// bounds. Internal to nn/weights.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "nn/weights/pth_pickle.h"

namespace zoo::weights {

/// Reads the pickle from front to back. All functions throw WeightError, with the opcode's place, where it ends early.
class PickleBytes {
 public:
  PickleBytes(std::string_view pickle, const std::string& file) : pickle_(pickle), file_(file) {}

  size_t size() const { return pickle_.size(); }
  size_t left() const { return pickle_.size() - position_; }
  /// Messages give this position from here on.
  void begin_opcode() { opcode_at_ = position_; }

  std::string_view read(uint64_t count) {
    if (count > left()) fail("ends in the middle");
    const std::string_view bytes = pickle_.substr(position_, count);
    position_ += count;
    return bytes;
  }

  /// A little-endian number.
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, read(sizeof(T)).data(), sizeof(T));
    return value;
  }

  /// Up to a line feed, without it; `what` is for the message where it is longer than `limit`.
  std::string_view line(std::string_view what, size_t limit);
  /// A decimal number from 0 on a line of its own.
  size_t number_line();

  [[noreturn]] void fail(const std::string& problem) const;
  const std::string& file() const { return file_; }

 private:
  std::string_view pickle_;
  const std::string& file_;
  size_t position_ = 0;
  size_t opcode_at_ = 0;
};

/// The machine's values. Throws WeightError through `bytes` where a limit is reached or a value is not there.
class PickleStack {
 public:
  explicit PickleStack(const PickleBytes& bytes) : bytes_(bytes) {}

  PickleDocument& document() { return document_; }

  void push(PickleValue value);
  void push(PickleTensor tensor);
  /// Puts a value that exists already on top.
  void push_again(PickleRef ref);
  PickleRef top() const;
  PickleRef pop();
  /// The last `count` values, in order.
  std::vector<PickleRef> pop_last(size_t count);

  void set_mark();
  /// The values since the last mark, which is taken away.
  std::vector<PickleRef> pop_to_mark();
  /// POP: the last value, or a mark that is above it.
  void drop();

  void remember(size_t slot);
  void remember_next() { remember(remembered_); }
  void recall(size_t slot);

  /// References that were copied without the stack.
  void charge(size_t references);
  /// The value that is left at the end, which must be one.
  PickleDocument finish();

 private:
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  static constexpr PickleRef kEmpty = std::numeric_limits<PickleRef>::max();

  const PickleBytes& bytes_;
  PickleDocument document_;
  std::vector<PickleRef> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::vector<PickleRef> memo_;
  size_t remembered_ = 0;  ///< slots in use
  size_t references_ = 0;
};

}  // namespace zoo::weights
