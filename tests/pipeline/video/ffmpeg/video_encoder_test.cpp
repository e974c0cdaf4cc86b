#include "pipeline/video/ffmpeg/video_encoder.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "nn/core/error.h"
#include "tests/support/ffprobe.h"
#include "tests/support/temp_folder.h"

namespace zoo::ffmpeg {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class VideoEncoderTest : public ::testing::Test {
 protected:
  VideoEncoderOptions options(VideoCodec codec, cv::Size size) {
    return {.file = file_,
            .name = "new.mp4",
            .codec = codec,
            .size = size,
            .fps = 25.0,
            .on_note = [this](const std::string& note) { notes_.push_back(note); }};
  }
  /// A picture with something in it, different for every number.
  static cv::Mat picture(cv::Size size, int number) {
    cv::Mat image(size, CV_8UC3, cv::Scalar(40, 120, 200));
    image.col(number % size.width).setTo(cv::Scalar(255, 255, 255));
    return image;
  }
  /// Yields VideoEncoder::end_s().
  double write(const VideoEncoderOptions& wanted, const std::vector<double>& times) {
    const auto encoder = open_video_encoder(wanted);
    for (size_t i = 0; i < times.size(); ++i) encoder->write(picture(wanted.size, static_cast<int>(i)), times[i]);
    encoder->finish();
    return encoder->end_s();
  }

