// The folders are the architecture: this test reads every source and fails when an #include points upwards, when a
// third-party header is used outside its one home, or when library code prints or ends the process.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/layers/source_scan.h"

namespace zoo::layers {
namespace {

namespace fs = std::filesystem;

/// A folder of sources; the folders inside it are rooms of their own.
struct Room {
  std::string folder;
  std::set<std::string> may_use;  ///< itself aside
};

/// What all of pipeline/ and above may use, and `more`.
std::set<std::string> below_pipeline(std::set<std::string> more) {
  more.insert({"nn/core", "nn/graph", "nn/weights", "nn/engine", "nn/engine/machine", "nn/engine/compile", "hub",
               "backbones", "heads", "models"});
  return more;
}

/// What the rooms of the engine that are built on its face may use, and `more`.
std::set<std::string> above_face(std::set<std::string> more) {
  more.insert({"nn/core", "nn/graph", "nn/weights", "nn/engine", "nn/engine/machine", "nn/engine/kernels/common"});
  return more;
}

// Bottom to top (CONTRIBUTING.md).
const std::vector<Room> kRooms = {
    {"nn/core", {}},
    {"nn/graph", {"nn/core"}},
    {"nn/graph/onnx_export", {"nn/core", "nn/graph"}},
    {"nn/weights", {"nn/core"}},
    {"nn/engine/kernels/common", {"nn/core"}},
    {"nn/engine/kernels/amx", {"nn/engine/kernels/common"}},
    {"nn/engine/kernels/bf16", {"nn/core", "nn/engine/kernels/common", "nn/engine/kernels/amx"}},
    {"nn/engine/kernels/f32",
     {"nn/core", "nn/engine/kernels/common", "nn/engine/kernels/amx", "nn/engine/kernels/bf16"}},
    {"nn/engine/kernels/int8", {"nn/core", "nn/engine/kernels/common", "nn/engine/kernels/amx"}},
    {"nn/engine/kernels/peak", {"nn/core", "nn/engine/kernels/common", "nn/engine/kernels/amx"}},
    {"nn/engine/machine", {"nn/core", "nn/engine/kernels/common"}},
    {"nn/engine",
     {"nn/core", "nn/graph", "nn/weights", "nn/engine/kernels/common", "nn/engine/kernels/peak", "nn/engine/machine"}},
    {"nn/engine/reference", above_face({})},
    {"nn/engine/plan", above_face({"nn/engine/kernels/f32", "nn/engine/kernels/bf16", "nn/engine/kernels/int8"})},
    {"nn/engine/choice", above_face({"nn/engine/kernels/f32", "nn/engine/plan"})},
    {"nn/engine/lower", above_face({"nn/engine/kernels/f32", "nn/engine/kernels/bf16", "nn/engine/kernels/int8",
                                    "nn/engine/plan", "nn/engine/choice"})},
    {"nn/engine/f32/onednn", above_face({"nn/engine/kernels/f32", "nn/engine/plan", "nn/engine/choice"})},
    {"nn/engine/f32", above_face({"nn/engine/kernels/f32", "nn/engine/plan", "nn/engine/choice", "nn/engine/lower",
                                  "nn/engine/f32/onednn"})},
    {"nn/engine/bf16", above_face({"nn/engine/kernels/bf16", "nn/engine/plan", "nn/engine/choice", "nn/engine/lower"})},
    {"nn/engine/int8", above_face({"nn/engine/kernels/int8", "nn/engine/plan", "nn/engine/choice", "nn/engine/lower"})},
    {"nn/engine/compile", above_face({"nn/engine/reference", "nn/engine/plan", "nn/engine/choice", "nn/engine/lower",
                                      "nn/engine/f32", "nn/engine/f32/onednn", "nn/engine/bf16", "nn/engine/int8"})},
    {"hub", {"nn/core"}},
    {"brokers", {"nn/core"}},
    {"backbones/names", {"nn/core"}},
    {"backbones", {"nn/core", "nn/graph", "backbones/names"}},
    {"heads/names", {"nn/core"}},
    {"heads", {"nn/core", "nn/graph", "heads/names"}},
    {"models",
     {"nn/core", "nn/graph", "nn/graph/onnx_export", "nn/weights", "nn/engine", "nn/engine/choice", "nn/engine/compile",
      "nn/engine/machine", "hub", "backbones", "heads"}},
    {"pipeline/images", {"nn/core"}},
    {"pipeline/preprocess", below_pipeline({})},
    {"pipeline/text", {"nn/core", "pipeline/images"}},
    {"pipeline/video/ffmpeg", {"nn/core"}},
    {"pipeline/video", {"nn/core", "pipeline/images", "pipeline/video/ffmpeg"}},
    {"pipeline/tasks", below_pipeline({"pipeline/images", "pipeline/preprocess", "pipeline/text"})},
    {"pipeline", below_pipeline({"pipeline/images", "pipeline/preprocess", "pipeline/video", "pipeline/tasks"})},
    {"pipeline/eval", below_pipeline({"pipeline/images", "pipeline/preprocess", "pipeline/tasks"})},
    {"pipeline/batch", {"nn/core", "hub", "pipeline/images", "pipeline/video"}},
    {"sinks", below_pipeline({"brokers", "pipeline", "pipeline/images", "pipeline/tasks", "pipeline/video",
                              "pipeline/video/ffmpeg"})},
    {"streams", below_pipeline({"pipeline", "pipeline/images", "pipeline/tasks", "pipeline/video"})},
    {"streams/queue", below_pipeline({"brokers", "pipeline", "pipeline/images", "pipeline/tasks", "pipeline/video",
                                      "sinks", "streams"})},
    {"serve/http", {"nn/core"}},
    {"serve/metrics", {"nn/core"}},
    {"serve/view", below_pipeline({"pipeline", "pipeline/images", "pipeline/tasks", "pipeline/video", "streams",
                                   "serve/http", "serve/metrics"})},
    {"serve/inference", below_pipeline({"pipeline", "pipeline/images", "pipeline/preprocess", "pipeline/tasks",
                                        "streams", "serve/http", "serve/metrics"})},
    {"apps", below_pipeline({"pipeline", "pipeline/images", "pipeline/preprocess", "pipeline/tasks", "pipeline/text",
                             "pipeline/video", "pipeline/eval", "pipeline/batch", "brokers", "sinks", "streams",
                             "streams/queue", "serve/http", "serve/view", "serve/inference", "serve/metrics"})},
};

/// A library of others.
struct Library {
  std::string name;                   ///< as CONTRIBUTING.md calls it
  std::vector<std::string> includes;  ///< how its headers' names begin
  std::string home;                   ///< the files that may use it, as a regular expression
};

const std::vector<Library> kLibraries = {
    {"CLI11", {"CLI/"}, R"(apps/.*)"},
    {"spdlog", {"spdlog/"}, R"(apps/.*)"},
    {"OpenCV", {"opencv2/"}, R"((pipeline|sinks|streams|serve|apps)/.*)"},
    {"FFmpeg", {"libavcodec/", "libavformat/", "libavutil/", "libswscale/"}, R"(pipeline/video/ffmpeg/.*)"},
    {"libjpeg", {"jpeglib.h", "jerror.h"}, R"(pipeline/images/(de|en)code_jpeg\.cpp)"},
    {"libpng", {"png.h"}, R"(pipeline/images/png_(reader|writer)\.cpp)"},
    {"libtiff", {"tiffio.h"}, R"(pipeline/images/(tiff_reader|encode_tiff)\.cpp)"},
    {"libwebp", {"webp/"}, R"(pipeline/images/(de|en)code_webp\.cpp)"},
    {"zlib", {"zlib.h"}, R"(pipeline/images/png_(exif|writer)\.cpp|serve/inference/content_coding\.cpp)"},
    {"Pango", {"pango/"}, R"(pipeline/text/pango_painter\.cpp)"},
    {"libcurl", {"curl/"}, R"(hub/curl_transport\.cpp)"},
    {"OpenSSL", {"openssl/"}, R"(hub/digest\.cpp|serve/http/websocket_frames\.cpp|brokers/tls_stream\.cpp)"},
    {"libmosquitto", {"mosquitto"}, R"(brokers/mosquitto_link\.cpp)"},
    {"hiredis", {"hiredis/"}, R"(brokers/redis_connection\.cpp)"},
    {"libmicrohttpd", {"microhttpd.h"}, R"(serve/http/mhd_daemon\.cpp)"},
    {"prometheus-cpp", {"prometheus/"}, R"(serve/metrics/prometheus_serializer\.cpp)"},
    {"oneDNN", {"oneapi/", "dnnl"}, R"(nn/engine/(f32/onednn/.*|machine/onednn_isa\.cpp))"},
    {"OpenMP", {"omp.h"}, R"(nn/engine/machine/parallel\.cpp)"},
    {"libzip", {"zip.h"}, R"(nn/weights/pth_archive\.cpp)"},
    {"ONNX", {"onnx/", "google/protobuf/"}, R"(nn/graph/onnx_export/model_writer\.cpp)"},
    {"yaml-cpp", {"yaml-cpp/"}, R"(nn/core/config_[a-z]+\.cpp)"},
    {"nlohmann-json", {"nlohmann/"}, R"((apps|pipeline|sinks|streams|serve|models|nn/weights)/.*)"},
    {"fmt", {"fmt/"}, R"(.*)"},
};

/// Headers of the operating system and the compiler; those of C++ have neither a dot nor a slash.
const std::regex kSystemHeader(
    R"([a-z0-9_]+|(sys|linux|arpa|net|netinet)/[a-z0-9_]+\.h|)"
    R"((cpuid|dirent|dlfcn|errno|fcntl|glob|immintrin|limits|malloc|netdb|poll|pthread|sched|signal|spawn|termios|unistd)\.h)");

const std::set<std::string, std::less<>> kPrintOrEnd = {
    "printf", "vprintf", "fprintf", "vfprintf",   "dprintf",   "vdprintf",    "puts",          "fputs",
    "putc",   "fputc",   "putchar", "putw",       "perror",    "psignal",     "abort",         "exit",
    "_exit",  "_Exit",   "raise",   "quick_exit", "terminate", "unreachable", "__builtin_trap"};
const std::set<std::string, std::less<>> kStreams = {"cout", "cerr", "clog", "wcout", "wcerr", "wclog"};

struct Source {
  std::string file;  ///< relative to the source tree
  std::string room;
  std::string text;
  std::vector<Include> includes;
};

bool is_source(const fs::path& path) {
  static const std::set<std::string> extensions = {".cpp", ".h", ".inc", ".in"};
  return extensions.contains(path.extension().string());
}

/// The room that an include path or file lies in; empty if it is none of ours.
std::string room_of(const fs::path& path) {
  const std::string folder = path.parent_path().string();
  const auto found = std::ranges::find(kRooms, folder, &Room::folder);
  return found == kRooms.end() ? std::string() : folder;
}

/// Of all folders of the library and the program.
const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    const fs::path root = ZOO_SOURCE_DIR;
    std::vector<Source> found;
    for (const char* top :
         {"nn", "hub", "brokers", "backbones", "heads", "models", "pipeline", "sinks", "streams", "serve", "apps"}) {
      for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
        if (!entry.is_regular_file() || !is_source(entry.path())) continue;
        std::ifstream stream(entry.path());
        const fs::path file = fs::relative(entry.path(), root);
        std::string text{std::istreambuf_iterator<char>(stream), {}};
        std::vector<Include> includes = includes_of(text);
        found.push_back({file.string(), room_of(file), std::move(text), std::move(includes)});
      }
    }
    std::ranges::sort(found, {}, &Source::file);
    return found;
  }();
  return all;
}

