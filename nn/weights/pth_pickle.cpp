#include "nn/weights/pth_pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/pickle_stack.h"
#include "nn/weights/pth_classes.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr std::string_view kPython = "builtins";

struct OpcodeName {
  char code;
  std::string_view name;
};

/// Opcodes that torch.save cannot have written: they refer to what is outside of the file.
constexpr std::array<OpcodeName, 7> kRefusedOpcodes = {{{'\x82', "EXT1"},
                                                        {'\x83', "EXT2"},
                                                        {'\x84', "EXT4"},
                                                        {'P', "PERSID"},
                                                        {'\x97', "NEXT_BUFFER"},
                                                        {'\x98', "READONLY_BUFFER"},
                                                        {'\x80', "PROTO"}}};

class PickleReader {
 public:
  PickleReader(std::string_view pickle, const std::string& file) : bytes_(pickle, file), stack_(bytes_) {}

  PickleDocument run() {
    if (bytes_.size() < 2 || bytes_.number<char>() != '\x80') bytes_.fail("does not begin with a protocol number");
    const auto protocol = bytes_.number<uint8_t>();
    if (protocol < 2 || protocol > 5) bytes_.fail(fmt::format("protocol {} is not read, only 2 to 5", protocol));
    do {
      bytes_.begin_opcode();
    } while (step(bytes_.number<char>()));
    PickleDocument document = stack_.finish();
    if (bytes_.left() > 0) bytes_.fail(fmt::format("{} bytes after the end", bytes_.left()));
    return document;
  }

 private:
  using Opcodes = bool (PickleReader::*)(char);

  /// Carries out one opcode; false after STOP.
  bool step(char opcode) {
    if (opcode == '.') return false;
    // In the order of how often a checkpoint has them.
    for (const Opcodes opcodes : {&PickleReader::step_values, &PickleReader::step_containers, &PickleReader::step_stack,
                                  &PickleReader::step_objects, &PickleReader::step_old_values}) {
      if ((this->*opcodes)(opcode)) return true;
    }
    for (const OpcodeName& refused : kRefusedOpcodes) {
      if (refused.code == opcode) bytes_.fail(fmt::format("opcode {}, which no checkpoint needs", refused.name));
    }
    bytes_.fail(fmt::format("0x{:02x} is no opcode", static_cast<unsigned char>(opcode)));
  }

  // Each carries out an opcode of its group, or yields false.
  bool step_values(char opcode);
  bool step_containers(char opcode);
  bool step_stack(char opcode);
  bool step_objects(char opcode);
  bool step_old_values(char opcode);  // of protocol 0 and 1, which later ones may use

  PickleDocument& document() { return stack_.document(); }
  PickleValue& top() { return document().values[stack_.top()]; }

  void push_object(std::string_view name) { stack_.push(PickleObject{kPython, name}); }
  void skip_bytes(uint64_t count) {
    bytes_.read(count);
    push_object("bytes");
  }

  void push_whole_number(uint64_t size);
  void push_number_line(std::string_view text);
  void append(const std::vector<PickleRef>& items);
  void set_items(const std::vector<PickleRef>& items);
  void push_class(std::string_view module, std::string_view name);
  void push_class_from_stack();
  void call(PickleRef callable, PickleRef args);
  void call(PickleRef callable, std::span<const PickleRef> args);
  void load_storage();
  void set_attributes();

  PickleBytes bytes_;
  PickleStack stack_;
};

/// Two's complement, little-endian. What 8 bytes do not hold is no number that is needed.
void PickleReader::push_whole_number(uint64_t size) {
  const std::string_view bytes = bytes_.read(size);
  if (size > sizeof(int64_t)) {
    push_object("int");
    return;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  const bool negative = size > 0 && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
  if (negative && size < sizeof(int64_t)) value |= ~uint64_t{0} << (8 * size);
  stack_.push(static_cast<int64_t>(value));
}

/// INT and LONG: "12", "12L", and "00" and "01" for the two bools.
void PickleReader::push_number_line(std::string_view text) {
  if (text == "00" || text == "01") {
    stack_.push(text == "01");
    return;
  }
  if (text.ends_with('L')) text.remove_suffix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) {
    stack_.push(value);
  } else if (error == std::errc::result_out_of_range) {
    push_object("int");
  } else {
    bytes_.fail("a number that is none");
  }
}

void PickleReader::append(const std::vector<PickleRef>& items) {
  if (auto* const list = std::get_if<PickleList>(&top())) {
    list->items.insert(list->items.end(), items.begin(), items.end());
  } else if (!std::holds_alternative<PickleObject>(top())) {
    bytes_.fail("needs a list, found something else");
  }
}

void PickleReader::set_items(const std::vector<PickleRef>& items) {
  if (items.size() % 2 != 0) bytes_.fail("a key without a value");
  if (std::holds_alternative<PickleObject>(top())) top() = PickleDict{{}, false};
  auto* const dict = std::get_if<PickleDict>(&top());
  if (dict == nullptr) bytes_.fail("needs a dict, found something else");
  for (size_t i = 0; i < items.size(); i += 2) {
    const PickleValue& key = document().values[items[i]];
    if (std::holds_alternative<PickleList>(key) || std::holds_alternative<PickleDict>(key)) {
      bytes_.fail("a key that is a list or a dict");
    }
    dict->items.emplace_back(items[i], items[i + 1]);
  }
}

