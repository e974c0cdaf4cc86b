// Every way a checkpoint file can be broken, with the exact message.
#include <ostream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/test_files.h"

namespace zoo::weights {
namespace {

struct BrokenHeader {
  std::string name;
  std::string header;
  size_t data_size;
  std::string message;  ///< after "FILE: "
};

std::ostream& operator<<(std::ostream& stream, const BrokenHeader& broken) { return stream << broken.name; }

class BrokenHeaderTest : public FileTest, public testing::WithParamInterface<BrokenHeader> {};

TEST_P(BrokenHeaderTest, IsRefusedWithItsReason) {
  const auto file = write("x.safetensors", file_bytes(GetParam().header, std::string(GetParam().data_size, '\0')));
  EXPECT_EQ(opening_error(file), file.string() + ": " + GetParam().message);
}

/// A tensor entry of which one field is replaced.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"dtype":{},"shape":{},"data_offsets":{}}})", dtype, shape, offsets);
}
std::string header_of(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"a":{}}})", entry(dtype, shape, offsets));
}
std::string header_of_two(const std::string& offsets_a, const std::string& offsets_b) {
  return fmt::format(R"({{"a":{},"b":{}}})", entry("\"F32\"", "[2]", offsets_a), entry("\"F32\"", "[2]", offsets_b));
}

const std::string kGood = entry("\"F32\"", "[2]", "[0,8]");

