// Every way the archive of a PyTorch checkpoint can be broken or made to do harm, with the exact message.
#include <ostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

struct BrokenArchive {
  std::string name;
  std::string bytes;
  std::string message;  ///< after "FILE: "
};

std::ostream& operator<<(std::ostream& stream, const BrokenArchive& broken) { return stream << broken.name; }

class BrokenArchiveTest : public FileTest, public testing::WithParamInterface<BrokenArchive> {};

TEST_P(BrokenArchiveTest, IsRefusedWithItsReason) {
  const auto file = write("net.pth", GetParam().bytes);
  EXPECT_EQ(checkpoint_error(file), file.string() + ": " + GetParam().message);
}

std::string good_pickle() { return pkl::pickle(pkl::dict({{"a", pkl::tensor(pkl::storage("0", 4), 0, {4}, {1})}})); }

/// A good archive and one more entry.
std::string with_entry(const ZipEntry& entry) {
  std::vector<ZipEntry> entries = pth_entries(good_pickle());
  entries.push_back(entry);
  return zip_bytes(entries);
}

/// A good archive in which storage 0 is another entry.
std::string with_storage(const ZipEntry& storage) {
  std::vector<ZipEntry> entries = pth_entries(good_pickle());
  entries[1] = storage;
  return zip_bytes(entries);
}

std::string without_storage() {
  std::vector<ZipEntry> entries = pth_entries(good_pickle());
  entries.erase(entries.begin() + 1);
  return zip_bytes(entries);
}

/// Many entries that share the bytes of one, as zip bombs without compression do.
std::string shared_entries() {
  std::vector<ZipEntry> entries = pth_entries(good_pickle());
  const std::string shared(4000, 'x');
  entries.push_back({.name = "net/data/1", .data = shared});
  const std::string before = zip_bytes(pth_entries(good_pickle()));
  const auto offset = static_cast<uint32_t>(before.find("PK\x01\x02"));
  for (int i = 2; i < 6; ++i) {
    entries.push_back(
        {.name = fmt::format("net/data/{}", i), .data = {}, .size = 4000, .stored_size = 4000, .offset = offset});
  }
  return zip_bytes(entries);
}

std::string with_entry_count(uint16_t count) {
  std::string bytes = pth_bytes(good_pickle());
  const size_t end = bytes.rfind("PK\x05\x06");
  bytes.replace(end + 8, 4, bytes_of(count) + bytes_of(count));
  return bytes;
}

const std::string kSixteen(16, '\0');
constexpr const char* kNoDirectory =
    "begins like a zip archive, but ends without its directory; is the download complete?";

