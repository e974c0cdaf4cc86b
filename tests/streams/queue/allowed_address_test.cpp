#include "streams/queue/allowed_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

TEST(AllowedAddress, CoversWhatIsBelow) {
  const AllowedAddress allowed("https://host/pictures");
  for (const char* address : {"https://host/pictures/a.jpg", "https://HOST/pictures/b/c.jpg?size=1",
                              "https://host:443/pictures/a.jpg", "HTTPS://host/pictures/"}) {
    EXPECT_TRUE(allowed.covers(address)) << address;
  }
  EXPECT_TRUE(AllowedAddress("http://host").covers("http://host/any/thing"));
  EXPECT_TRUE(AllowedAddress("http://host:8000/").covers("http://host:8000/x"));
}

TEST(AllowedAddress, CoversNothingElse) {
  const AllowedAddress allowed("https://host/pictures/");
  for (const char* address :
       {"http://host/pictures/a.jpg", "https://host:444/pictures/a.jpg", "https://host.evil/pictures/a.jpg",
        "https://host@evil/pictures/a.jpg", "https://evil/pictures/a.jpg", "https://host/other/a.jpg",
        "https://host/picturesque/a.jpg", "https://host/pictures", "https://host/pictures/../secret",
        "https://host/pictures/%2e%2e/secret", "https://host/pictures/.%2E/secret", "https://host/pictures/..%5csecret",
        "https://host/pictures\\..\\secret", "file:///etc/passwd", "", "pictures/a.jpg", "https://",
        "gopher://host/pictures/"}) {
    EXPECT_FALSE(allowed.covers(address)) << address;
  }
}

TEST(AllowedAddress, IsAnAddress) {
  for (const char* prefix : {"", "host", "ftp://host/", "https://host/?x", "file:///tmp/"}) {
    EXPECT_THROW(AllowedAddress{prefix}, Error) << prefix;
  }
}

}  // namespace
}  // namespace zoo::streams
