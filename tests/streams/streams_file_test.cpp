// How users name streams, on the command line and in a file.
#include "streams/streams_file.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "streams/named_source.h"
#include "tests/support/temp_folder.h"

namespace zoo::streams {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NamedSource, TakesWhatStandsBeforeTheFirstEqualsSignAsName) {
  const auto named = [](const char* text) {
    const NamedSource source = named_source_from(text);
    return source.name + "|" + source.source;
  };
  EXPECT_EQ(named("door=rtsp://host/1"), "door|rtsp://host/1");
  EXPECT_EQ(named("door-2.a_b=0"), "door-2.a_b|0");
  EXPECT_EQ(named("0"), "|0");
  EXPECT_EQ(named("rtsp://host/1?channel=2"), "|rtsp://host/1?channel=2");
  EXPECT_EQ(named("gst:videotestsrc pattern=ball"), "|gst:videotestsrc pattern=ball");
  EXPECT_EQ(named("./a=b.mp4"), "|./a=b.mp4");
  EXPECT_EQ(named("a=b=c.mp4"), "a|b=c.mp4");
  EXPECT_EQ(named("=0"), "|=0");
  EXPECT_EQ(named("door="), "door|");
}

TEST(NamedSource, KnowsNamesThatMayStandInAddressesAndFiles) {
  for (const char* name : {"a", "0", "door-2", "a.b_c", "Z9"}) EXPECT_TRUE(is_stream_name(name)) << name;
  EXPECT_TRUE(is_stream_name(std::string(64, 'a')));
  for (const char* name : {"", ".", "..", "-a", "_a", ".a", "a/b", "a b", "a\n", "t\xc3\xbcr", "a:b"}) {
    EXPECT_FALSE(is_stream_name(name)) << name;
  }
  EXPECT_FALSE(is_stream_name(std::string(65, 'a')));
}

TEST(NamedSource, FilesAreReadWholeAndTheRestByTheNewestFrame) {
  const test::TempFolder folder;
  const std::string clip = (folder.path() / "clip.mp4").string();
  std::ofstream(clip) << "x";
  EXPECT_EQ(stream_from({"", clip}, {}).policy.kind, FramePolicy::Kind::kBlock);
  EXPECT_EQ(stream_from({"", clip}, {}).name, "clip");
  EXPECT_EQ(stream_from({"", "rtsp://user:password@host/door.sdp?x"}, {}).policy.kind, FramePolicy::Kind::kLatest);
  EXPECT_EQ(stream_from({"", "rtsp://user:password@host/door.sdp?x"}, {}).name, "door");
  EXPECT_EQ(stream_from({"", "3"}, {}).name, "camera3");
  const StreamDefaults latest{.policy = FramePolicy{.kind = FramePolicy::Kind::kLatest}};
  EXPECT_EQ(stream_from({"a", clip}, latest).policy.kind, FramePolicy::Kind::kLatest);
}

std::string refusal(const NamedSource& source) {
  try {
    stream_from(source, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(NamedSource, RefusesWhatIsNoStream) {
  const test::TempFolder folder;
  EXPECT_THAT(refusal({"", (folder.path() / "a.jpg").string()}),
              HasSubstr("pictures are no stream: name a video, camera, address or gst: pipeline, or use "
                        "`backbone-zoo predict`"));
  EXPECT_THAT(refusal({"", (folder.path() / "none.mp4").string()}), HasSubstr("no such file or folder"));
  EXPECT_EQ(
      refusal({"a/b", "0"}),
      "a/b: no name for a stream: expected 1 to 64 letters (A-Z), digits, dots, dashes and underscores, beginning "
      "with a letter or digit");
  EXPECT_THAT(refusal({"", "a b=none.mp4"}),
              AllOf(HasSubstr("no such file or folder"),
                    HasSubstr("; what stands before = is no name of a stream, which has 1 to 64 letters")));
  for (const char* name : {"1.mp4", "2.mp4"}) std::ofstream(folder.path() / name) << "x";
  EXPECT_THAT(refusal({"", (folder.path() / "*.mp4").string()}),
              HasSubstr("means 2 sources: give each a --source of its own"));
}

TEST(NamedSource, UnnamedStreamsOfOneNameAreNumbered) {
  std::vector<StreamOptions> streams(4);
  streams[0].name = "door";
  streams[1].name = "door";
  streams[2].name = "door-2";
  streams[3].name = "door";
  make_names_differ(
      streams, std::vector<NameOrigin>{NameOrigin::kSource, NameOrigin::kUser, NameOrigin::kUser, NameOrigin::kSource});
  EXPECT_EQ(streams[0].name, "door-3");
  EXPECT_EQ(streams[1].name, "door");
  EXPECT_EQ(streams[2].name, "door-2");
  EXPECT_EQ(streams[3].name, "door-4");
}

TEST(NamedSource, OneNameGivenTwiceIsRefused) {
  std::vector<StreamOptions> streams(2);
  streams[0].name = streams[1].name = "door";
  EXPECT_THROW(make_names_differ(streams, std::vector<NameOrigin>(2, NameOrigin::kUser)), Error);
}

TEST(StreamsFile, ReadsNamesSourcesAndWhatHoldsForEach) {
  const std::vector<StreamOptions> streams = parse_streams(R"(
streams:
  yard: 0
  door:
    source: rtsp://camera/door
    policy: max-age 250
    open_timeout_s: 2.5
    stall_timeout_s: 4
    reconnect: false
    max_frames: 7
)",
                                                           "cams.yaml");
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0].name, "yard");
  EXPECT_EQ(streams[0].spec.kind, pipeline::SourceKind::kCamera);
  EXPECT_EQ(streams[0].policy.kind, FramePolicy::Kind::kLatest);
  EXPECT_TRUE(streams[0].reconnects);
  EXPECT_EQ(streams[1].name, "door");
  EXPECT_EQ(streams[1].spec.text, "rtsp://camera/door");
  EXPECT_EQ(to_string(streams[1].policy), "max-age 250");
  EXPECT_EQ(streams[1].open_timeout, std::chrono::milliseconds(2500));
  EXPECT_EQ(streams[1].stall_timeout, std::chrono::seconds(4));
  EXPECT_FALSE(streams[1].reconnects);
  EXPECT_EQ(streams[1].max_frames, 7);
}

TEST(StreamsFile, SaysEverythingThatIsWrongAtOnce) {
  try {
    parse_streams(R"(streams:
  a/b: 0
  gone: none.mp4
  door:
    source: rtsp://user:secret@camera/door
    polcy: latest
    stall_timeout_s: 0
    max_frames: -1
  hall: {policy: latest}
)",
                  "cams.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.problems(),
                ElementsAre(HasSubstr("cams.yaml:2:8: streams.\"a/b\": the name of a stream: expected 1 to 64 letters"),
                            HasSubstr("cams.yaml:3:9: streams.gone: none.mp4: no such file or folder"),
                            HasSubstr("cams.yaml:6:5: streams.door.polcy: unknown key; did you mean \"policy\"?"),
                            HasSubstr("cams.yaml:7:22: streams.door.stall_timeout_s: expected 0.001 to 86400 seconds"),
                            HasSubstr("cams.yaml:8:17: streams.door.max_frames: must be at least 0, found -1"),
                            HasSubstr("streams.hall: missing key \"source\"")));
    for (const std::string& problem : error.problems()) EXPECT_THAT(problem, ::testing::Not(HasSubstr("secret")));
  }
}

TEST(StreamsFile, NeedsStreams) { EXPECT_THROW(parse_streams("cameras: {}", "cams.yaml"), ConfigError); }

}  // namespace
}  // namespace zoo::streams