const std::vector<BrokenArchive> kBrokenArchives = {
    {"HalfAFile", pth_bytes(good_pickle()).substr(0, 200), kNoDirectory},
    {"OnlyTheMagic", "PK\x03\x04" + std::string(100, '\0'), kNoDirectory},
    {"NoEntries", zip_bytes({}), "is a zip archive without entries"},
    {"SomeOtherArchive", zip_bytes({{.name = "photos/cat.jpg", .data = "x"}}),
     "is a zip archive without data.pkl, so not a file of torch.save; it holds \"photos/cat.jpg\". If one of these is "
     "the checkpoint, unpack the archive and give that file"},
    {"EntryTwice", with_entry({.name = "net/data/0", .data = kSixteen}), "entry \"net/data/0\" is there twice"},
    {"PickleTwice", with_entry({.name = "net/data.pkl", .data = "N."}), "entry \"net/data.pkl\" is there twice"},
    {"StepsOut", with_entry({.name = "net/../../etc/passwd", .data = "x"}),
     "entry \"net/../../etc/passwd\" steps out of its folder"},
    {"StepsOutAtTheEnd", with_entry({.name = "net/data/..", .data = "x"}),
     "entry \"net/data/..\" steps out of its folder"},
    {"AbsolutePath", with_entry({.name = "/etc/passwd", .data = "x"}), "entry \"/etc/passwd\" is an absolute path"},
    {"Backslash", with_entry({.name = "net\\..\\x", .data = "x"}),
     "entry \"net\\x5c..\\x5cx\" has a backslash in its name"},
    {"EmptyStep", with_entry({.name = "net//data/1", .data = "x"}),
     "entry \"net//data/1\" has an empty step in its path"},
    {"DotStep", with_entry({.name = "net/./data", .data = "x"}), "entry \"net/./data\" has an empty step in its path"},
    {"NoName", with_entry({.name = "", .data = "x"}), "entry \"\" has no name"},
    {"OtherFolder", with_entry({.name = "other/data/1", .data = "x"}),
     "entry \"other/data/1\" is outside of the folder \"net/\", where PyTorch puts everything"},
    {"NameWithTerminalCodes", with_entry({.name = "\x1b[2J/x", .data = "x"}),
     "entry \"\\x1b[2J/x\" is outside of the folder \"net/\", where PyTorch puts everything"},
    {"Compressed", with_storage({.name = "net/data/0", .data = kSixteen, .method = 8, .size = 1'000'000'000}),
     "entry \"net/data/0\" is compressed, which PyTorch never does; save the file anew with it"},
    {"OtherCompression", with_storage({.name = "net/data/0", .data = kSixteen, .method = 12}),
     "entry \"net/data/0\" is compressed, which PyTorch never does; save the file anew with it"},
    {"Encrypted", with_storage({.name = "net/data/0", .data = kSixteen, .flags = 1}),
     "entry \"net/data/0\" is encrypted"},
    {"ClaimsMoreThanItHas", with_storage({.name = "net/data/0", .data = kSixteen, .size = 4'000'000'000U}),
     "entry \"net/data/0\" is stored in 16 bytes, but claims 4000000000"},
    {"ClaimsMoreThanTheFile",
     with_storage({.name = "net/data/0", .data = kSixteen, .size = 4'000'000'000U, .stored_size = 4'000'000'000U}),
     "entry \"net/data/0\" claims 4000000000 bytes; with those before it that is more than the file has"},
    {"EntriesShareBytes", shared_entries(),
     "entry \"net/data/2\" claims 4000 bytes; with those before it that is more than the file has"},
    {"EntryBeyondTheEnd", with_storage({.name = "net/data/0", .data = kSixteen, .offset = 0x7FFFFFFF}),
     "entry \"net/data/0\" cannot be read (Invalid argument)"},
    {"EntryElsewhere", with_storage({.name = "net/data/0", .data = kSixteen, .offset = 7}),
     "entry \"net/data/0\" is damaged (Invalid argument)"},
    {"WrongChecksum", with_storage({.name = "net/data/0", .data = kSixteen, .checksum = 1}),
     "entry \"net/data/0\" is damaged (CRC error)"},
    {"NoStorage", without_storage(), "has no entry \"net/data/0\", which a tensor needs"},
    {"StorageTooSmall", with_storage({.name = "net/data/0", .data = kSixteen.substr(1)}),
     "tensor \"a\": storage 0 of 4 F32 does not fit its entry of 15 bytes"},
    {"StorageTooLarge", with_storage({.name = "net/data/0", .data = kSixteen + "x"}),
     "tensor \"a\": storage 0 of 4 F32 does not fit its entry of 17 bytes"},
    {"BigEndian", with_entry({.name = "net/byteorder", .data = "big"}),
     "byte order is \"big\"; only \"little\" is read"},
    {"TorchScript", with_entry({.name = "net/constants.pkl", .data = "x"}),
     "is a TorchScript program (torch.jit.save), not a checkpoint; save the weights in Python: "
     "torch.save(model.state_dict(), \"model.pth\")"},
    {"EmptyPickle", pth_bytes(""), "data.pkl at byte 0: does not begin with a protocol number"},
};

INSTANTIATE_TEST_SUITE_P(Pth, BrokenArchiveTest, testing::ValuesIn(kBrokenArchives),
                         [](const auto& test) { return test.param.name; });

using BrokenArchiveDirectoryTest = FileTest;

TEST_F(BrokenArchiveDirectoryTest, IsRefusedWithTheWordsOfLibzip) {
  const auto file = write("net.pth", with_entry_count(2000));
  EXPECT_THAT(checkpoint_error(file), testing::StartsWith(file.string() + ": the directory of the zip archive is "
                                                                          "damaged (Zip archive inconsistent"));
}

using PthArchiveFile = FileTest;

TEST_F(PthArchiveFile, GoodOneOfTheseTestsOpens) {
  EXPECT_EQ(checkpoint_error(write("net.pth", pth_bytes(good_pickle()))), "opened");
  EXPECT_EQ(checkpoint_error(write("net.pth", with_entry({.name = "net/byteorder", .data = "little"}))), "opened");
  EXPECT_EQ(checkpoint_error(write("net.pth", with_entry({.name = "net/.data/serialization_id", .data = "1"}))),
            "opened");
}

TEST_F(PthArchiveFile, PickleOverTheLimitIsRefused) {
  const std::string pickle((size_t{64} << 20U) + 1, 'N');
  const auto file = write("net.pth", pth_bytes(pickle));
  EXPECT_EQ(checkpoint_error(file), file.string() + ": data.pkl has 67108865 bytes, the limit is 67108864");
}

}  // namespace
}  // namespace zoo::weights