void PickleReader::push_class(std::string_view module, std::string_view name) {
  if (is_code(module, name)) {
    throw WeightError(
        fmt::format("{}: refuses {}.{}: torch.load would run it, and no checkpoint needs it, so the file is made to do "
                    "harm. Do not "
                    "load it in Python; get a safetensors file from whom you trust",
                    bytes_.file(), printable_name(module), printable_name(name)));
  }
  stack_.push(find_pickle_class(module, name));
}

void PickleReader::push_class_from_stack() {
  const std::vector<PickleRef> names = stack_.pop_last(2);
  const auto* const module = document().as<std::string_view>(names[0]);
  const auto* const name = document().as<std::string_view>(names[1]);
  if (module == nullptr || name == nullptr) bytes_.fail("a class whose name is not text");
  if (module->size() > kMaxNameBytes || name->size() > kMaxNameBytes) bytes_.fail("a class name without end");
  push_class(*module, *name);
}

void PickleReader::call(PickleRef callable, PickleRef args) {
  const auto* const tuple = document().as<PickleTuple>(args);
  if (tuple == nullptr) bytes_.fail("calls with something that is not a tuple");
  call(callable, tuple->items);
}

void PickleReader::call(PickleRef callable, std::span<const PickleRef> args) {
  if (const auto* const object = document().as<PickleObject>(callable)) {
    stack_.push(PickleObject(*object));
    return;
  }
  const auto* const known = document().as<PickleClass>(callable);
  if (known == nullptr) bytes_.fail("calls something that is not a class");
  PickleResult result;
  if (const std::string problem = call_pickle_class(document(), *known, args, result); !problem.empty()) {
    bytes_.fail(problem);
  }
  if (auto* const ref = std::get_if<PickleRef>(&result)) {
    stack_.push_again(*ref);
  } else if (auto* const tensor = std::get_if<PickleTensor>(&result)) {
    stack_.push(std::move(*tensor));
  } else {
    PickleValue& value = std::get<PickleValue>(result);
    if (const auto* const dict = std::get_if<PickleDict>(&value)) stack_.charge(2 * dict->items.size());
    stack_.push(std::move(value));
  }
}

void PickleReader::load_storage() {
  PickleValue value;
  const std::string problem = load_persistent_id(document(), document().values[stack_.pop()], value);
  if (!problem.empty()) bytes_.fail(problem);
  stack_.push(std::move(value));
}

/// The attributes of an object are nothing to this reader, nor those of an OrderedDict (torch's `_metadata`).
void PickleReader::set_attributes() {
  stack_.pop();
  const auto* const dict = std::get_if<PickleDict>(&top());
  const bool may_have =
      dict != nullptr ? !dict->plain
                      : std::holds_alternative<PickleObject>(top()) || std::holds_alternative<PickleTensorIndex>(top());
  if (!may_have) bytes_.fail("attributes of a value that has none");
}

