// Every way the pickle of a PyTorch checkpoint can be broken or made to do harm, with the exact message.
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

using pkl::call;
using pkl::dict;
using pkl::global;
using pkl::number;
using pkl::ordered_dict;
using pkl::storage;
using pkl::tensor;
using pkl::text;
using pkl::tuple;

struct BrokenPickle {
  std::string name;
  std::string value;    ///< opcodes between protocol and STOP
  std::string message;  ///< after "FILE: "
};

std::ostream& operator<<(std::ostream& stream, const BrokenPickle& broken) { return stream << broken.name; }

class BrokenPickleTest : public FileTest, public testing::WithParamInterface<BrokenPickle> {
 protected:
  std::string error_of(const std::string& pickle) const {
    const auto file = write("net.pth", pth_bytes(pickle));
    const std::string message = checkpoint_error(file);
    return message.starts_with(file.string() + ": ") ? message.substr(file.string().size() + 2) : message;
  }
};

TEST_P(BrokenPickleTest, IsRefusedWithItsReason) {
  EXPECT_EQ(error_of(pkl::pickle(GetParam().value)), GetParam().message);
}

std::string print_name(const testing::TestParamInfo<BrokenPickle>& test) { return test.param.name; }

std::string refusal(const std::string& name) {
  return fmt::format(
      "refuses {}: torch.load would run it, and no checkpoint needs it, so the file is made to do harm. Do not load it "
      "in "
      "Python; get a safetensors file from whom you trust",
      name);
}

std::string nothing_but(const std::string& what) {
  return fmt::format(
      "holds no state dict, but {}; if you trust the file, load it in Python and save the weights alone: "
      "torch.save(model.state_dict(), \"model.pth\")",
      what);
}

const std::string kCommand = tuple({text("touch /tmp/harm")}) + "R";

const std::vector<BrokenPickle> kCode = {
    {"System", global("os", "system") + kCommand, refusal("os.system")},
    {"PosixSystem", global("posix", "system") + kCommand, refusal("posix.system")},
    {"Eval", global("builtins", "eval") + kCommand, refusal("builtins.eval")},
    {"PythonTwoEval", global("__builtin__", "eval") + kCommand, refusal("__builtin__.eval")},
    {"Popen", global("subprocess", "Popen") + kCommand, refusal("subprocess.Popen")},
    {"StackGlobal", text("os") + text("system") + "\x93" + kCommand, refusal("os.system")},
    {"HiddenInAnIgnoredValue",
     dict(
         {{"model", dict({{"a", tensor(storage("0", 4), 0, {4}, {1})}})}, {"args", global("os", "system") + kCommand}}),
     refusal("os.system")},
};
// Names of data, and of code that nothing runs: the file has nothing else.
const std::vector<BrokenPickle> kData = {
    {"Getattr", global("builtins", "getattr") + kCommand, nothing_but("an object of getattr")},
    {"KnownNameOfAnotherModule", global("evil", "OrderedDict"), nothing_but("the class evil.OrderedDict")},
    {"DottedName", global("collections", "OrderedDict.fromkeys"),
     nothing_but("the class collections.OrderedDict.fromkeys")},
    {"OtherNameOfTorch", global("torch", "load") + kCommand, nothing_but("an object of torch.load")},
    {"LoadFromBytes", global("torch.storage", "_load_from_bytes") + kCommand,
     nothing_but("an object of torch.storage._load_from_bytes")},
    {"TerminalCodes", global("\x1b[2J", "x"), nothing_but("the class \\x1b[2J.x")},
    {"BigNumber", "\x8a\x09" + std::string(9, '\1'), nothing_but("an object of int")},
    {"OrderedDictWithAttributes", ordered_dict() + text("x") + "b", nothing_but("an empty dict")},
};
INSTANTIATE_TEST_SUITE_P(PthData, BrokenPickleTest, testing::ValuesIn(kData), print_name);
INSTANTIATE_TEST_SUITE_P(PthCode, BrokenPickleTest, testing::ValuesIn(kCode), print_name);

std::string at(size_t byte, const std::string& problem) {
  return fmt::format("data.pkl at byte {}: {}", byte, problem);
}

