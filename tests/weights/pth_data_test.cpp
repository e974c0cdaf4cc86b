// What a checkpoint may hold beside its tensors: anything that is data. Nothing of it is run, all of it is bounded.
#include <ostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/checkpoint_file.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

using pkl::call;
using pkl::dict;
using pkl::global;
using pkl::number;
using pkl::text;
using pkl::tuple;

const std::string kTensor = pkl::tensor(pkl::storage("0", 4), 0, {4}, {1});
const std::string kBytes = std::string("C\4", 2) + "\1\2\3\4";
const std::string kDouble = "G" + std::string(8, '\x40');

struct Data {
  std::string name;
  std::string value;
};

std::ostream& operator<<(std::ostream& stream, const Data& data) { return stream << data.name; }

class PthData : public FileTest, public testing::WithParamInterface<Data> {};

TEST_P(PthData, BesideAStateDictIsLeftAlone) {
  const std::string root =
      dict({{"before", GetParam().value}, {"state_dict", dict({{"a", kTensor}})}, {"after", GetParam().value}});
  const auto file = CheckpointFile::open(write("net.pth", pth_bytes(pkl::pickle(root))));
  EXPECT_EQ(file.entry(), "state_dict");
  ASSERT_EQ(file.tensors().size(), 1U);
  EXPECT_EQ(to_float(file.tensors()[0]), (std::vector<float>{1, 2, 3, 4}));
}

std::string keyed(const std::string& key) { return "}" + key + "Ns"; }
std::string new_object(const std::string& type, const std::string& args = ")") { return type + args + "\x81"; }

const std::vector<Data> kData = {
    {"Counter", call(global("collections", "Counter"), {dict({{"a", number(3)}})})},
    {"DefaultDict", call(global("collections", "defaultdict"), {global("builtins", "list")}) + "(" + text("a") + "]u"},
    {"OrderedDictOfPairs", call(global("collections", "OrderedDict"), {"](" + tuple({text("a"), "N"}) + "e"})},
    {"Deque", call(global("collections", "deque"), {"]", number(10)}) + "(" + number(1) + number(2) + "e"},
    {"Namespace", new_object(global("argparse", "Namespace")) + dict({{"lr", kDouble}}) + "b"},
    {"NumpyScalar",
     call(global("numpy.core.multiarray", "scalar"),
          {call(global("numpy", "dtype"), {text("f8"), "\x89", "\x88"}) + tuple({number(3), text("<"), "N"}) + "b",
           kBytes})},
    {"NumpyArray",
     call(global("numpy.core.multiarray", "_reconstruct"), {global("numpy", "ndarray"), "K\1\x85", kBytes}) +
         tuple({number(1), "K\1\x85", "N", "\x89", kBytes}) + "b"},
    {"Device", call(global("torch", "device"), {text("cuda"), number(0)})},
    {"Dtype", global("torch", "float32")},
    {"Date", call(global("datetime", "datetime"), {call(global("_codecs", "encode"), {text("x"), text("latin1")})})},
    {"Path", call(global("pathlib", "PosixPath"), {text("/"), text("home")})},
    {"Enum", call(global("my.enums", "Mode"), {number(2)})},
    {"EnumByName", call(global("builtins", "getattr"), {global("my.enums", "Mode"), text("TRAIN")})},
    {"Partial", call(global("functools", "partial"), {global("torch.nn.functional", "relu")}) +
                    tuple({global("torch.nn.functional", "relu"), ")", "}", "N"}) + "b"},
    {"UnknownObject", new_object(global("my.code", "Config")) + dict({{"a", "N"}}) + "b"},
    {"ObjectOfAnObject", call(call(global("my.code", "factory"), {}), {text("x")})},
    {"NewWithNames", global("my.code", "Config") + ")}\x92"},
    {"OldInstance", "(" + number(1) + "imy.code\nConfig\n"},
    {"OldObject", "(" + global("my.code", "Config") + number(1) + "o"},
    {"DictOfItsOwnClass", new_object(global("addict", "Dict")) + "(" + text("lr") + kDouble + "u"},
    {"ListOfItsOwnClass", new_object(global("my.code", "List")) + "(NNe" + "Na"},
    {"SetByCall", call(global("__builtin__", "set"), {"]Na"})},
    {"Set", "\x8f(" + number(1) + number(2) + "\x90"},
    {"FrozenSet", "(" + number(1) + number(2) + "\x91"},
    {"Bytes", kBytes},
    {"LongBytes", "B" + bytes_of<uint32_t>(3) + "abc"},
    {"VeryLongBytes", "\x8e" + bytes_of<uint64_t>(3) + "abc"},
    {"ByteArray", "\x96" + bytes_of<uint64_t>(3) + "abc"},
    {"VeryLongText", "\x8d" + bytes_of<uint64_t>(3) + "abc"},
    {"TextOfAMegabyte", text(std::string(2'000'000, 'x'))},
    {"BigNumber", "\x8a\x10" + std::string(16, '\1')},
    {"BiggerNumber", "\x8b" + bytes_of<uint32_t>(300) + std::string(300, '\1')},
    {"OldNumbers", tuple({"I12\n", "I01\n", "L-5L\n", "L123456789012345678901234567890L\n", "F1.5e3\n"})},
    {"OldTexts", tuple({"S'abc'\n", "Vabc\n", std::string("T\3\0\0\0", 5) + "abc", "U\3abc"})},
    {"OldContainers", "(" + text("a") + "N" + "d" + "0" + "(NNl"},
    {"OldMemo", "Np200\n0g200\n"},
    {"Duplicate", "N2\x86"},
    {"DroppedMark", "(0N(NN1"},
    {"FloatKey", keyed(kDouble)},
    {"TupleKey", keyed("NN\x86")},
    {"NoneKey", keyed("N")},
    {"BoolKey", keyed("\x88")},
    {"FrozenSetKey", keyed("(N\x91")},
    {"ObjectKey", keyed(call(global("my.enums", "Mode"), {number(2)}))},
    {"SparseTensor", call(global("torch._utils", "_rebuild_sparse_tensor"), {global("torch", "sparse_coo"), ")"})},
    {"TensorOfComplexNumbers", pkl::tensor(pkl::storage("9", 4, "ComplexFloatStorage"), 0, {4}, {1})},
    {"TensorOfNewTypes", call(global("torch._utils", "_rebuild_tensor_v3"),
                              {pkl::storage("9", 4, "UntypedStorage"), number(0), "K\4\x85", "K\1\x85", "\x89",
                               pkl::ordered_dict(), global("torch", "float8_e4m3fn")})},
    {"Recursive", std::string("]q\5", 3) + "h\5" + "a"},
    {"Deep", std::string(900, '(') + std::string(900, 't')},
    {"Module", new_object(global("torch.nn.modules.conv", "Conv2d")) + dict({{"weight", kTensor}}) + "b"},
};

