#include "tests/pipeline/video/video_cases.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

namespace zoo::test {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFunctions = R"(
set -e
f() { ffmpeg -nostdin -v error -y "$@" || { echo "ffmpeg $*" >&2; exit 1; }; }
src() { echo "-f lavfi -i testsrc2=size=${1:-64x48}:rate=10:duration=${2:-1.2}"; }
sine() { echo "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=$1"; }
shorten() { head -c $(($(stat -c %s "$1") * 6 / 10)) "$1" > "$2"; }
damage() {
  cp "$1" "$2"
  head -c 160 /dev/zero | tr '\0' '\252' | dd of="$2" bs=1 seek=$(($(stat -c %s "$2") / 2)) conv=notrunc status=none
}
# The display matrix in the track header of an MP4 or MOV: a b u c d v x y w.
orient() {
  at=$(($(grep -abo tkhd "$1" | head -1 | cut -d: -f1) + 44))
  printf "$2" | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}
)";

struct Container {
  const char* extension;
  const char* video;
  const char* sound;
};

constexpr const char* kX264 = "-c:v libx264 -preset ultrafast -g 6 -bf 0";
const std::vector<Container> kContainers = {
    {"mp4", "-c:v libx264 -preset ultrafast -bf 2 -g 6 -movflags +faststart", "-c:a aac"},
    {"mkv", kX264, "-c:a aac"},
    {"webm", "-c:v libvpx -deadline realtime -b:v 200k -g 6", "-c:a libvorbis"},
    {"avi", "-c:v mpeg4 -q:v 4 -g 6", "-c:a mp2"},
    {"ts", kX264, "-c:a mp2"},
    {"mov", "-c:v mpeg4 -q:v 4 -g 6 -movflags +faststart", "-c:a pcm_s16le"},
    {"flv", kX264, "-c:a aac"},
};

bool says_its_size(const std::string& extension) { return extension != "ts" && extension != "flv"; }

void add_containers(std::vector<VideoCase>& cases) {
  for (const Container& to : kContainers) {
    const std::string extension = to.extension;
    const auto add = [&](const std::string& name, Verdict verdict, const std::string& make) {
      cases.push_back({fmt::format("{}.{}", name, extension), verdict, make});
    };
    add("plain", Verdict::kWhole, fmt::format("f $(src) {} plain.{}", to.video, extension));
    add("variable", Verdict::kWhole,
        fmt::format(R"(f $(src) -vf "select='not(mod(n,4))+lt(n,4)'" -fps_mode passthrough {} variable.{})", to.video,
                    extension));
    add("shortsound", Verdict::kWhole,
        fmt::format("f $(src) $(sine 0.5) {} {} shortsound.{}", to.video, to.sound, extension));
    add("longsound", Verdict::kWhole,
        fmt::format("f $(src) $(sine 3) {} {} longsound.{}", to.video, to.sound, extension));
    add("late", Verdict::kWhole,
        fmt::format("f -itsoffset 0.7 $(src) $(sine 2) -map 0 -map 1 -fps_mode passthrough {} {} late.{}", to.video,
                    to.sound, extension));
    add("cut", says_its_size(extension) ? Verdict::kCutOff : Verdict::kAny,
        fmt::format("shorten plain.{0} cut.{0}", extension));
    add("damaged", Verdict::kAny, fmt::format("damage plain.{0} damaged.{0}", extension));
  }
}

