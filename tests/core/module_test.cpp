// Modules: which one is loaded, and what is said where it cannot be. Those here are made by this folder's
// CMakeLists.txt.
#include "nn/core/module.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/core/test_module.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Sets ZOO_MODULE_PATH while it lives.
class ModulePath {
 public:
  explicit ModulePath(const std::string& folder) { setenv("ZOO_MODULE_PATH", folder.c_str(), 1); }
  ~ModulePath() { unsetenv("ZOO_MODULE_PATH"); }
  ModulePath(const ModulePath&) = delete;
  ModulePath& operator=(const ModulePath&) = delete;
};

std::string problem_of(const ModuleInfo& info) {
  try {
    load_module(info);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Module, HandsOutItsFaceOnce) {
  const ModulePath path(ZOO_TEST_MODULES);
  const ModuleInfo info{"testing", "testing", "ZOO_WITH_TESTING", "libtesting1"};
  const auto* face = static_cast<const test::TestModule*>(load_module(info));
  EXPECT_EQ(face->twice(21), 42);
  EXPECT_EQ(load_module(info), face);
}

TEST(Module, ThrowsWhatTheLibraryCatches) {
  const ModulePath path(ZOO_TEST_MODULES);
  const auto* face = static_cast<const test::TestModule*>(load_module({"testing", "testing", "", ""}));
  try {
    face->fail("disk full");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "disk full");
  }
}

TEST(Module, ThatIsNowhereIsNamedWithItsPackage) {
  EXPECT_THAT(problem_of({"nowhere", "flying", "ZOO_WITH_WINGS", "libwings2"}),
              AllOf(HasSubstr("flying needs the module backbone_zoo_nowhere.so, which cannot be loaded: "),
                    HasSubstr("Debian 12's package libwings2"), HasSubstr("ZOO_MODULE_PATH")));
}

TEST(Module, OfAnotherVersionIsRefused) {
  const ModulePath path(ZOO_TEST_MODULES);
  EXPECT_THAT(problem_of({"testing_old", "testing", "", ""}), HasSubstr("it is of version 0.0.0, expected "));
}

TEST(Module, ThatIsNoneIsRefused) {
  const ModulePath path(ZOO_TEST_MODULES);
  EXPECT_THAT(problem_of({"testing_none", "testing", "", ""}), HasSubstr("it is no module of the zoo"));
}

TEST(Module, WithoutALibraryOfItsOwnNamesIt) {
  const ModulePath path(ZOO_TEST_MODULES);
  EXPECT_THAT(problem_of({"testing_alone", "testing", "", "libneeded1"}),
              AllOf(HasSubstr("libzoo_test_needed.so: cannot open shared object file"), HasSubstr("libneeded1")));
}

TEST(Module, LeftOutOfTheBuildSaysHowToGetIt) {
  try {
    throw_left_out({"http", "downloading", "ZOO_WITH_CURL", "libcurl4"});
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "downloading is not in this build of the zoo, which was made with ZOO_WITH_CURL=OFF; make it with "
                 "ZOO_WITH_CURL=ON");
  }
}

}  // namespace
}  // namespace zoo