const Library* library_of(const std::string& header) {
  for (const Library& library : kLibraries) {
    for (const std::string& start : library.includes) {
      if (header.starts_with(start)) return &library;
    }
  }
  return nullptr;
}

TEST(Layers, EveryFolderIsARoom) {
  std::set<std::string> seen;
  for (const Source& source : sources()) {
    EXPECT_NE(source.room, "") << source.file << ": its folder is no room";
    seen.insert(source.room);
  }
  for (const Room& room : kRooms) EXPECT_TRUE(seen.contains(room.folder)) << room.folder << ": there is no such folder";
}

// So there is no circle.
TEST(Layers, RoomsUseOnlyRoomsBelowThem) {
  std::set<std::string> below;
  for (const Room& room : kRooms) {
    for (const std::string& used : room.may_use) {
      EXPECT_TRUE(below.contains(used)) << room.folder << " may use " << used << ", which is not below it";
    }
    below.insert(room.folder);
  }
}

TEST(Layers, IncludeOnlyDownwards) {
  for (const Source& source : sources()) {
    const auto room = std::ranges::find(kRooms, source.room, &Room::folder);
    if (room == kRooms.end()) continue;  // see EveryFolderIsARoom
    for (const Include& include : source.includes) {
      if (!include.quoted) continue;
      const std::string target = room_of(include.target);
      EXPECT_NE(target, "") << source.file << ":" << include.line << ": \"" << include.target
                            << "\" is no path of a room from the top of the tree";
      EXPECT_TRUE(target == source.room || room->may_use.contains(target))
          << source.file << ":" << include.line << ": " << source.room << " must not use " << include.target;
    }
  }
}

