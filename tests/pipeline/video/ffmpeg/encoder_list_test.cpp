#include "pipeline/video/ffmpeg/encoder_list.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::ffmpeg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> names(VideoCodec codec, const std::string& missing = "") {
  std::vector<std::string> found;
  for (const EncoderChoice& choice : encoders_of(codec, [&](const std::string& name) { return name != missing; })) {
    found.push_back(choice.encoder);
  }
  return found;
}

TEST(EncoderList, HasTheBestFirst) {
  EXPECT_THAT(names(VideoCodec::kAuto), ElementsAre("libx264", "libopenh264", "mpeg4"));
  EXPECT_THAT(names(VideoCodec::kAuto, "libx264"), ElementsAre("libopenh264", "mpeg4"));
  EXPECT_THAT(names(VideoCodec::kH264), ElementsAre("libx264", "libopenh264"));
  EXPECT_THAT(names(VideoCodec::kMpeg4), ElementsAre("mpeg4"));
  EXPECT_THAT(names(VideoCodec::kMjpeg), ElementsAre("mjpeg"));
  EXPECT_THAT(names(VideoCodec::kMpeg4, "mpeg4"), IsEmpty());
}

TEST(EncoderList, SaysWhatWasTried) {
  EXPECT_EQ(no_encoder_text(VideoCodec::kH264), "this FFmpeg has no encoder of h264 (libx264, libopenh264)");
}

TEST(EncoderList, KnowsWhatLibavcodecHas) {
  EXPECT_TRUE(has_encoder("mpeg4"));
  EXPECT_FALSE(has_encoder("nosuchencoder"));
}

TEST(VideoCodec, HasItsNameBackAndForth) {
  EXPECT_THAT(video_codec_names(), ElementsAre("auto", "h264", "mpeg4", "mjpeg"));
  for (const std::string& name : video_codec_names()) EXPECT_EQ(to_string(*video_codec_from(name)), name);
  EXPECT_FALSE(video_codec_from("H264"));
}

}  // namespace
}  // namespace zoo::ffmpeg