const std::vector<BrokenPickle> kMachine = {
    {"NoOpcode", "\xFF", at(2, "0xff is no opcode")},
    {"Nothing", "", at(2, "ends with 0 values, not one")},
    {"TwoValues", "NN", at(4, "ends with 2 values, not one")},
    {"OpenMark", "(N", at(4, "ends with 1 values, not one")},
    {"AfterTheEnd", "N.N", at(3, "2 bytes after the end")},
    {"TextBeyondTheEnd", "X" + bytes_of<uint32_t>(100) + "abc", at(2, "ends in the middle")},
    {"TextOfFourGigabytes", "X" + bytes_of<uint32_t>(0xFFFFFFFF), at(2, "ends in the middle")},
    {"LineWithoutEnd", "Vabc", at(2, "a text without end")},
    {"NumberWithoutDigits", "Ix\n", at(2, "a number that is none")},
    {"MemoWithoutNumber", "Npx\n", at(3, "a number that is none")},
    {"SetOfNothing", "(N\x90", at(4, "takes a value that is not there")},
    {"ItemsOfAListAsASet", "](N\x90", at(5, "needs a set, found something else")},
    {"ObjectOfNothing", "(o", at(3, "takes a value that is not there")},
    {"NumberBeyondTheEnd", "J\x01", at(2, "ends in the middle")},
    {"FrameBeyondTheEnd", "\x95" + bytes_of<uint64_t>(1000) + "N", at(2, "a frame reaches past the end")},
    {"ClassWithoutEnd", "cos", at(2, "a class name without end")},
    {"ClassNameTooLong", global(std::string(300, 'm'), "x"), at(2, "a class name without end")},
    {"ClassNameIsNumber", number(1) + number(2) + "\x93", at(12, "a class whose name is not text")},
    {"StackEmpty", "R", at(2, "takes a value that is not there")},
    {"TakesThroughAMark", "NN(\x86", at(5, "takes a value that is not there")},
    {"NoMark", "Nt", at(3, "takes a mark that is not there")},
    {"TooManyMarks", std::string(1'001, '('), at(1'002, "nested more than 1000 deep")},
    {"EmptyMemo", "h\x07", at(2, "memo slot 7 is empty")},
    {"HugeMemo", "Nr" + bytes_of<uint32_t>(4'000'000'000U), at(3, "memo slot 4000000000, the limit is 1000000")},
    {"RemembersNothing", "\x94", at(2, "takes a value that is not there")},
    {"TooManyValues", std::string(1'000'001, 'N'), at(1'000'002, "more than 1000000 values")},
    {"TooManyCopies",
     "Nq" + std::string(1, '\5') +
         [] {
           std::string code;
           for (int i = 0; i < 1'000'000; ++i) code += "h\5";
           return code;
         }(),
     at(2'000'003, "more than 1000000 values")},
    {"KeyWithoutValue", "}(" + text("a") + "u", at(10, "a key without a value")},
    {"KeyIsAList", "}(]Nu", at(6, "a key that is a list or a dict")},
    {"ItemOfAList", "]" + text("a") + "Ns", at(10, "needs a dict, found something else")},
    {"AppendToADict", "}Na", at(4, "needs a list, found something else")},
    {"CallOfText", text("os.system") + ")R", at(17, "calls something that is not a class")},
    {"CallWithAList", global("collections", "OrderedDict") + "]R", at(28, "calls with something that is not a tuple")},
    {"CallOfAStorage", global("torch", "FloatStorage") + ")R", at(23, "torch.FloatStorage must not be called")},
    {"SizeOfText", call(global("torch", "Size"), {text("a")}),
     at(22, "torch.Size of something else than a tuple of at most 64 whole numbers from 0")},
    {"AttributesOfADict", "}}b", at(4, "attributes of a value that has none")},
    {"AttributesOfAList", "]}b", at(4, "attributes of a value that has none")},
};
INSTANTIATE_TEST_SUITE_P(PthMachine, BrokenPickleTest, testing::ValuesIn(kMachine), print_name);

class PthPickle : public BrokenPickleTest {};

/// Only what is wrong; where it is differs with the length of what is before.
std::string problem_of(const std::string& message) {
  const size_t end = message.starts_with("data.pkl at byte ") ? message.find(": ") + 2 : 0;
  return message.substr(end);
}

std::string rebuild(const std::vector<std::string>& args) {
  return call(global("torch._utils", "_rebuild_tensor_v2"), args);
}
std::string parameter(const std::vector<std::string>& args) {
  return call(global("torch._utils", "_rebuild_parameter"), args);
}
std::string id(const std::vector<std::string>& items) { return tuple(items) + "Q"; }

const std::string kFour = storage("0", 4);
const std::string kClass = global("torch", "FloatStorage");
const std::string kOne = tuple({number(1)});
const std::string kHooks = dict({{"hook", "N"}});
const std::string kBig = number(2'147'483'647);

const std::vector<BrokenPickle> kTensors = {
    {"FiveArguments", rebuild({kFour, number(0), kOne, kOne, "\x89"}), "a tensor of 5 arguments, not 6 or 7"},
    {"NoStorage", rebuild({"N", number(0), kOne, kOne, "\x89", ordered_dict()}), "a tensor without storage"},
    {"OffsetNegative", tensor(kFour, -1, {1}, {1}), "a tensor's offset must be a whole number from 0"},
    {"OffsetIsBool", rebuild({kFour, "\x88", kOne, kOne, "\x89", ordered_dict()}),
     "a tensor's offset must be a whole number from 0"},
    {"SizeNegative", tensor(kFour, 0, {-1}, {1}), "a tensor's size must be a tuple of whole numbers from 0"},
    {"SizeIsAList", rebuild({kFour, number(0), "]", kOne, "\x89", ordered_dict()}),
     "a tensor's size must be a tuple of whole numbers from 0"},
    {"StrideNegative", tensor(kFour, 3, {4}, {-1}), "a tensor's strides must be a tuple of whole numbers from 0"},
    {"NineDimensions", tensor(kFour, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}),
     "a tensor has more than 8 dimensions"},
    {"StrideMissing", tensor(kFour, 0, {1, 1}, {1}), "a tensor has 2 dimensions, but 1 strides"},
    {"GradIsNone", rebuild({kFour, number(0), kOne, kOne, "N", ordered_dict()}),
     "a tensor's requires_grad must be a bool"},
    {"Hooks", rebuild({kFour, number(0), kOne, kOne, "\x89", kHooks}), "a tensor has hooks, which are code"},
    {"ShapeOverflows", tensor(kFour, 0, {2147483647, 2147483647, 2147483647}, {0, 0, 0}),
     "a tensor of shape 2147483647x2147483647x2147483647 is too large"},
    {"ShapeOverflowsBesideZero", tensor(kFour, 0, {0, 2147483647, 2147483647, 2147483647}, {0, 0, 0, 0}),
     "a tensor of shape 0x2147483647x2147483647x2147483647 is too large"},
    {"PastTheStorage", tensor(kFour, 0, {5}, {1}),
     "a tensor of shape 5 at offset 0 with strides (1) reaches past its storage of 4 elements"},
    {"OffsetPastTheStorage", tensor(kFour, 1, {2, 2}, {2, 1}),
     "a tensor of shape 2x2 at offset 1 with strides (2, 1) reaches past its storage of 4 elements"},
    {"EmptyPastTheStorage", tensor(kFour, 5, {0}, {1}),
     "a tensor of shape 0 at offset 5 with strides (1) reaches past its storage of 4 elements"},
    {"StridePastTheStorage", tensor(kFour, 0, {2}, {2147483647}),
     "a tensor of shape 2 at offset 0 with strides (2147483647) reaches past its storage of 4 elements"},
    {"StrideOverflows",
     rebuild({kFour, number(0), tuple({number(3)}), tuple({"\x8a\x08" + bytes_of(INT64_MAX)}), "\x89", ordered_dict()}),
     "a tensor of shape 3 at offset 0 with strides (9223372036854775807) reaches past its storage of 4 elements"},
    {"ParameterOfTwo", parameter({tensor(kFour, 0, {1}, {1}), "\x88"}), "a parameter of 2 arguments, not 3"},
    {"ParameterOfNothing", parameter({"N", "\x88", ordered_dict()}), "a parameter without tensor"},
    {"ParameterGrad", parameter({tensor(kFour, 0, {1}, {1}), "N", ordered_dict()}),
     "a parameter's requires_grad must be a bool"},
    {"ParameterHooks", parameter({tensor(kFour, 0, {1}, {1}), "\x88", kHooks}),
     "a parameter has hooks, which are code"},
    {"IdIsText", text("0") + "Q", "a persistent id must be ('storage', class, key, place, count)"},
    {"IdTooShort", id({text("storage"), kClass}), "a persistent id must be ('storage', class, key, place, count)"},
    {"IdOfAnother", id({text("module"), kClass, text("0"), text("cpu"), kBig}),
     "a persistent id must begin with 'storage'"},
    {"IdWithoutClass", id({text("storage"), global("torch", "Size"), text("0"), text("cpu"), kBig}),
     "a storage has no storage class"},
    {"KeyIsNumber", id({text("storage"), kClass, number(0), text("cpu"), kBig}), "a storage's key must be text"},
    {"KeyIsPath", id({text("storage"), kClass, text("../../x"), text("cpu"), kBig}),
     "a storage's key must be a number, found \"../../x\""},
    {"PlaceIsNumber", id({text("storage"), kClass, text("0"), number(0), kBig}), "a storage's place must be text"},
    {"CountNegative", id({text("storage"), kClass, text("0"), text("cpu"), number(-4)}),
     "a storage's count must be a whole number from 0"},
    {"StorageHuge", dict({{"a", tensor(storage("0", 2147483647, "DoubleStorage"), 0, {4}, {1})}}),
     "tensor \"a\": storage 0 of 2147483647 F64 does not fit its entry of 16 bytes"},
    {"RootIsAList", "]", nothing_but("a list")},
    {"RootIsATensor", tensor(kFour, 0, {4}, {1}), nothing_but("a tensor")},
    {"NoKeys", "}", nothing_but("an empty dict")},
    {"WrapperTwice", dict({{"model", dict({{"a", tensor(kFour, 0, {4}, {1})}})}, {"model", "}"}}),
     "key \"model\" is there twice"},
    {"TensorTwice", dict({{"a", tensor(kFour, 0, {4}, {1})}, {"a", tensor(kFour, 0, {4}, {1})}}),
     "tensor \"a\": is there twice"},
    {"NoName", dict({{"", tensor(kFour, 0, {4}, {1})}}), "a tensor has an empty name"},
    {"NulInName", dict({{std::string("a\0b", 3), tensor(kFour, 0, {4}, {1})}}),
     "tensor \"a\\x00b\": the name has a NUL character"},
    {"LongName", dict({{std::string(1025, 'n'), tensor(kFour, 0, {4}, {1})}}),
     "tensor \"" + std::string(120, 'n') + "...\": the name is longer than 1024 bytes"},
    {"NameIsNumber", "}(" + number(1) + tensor(kFour, 0, {4}, {1}) + "u", "a tensor's name is not text"},
};

class BrokenTensorTest : public BrokenPickleTest {};
TEST_P(BrokenTensorTest, IsRefusedWithItsReason) {
  EXPECT_EQ(problem_of(error_of(pkl::pickle(GetParam().value))), GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(PthTensors, BrokenTensorTest, testing::ValuesIn(kTensors), print_name);

class PthOpcodes : public BrokenPickleTest {};
const std::vector<BrokenPickle> kOpcodes = {
    {"Ext1", "\x82", "EXT1"},          {"PersId", "P", "PERSID"},
    {"Buffer", "\x97", "NEXT_BUFFER"}, {"ReadOnlyBuffer", "\x98", "READONLY_BUFFER"},
    {"Protocol", "\x80", "PROTO"},
};
TEST_P(PthOpcodes, AreRefusedByName) {
  EXPECT_EQ(error_of(pkl::pickle(GetParam().value)),
            at(2, fmt::format("opcode {}, which no checkpoint needs", GetParam().message)));
}
INSTANTIATE_TEST_SUITE_P(Pth, PthOpcodes, testing::ValuesIn(kOpcodes), print_name);

class PthProtocol : public BrokenPickleTest {};
const std::vector<BrokenPickle> kProtocols = {
    {"None", "N.", at(0, "does not begin with a protocol number")},
    {"One", "\x80\x01N.", at(0, "protocol 1 is not read, only 2 to 5")},
    {"Six", "\x80\x06N.", at(0, "protocol 6 is not read, only 2 to 5")},
    {"NoStop", "\x80\x02N", at(3, "ends in the middle")},
};
TEST_P(PthProtocol, IsChecked) { EXPECT_EQ(error_of(GetParam().value), GetParam().message); }
INSTANTIATE_TEST_SUITE_P(Pth, PthProtocol, testing::ValuesIn(kProtocols), print_name);

using PthPlainValues = FileTest;

TEST_F(PthPlainValues, OfEveryKindAreLeftAlone) {
  const std::string values = tuple({"N", "\x88", "K\x05", "M\x05\x05", "\x8a\x02\xFF\xFF", std::string("\x8a\0", 2),
                                    "G" + std::string(8, '\x40'),
                                    "\x8c\x03"
                                    "abc",
                                    "]" + text("x") + "a", ")", "\x88\x85", "NN\x86", "NNN\x87",
                                    call(global("torch", "Size"), {tuple({number(3)})})});
  const std::string model = dict({{"a", tensor(storage("0", 4), 0, {4}, {1})}, {"_extra_state", "N"}});
  const auto file = write("net.pth", pth_bytes(pkl::pickle(dict({{"args", values}, {"state_dict", model}}))));
  EXPECT_EQ(checkpoint_error(file), "opened");
}

TEST_F(PthPlainValues, DictInsideItselfIsNoLoop) {
  const std::string loop = std::string("}q\0", 3) + "(" + text("model") + std::string("h\0", 2) + "u";
  const auto file = write("net.pth", pth_bytes(pkl::pickle(loop)));
  EXPECT_NE(checkpoint_error(file), "opened");
}

}  // namespace
}  // namespace zoo::weights