  test::TempFolder folder_;
  fs::path file_ = folder_.path() / "12:00 new.mp4";
  std::vector<std::string> notes_;
};

struct CodecCase {
  const char* name;
  VideoCodec codec;
  const char* ffprobe_name;
  cv::Size written;
};

class EveryCodec : public VideoEncoderTest, public ::testing::WithParamInterface<CodecCase> {};

TEST_P(EveryCodec, KeepsTimesAndOddSizesOrSaysSo) {
  const std::vector<double> times = {3.0, 3.04, 3.05, 4.5, 7.001};
  write(options(GetParam().codec, {65, 49}), times);
  const test::Probed probed = test::probe(file_);
  const auto& streams = probed.streams;
  ASSERT_THAT(streams, SizeIs(1));
  EXPECT_EQ(streams[0].at("codec_name"), GetParam().ffprobe_name);
  EXPECT_EQ(streams[0].at("width"), GetParam().written.width);
  EXPECT_EQ(streams[0].at("height"), GetParam().written.height);
  const std::vector<double>& found = probed.times[0];
  ASSERT_THAT(found, SizeIs(times.size()));
  for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(found[i], times[i] - 3.0, 1e-5) << i;
  EXPECT_NEAR(probed.seconds(0, "duration"), 4.041, 1e-3);  // the last as long as one at the rate
  EXPECT_TRUE(test::decodes_cleanly(file_));
  if (GetParam().written == cv::Size(65, 49)) {
    EXPECT_THAT(notes_, IsEmpty());
  } else {
    EXPECT_THAT(notes_, ElementsAre("new.mp4: is 66x50 pixels: H.264 has even sizes only, so the last column or row is "
                                    "there twice (--codec mpeg4 keeps 65x49)"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryCodec,
                         ::testing::Values(CodecCase{"h264", VideoCodec::kH264, "h264", {66, 50}},
                                           CodecCase{"mpeg4", VideoCodec::kMpeg4, "mpeg4", {65, 49}},
                                           CodecCase{"mjpeg", VideoCodec::kMjpeg, "mjpeg", {65, 49}}),
                         [](const auto& test) { return test.param.name; });

TEST_P(EveryCodec, KeepsTheShapeOfPixels) {
  VideoEncoderOptions wanted = options(GetParam().codec, {72, 58});
  wanted.pixel_aspect = {16, 11};
  const double end_s = write(wanted, {0.0, 0.04});
  const fs::path plain = folder_ / "plain.mp4";
  write_without_fragments(file_, plain, end_s, "plain.mp4");
  for (const fs::path& file : {file_, plain}) {
    EXPECT_EQ(test::probe(file).streams[0].at("sample_aspect_ratio"), "16:11") << file;
  }
}

TEST_F(VideoEncoderTest, ColorsComeBack) {
  for (const cv::Size size : {cv::Size(64, 48), cv::Size(1280, 720)}) {
    const auto encoder = open_video_encoder(options(VideoCodec::kAuto, size));
    encoder->write(cv::Mat(size, CV_8UC3, cv::Scalar(40, 120, 200)), 0.0);
    encoder->finish();
    const std::string raw = folder_ / "raw";
    test::run_ffmpeg(fmt::format("-i '{}' -f rawvideo -pix_fmt bgr24 '{}'", file_.string(), raw));
    std::vector<unsigned char> pixels(static_cast<size_t>(size.area()) * 3);
    FILE* stream = fopen(raw.c_str(), "rb");
    ASSERT_EQ(fread(pixels.data(), 1, pixels.size(), stream), pixels.size());
    fclose(stream);
    EXPECT_NEAR(pixels[0], 40, 4);
    EXPECT_NEAR(pixels[1], 120, 4);
    EXPECT_NEAR(pixels[2], 200, 4);
  }
}

TEST_F(VideoEncoderTest, OnePictureIsShownForOneAtTheRate) {
  write(options(VideoCodec::kAuto, {64, 48}), {12.0});
  const test::Probed probed = test::probe(file_);
  EXPECT_THAT(probed.times[0], ElementsAre(0.0));
  EXPECT_NEAR(probed.seconds(0, "duration"), 0.04, 1e-4);
}

TEST_F(VideoEncoderTest, LastPictureIsShownAsLongAsItSays) {
  const auto encoder = open_video_encoder(options(VideoCodec::kAuto, {64, 48}));
  encoder->write(picture({64, 48}, 0), 0.0, 0.1);
  encoder->write(picture({64, 48}, 1), 3600.0, 0.7);
  encoder->finish();
  EXPECT_NEAR(encoder->end_s(), 3600.7, 1e-6);
  EXPECT_NEAR(test::probe(file_).seconds(0, "duration"), 3600.7, 1e-3);
}

class LongGap : public EveryCodec {};

// 2^31 ticks are 23,860 s of 1/90,000.
TEST_P(LongGap, IsFilledWithThePictureBeforeIt) {
  const auto encoder = open_video_encoder(options(GetParam().codec, {64, 48}));
  encoder->write(picture({64, 48}, 0), 0.0);
  encoder->write(picture({64, 48}, 1), 0.5);
  encoder->write(picture({64, 48}, 2), 100'000.0);
  encoder->write(picture({64, 48}, 3), 100'000.1, 50'000.0);
  encoder->finish();
  const fs::path plain = folder_ / "plain.mp4";
  write_without_fragments(file_, plain, encoder->end_s(), "plain.mp4");
  for (const fs::path& file : {file_, plain}) {
    const test::Probed probed = test::probe(file);
    EXPECT_THAT(probed.times,
                ElementsAre(ElementsAreArray(std::vector<double>{0.0, 0.5, 20'000.5, 40'000.5, 60'000.5, 80'000.5,
                                                                 100'000.0, 100'000.1, 120'000.1, 140'000.1})));
    EXPECT_NEAR(probed.seconds(0, "duration"), 150'000.1, 1e-3);
    EXPECT_TRUE(test::decodes_cleanly(file));
  }
  EXPECT_NEAR(test::seconds_of(plain), 150'000.1, 1e-3);
}

INSTANTIATE_TEST_SUITE_P(All, LongGap,
                         ::testing::Values(CodecCase{"h264", VideoCodec::kH264, "h264", {}},
                                           CodecCase{"mpeg4", VideoCodec::kMpeg4, "mpeg4", {}},
                                           CodecCase{"mjpeg", VideoCodec::kMjpeg, "mjpeg", {}}),
                         [](const auto& test) { return test.param.name; });

TEST_F(VideoEncoderTest, LeapOfMonthsIsLeftOutAndSaid) {
  write(options(VideoCodec::kAuto, {64, 48}), {0.0, 0.04, 1e8, 1e8 + 0.04, 1e12});
  EXPECT_THAT(test::probe(file_).times,
              ElementsAre(ElementsAreArray(std::vector<double>{0.0, 0.04, 0.08, 0.12, 0.16})));
  EXPECT_THAT(notes_, ElementsAre("new.mp4: times leap by more than 30 days after frame 1; the video goes on without "
                                  "the gap"));
}

TEST_F(VideoEncoderTest, SmallestPicture) {
  write(options(VideoCodec::kAuto, {1, 1}), {0.0, 0.1});
  EXPECT_TRUE(test::decodes_cleanly(file_));
  EXPECT_THAT(test::probe(file_).times[0], SizeIs(2));
}

TEST_F(VideoEncoderTest, PlayersCanJumpEveryFiveSeconds) {
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) times.push_back(i);
  write(options(VideoCodec::kAuto, {64, 48}), times);
  EXPECT_EQ(test::output_of(fmt::format("ffprobe -v error -select_streams v -skip_frame nokey -show_entries "
                                        "frame=pts_time -of csv=p=0 '{}' | tr -d ',\\n'",
                                        file_.string())),
            "0.0000005.00000010.00000015.00000020.00000025.000000");
}

TEST_F(VideoEncoderTest, FilePlaysBeforeItIsWhole) {
  const auto encoder = open_video_encoder(options(VideoCodec::kAuto, {64, 48}));
  for (int i = 0; i < 100; ++i) encoder->write(picture({64, 48}, i), i * 0.1);
  const fs::path copy = folder_ / "copy.mp4";
  fs::copy_file(file_, copy);
  EXPECT_TRUE(test::decodes_cleanly(copy));
  EXPECT_GT(test::probe(copy).times[0].size(), 60U);
  encoder->finish();
}

TEST_F(VideoEncoderTest, WithoutFragmentsItIsTheSame) {
  const fs::path source = folder_ / "source.mp4";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i testsrc=d=3:r=20:s=64x48 -f lavfi -i sine=d=3 -c:v mpeg4 -c:a aac {}", source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  std::vector<double> times;
  for (int i = 0; i < 60; ++i) times.push_back(i * 0.05 + (i > 30 ? 0.013 : 0.0));
  times.push_back(5.0);  // so that the last is not like those before
  times.push_back(5.5);
  const double end_s = write(wanted, times);
  const fs::path plain = folder_ / "plain.mp4";
  write_without_fragments(file_, plain, end_s, "plain.mp4");
  const test::Probed before = test::probe(file_);
  const test::Probed after = test::probe(plain);
  EXPECT_EQ(after.times, before.times);
  EXPECT_EQ(after.streams[0].at("nb_frames"), "62");
  for (const size_t stream : {0, 1}) {
    EXPECT_NEAR(after.seconds(stream, "duration"), before.seconds(stream, "duration"), 0.01);
  }
  EXPECT_NEAR(test::seconds_of(plain), 5.54, 0.001);
  EXPECT_TRUE(test::decodes_cleanly(plain));
}

TEST_F(VideoEncoderTest, FileThatCannotBeWrittenIsNamed) {
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.file = "/nowhere/new.mp4";
  try {
    open_video_encoder(wanted);
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "new.mp4: cannot be written: No such file or directory");
  }
}

TEST_F(VideoEncoderTest, FullDiskIsSaid) {
  VideoEncoderOptions wanted = options(VideoCodec::kMjpeg, {320, 240});
  wanted.file = "/dev/full";
  try {
    const auto encoder = open_video_encoder(wanted);
    for (int i = 0; i < 1000; ++i) encoder->write(picture(wanted.size, i), i * 0.1);
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(),
                 "new.mp4: writing failed: No space left on device: make room, or save elsewhere (--save)");
  }
}

TEST_F(VideoEncoderTest, SizeThatNoEncoderTakesIsSaid) {
  try {
    open_video_encoder(options(VideoCodec::kMjpeg, {100'000, 20}));
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("new.mp4: no video of 100000x20 pixels can be written: mjpeg: "),
                      HasSubstr("choose another codec (--codec mpeg4, --codec mjpeg), or save pictures")));
  }
}

// Sound.

struct SoundCase {
  const char* name;
  const char* file;
  const char* codec;  ///< for ffmpeg
  const char* ffprobe_name;
};

class Sound : public VideoEncoderTest, public ::testing::WithParamInterface<SoundCase> {
 protected:
  /// 20 pictures a second.
  std::vector<double> times(int count) {
    std::vector<double> result;
    for (int i = 0; i < count; ++i) result.push_back(i * 0.05);
    return result;
  }
};

TEST_P(Sound, IsCopiedAsFarAsThePicturesGo) {
  const fs::path source = folder_ / GetParam().file;
  test::run_ffmpeg(fmt::format("-f lavfi -i testsrc=d=4:r=20:s=64x48 -f lavfi -i sine=d=6 -c:v mpeg4 -c:a {} {}",
                               GetParam().codec, source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  wanted.fps = 20.0;
  write(wanted, times(40));
  EXPECT_THAT(notes_, IsEmpty());
  const test::Probed probed = test::probe(file_);
  ASSERT_THAT(probed.streams, SizeIs(2));
  EXPECT_EQ(probed.streams[1].at("codec_name"), GetParam().ffprobe_name);
  EXPECT_NEAR(probed.seconds(0, "duration"), 2.0, 0.001);
  EXPECT_NEAR(probed.seconds(1, "duration"), 2.0, 0.12);
  EXPECT_NEAR(probed.seconds(1, "start_time"), 0.0, 0.03);
  EXPECT_TRUE(test::decodes_cleanly(file_));
  const test::Probed theirs = test::probe(source);
  const double shift = theirs.times[1][2] - probed.times[1][2];
  for (size_t i = 2; i < probed.times[1].size(); ++i) {
    EXPECT_NEAR(theirs.times[1][i] - probed.times[1][i], shift, 2e-3) << i;
  }
  EXPECT_NEAR(shift, theirs.times[0][0] - probed.times[0][0], 0.03);
}

INSTANTIATE_TEST_SUITE_P(All, Sound,
                         ::testing::Values(SoundCase{"aac_mp4", "clip.mp4", "aac", "aac"},
                                           SoundCase{"aac_ts", "clip.ts", "aac", "aac"},
                                           SoundCase{"mp3_avi", "clip.avi", "libmp3lame", "mp3"},
                                           SoundCase{"opus_mkv", "clip.mkv", "libopus", "opus"},
                                           SoundCase{"flac_mkv", "clip.mkv", "flac", "flac"}),
                         [](const auto& test) { return test.param.name; });

TEST_F(Sound, ShorterThanThePicturesEndsThere) {
  const fs::path source = folder_ / "clip.mp4";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i testsrc=d=4:r=20:s=64x48 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a aac {}", source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  wanted.fps = 20.0;
  write(wanted, times(80));
  const test::Probed probed = test::probe(file_);
  EXPECT_NEAR(probed.seconds(0, "duration"), 4.0, 0.001);
  EXPECT_NEAR(probed.seconds(1, "duration"), 1.0, 0.07);
}

TEST_F(Sound, ThatIsThereBeforeThePicturesStaysThere) {
  const fs::path source = folder_ / "clip.mkv";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i sine=d=3 -itsoffset 0.5 -f lavfi -i testsrc=d=2:r=20:s=64x48 -c:v mpeg4 -c:a aac {}",
                  source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  std::vector<double> late = times(40);
  for (double& time : late) time += 0.5;
  write(wanted, late);
  const test::Probed probed = test::probe(file_);
  EXPECT_NEAR(probed.times[0][0], 0.5, 0.001);
  EXPECT_NEAR(probed.seconds(1, "start_time"), 0.0, 0.03);
}

TEST_F(Sound, AndLastPictureLastAsLongAsTheirs) {
  const fs::path source = folder_ / "clip.mp4";
  test::run_ffmpeg(fmt::format("-f lavfi -i testsrc=d=4:r=0.5:s=64x48 -f lavfi -i sine=d=5 -c:v mpeg4 -c:a aac {}",
                               source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  const auto encoder = open_video_encoder(wanted);
  encoder->write(picture({64, 48}, 0), 0.0);
  encoder->write(picture({64, 48}, 1), 0.1, 3.9);
  encoder->source_ended();
  encoder->finish();
  const test::Probed probed = test::probe(file_);
  EXPECT_NEAR(probed.seconds(0, "duration"), 4.0, 0.001);
  EXPECT_NEAR(probed.seconds(1, "duration"), 5.0, 0.07);
}

TEST_F(Sound, LastPictureEndsWithAFileThatSaysLess) {
  const fs::path source = folder_ / "clip.mkv";
  test::run_ffmpeg(fmt::format("-f lavfi -i testsrc=d=4:r=10:s=64x48 -c:v mpeg4 {}", source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  const auto encoder = open_video_encoder(wanted);
  encoder->write(picture({64, 48}, 0), 0.0);
  encoder->write(picture({64, 48}, 1), 3.9, 3.0);
  encoder->source_ended();
  encoder->finish();
  EXPECT_NEAR(encoder->end_s(), 4.0, 0.001);
}

TEST_F(Sound, BeginningAfterThePicturesIsThere) {
  const fs::path source = folder_ / "clip.mkv";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i testsrc=d=2:r=20:s=64x48 -itsoffset 3 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a aac {}",
                  source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  const auto encoder = open_video_encoder(wanted);
  for (const double time : times(40)) encoder->write(picture({64, 48}, 0), time, 0.05);
  encoder->source_ended();
  encoder->finish();
  const fs::path plain = folder_ / "plain.mp4";
  write_without_fragments(file_, plain, encoder->end_s(), "plain.mp4");
  for (const fs::path& file : {file_, plain}) {
    const test::Probed probed = test::probe(file);
    EXPECT_NEAR(probed.seconds(0, "duration"), 2.0, 0.001);
    EXPECT_NEAR(probed.times[1].front(), 3.0, 0.05);
    EXPECT_NEAR(probed.times[1].back(), 4.0, 0.05);
  }
}

TEST_F(Sound, HoursBeforeThePicturesStaysThere) {
  const fs::path source = folder_ / "clip.mkv";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i sine=d=3 -itsoffset 30000 -f lavfi -i testsrc=d=1:r=20:s=64x48 -c:v mpeg4 -c:a aac {}",
                  source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  const double end_s = write(wanted, {30'000.0, 30'000.05});
  const fs::path plain = folder_ / "plain.mp4";
  write_without_fragments(file_, plain, end_s, "plain.mp4");
  for (const fs::path& file : {file_, plain}) {
    const test::Probed probed = test::probe(file);
    EXPECT_THAT(probed.times[0], ElementsAre(DoubleNear(30'000.0, 0.002), DoubleNear(30'000.05, 0.002)));
    EXPECT_NEAR(probed.seconds(1, "start_time"), 0.0, 0.03);
    EXPECT_NEAR(probed.seconds(1, "duration"), 3.0, 0.1);
  }
}

TEST_F(Sound, ThatPausesForHoursIsCutAndSaid) {
  const fs::path first = folder_ / "first.mkv";
  const fs::path source = folder_ / "clip.mkv";
  test::run_ffmpeg(
      fmt::format("-f lavfi -i testsrc=d=1:r=20:s=64x48 -f lavfi -i sine=d=2 -c:v mpeg4 -c:a aac {}", first.string()));
  test::run_ffmpeg(fmt::format("-i {} -c copy -bsf:a setts=ts='PTS+if(gt(PTS*TB\\,1)\\,50000/TB\\,0)' {}",
                               first.string(), source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  const auto encoder = open_video_encoder(wanted);
  for (const double time : times(20)) encoder->write(picture({64, 48}, 0), time);
  encoder->source_ended();
  encoder->finish();
  EXPECT_NEAR(test::probe(file_).seconds(1, "duration"), 1.0, 0.07);
  EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("new.mp4: some of its sound is missing: "),
                                        HasSubstr("a pause of hours, longer than MP4 holds"))));
}

TEST_F(Sound, ThatMp4DoesNotTakeIsSaid) {
  const fs::path source = folder_ / "clip.avi";
  test::run_ffmpeg(fmt::format("-f lavfi -i testsrc=d=1:r=20:s=64x48 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a pcm_s16le {}",
                               source.string()));
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = source;
  write(wanted, times(20));
  EXPECT_THAT(test::probe(file_).streams, SizeIs(1));
  EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("new.mp4: is without the sound of "), HasSubstr("pcm_s16le"),
                                        HasSubstr("`ffmpeg -i "))));
}

TEST_F(Sound, OfAFileThatIsGoneIsSaid) {
  VideoEncoderOptions wanted = options(VideoCodec::kAuto, {64, 48});
  wanted.sound = folder_ / "gone.mp4";
  write(wanted, times(20));
  EXPECT_THAT(test::probe(file_).streams, SizeIs(1));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("No such file or directory")));
}

}  // namespace
}  // namespace zoo::ffmpeg