void add_turned(std::vector<VideoCase>& cases) {
  constexpr const char* kOne = R"(\000\001\000\000)";
  constexpr const char* kMinusOne = R"(\377\377\000\000)";
  constexpr const char* kZero = R"(\000\000\000\000)";
  /// Numbers of 16.16 bits, big endian.
  struct Numbers {
    const char* name;
    const char *a, *b, *c, *d;
  };
  for (const Numbers& turn :
       {Numbers{"turned90", kZero, kOne, kMinusOne, kZero}, Numbers{"turned180", kMinusOne, kZero, kZero, kMinusOne},
        Numbers{"turned270", kZero, kMinusOne, kOne, kZero}, Numbers{"mirrored", kMinusOne, kZero, kZero, kOne},
        Numbers{"upsidedown", kOne, kZero, kZero, kMinusOne}, Numbers{"transposed", kZero, kOne, kOne, kZero},
        Numbers{"transverse", kZero, kMinusOne, kMinusOne, kZero}}) {
    for (const char* extension : {"mp4", "mov"}) {
      const std::string file = fmt::format("{}.{}", turn.name, extension);
      cases.push_back({file, Verdict::kWhole,
                       fmt::format("cp plain.{} {}\norient {} '{}{}{}{}{}'", extension, file, file, turn.a, turn.b,
                                   kZero, turn.c, turn.d)});
    }
  }
}