INSTANTIATE_TEST_SUITE_P(Kinds, PthData, testing::ValuesIn(kData), [](const auto& test) { return test.param.name; });

class PthTensors : public FileTest {
 protected:
  CheckpointFile open(const std::string& root) const {
    return CheckpointFile::open(write("net.pth", pth_bytes(pkl::pickle(root))));
  }
};

TEST_F(PthTensors, OfClassesOfTheirOwnAreTensors) {
  const std::string subclass =
      call(global("torch._tensor", "_rebuild_from_type_v2"),
           {global("torch._utils", "_rebuild_tensor_v2"), global("my.code", "Boxes"),
            tuple({pkl::storage("0", 4), number(1), "K\3\x85", "K\1\x85", "\x89", pkl::ordered_dict()}), "}"});
  const std::string parameter =
      call(global("torch._utils", "_rebuild_parameter_with_state"), {kTensor, "\x88", pkl::ordered_dict(), "}"});
  const CheckpointFile file = open(dict({{"a", subclass}, {"b", parameter}}));
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(to_float(file.tensors()[0]), (std::vector<float>{2, 3, 4}));
}

TEST_F(PthTensors, InADictOfAnyClassAreAStateDict) {
  const std::string items = "(" + text("a") + kTensor + "u";
  for (const std::string& made :
       {call(global("collections", "defaultdict"), {"N"}), new_object(global("addict", "Dict")),
        call(global("transformers", "BatchEncoding"), {})}) {
    EXPECT_EQ(open(made + items).tensors().size(), 1U);
  }
  const std::string pairs = call(global("collections", "OrderedDict"), {"](" + tuple({text("a"), kTensor}) + "e"});
  EXPECT_EQ(open(pairs).tensors().size(), 1U);
}