TEST(Layers, KeepThirdPartyHeadersInTheirHome) {
  std::set<std::string> used;
  for (const Source& source : sources()) {
    for (const Include& include : source.includes) {
      if (include.quoted) continue;
      const auto where = [&] {
        return source.file + ":" + std::to_string(include.line) + ": <" + include.target + ">";
      };
      const Library* library = library_of(include.target);
      if (library == nullptr) {
        EXPECT_TRUE(std::regex_match(include.target, kSystemHeader)) << where() << " is of no library that has a home";
        continue;
      }
      used.insert(library->name);
      EXPECT_TRUE(std::regex_match(source.file, std::regex(library->home)))
          << where() << ": " << library->name << " belongs into " << library->home;
    }
  }
  for (const Library& library : kLibraries) EXPECT_TRUE(used.contains(library.name)) << library.name << " is not used";
}

/// Folder -> libraries that CONTRIBUTING.md lists for it.
std::map<std::string, std::set<std::string>> documented_homes() {
  std::ifstream stream(fs::path(ZOO_SOURCE_DIR) / "CONTRIBUTING.md");
  const std::regex row(R"(\| `([a-z_/]+)/` \|.*\|\s*([^|]*)\|\s*)");
  const std::regex name(R"([A-Za-z0-9-]+)");
  std::map<std::string, std::set<std::string>> homes;
  std::smatch match;
  for (std::string line; std::getline(stream, line);) {
    if (!std::regex_match(line, match, row)) continue;
    const std::string names = match[2];
    homes[match[1]] = {std::sregex_token_iterator(names.begin(), names.end(), name), {}};
  }
  return homes;
}

