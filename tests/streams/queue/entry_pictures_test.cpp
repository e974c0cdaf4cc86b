#include "streams/queue/entry_pictures.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Taken {
  std::string bytes;
  std::string problem;
  bool transient = false;
};

Taken take(const Fields& fields, PictureAccess access = {}) {
  EntryPictures pictures(std::move(access));
  brokers::QueueEntry entry{.id = "1-0", .fields = fields};
  try {
    const std::vector<uint8_t> bytes = pictures.take(entry);
    return {.bytes = {bytes.begin(), bytes.end()}, .problem = {}};
  } catch (const EntryError& error) {
    return {.bytes = {}, .problem = error.what(), .transient = error.transient()};
  }
}

TEST(EntryPicturesTest, BytesInTheEntry) {
  EXPECT_EQ(take({{"key", "a"}, {"image", "bytes"}}).bytes, "bytes");
  EXPECT_EQ(take({{"data", "bytes"}}).bytes, "bytes");
  EXPECT_EQ(take({{"image", ""}}).problem, "") << "the reader of pictures says that it is empty";
  const Taken large = take({{"image", std::string(11, 'x')}}, {.max_bytes = 10});
  EXPECT_THAT(large.problem, AllOf(HasSubstr("at most 10"), HasSubstr("--max-bytes")));
  EXPECT_FALSE(large.transient);
}

TEST(EntryPicturesTest, OneFieldIsThePicture) {
  EXPECT_THAT(take({{"key", "a"}, {"picture", "bytes"}}).problem,
              AllOf(HasSubstr("image, data, path, url"), HasSubstr("found key, picture")));
  EXPECT_THAT(take({}).problem, HasSubstr("no picture"));
  EXPECT_THAT(take({{"image", "a"}, {"url", "b"}}).problem, HasSubstr("image and url"));
  const Fields many(100, {std::string(1000, 'n'), "v"});
  EXPECT_LE(take(many).problem.size(), 1000U);
}

TEST(EntryPicturesTest, FilesOnlyWhereTheyAreAllowed) {
  const test::TempFolder one;
  const test::TempFolder two;
  std::ofstream(two / "a.jpg") << "bytes";
  EXPECT_THAT(take({{"path", two / "a.jpg"}}).problem, HasSubstr("--allow-root"));
  const PictureAccess access{.folders = {AllowedFolder(one.path()), AllowedFolder(two.path())}, .max_bytes = 5};
  EXPECT_EQ(take({{"path", "a.jpg"}}, access).bytes, "bytes");
  EXPECT_EQ(take({{"path", two / "a.jpg"}}, access).bytes, "bytes");
  const Taken missing = take({{"path", "/etc/passwd"}}, access);
  EXPECT_THAT(missing.problem, HasSubstr("there is no such file in the folders"));
  EXPECT_FALSE(missing.transient);
  std::ofstream(two / "b.jpg") << "many bytes";
  const Taken large = take({{"path", "b.jpg"}}, access);
  EXPECT_THAT(large.problem, AllOf(HasSubstr("at most 5"), HasSubstr("--max-bytes")));
  EXPECT_FALSE(large.transient);
  std::filesystem::remove_all(one.path());
  EXPECT_EQ(take({{"path", "a.jpg"}}, access).bytes, "bytes") << "the other folder is there";
  EXPECT_TRUE(take({{"path", "c.jpg"}}, access).transient) << "it may be in the one that is away";
  std::filesystem::create_directory(one.path());
}

class EntryUrls : public ::testing::Test {
 protected:
  Taken fetch(const std::string& path, size_t max_bytes = 100) const {
    return take({{"url", server_.url(path)}},
                {.addresses = {AllowedAddress(server_.url("/pictures/"))}, .max_bytes = max_bytes});
  }

  test::HttpServer server_{[](const test::HttpRequest& request) -> test::HttpReply {
    if (request.path == "/pictures/a.jpg") return {.body = "bytes"};
    if (request.path == "/pictures/moved") return {.status = 302, .headers = {{"Location", "/secret"}}};
    if (request.path == "/pictures/busy") return {.status = 503};
    if (request.path == "/pictures/half") return {.body = "half of it", .send = 3};
    if (request.path == "/pictures/endless") return {.body = "half of it", .send = 3, .stall = true};
    return {.status = 404};
  }};
};

TEST_F(EntryUrls, AreFetchedWhereThatIsAllowed) {
  EXPECT_EQ(fetch("/pictures/a.jpg").bytes, "bytes");
  EXPECT_THAT(fetch("/secret").problem, HasSubstr("--allow-url"));
  EXPECT_THAT(take({{"url", server_.url("/pictures/a.jpg")}}).problem, HasSubstr("--allow-url"));
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(EntryUrls, FailForGoodOrForNow) {
  const Taken missing = fetch("/pictures/none.jpg");
  EXPECT_THAT(missing.problem, HasSubstr("answered 404"));
  EXPECT_FALSE(missing.transient);
  const Taken moved = fetch("/pictures/moved");
  EXPECT_THAT(moved.problem, HasSubstr("redirects are not followed"));
  EXPECT_FALSE(moved.transient);
  EXPECT_TRUE(fetch("/pictures/busy").transient);
  EXPECT_TRUE(fetch("/pictures/half").transient);
  EXPECT_THAT(fetch("/pictures/a.jpg", 4).problem, HasSubstr("more than 4 bytes"));
}

TEST_F(EntryUrls, HaveATimeToBeHere) {
  const Taken endless = take({{"url", server_.url("/pictures/endless")}},
                             {.addresses = {AllowedAddress(server_.url("/pictures/"))}, .max_time = 200ms});
  EXPECT_THAT(endless.problem, HasSubstr("not here within 0.2 s"));
  EXPECT_TRUE(endless.transient);
}

TEST_F(EntryUrls, SecretsAreNotTold) {
  const Taken taken = take({{"url", "http://user:hunter2@127.0.0.1:1/x?token=hunter2"}});
  EXPECT_THAT(taken.problem, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace zoo::streams