TEST_F(PthTensors, OfAWholeModelAreNotFoundButItsClassIsNamed) {
  const std::string module =
      new_object(global("torchvision.models.resnet", "ResNet")) + dict({{"weight", kTensor}}) + "b";
  const auto file = write("net.pth", pth_bytes(pkl::pickle(dict({{"epoch", number(3)}, {"model", module}}))));
  EXPECT_EQ(
      checkpoint_error(file),
      file.string() +
          ": holds no state dict, but a dict of \"epoch\" (a number), \"model\" (an object of "
          "torchvision.models.resnet.ResNet); if you trust the file, load it in Python and save the weights alone: "
          "torch.save(model.state_dict(), \"model.pth\")");
}

using PthBounds = FileTest;

std::string repeated(const std::string& code, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += code;
  return all;
}

// One long value that many others refer to must not be copied or walked for each of them.
TEST_F(PthBounds, LongTuplesAreNotCopied) {
  const std::string numbers = "(" + repeated("K\1", 60'000) + "tq\1" + "0";
  const std::string size = global("torch", "Size") + "q\2" + "0";
  const std::string many = repeated("h\2h\1\x85R", 400);
  const auto file = write("net.pth", pth_bytes(pkl::pickle(numbers + size + "](" + many + "e")));
  EXPECT_THAT(checkpoint_error(file),
              testing::EndsWith("torch.Size of something else than a tuple of at most 64 whole numbers from 0"));
}

TEST_F(PthBounds, LongShapesAreNotWalked) {
  const std::string numbers = "(" + repeated("K\1", 60'000) + "tq\1" + "0";
  const std::string tensor = call(global("torch._utils", "_rebuild_tensor_v2"),
                                  {pkl::storage("0", 4), number(0), "h\1", "h\1", "\x89", pkl::ordered_dict()});
  const auto file = write("net.pth", pth_bytes(pkl::pickle(numbers + tensor)));
  EXPECT_THAT(checkpoint_error(file), testing::EndsWith("a tensor's size must be a tuple of whole numbers from 0"));
}

TEST_F(PthBounds, ListsOfPairsAreCharged) {
  const std::string pairs = "](" + repeated("NN\x86", 1'000) + repeated("h\3", 0) + "eq\1" + "0";
  const std::string type = global("collections", "OrderedDict") + "q\2" + "0";
  const auto file =
      write("net.pth", pth_bytes(pkl::pickle(pairs + type + "](" + repeated("h\2h\1\x85R", 10'000) + "e")));
  EXPECT_THAT(checkpoint_error(file), testing::EndsWith("more than 4000000 references to values"));
}

TEST_F(PthBounds, ReferencesAreCharged) {
  const std::string list = "]q\1" + std::string("0");
  const std::string chunk = "h\1(" + repeated("h\1", 500'000) + "e0";
  const auto file = write("net.pth", pth_bytes(pkl::pickle(list + repeated(chunk, 9) + "N")));
  EXPECT_THAT(checkpoint_error(file), testing::EndsWith("more than 4000000 references to values"));
}

TEST_F(PthBounds, OneDictUnderManyKeysIsLookedAtOnce) {
  std::string items;
  for (int i = 0; i < 5'000; ++i) items += text(fmt::format("tensor{}", i)) + "h\2";
  std::string keys;
  for (int i = 0; i < 50'000; ++i) keys += text(fmt::format("k{}", i)) + "h\1";
  const auto file =
      write("net.pth", pth_bytes(pkl::pickle(kTensor + "q\2" + "0" + "}(" + items + "uq\1" + "0" + "}(" + keys + "u")));
  EXPECT_EQ(checkpoint_error(file), "opened");
}

TEST_F(PthBounds, ViewsAreCopiedUpToTheSizeOfTheFile) {
  const std::string storage = pkl::storage("0", 4);
  std::vector<std::pair<std::string, std::string>> items;
  for (int i = 0; i < 40; ++i) items.emplace_back(fmt::format("t{}", i), pkl::tensor(storage, 0, {500'000}, {0}));
  const auto file = write("net.pth", pth_bytes(pkl::pickle(dict(items))));
  EXPECT_THAT(checkpoint_error(file), testing::HasSubstr("is a view of 2000000 bytes that must be copied into order"));
}

}  // namespace
}  // namespace zoo::weights