TEST(Layers, AreWhatContributingSays) {
  std::map<std::string, std::set<std::string>> used;
  for (const auto& [folder, names] : documented_homes()) used[folder];
  for (const Source& source : sources()) {
    const auto folder =
        std::ranges::find_if(used, [&](const auto& row) { return source.file.starts_with(row.first + "/"); });
    ASSERT_NE(folder, used.end()) << source.file << ": CONTRIBUTING.md has no row for its folder";
    for (const Include& include : source.includes) {
      const Library* library = include.quoted ? nullptr : library_of(include.target);
      if (library != nullptr && library->name != "fmt") folder->second.insert(library->name);
    }
  }
  EXPECT_EQ(documented_homes(), used);
}

TEST(Layers, LibraryCodeNeitherPrintsNorExits) {
  for (const Source& source : sources()) {
    if (source.room == "apps") continue;
    for (const Use& use : uses_of(source.text, kPrintOrEnd, kStreams)) {
      ADD_FAILURE() << source.file << ":" << use.line << ": " << use.name;
    }
  }
}

// The rules on sources made for them: each must be able to fail.
TEST(Layers, FindWhatTheyForbid) {
  for (const char* call : {"fprintf(stderr, \"x\");", "std::fputs(\"x\", stderr);", "perror(\"x\");", "abort();",
                           "std::abort();", "exit(1);", "std::exit(1);", "_exit(1);", "std::quick_exit(1);",
                           "std::terminate();", "std::cerr << 1;", "std::printf(\"x\");"}) {
    EXPECT_THAT(uses_of(call, kPrintOrEnd, kStreams), ::testing::SizeIs(1)) << call;
  }
  EXPECT_EQ(room_of("pipeline/eval/evaluate.h"), "pipeline/eval");
  EXPECT_EQ(room_of("nn/engine/kernels/f32/kernels_impl.inc"), "nn/engine/kernels/f32");
  EXPECT_EQ(room_of("nn/engine/kernels/kernels_impl.inc"), "");
  EXPECT_EQ(room_of("evaluate.h"), "");
  EXPECT_EQ(room_of("pipeline/../apps/commands.h"), "");
  EXPECT_TRUE(is_source("nn/engine/kernels/f32/kernels_impl.inc"));
  const auto pipeline = std::ranges::find(kRooms, "pipeline", &Room::folder);
  EXPECT_FALSE(pipeline->may_use.contains("pipeline/eval"));
  for (const char* header :
       {"nlohmann/json.hpp", "jpeglib.h", "microhttpd.h", "hiredis/hiredis.h", "mosquitto.h", "png.h", "zip.h",
        "curl/curl.h", "openssl/evp.h", "CLI/CLI.hpp", "spdlog/spdlog.h", "onnx/onnx_pb.h", "oneapi/dnnl/dnnl.hpp",
        "omp.h", "yaml-cpp/yaml.h", "opencv2/core.hpp"}) {
    EXPECT_NE(library_of(header), nullptr) << header;
    EXPECT_FALSE(std::regex_match("backbones/mobilenetv3.cpp", std::regex(library_of(header)->home))) << header;
  }
  EXPECT_FALSE(std::regex_match("httplib.h", kSystemHeader));
}

}  // namespace
}  // namespace zoo::layers
