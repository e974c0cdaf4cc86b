#include "sinks/output_names.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

bool any(const OutputName& /*name*/) { return true; }

std::vector<std::string> names_of(const std::vector<OutputWish>& wishes) {
  std::vector<std::string> names;
  for (const OutputName& name : name_outputs(wishes, 20, any)) {
    names.push_back(name.numbered ? name.file(0).string() : name.file().string());
  }
  return names;
}

TEST(OutputNames, FollowThePlace) {
  EXPECT_THAT(
      names_of({{"in/a.jpg", "a.jpg", ".jpg"}, {"in/x/a.jpg", "x/a.jpg", ".jpg"}, {"in/a.png", "a.png", ".png"}}),
      ElementsAre("a.jpg", "x/a.jpg", "a.png"));
  EXPECT_THAT(names_of({{"clip.mov", "clip.mov", ".mp4"}, {"clip.mov", "clip.mov", ".png", true}}),
              ElementsAre("clip.mp4", "clip_000000.png"));
}

TEST(OutputNames, TheWholeNameTellsFormatsApart) {
  EXPECT_THAT(names_of({{"a.jpg", "a.jpg", ".png"}, {"a.png", "a.png", ".png"}}), ElementsAre("a.jpg.png", "a.png"));
}

TEST(OutputNames, AHashTellsInputsOfOnePlaceApart) {
  const std::vector<std::string> names = names_of({{"x/a.jpg", "a.jpg", ".jpg"}, {"y/a.jpg", "a.jpg", ".jpg"}});
  EXPECT_THAT(names[0], MatchesRegex("a-[0-9a-f]{16}\\.jpg"));
  EXPECT_THAT(names[1], MatchesRegex("a-[0-9a-f]{16}\\.jpg"));
  EXPECT_NE(names[0], names[1]);
}

TEST(OutputNames, EqualWishesHaveOneName) {
  EXPECT_THAT(names_of({{"a.jpg", "a.jpg", ".jpg"}, {"a.jpg", "a.jpg", ".jpg"}}), ElementsAre("a.jpg", "a.jpg"));
}

TEST(OutputNames, FramesOfAVideoTakeNoPicturesName) {
  const std::vector<std::string> names =
      names_of({{"clip.mov", "clip.mov", ".png", true}, {"clip_000007.png", "clip_000007.png", ".png"}});
  EXPECT_THAT(names[0], MatchesRegex("clip\\.mov_000000\\.png|clip-[0-9a-f]{16}_000000\\.png"));
  EXPECT_THAT(names[1], HasSubstr("clip_000007"));
}

TEST(OutputNames, NamesThatAreTooLongAreCutAtACharacter) {
  const std::string stem = "x" + std::string(125, '\xc3');  // no UTF-8: any bytes may come
  std::string umlauts;
  for (int i = 0; i < 125; ++i) umlauts += "\u00e4";
  for (const std::string& base : {stem + stem, umlauts}) {
    const std::vector<std::string> names =
        names_of({{base, base, ".png", true}, {base + "x", base + "x", "_mask.png"}});
    EXPECT_LE(names[0].size(), 255U);
    EXPECT_LE(names[1].size(), 255U);
    EXPECT_NE(names[0], names[1]);
  }
  EXPECT_THAT(names_of({{umlauts, umlauts, "_mask.png"}})[0], MatchesRegex("(\u00e4)+-[0-9a-f]{16}_mask\\.png"));
}

TEST(OutputNames, PathsThatAreTooLongEndAtTheTop) {
  fs::path place;
  for (int i = 0; i < 20; ++i) place /= std::string(200, 'd');
  const auto names = name_outputs(std::vector<OutputWish>{{"a", place / "a.jpg", ".jpg"}}, 200, any);
  EXPECT_THAT(names[0].file().string(), MatchesRegex("a-[0-9a-f]{16}\\.jpg"));
}

TEST(OutputNames, NamesThatOthersHaveAreLeftAlone) {
  const auto free = [](const OutputName& name) { return name.file() != "a.jpg"; };
  const auto names = name_outputs(std::vector<OutputWish>{{"x/a.jpg", "a.jpg", ".jpg"}}, 20, free);
  EXPECT_THAT(names[0].file().string(), MatchesRegex("a-[0-9a-f]{16}\\.jpg"));
}

TEST(OutputNames, ManyOfOneNameTakeLittleTime) {
  std::vector<OutputWish> wishes;
  for (int i = 0; i < 20'000; ++i) wishes.push_back({fmt::format("{}/rgb.png", i), "rgb.png", ".png"});
  std::set<std::string> names;
  for (const OutputName& name : name_outputs(wishes, 20, any)) names.insert(name.file().string());
  EXPECT_EQ(names.size(), wishes.size());
}

/// Names that are likely to meet.
OutputWish random_wish(std::mt19937& random) {
  const auto pick = [&](const std::vector<std::string>& of) { return of[random() % of.size()]; };
  const std::string folder = pick({"", "", "x/", "x/y/", "a.jpg/"});
  const std::string name = pick({"a", "b", "a_000001", "a_0000001", "a.jpg", "a_mask", "a-2", "a_######",
                                 std::string(250, 'n'), std::string(251, 'n')}) +
                           pick({"", ".jpg", ".png"});
  return {pick({"p/", "q/", ""}) + folder + name, folder + name, pick({".png", ".jpg", "_mask.png"}),
          random() % 4 == 0};
}

TEST(OutputNames, AreDifferentForDifferentWishesInAnyOrder) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<OutputWish> wishes(1 + random() % 30);
    for (OutputWish& wish : wishes) wish = random_wish(random);
    const std::vector<OutputName> names = name_outputs(wishes, 20, any);

    std::map<std::string, OutputWish> files;
    for (size_t i = 0; i < wishes.size(); ++i) {
      std::vector<fs::path> written = {names[i].file()};
      if (wishes[i].numbered) written = {names[i].file(0), names[i].file(1), names[i].file(1234567)};
      for (const fs::path& file : written) {
        const auto [place, is_new] = files.emplace(file.string(), wishes[i]);
        EXPECT_TRUE(is_new || place->second == wishes[i]) << file;
        EXPECT_LE(file.filename().native().size(), 255U);
      }
    }

    std::vector<size_t> order(wishes.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::shuffle(order, random);
    std::vector<OutputWish> shuffled;
    for (const size_t i : order) shuffled.push_back(wishes[i]);
    const std::vector<OutputName> again = name_outputs(shuffled, 20, any);
    for (size_t i = 0; i < order.size(); ++i) {
      EXPECT_EQ(again[i].file(1), names[order[i]].file(1)) << "the order of the wishes matters";
    }
  }
}

}  // namespace
}  // namespace zoo::sinks