std::vector<VideoCase> all_cases() {
  std::vector<VideoCase> cases;
  add_containers(cases);
  add_turned(cases);
  const auto add = [&](const char* file, const std::string& make, Verdict verdict = Verdict::kWhole,
                       const char* map = "0:v:0") {
    cases.push_back({file, verdict, make, map});
  };
  // Edit lists: the first frames are there for decoding only.
  for (const char* extension : {"mp4", "mov"}) {
    add(fmt::format("trimmed.{}", extension).c_str(),
        fmt::format("f -ss 0.8 -i plain.{0} -c copy trimmed.{0}", extension));
    add(fmt::format("trimmedlongsound.{}", extension).c_str(),
        fmt::format("f -ss 0.8 -i longsound.{0} -c copy trimmedlongsound.{0}", extension));
  }
  // Depths, layouts, sizes.
  add("tenbit.mp4", fmt::format("f $(src) {} -pix_fmt yuv420p10le tenbit.mp4", kX264));
  add("tenbit.mkv", "f $(src) -c:v ffv1 -pix_fmt yuv422p10le tenbit.mkv");
  add("tenbit.mov", "f $(src) -c:v prores_ks tenbit.mov");
  add("tenbit.webm", "f $(src) -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le tenbit.webm");
  add("odd.mp4", fmt::format("f $(src 65x47) {} -pix_fmt yuv444p odd.mp4", kX264));
  add("odd.mkv", "f $(src 65x47) -c:v ffv1 -pix_fmt yuv420p odd.mkv");
  add("odd.avi", "f $(src 65x47) -c:v mjpeg -pix_fmt yuvj420p odd.avi");
  add("odd.mov", "f $(src 67x49) -c:v png -pix_fmt rgb24 odd.mov");
  add("odd.webm", "f $(src 63x33) -c:v libvpx -deadline realtime odd.webm");
  add("tiny.mkv", "f $(src 2x2) -c:v ffv1 -pix_fmt yuv420p tiny.mkv");
  add("grey.mkv", "f $(src) -c:v ffv1 -pix_fmt gray grey.mkv");
  add("rgb.mkv", "f $(src) -c:v ffv1 -pix_fmt bgr0 rgb.mkv");
  add("alpha.mov", "f $(src) -c:v qtrle -pix_fmt argb alpha.mov");
  add("raw24.avi", "f $(src 66x50) -c:v rawvideo -pix_fmt bgr24 raw24.avi");
  // Matrices and ranges by tag.
  for (const char* tags : {"bt709 tv", "bt709 pc", "bt2020nc tv", "smpte170m pc"}) {
    std::istringstream words(tags);
    std::string matrix;
    std::string range;
    words >> matrix >> range;
    add(fmt::format("{}{}.mp4", matrix, range).c_str(),
        fmt::format("f $(src) {} -colorspace {} -color_range {} {}{}.mp4", kX264, matrix, range, matrix, range));
  }
  // What changes on the way.
  add("pixels.mjpeg",
      "f $(src) -c:v mjpeg -pix_fmt yuvj422p a.mjpeg\nf $(src) -c:v mjpeg -pix_fmt yuvj420p b.mjpeg\n"
      "f $(src) -c:v mjpeg -pix_fmt yuvj444p c.mjpeg\ncat a.mjpeg b.mjpeg c.mjpeg > pixels.mjpeg");
  add("pixels.avi", "f -f mjpeg -i pixels.mjpeg -c copy pixels.avi");
  add("pixels.mkv", "f -f mjpeg -i pixels.mjpeg -c copy pixels.mkv");
  add("sizes.mjpeg", "f $(src 48x64) -c:v mjpeg -pix_fmt yuvj420p d.mjpeg\ncat b.mjpeg d.mjpeg > sizes.mjpeg");
  add("sizes.ts", fmt::format("f $(src 48x64) {} d.ts\ncat plain.ts d.ts > sizes.ts", kX264));
  add("sizes.h264", "f -i plain.ts -c copy e.h264\nf -i d.ts -c copy d.h264\ncat e.h264 d.h264 > sizes.h264");
  // Other containers, and none.
  add("raw.h264", fmt::format("f $(src) {} raw.h264", kX264));
  add("raw.hevc", "f $(src) -c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1 raw.hevc");
  add("raw.mjpeg", "f $(src) -c:v mjpeg raw.mjpeg");
  add("raw.y4m", "f $(src) -pix_fmt yuv420p raw.y4m");
  add("raw.m2v", "f $(src) -r 25 -c:v mpeg2video raw.m2v");
  add("raw.ivf", "f $(src) -c:v libvpx -deadline realtime raw.ivf");
  add("disc.m2ts", "f $(src) -r 25 -c:v mpeg2video -mpegts_m2ts_mode 1 -f mpegts disc.m2ts");
  add("disc.vob", "f $(src) -r 25 -c:v mpeg2video -f vob disc.vob");
  add("interlaced.mpg", "f $(src) -r 25 -c:v mpeg2video -flags +ildct+ilme interlaced.mpg");
  add("plain.asf", "f $(src) -c:v wmv2 plain.asf");
  add("plain.ogv", "f $(src) -c:v libtheora plain.ogv");
  add("plain.3gp", fmt::format("f $(src) {} plain.3gp", kX264));
  add("plain.nut", "f $(src) -c:v mpeg4 plain.nut");
  add("plain.gif", "f $(src) plain.gif");
  add("fragments.mp4", fmt::format("f $(src) {} -movflags frag_keyframe+empty_moov fragments.mp4", kX264));
  add("fragmentscut.mp4", "shorten fragments.mp4 fragmentscut.mp4", Verdict::kCutOff);
  // Damage of which frames say nothing themselves.
  add("pages.ogv", "f $(src 64x48 4) -c:v libtheora -page_duration 100000 pages.ogv");
  add("pages.gif", "f $(src 64x48 4) pages.gif");
  add("cut.ogv", "shorten pages.ogv cut.ogv", Verdict::kCutOff);
  add("cut.gif", "shorten pages.gif cut.gif", Verdict::kCutOff);
  add("cut.y4m", "shorten raw.y4m cut.y4m", Verdict::kCutOff);
  add("cut.mjpeg", "shorten raw.mjpeg cut.mjpeg", Verdict::kCutOff);
  add("damaged.ogv", "damage pages.ogv damaged.ogv", Verdict::kDamaged);
  add("damaged.gif", "damage pages.gif damaged.gif", Verdict::kDamaged);
  add("damaged.mjpeg", "damage raw.mjpeg damaged.mjpeg", Verdict::kDamaged);
  add("scratched.mkv",
      "cp shortsound.mkv scratched.mkv\n"
      "dd if=/dev/zero of=scratched.mkv bs=1 count=2000 seek=$(($(stat -c %s scratched.mkv) / 2)) conv=notrunc "
      "status=none",
      Verdict::kDamaged);
  // Recordings that follow one another.
  add("chained.ogv", "cat plain.ogv plain.ogv > chained.ogv");
  // A cover picture, larger than the video and before it.
  add("cover.mp4",
      "f $(src 96x96 0.1) -frames:v 1 cover.png\n"
      "f -i cover.png -i longsound.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic cover.mp4",
      Verdict::kWhole, "0:V:0");
  // A still that lasts for more than 4096 packets of sound.
  add("slides.mp4",
      fmt::format(
          "f -f lavfi -i testsrc2=size=64x48:rate=1/120:duration=240 $(sine 150) {} -c:a aac -b:a 32k slides.mp4",
          kX264));
  // Twelve frames that all begin at one moment.
  add("still.mkv",
      fmt::format("f $(src) -vf \"setpts=if(lt(N\\,6)\\,N\\,N+600)\" -fps_mode passthrough {} still.mkv", kX264));
  return cases;
}

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Decoding many files in one process saves most of the time.
std::string reference_commands(const std::vector<VideoCase>& cases) {
  constexpr size_t kAtOnce = 12;
  std::string script;
  for (size_t i = 0; i < cases.size(); i += kAtOnce) {
    std::string inputs;
    std::string outputs;
    for (size_t j = i; j < std::min(i + kAtOnce, cases.size()); ++j) {
      inputs += fmt::format(" -threads 1 -i {}", cases[j].file);
      outputs += fmt::format(" -map {}{} -fps_mode passthrough -autoscale 0 -f rawvideo -pix_fmt bgr24 {}.bgr", j - i,
                             cases[j].map.substr(1), cases[j].file);
    }
    script += fmt::format("ffmpeg -nostdin -v quiet -y{}{}\n", inputs, outputs);
  }
  for (const VideoCase& video : cases) {
    script += fmt::format(
        "ffprobe -v quiet -select_streams {} -show_entries format=start_time:frame=best_effort_timestamp_time -of "
        "default=nw=1 {} > {}.times\n",
        video.map.substr(2), video.file, video.file);
  }
  return script;
}

