// Frames of WebSocket: what RFC 6455 shows, pieces of any size, and noise.
#include "serve/http/websocket_frames.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::serve {
namespace {

using namespace std::string_literals;

constexpr size_t kMax = 1000;

/// A client's frame with the mask of RFC 6455, 5.7.
std::string masked(unsigned first_byte, const std::string& payload) {
  const std::string mask = "\x37\xfa\x21\x3d"s;
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += '\xfe';
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  }
  frame += mask;
  for (size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

std::vector<std::string> payloads(WsReader& reader) {
  std::vector<std::string> all;
  while (const std::optional<WsMessage> message = reader.next()) all.push_back(message->payload);
  return all;
}

TEST(WebsocketAccept, IsThatOfTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, 1.3
  EXPECT_EQ(websocket_accept(""), std::nullopt);
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ="), std::nullopt);
  EXPECT_EQ(websocket_accept(std::string(10'000, 'A')), std::nullopt);
}

TEST(WebsocketFrame, HasThreeSizesOfSizes) {
  EXPECT_EQ(websocket_frame(WsOpcode::kText, "Hello"), "\x81\x05Hello");  // RFC 6455, 5.7
  EXPECT_EQ(websocket_frame(WsOpcode::kBinary, std::string(256, 'x')).substr(0, 4), "\x82\x7e\x01\x00"s);
  EXPECT_EQ(websocket_frame(WsOpcode::kBinary, std::string(65'536, 'x')).substr(0, 10), "\x82\x7f\0\0\0\0\0\1\0\0"s);
  EXPECT_EQ(websocket_close_frame(WsClose::kGoingAway, "bye"), "\x88\x05\x03\xe9"s + "bye");
  EXPECT_EQ(websocket_close_frame(WsClose::kNormal, std::string(500, 'x')).size(), 2U + 125U);
}

TEST(WsReader, ReadsTheFrameOfTheRfc) {
  WsReader reader(kMax);
  reader.add("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);  // 5.7: "Hello", masked
  const std::optional<WsMessage> message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->opcode, WsOpcode::kText);
  EXPECT_EQ(message->payload, "Hello");
}

TEST(WsReader, TakesPiecesOfAnySize) {
  const std::string all = masked(0x81, "one") + masked(0x01, "t") + masked(0x89, "ping") + masked(0x80, "wo") +
                          masked(0x82, std::string(kMax, 'x')) + masked(0x81, "");
  const std::vector<std::string> expected = {"one", "ping", "two", std::string(kMax, 'x'), ""};
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    WsReader reader(kMax);
    std::vector<std::string> got;
    for (size_t i = 0; i < all.size(); i += piece) {
      reader.add(all.substr(i, piece));
      for (std::string& payload : payloads(reader)) got.push_back(std::move(payload));
    }
    EXPECT_EQ(got, expected) << "pieces of " << piece;
    EXPECT_FALSE(reader.problem());
  }
}

TEST(WsReader, SaysWhatIsWrong) {
  const std::pair<std::string, WsClose> kWrong[] = {
      {"\x81\x05Hello", WsClose::kProtocolError},                        // not masked
      {masked(0xc1, "x"), WsClose::kProtocolError},                      // a reserved bit
      {masked(0x83, "x"), WsClose::kProtocolError},                      // an opcode that is none
      {masked(0x80, "x"), WsClose::kProtocolError},                      // goes on with nothing
      {masked(0x01, "x") + masked(0x01, "y"), WsClose::kProtocolError},  // begins before the last has ended
      {masked(0x09, "x"), WsClose::kProtocolError},                      // a ping in parts
      {masked(0x89, std::string(126, 'x')), WsClose::kProtocolError},    // a large ping
      {masked(0x88, "x"), WsClose::kProtocolError},                      // half a code
      {masked(0x88, "\x03\xee"), WsClose::kProtocolError},               // 1006, not for the wire
      {masked(0x81, "\xff"), WsClose::kNotUtf8},
      {masked(0x81, std::string(kMax + 1, 'x')), WsClose::kTooLarge},
      {masked(0x01, std::string(kMax, 'x')) + masked(0x80, "x"), WsClose::kTooLarge},
      {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"s, WsClose::kTooLarge},
  };
  for (const auto& [bytes, problem] : kWrong) {
    WsReader reader(kMax);
    reader.add(bytes);
    EXPECT_TRUE(payloads(reader).empty());
    EXPECT_EQ(reader.problem(), problem) << ::testing::PrintToString(bytes.substr(0, 20));
    reader.add(masked(0x81, "later"));
    EXPECT_FALSE(reader.next()) << "nothing comes after a mistake";
  }
}

TEST(WsReader, SurvivesNoise) {
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes =
        masked(0x81, "a") + masked(0x02, std::string(200, 'b')) + masked(0x80, "c") + masked(0x88, "\x03\xe8");
    const int changes = static_cast<int>(random() % 6);
    for (int i = 0; i < changes; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    WsReader reader(kMax);
    while (!bytes.empty()) {
      const size_t piece = 1 + random() % bytes.size();
      reader.add(bytes.substr(0, piece));
      bytes.erase(0, piece);
      for (const std::string& payload : payloads(reader)) EXPECT_LE(payload.size(), kMax);
    }
  }
}

}  // namespace
}  // namespace zoo::serve