bool PickleReader::step_values(char opcode) {
  switch (opcode) {
    case 'K':
      stack_.push(int64_t{bytes_.number<uint8_t>()});
      return true;
    case 'M':
      stack_.push(int64_t{bytes_.number<uint16_t>()});
      return true;
    case 'J':
      stack_.push(int64_t{bytes_.number<int32_t>()});
      return true;
    case '\x8a':
      push_whole_number(bytes_.number<uint8_t>());
      return true;
    case '\x8b':
      push_whole_number(bytes_.number<uint32_t>());
      return true;
    case 'X':
      stack_.push(bytes_.read(bytes_.number<uint32_t>()));
      return true;
    case '\x8c':
      stack_.push(bytes_.read(bytes_.number<uint8_t>()));
      return true;
    case '\x8d':
      stack_.push(bytes_.read(bytes_.number<uint64_t>()));
      return true;
    case 'N':
      stack_.push(PickleNone{});
      return true;
    case '\x88':
      stack_.push(true);
      return true;
    case '\x89':
      stack_.push(false);
      return true;
    case 'G':
      stack_.push(std::bit_cast<double>(__builtin_bswap64(bytes_.number<uint64_t>())));
      return true;
    case 'C':
      skip_bytes(bytes_.number<uint8_t>());
      return true;
    case 'B':
      skip_bytes(bytes_.number<uint32_t>());
      return true;
    case '\x8e':
    case '\x96':
      skip_bytes(bytes_.number<uint64_t>());
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_containers(char opcode) {
  switch (opcode) {
    case ')':
      stack_.push(PickleTuple{});
      return true;
    case 't':
      stack_.push(PickleTuple{stack_.pop_to_mark()});
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      stack_.push(PickleTuple{stack_.pop_last(static_cast<size_t>(static_cast<unsigned char>(opcode) - 0x84U))});
      return true;
    case ']':
      stack_.push(PickleList{});
      return true;
    case 'l':
      stack_.push(PickleList{stack_.pop_to_mark()});
      return true;
    case 'a':
      append({stack_.pop()});
      return true;
    case 'e':
      append(stack_.pop_to_mark());
      return true;
    case '}':
      stack_.push(PickleDict{});
      return true;
    case 'd': {
      const std::vector<PickleRef> items = stack_.pop_to_mark();
      stack_.push(PickleDict{});
      set_items(items);
      return true;
    }
    case 's':
      set_items(stack_.pop_last(2));
      return true;
    case 'u':
      set_items(stack_.pop_to_mark());
      return true;
    case '\x8f':
      push_object("set");
      return true;
    case '\x90':
      stack_.pop_to_mark();
      if (!std::holds_alternative<PickleObject>(top())) bytes_.fail("needs a set, found something else");
      return true;
    case '\x91':
      stack_.pop_to_mark();
      push_object("frozenset");
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_stack(char opcode) {
  switch (opcode) {
    case '(':
      stack_.set_mark();
      return true;
    case 'q':
      stack_.remember(bytes_.number<uint8_t>());
      return true;
    case 'r':
      stack_.remember(bytes_.number<uint32_t>());
      return true;
    case 'p':
      stack_.remember(bytes_.number_line());
      return true;
    case '\x94':
      stack_.remember_next();
      return true;
    case 'h':
      stack_.recall(bytes_.number<uint8_t>());
      return true;
    case 'j':
      stack_.recall(bytes_.number<uint32_t>());
      return true;
    case 'g':
      stack_.recall(bytes_.number_line());
      return true;
    case '0':
      stack_.drop();
      return true;
    case '1':
      stack_.pop_to_mark();
      return true;
    case '2':
      stack_.push_again(stack_.top());
      return true;
    case '\x95':
      // The length of the next stretch, an aid for streams.
      if (bytes_.number<uint64_t>() > bytes_.left()) bytes_.fail("a frame reaches past the end");
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_objects(char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = bytes_.line("a class name", kMaxNameBytes);
      push_class(module, bytes_.line("a class name", kMaxNameBytes));
      return true;
    }
    case '\x93':
      push_class_from_stack();
      return true;
    case 'R':
    case '\x81': {
      const std::vector<PickleRef> parts = stack_.pop_last(2);
      call(parts[0], parts[1]);
      return true;
    }
    case '\x92': {
      const std::vector<PickleRef> parts = stack_.pop_last(3);  // class, arguments, arguments by name
      call(parts[0], parts[1]);
      return true;
    }
    case 'i': {
      const std::string_view module = bytes_.line("a class name", kMaxNameBytes);
      push_class(module, bytes_.line("a class name", kMaxNameBytes));
      const PickleRef callable = stack_.pop();
      call(callable, std::span<const PickleRef>(stack_.pop_to_mark()));
      return true;
    }
    case 'o': {
      const std::vector<PickleRef> parts = stack_.pop_to_mark();
      if (parts.empty()) bytes_.fail("takes a value that is not there");
      call(parts[0], std::span(parts).subspan(1));
      return true;
    }
    case 'b':
      set_attributes();
      return true;
    case 'Q':
      load_storage();
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_old_values(char opcode) {
  const size_t rest = bytes_.size();
  switch (opcode) {
    case 'I':
    case 'L':
      push_number_line(bytes_.line("a number", rest));
      return true;
    case 'F':
      bytes_.line("a number", rest);
      push_object("float");
      return true;
    case 'S':  // in quotes
    case 'V':  // with escapes
      bytes_.line("a text", rest);
      push_object("str");
      return true;
    case 'T':
      stack_.push(bytes_.read(bytes_.number<uint32_t>()));
      return true;
    case 'U':
      stack_.push(bytes_.read(bytes_.number<uint8_t>()));
      return true;
    default:
      return false;
  }
}

struct Describe {
  std::string operator()(const PickleNone&) const { return "None"; }
  std::string operator()(bool) const { return "a bool"; }
  std::string operator()(int64_t) const { return "a number"; }
  std::string operator()(double) const { return "a number"; }
  std::string operator()(std::string_view) const { return "text"; }
  std::string operator()(const PickleTuple&) const { return "a tuple"; }
  std::string operator()(const PickleList&) const { return "a list"; }
  std::string operator()(const PickleDict&) const { return "a dict"; }
  std::string operator()(const PickleClass& known) const {
    return fmt::format("the class {}.{}", printable_name(known.module), printable_name(known.name));
  }
  std::string operator()(const PickleObject& object) const {
    const bool of_python = object.module == kPython || object.module == "__builtin__";
    const std::string name = of_python ? "" : printable_name(object.module) + ".";
    return fmt::format("an object of {}{}", name, printable_name(object.name));
  }
  std::string operator()(const PickleStorage&) const { return "a storage"; }
  std::string operator()(const PickleTensorIndex&) const { return "a tensor"; }
};

}  // namespace

PickleDocument read_pickle(std::string_view pickle, const std::string& file) {
  return PickleReader(pickle, file).run();
}

std::string describe_pickle_value(const PickleDocument& document, PickleRef ref) {
  return std::visit(Describe(), document.values[ref]);
}

}  // namespace zoo::weights
