#include "nn/weights/pth_pickle.h"

#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/pth_classes.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

// Far above what a checkpoint needs (a tensor takes about 15 values), low enough that the values fit some 100 MB.
constexpr size_t kMaxValues = 1'000'000;
constexpr size_t kMaxMarks = 100;
constexpr size_t kMaxTextBytes = 1'000'000;
constexpr size_t kMaxNameBytes = 256;

struct OpcodeName {
  char code;
  std::string_view name;
};

/// Opcodes of pickle that are refused, for messages (pickletools.opcodes).
constexpr std::array<OpcodeName, 34> kRefusedOpcodes = {{{'i', "INST"},
                                                         {'o', "OBJ"},
                                                         {'\x81', "NEWOBJ"},
                                                         {'\x92', "NEWOBJ_EX"},
                                                         {'\x82', "EXT1"},
                                                         {'\x83', "EXT2"},
                                                         {'\x84', "EXT4"},
                                                         {'P', "PERSID"},
                                                         {'0', "POP"},
                                                         {'1', "POP_MARK"},
                                                         {'2', "DUP"},
                                                         {'I', "INT"},
                                                         {'L', "LONG"},
                                                         {'F', "FLOAT"},
                                                         {'S', "STRING"},
                                                         {'T', "BINSTRING"},
                                                         {'U', "SHORT_BINSTRING"},
                                                         {'V', "UNICODE"},
                                                         {'B', "BINBYTES"},
                                                         {'C', "SHORT_BINBYTES"},
                                                         {'\x8e', "BINBYTES8"},
                                                         {'\x96', "BYTEARRAY8"},
                                                         {'\x8d', "BINUNICODE8"},
                                                         {'\x8b', "LONG4"},
                                                         {'d', "DICT"},
                                                         {'l', "LIST"},
                                                         {'g', "GET"},
                                                         {'p', "PUT"},
                                                         {'\x8f', "EMPTY_SET"},
                                                         {'\x90', "ADDITEMS"},
                                                         {'\x91', "FROZENSET"},
                                                         {'\x97', "NEXT_BUFFER"},
                                                         {'\x98', "READONLY_BUFFER"},
                                                         {'\x80', "PROTO"}}};

class PickleReader {
 public:
  PickleReader(std::string_view pickle, const std::string& file) : pickle_(pickle), file_(file) {}