/// Held by one process at a time: test programs run beside each other.
class FileLock {
 public:
  explicit FileLock(const std::string& file) : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX) != 0) throw std::runtime_error("cannot be locked: " + file);
  }
  ~FileLock() { close(descriptor_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace

const std::vector<VideoCase>& video_cases() {
  static const std::vector<VideoCase> cases = all_cases();
  return cases;
}

std::string test_name(const VideoCase& video) {
  std::string name = video.file;
  std::erase_if(name, [](unsigned char c) { return std::isalnum(c) == 0; });
  return name;
}

const fs::path& video_folder() {
  static const fs::path folder = [] {
    std::string script = kFunctions;
    for (const VideoCase& video : video_cases()) script += video.make + "\n";
    script += reference_commands(video_cases());
    fs::path made = fs::path(ZOO_BINARY_DIR) / "test-videos";
    const FileLock lock(made.string() + ".lock");
    if (read(made / "made.sh") == script) return made;
    fs::remove_all(made);
    fs::create_directories(made);
    std::ofstream(made / "make.sh") << script;
    const std::string command = fmt::format("cd '{}' && bash make.sh", made.string());
    if (std::system(command.c_str()) != 0) throw std::runtime_error("the test videos cannot be made: " + command);
    fs::rename(made / "make.sh", made / "made.sh");
    return made;
  }();
  return folder;
}

VideoTruth truth_of(const VideoCase& video) {
  VideoTruth truth{.pixels = read(video_folder() / (video.file + ".bgr")), .times = {}};
  std::istringstream lines(read(video_folder() / (video.file + ".times")));
  std::optional<double> start;
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string value = line.substr(equals + 1);
    const std::optional<double> number = value == "N/A" ? std::nullopt : std::optional(std::stod(value));
    if (line.starts_with("start_time")) {
      start = number;
    } else {
      truth.times.push_back(number);
    }
  }
  for (std::optional<double>& time : truth.times) {
    if (time) *time -= start.value_or(0.0);
  }
  return truth;
}

}  // namespace zoo::test