const std::vector<BrokenHeader> kBrokenHeaders = {
    // Not JSON.
    {"NotClosed", R"({"a":)" + kGood, 8, "the header is not valid JSON (at byte 54 of the header)"},
    {"TextAfterTheObject", "{} x", 0, "the header is not valid JSON (at byte 4 of the header)"},
    {"NulAfterTheObject", std::string("{}\0x", 4), 0, "the header is not valid JSON (at byte 3 of the header)"},
    {"NoUtf8", "{\"\xC3\x28\":1}", 0, "the header is not valid JSON (at byte 4 of the header)"},
    {"SingleQuotes", "{'a':1}", 0, "the header is not valid JSON (at byte 2 of the header)"},
    {"LeadingSpace", " {}", 0, "the header does not begin with '{'"},
    {"List", "[]", 0, "the header does not begin with '{'"},
    {"Nothing", "   ", 0, "the header does not begin with '{'"},
    // Entries that are not what they must be.
    {"EntryIsNumber", R"({"a":1})", 0, "tensor \"a\": must be an object with dtype, shape and data_offsets, found 1"},
    {"EntryIsList", R"({"a":[[[[]]]]})", 0,
     "tensor \"a\": must be an object with dtype, shape and data_offsets, found a list"},
    {"EntryIsNull", R"({"a":null})", 0,
     "tensor \"a\": must be an object with dtype, shape and data_offsets, found null"},
    {"EntryIsEmpty", R"({"a":{}})", 0, "tensor \"a\": dtype is missing"},
    {"NoShape", R"({"a":{"dtype":"F32","data_offsets":[0,0]}})", 0, "tensor \"a\": shape is missing"},
    {"NoOffsets", R"({"a":{"dtype":"F32","shape":[]}})", 0, "tensor \"a\": data_offsets is missing"},
    {"UnknownKey", R"({"a":{"dtyp":"F32"}})", 0,
     "tensor \"a\": unknown key \"dtyp\" (dtype, shape and data_offsets are known)"},
    {"NestedObject", R"({"a":{"dtype":{"x":{}}}})", 0, "tensor \"a\": dtype must be a string, found an object"},
    {"DtypeTwice", R"({"a":{"dtype":"F32","dtype":"F32"}})", 0, "tensor \"a\": dtype is there twice"},
    {"TensorTwice", fmt::format(R"({{"a":{0},"a":{0}}})", kGood), 8, "tensor \"a\": is there twice"},
    {"TensorTwiceByEscape", fmt::format(R"({{"a":{0},"\u0061":{0}}})", kGood), 8, "tensor \"a\": is there twice"},
    {"EmptyName", fmt::format(R"({{"":{}}})", kGood), 8, "a tensor has an empty name"},
    {"NulInName", fmt::format(R"({{"a\u0000b":{}}})", kGood), 8, "tensor \"a\\x00b\": the name has a NUL character"},
    {"LongName", fmt::format(R"({{"{}":{}}})", std::string(1025, 'n'), kGood), 8,
     "tensor \"" + std::string(120, 'n') + "...\": the name is longer than 1024 bytes"},
    {"NameWithTerminalCodes", R"({"\u001b[31m":1})", 0,
     "tensor \"\\x1b[31m\": must be an object with dtype, shape and data_offsets, found 1"},
    // Types.
    {"DtypeIsNumber", header_of("32", "[2]", "[0,8]"), 8, "tensor \"a\": dtype must be a string, found 32"},
    {"DtypeUnknown", header_of("\"F8_E5M2\"", "[2]", "[0,2]"), 2,
     "tensor \"a\": dtype \"F8_E5M2\" is not supported (F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are)"},
    {"DtypeInLowerCase", header_of("\"f32\"", "[2]", "[0,8]"), 8,
     "tensor \"a\": dtype \"f32\" is not supported (F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are)"},
    // Shapes.
    {"ShapeIsNumber", header_of("\"F32\"", "2", "[0,8]"), 8,
     "tensor \"a\": shape must be a list of whole numbers, found 2"},
    {"ShapeIsString", header_of("\"F32\"", "\"2\"", "[0,8]"), 8,
     "tensor \"a\": shape must be a list of whole numbers, found a string"},
    {"ShapeNegative", header_of("\"F32\"", "[-2]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found -2"},
    {"ShapeNegativeZero", header_of("\"F32\"", "[-0]", "[0,0]"), 0,
     "tensor \"a\": shape must hold whole numbers from 0, found -0"},
    {"ShapeFloat", header_of("\"F32\"", "[2.0]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found 2.0"},
    {"ShapeBool", header_of("\"F32\"", "[true]", "[0,4]"), 4,
     "tensor \"a\": shape must hold whole numbers from 0, found true"},
    {"ShapeNested", header_of("\"F32\"", "[[2]]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found a list"},
    {"ShapeHoldsObject", header_of("\"F32\"", "[{}]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found an object"},
    {"ShapeBeyond63Bits", header_of("\"F32\"", "[9223372036854775808]", "[0,8]"), 8,
     "tensor \"a\": shape has the extent 9223372036854775808, which is too large"},
    {"ShapeBeyond64Bits", header_of("\"F32\"", "[18446744073709551616]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found 18446744073709551616"},
    {"ShapeBeyondDouble", header_of("\"F32\"", "[1e999]", "[0,8]"), 8,
     "tensor \"a\": shape must hold whole numbers from 0, found 1e999"},
    {"ShapeProductOverflows", header_of("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0,
     "tensor \"a\": shape 4294967296x4294967296 is too large"},
    {"ShapeBytesOverflow", header_of("\"F64\"", "[2305843009213693952]", "[0,0]"), 0,
     "tensor \"a\": shape 2305843009213693952 is too large"},
    {"ShapeOverflowsBeforeZero", header_of("\"F32\"", "[9223372036854775807,9223372036854775807,0]", "[0,0]"), 0,
     "tensor \"a\": shape 9223372036854775807x9223372036854775807x0 is too large"},
    {"NineDimensions", header_of("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
     "tensor \"a\": shape has more than 8 dimensions"},
    {"ShapeNeedsMore", header_of("\"F32\"", "[2,3]", "[0,20]"), 20,
     "tensor \"a\": shape 2x3 of F32 needs 24 bytes, but data_offsets [0, 20] hold 20"},
    {"ShapeNeedsLess", header_of("\"F16\"", "[]", "[0,4]"), 4,
     "tensor \"a\": shape scalar of F16 needs 2 bytes, but data_offsets [0, 4] hold 4"},
    // Offsets.
    {"OffsetsEmpty", header_of("\"F32\"", "[0]", "[]"), 0, "tensor \"a\": data_offsets must be two numbers, found 0"},
    {"OneOffset", header_of("\"F32\"", "[2]", "[8]"), 8, "tensor \"a\": data_offsets must be two numbers, found 1"},
    {"ThreeOffsets", header_of("\"F32\"", "[2]", "[0,8,8]"), 8,
     "tensor \"a\": data_offsets must be two numbers, found more"},
    {"OffsetsAreStrings", header_of("\"F32\"", "[2]", "[\"0\",8]"), 8,
     "tensor \"a\": data_offsets must hold whole numbers from 0, found a string"},
    {"OffsetsNull", header_of("\"F32\"", "[2]", "null"), 8,
     "tensor \"a\": data_offsets must be a list of whole numbers, found null"},
    {"OffsetsReversed", header_of("\"F32\"", "[2]", "[8,0]"), 8, "tensor \"a\": data_offsets [8, 0] are reversed"},
    {"OffsetsPastTheEnd", header_of("\"F32\"", "[4]", "[0,16]"), 8,
     "tensor \"a\": data_offsets [0, 16] reach past the end of the file, which has 8 bytes of data; is the download "
     "complete?"},
    {"OffsetsHuge", header_of("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]"), 8,
     "tensor \"a\": data_offsets [18446744073709551608, 18446744073709551615] reach past the end of the file, which "
     "has "
     "8 bytes of data; is the download complete?"},
    {"Overlap", header_of_two("[0,8]", "[4,12]"), 12,
     "tensor \"b\": its data at [4, 12] overlap those of \"a\" at [0, 8]"},
    {"SameData", header_of_two("[0,8]", "[0,8]"), 8,
     "tensor \"b\": its data at [0, 8] overlap those of \"a\" at [0, 8]"},
    {"Hole", header_of_two("[0,8]", "[12,20]"), 20,
     "tensor \"b\": its data begin at 12, but the data before end at 8 (a hole)"},
    {"HoleAtTheStart", header_of_two("[4,12]", "[12,20]"), 20,
     "tensor \"a\": its data begin at 4, but the data before end at 0 (a hole)"},
    {"BytesLeftOver", header_of("\"F32\"", "[2]", "[0,8]"), 11, "3 bytes after the last tensor belong to nothing"},
    {"DataWithoutTensors", "{}", 5, "5 bytes after the last tensor belong to nothing"},
    // Metadata.
    {"MetadataIsString", R"({"__metadata__":"pt"})", 0, "__metadata__ must be an object of strings, found a string"},
    {"MetadataIsList", R"({"__metadata__":[]})", 0, "__metadata__ must be an object of strings, found a list"},
    {"MetadataHoldsNumber", R"({"__metadata__":{"epoch":3}})", 0, "__metadata__: \"epoch\" must be a string, found 3"},
    {"MetadataHoldsObject", R"({"__metadata__":{"config":{"a":"b"}}})", 0,
     "__metadata__: \"config\" must be a string, found an object"},
    {"MetadataKeyTwice", R"({"__metadata__":{"a":"1","a":"2"}})", 0, "__metadata__: \"a\" is there twice"},
    {"MetadataTwice", R"({"__metadata__":{},"__metadata__":{}})", 0, "__metadata__ is there twice"},
};

INSTANTIATE_TEST_SUITE_P(Safetensors, BrokenHeaderTest, testing::ValuesIn(kBrokenHeaders),
                         [](const auto& test) { return test.param.name; });

struct BrokenBytes {
  std::string name;
  std::string bytes;
  std::string message;
};

std::ostream& operator<<(std::ostream& stream, const BrokenBytes& broken) { return stream << broken.name; }

class BrokenBytesTest : public FileTest, public testing::WithParamInterface<BrokenBytes> {};

TEST_P(BrokenBytesTest, IsRefusedWithItsReason) {
  const auto file = write("x.safetensors", GetParam().bytes);
  EXPECT_EQ(opening_error(file), file.string() + ": " + GetParam().message);
}

const std::vector<BrokenBytes> kBrokenBytes = {
    {"Empty", "", "the file is empty"},
    {"SevenBytes", std::string(7, '\0'), "7 bytes are too few for a safetensors file"},
    {"LengthZero", std::string(8, '\0'), "the header length is 0"},
    {"LengthZeroBeforeHeader", file_bytes(0, "{}", ""), "the header length is 0"},
    {"LengthOneTooMany", file_bytes(3, "{}", ""),
     "the header length 3 reaches past the end of the file, which has 10 bytes; is the download complete?"},
    {"LengthAtTheLimit", file_bytes(100'000'000, "{}", ""),
     "the header length 100000000 reaches past the end of the file, which has 10 bytes; is the download complete?"},
    {"LengthOverTheLimit", file_bytes(100'000'001, "{}", ""),
     "the header length 100000001 is over the limit of 100000000 bytes; is this a safetensors file?"},
    {"LengthAllOnes", std::string(16, '\xFF'),
     "the header length 18446744073709551615 is over the limit of 100000000 bytes; is this a safetensors file?"},
    {"GitLfsPointer",
     "version https://git-lfs.github.com/spec/v1\noid "
     "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17"
     "e2393\nsize 10261808\n",
     "this is a git-lfs pointer, not the checkpoint itself; fetch the file with `git lfs pull`"},
    {"WebPage", "<!DOCTYPE html>\n<html><body>404</body></html>\n",
     "this is a web page, not a checkpoint; the download went to a page about the file or to an error page"},
    {"WebPageAfterSpace", "\n\n  <HTML lang=en>",
     "this is a web page, not a checkpoint; the download went to a page about the file or to an error page"},
    {"XmlErrorPage", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
     "this is a web page, not a checkpoint; the download went to a page about the file or to an error page"},
};

INSTANTIATE_TEST_SUITE_P(Safetensors, BrokenBytesTest, testing::ValuesIn(kBrokenBytes),
                         [](const auto& test) { return test.param.name; });

using BrokenFile = FileTest;

TEST_F(BrokenFile, CheckpointOfPyTorchIsNoTensorFile) {
  const auto archive = write("net.pth", "PK\x03\x04" + std::string(100, '\0'));
  EXPECT_EQ(opening_error(archive),
            archive.string() + ": this is a zip archive (PyTorch's .pth?), not a safetensors file");
  const auto pickle = write("old.pth", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M");
  EXPECT_EQ(opening_error(pickle), pickle.string() + ": this is a pickle (PyTorch's .pth?), not a safetensors file");
}

TEST_F(BrokenFile, HeaderLengthThatLooksLikePickleIsNoPickle) {
  std::string header = R"({"a":)" + kGood + "}";
  header.append(0x280 - header.size(), ' ');
  const std::string bytes = file_bytes(header, std::string(8, '\0'));
  ASSERT_EQ(bytes.substr(0, 2), "\x80\x02");
  EXPECT_EQ(opening_error(write("x.safetensors", bytes)), "opened");
}

TEST_F(BrokenFile, MissingFileIsNamed) {
  EXPECT_EQ(opening_error(path("none.safetensors")),
            path("none.safetensors").string() + ": cannot open the file: No such file or directory");
}

TEST_F(BrokenFile, FolderIsRefused) {
  EXPECT_EQ(opening_error(folder_), folder_.string() + ": is a folder, not a checkpoint file");
}

TEST_F(BrokenFile, NamedPipeIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(opening_error(path("pipe")), path("pipe").string() + ": is not a regular file");
}

TEST_F(BrokenFile, DeviceIsRefused) { EXPECT_EQ(opening_error("/dev/zero"), "/dev/zero: is not a regular file"); }

TEST_F(BrokenFile, DeepNestingIsRefusedAtOnce) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(opening_error(write("x", file_bytes("{\"a\":" + deep, ""))),
              testing::EndsWith("must be an object with dtype, shape and data_offsets, found a list"));
  EXPECT_THAT(opening_error(write("y", file_bytes("{\"a\":{\"shape\":" + deep, ""))),
              testing::EndsWith("shape must hold whole numbers from 0, found a list"));
}

TEST_F(BrokenFile, EndlessNumberIsShortened) {
  const std::string digits(1'000'000, '9');
  EXPECT_THAT(opening_error(write("x", file_bytes("{\"a\":{\"shape\":[" + digits, ""))),
              testing::EndsWith("found " + std::string(40, '9') + "..."));
}

TEST_F(BrokenFile, LongNameIsCutBetweenCharacters) {
  std::string name(119, 'n');
  name += "\xC3\xA4\xC3\xA4";  // two letters of two bytes; the first would straddle the limit
  EXPECT_EQ(opening_error(write("x", file_bytes("{\"" + name + "\":1}", ""))),
            path("x").string() + ": tensor \"" + std::string(119, 'n') +
                "...\": must be an object with dtype, shape and data_offsets, found 1");
}

}  // namespace
}  // namespace zoo::weights
