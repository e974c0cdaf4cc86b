#include "brokers/kept_messages.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::brokers {
namespace {

using ::testing::ElementsAre;

Message state(const std::string& place, const std::string& text = "") {
  return {.place = place, .fields = {{"", text}}};
}

Message picture(const std::string& place, size_t bytes) {
  return {.place = place, .fields = {{"", std::string(bytes, 'x')}}, .lasts = false};
}

std::vector<std::string> places(const KeptMessages& kept, size_t count = 100) {
  std::vector<std::string> result;
  for (const Message& message : kept.next(count).messages) result.push_back(message.place);
  return result;
}

TEST(KeptMessages, IntroducesWhatWasKeptAndThenSendsInTheOrderOfTime) {
  KeptMessages kept(100);
  kept.keep(state("b"));
  kept.keep(state("a"));
  kept.begin_connection();
  EXPECT_FALSE(kept.introduced());
  kept.keep(state("0"));
  EXPECT_THAT(places(kept), ElementsAre("a", "b", "0"));
  kept.note_delivered(kept.next(2), 2);
  EXPECT_TRUE(kept.introduced()) << "whatever is kept since";
  kept.keep(state("a"));
  kept.keep(state("0", "newer"));
  EXPECT_THAT(places(kept), ElementsAre("0", "a"));
  kept.note_delivered(kept.next(100), 2);
  EXPECT_TRUE(kept.all_sent());
  kept.begin_connection();
  EXPECT_THAT(places(kept), ElementsAre("0", "a", "b"));
}

TEST(KeptMessages, WhatIsKeptAnewWhileItIsOnItsWayComesLast) {
  KeptMessages kept(100);
  kept.keep(state("a", "old"));
  kept.keep(state("b"));
  const KeptMessages::Batch batch = kept.next(1);
  kept.keep(state("a", "new"));
  kept.note_delivered(batch, 1);
  EXPECT_THAT(places(kept), ElementsAre("b", "a"));
  kept.forget("b");
  EXPECT_EQ(kept.next(1).messages.front().payload(), "new");
}

TEST(KeptMessages, WhatIsInTurnIsSentInItsOrderAsFarAsThereIsRoom) {
  KeptMessages kept(100);
  const auto texts = [&kept](size_t count) {
    std::vector<std::string> result;
    for (const Message& message : kept.next(count).messages) result.push_back(message.payload());
    return result;
  };
  const auto answer = [](const std::string& text) {
    Message message = state("answer", text);
    message.in_turn = true;
    return message;
  };
  kept.keep(answer("cat"));
  kept.keep(answer("dog"));
  kept.keep(answer("bus"));
  EXPECT_THAT(texts(2), ElementsAre("cat", "dog"));
  const KeptMessages::Batch batch = kept.next(2);
  kept.keep(answer("cow"));
  kept.note_delivered(batch, 2);
  EXPECT_THAT(texts(100), ElementsAre("bus", "cow"));
  kept.note_delivered(kept.next(100), 2);
  EXPECT_TRUE(kept.all_sent());
  kept.begin_connection();
  EXPECT_THAT(texts(100), ElementsAre("cow")) << "what holds now";
  for (size_t i = 0; i < 2 * KeptMessages::kMostInTurn; ++i) kept.keep(answer(std::to_string(i)));
  EXPECT_EQ(texts(1000).size(), KeptMessages::kMostInTurn + 1);
  EXPECT_EQ(texts(1000).back(), "199");
}

TEST(KeptMessages, OldPicturesMakeRoomAndStatesDoNot) {
  KeptMessages kept(100);
  kept.keep(picture("p1", 50));
  kept.keep(state("s", std::string(1000, 'x')));
  kept.keep(picture("gone", 0));
  kept.keep(picture("p2", 50));
  kept.keep(picture("p3", 60));
  EXPECT_THAT(places(kept), ElementsAre("s", "gone", "p3"));
  kept.keep(picture("p3", 200));
  EXPECT_THAT(places(kept), ElementsAre("s", "gone", "p3")) << "one waits, however large it is";
  kept.note_delivered(kept.next(100), 3);
  kept.begin_connection();
  EXPECT_THAT(places(kept), ElementsAre("s")) << "pictures are sent once";
  kept.keep(picture("p1", 50));
  kept.keep(picture("p2", 50));
  EXPECT_THAT(places(kept), ElementsAre("s", "p1", "p2")) << "what is sent takes no room";
}

}  // namespace
}  // namespace zoo::brokers