  PickleDocument run() {
    if (pickle_.size() < 2 || pickle_[0] != '\x80') fail("does not begin with a protocol number");
    const auto protocol = static_cast<unsigned char>(pickle_[1]);
    if (protocol < 2 || protocol > 5) fail(fmt::format("protocol {} is not read, only 2 to 5", protocol));
    position_ = 2;
    do {
      opcode_at_ = position_;
    } while (step(read_number<char>()));
    if (!marks_.empty() || stack_.size() != 1) fail(fmt::format("ends with {} values, not one", stack_.size()));
    if (position_ != pickle_.size()) fail(fmt::format("{} bytes after the end", pickle_.size() - position_));
    document_.root = stack_.front();
    return std::move(document_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw WeightError(fmt::format("{}: data.pkl at byte {}: {}", file_, opcode_at_, problem));
  }

  std::string_view read_bytes(size_t count) {
    if (count > pickle_.size() - position_) fail("ends in the middle");
    const std::string_view bytes = pickle_.substr(position_, count);
    position_ += count;
    return bytes;
  }

  /// A little-endian number.
  template <typename T>
  T read_number() {
    T value;
    std::memcpy(&value, read_bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view read_text(size_t count) {
    if (count > kMaxTextBytes) fail(fmt::format("a text of {} bytes, the limit is {}", count, kMaxTextBytes));
    return read_bytes(count);
  }

  std::string_view read_line() {
    const size_t end = pickle_.find('\n', position_);
    if (end == std::string_view::npos || end - position_ > kMaxNameBytes) fail("a class name without end");
    const std::string_view line = read_bytes(end - position_);
    ++position_;
    return line;
  }

  /// A whole number of up to 8 bytes, two's complement.
  int64_t read_long() {
    const size_t size = read_number<uint8_t>();
    if (size > sizeof(int64_t)) fail(fmt::format("a whole number of {} bytes, the limit is 8", size));
    const std::string_view bytes = read_bytes(size);
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    const bool negative = size > 0 && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
    if (negative && size < sizeof(int64_t)) value |= ~uint64_t{0} << (8 * size);
    return static_cast<int64_t>(value);
  }

  void push(PickleValue value) {
    if (document_.values.size() == kMaxValues) fail(fmt::format("more than {} values", kMaxValues));
    stack_.push_back(static_cast<PickleRef>(document_.values.size()));
    document_.values.push_back(std::move(value));
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleRef top() const {
    if (stack_.size() <= floor()) fail("takes a value that is not there");
    return stack_.back();
  }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  /// The last `count` values, in order.
  std::vector<PickleRef> pop_last(size_t count) {
    if (stack_.size() - floor() < count) fail("takes a value that is not there");
    std::vector<PickleRef> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }

  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) fail("takes a mark that is not there");
    std::vector<PickleRef> values = pop_last(stack_.size() - floor());
    marks_.pop_back();
    return values;
  }

  void set_mark() {
    if (marks_.size() == kMaxMarks) fail(fmt::format("nested more than {} deep", kMaxMarks));
    marks_.push_back(stack_.size());
  }

  template <typename T>
  T& top_as(std::string_view what) {
    auto* const value = std::get_if<T>(&document_.values[top()]);
    if (value == nullptr) fail(fmt::format("needs a {}, found something else", what));
    return *value;
  }

  void append(const std::vector<PickleRef>& items) {
    std::vector<PickleRef>& list = top_as<PickleList>("list").items;
    list.insert(list.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<PickleRef>& items) {
    if (items.size() % 2 != 0) fail("a key without a value");
    PickleDict& dict = top_as<PickleDict>("dict");
    for (size_t i = 0; i < items.size(); i += 2) {
      const PickleValue& key = document_.values[items[i]];
      if (!std::holds_alternative<std::string_view>(key) && !std::holds_alternative<int64_t>(key)) {
        fail("a key that is neither text nor a whole number");
      }
      dict.items.emplace_back(items[i], items[i + 1]);
    }
  }

  void remember(size_t slot) {
    if (slot >= kMaxValues) fail(fmt::format("memo slot {}, the limit is {}", slot, kMaxValues));
    memo_[slot] = top();
  }

  void recall(size_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) fail(fmt::format("memo slot {} is empty", slot));
    if (stack_.size() == kMaxValues) fail(fmt::format("more than {} values", kMaxValues));
    stack_.push_back(found->second);
  }

  void push_class(std::string_view module, std::string_view name) {
    const std::optional<PickleClass> known = find_pickle_class(module, name);
    if (!known) {
      throw WeightError(
          fmt::format("{}: refuses {}.{}: a checkpoint may only hold tensors, numbers and text in dicts, lists and "
                      "tuples; if you trust the file, load it in Python and save the weights alone: "
                      "torch.save(model.state_dict(), \"model.pth\")",
                      file_, printable_name(module), printable_name(name)));
    }
    push(*known);
  }

  void push_class_from_stack() {
    const std::vector<PickleRef> names = pop_last(2);
    const auto* const module = std::get_if<std::string_view>(&document_.values[names[0]]);
    const auto* const name = std::get_if<std::string_view>(&document_.values[names[1]]);
    if (module == nullptr || name == nullptr) fail("a class whose name is not text");
    push_class(*module, *name);
  }

  void call() {
    const PickleRef args = pop();
    const PickleRef callable = pop();
    const auto* const known = std::get_if<PickleClass>(&document_.values[callable]);
    const auto* const tuple = std::get_if<PickleTuple>(&document_.values[args]);
    if (known == nullptr) fail("calls something that is not a known class");
    if (tuple == nullptr) fail("calls with something that is not a tuple");
    PickleValue value;
    if (const std::string problem = call_pickle_class(document_, *known, tuple->items, value); !problem.empty()) {
      fail(problem);
    }
    push(std::move(value));
  }

  void load_storage() {
    PickleValue value;
    const std::string problem = load_persistent_id(document_, document_.values[pop()], value);
    if (!problem.empty()) fail(problem);
    push(std::move(value));
  }

  /// An OrderedDict's attributes: torch's `_metadata`, the versions of its modules, which nothing here needs.
  void ignore_attributes() {
    const PickleRef state = pop();
    if (!top_as<PickleDict>("collections.OrderedDict").ordered) fail("attributes of a dict");
    if (!std::holds_alternative<PickleDict>(document_.values[state])) fail("attributes that are no dict");
  }

  bool step(char opcode);
  bool step_rarer(char opcode);

  std::string_view pickle_;
  const std::string& file_;
  size_t position_ = 0;
  size_t opcode_at_ = 0;
  PickleDocument document_;
  std::vector<PickleRef> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::map<size_t, PickleRef> memo_;
};

/// Carries out one opcode; false after STOP.
bool PickleReader::step(char opcode) {
  switch (opcode) {
    case '(':
      set_mark();
      return true;
    case '}':
      push(PickleDict{});
      return true;
    case ']':
      push(PickleList{});
      return true;
    case ')':
      push(PickleTuple{});
      return true;
    case 't':
      push(PickleTuple{pop_to_mark()});
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push(PickleTuple{pop_last(static_cast<size_t>(static_cast<unsigned char>(opcode) - 0x84U))});
      return true;
    case 'K':
      push(int64_t{read_number<uint8_t>()});
      return true;
    case 'M':
      push(int64_t{read_number<uint16_t>()});
      return true;
    case 'J':
      push(int64_t{read_number<int32_t>()});
      return true;
    case 'X':
      push(read_text(read_number<uint32_t>()));
      return true;
    case '\x8c':
      push(read_text(read_number<uint8_t>()));
      return true;
    case 'q':
      remember(read_number<uint8_t>());
      return true;
    case 'r':
      remember(read_number<uint32_t>());
      return true;
    case '\x94':
      remember(memo_.size());
      return true;
    case 'h':
      recall(read_number<uint8_t>());
      return true;
    case 'j':
      recall(read_number<uint32_t>());
      return true;
    case '.':
      return false;
    default:
      return step_rarer(opcode);
  }
}

bool PickleReader::step_rarer(char opcode) {
  switch (opcode) {
    case 'N':
      push(PickleNone{});
      return true;
    case '\x88':
      push(true);
      return true;
    case '\x89':
      push(false);
      return true;
    case '\x8a':
      push(read_long());
      return true;
    case 'G':
      push(std::bit_cast<double>(__builtin_bswap64(read_number<uint64_t>())));
      return true;
    case 'a':
      append({pop()});
      return true;
    case 'e':
      append(pop_to_mark());
      return true;
    case 's':
      set_items(pop_last(2));
      return true;
    case 'u':
      set_items(pop_to_mark());
      return true;
    case 'c': {
      const std::string_view module = read_line();
      push_class(module, read_line());
      return true;
    }
    case '\x93':
      push_class_from_stack();
      return true;
    case 'R':
      call();
      return true;
    case 'b':
      ignore_attributes();
      return true;
    case 'Q':
      load_storage();
      return true;
    case '\x95':
      // The length of the next stretch, an aid for streams.
      if (read_number<uint64_t>() > pickle_.size() - position_) fail("a frame reaches past the end");
      return true;
    default:
      break;
  }
  for (const OpcodeName& refused : kRefusedOpcodes) {
    if (refused.code == opcode) fail(fmt::format("opcode {}, which no state dict needs", refused.name));
  }
  fail(fmt::format("0x{:02x} is no opcode", static_cast<unsigned char>(opcode)));
}

}  // namespace

PickleDocument read_pickle(std::string_view pickle, const std::string& file) {
  return PickleReader(pickle, file).run();
}

}  // namespace zoo::weights
