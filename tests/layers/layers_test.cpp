// The folders are the architecture: this test reads every #include and fails when one points upwards, or when a
// third-party header is used outside its one home.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zoo {
namespace {

namespace fs = std::filesystem;

/// Folder -> folders it may include from, itself aside (docs: CONTRIBUTING.md).
const std::map<std::string, std::set<std::string>> kMayUse = {
    {"nn/core", {}},
    {"nn/graph", {"nn/core"}},
    {"nn/weights", {"nn/core"}},
    {"nn/engine", {"nn/core", "nn/graph", "nn/weights"}},
    {"hub", {"nn/core"}},
    {"backbones", {"nn/core", "nn/graph"}},
    {"heads", {"nn/core", "nn/graph"}},
    {"models", {"nn/core", "nn/graph", "nn/weights", "nn/engine", "hub", "backbones", "heads"}},
    {"pipeline", {"nn/core", "nn/graph", "nn/weights", "nn/engine", "hub", "backbones", "heads", "models"}},
    {"apps", {"nn/core", "nn/graph", "nn/weights", "nn/engine", "hub", "backbones", "heads", "models", "pipeline"}},
};

/// Start of a third-party include -> files that may use it, as a regular expression.
const std::map<std::string, std::string> kHomes = {
    {"yaml-cpp/", R"(nn/core/config_[a-z]+\.cpp)"},
    {"onnx/", R"(nn/graph/onnx_export/model_writer\.cpp)"},
    {"google/protobuf/", R"(nn/graph/onnx_export/model_writer\.cpp)"},
    {"oneapi/", R"(nn/engine/.*)"},
    {"dnnl", R"(nn/engine/.*)"},
    {"omp.h", R"(nn/engine/.*)"},
    {"opencv2/", R"((pipeline|apps)/.*)"},
    {"curl/", R"(hub/http\.cpp)"},
    {"openssl/", R"(hub/digest\.cpp)"},
    {"zip.h", R"(nn/weights/pth_archive\.cpp)"},
    {"png.h", R"(pipeline/mask_png\.cpp)"},
    {"CLI/", R"(apps/.*)"},
    {"spdlog/", R"(apps/.*)"},
};

struct Include {
  std::string file;  ///< relative to the source tree
  int line = 0;
  std::string target;
};

std::vector<Include> includes_of(const fs::path& folder) {
  const fs::path root = ZOO_SOURCE_DIR;
  const std::regex pattern(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  std::vector<Include> includes;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
    std::ifstream stream(entry.path());
    std::string text;
    for (int line = 1; std::getline(stream, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, pattern)) {
        includes.push_back({fs::relative(entry.path(), root).string(), line, match[1]});
      }
    }
  }
  return includes;
}

/// The layer that an include path or file belongs to; empty if it is none of ours.
std::string layer_of(const std::string& path) {
  for (const auto& [layer, may_use] : kMayUse) {
    if (path.starts_with(layer + "/")) return layer;
  }
  return {};
}

TEST(Layers, IncludeOnlyDownwards) {
  size_t checked = 0;
  for (const auto& [layer, may_use] : kMayUse) {
    for (const Include& include : includes_of(layer)) {
      const std::string target = layer_of(include.target);
      if (target.empty() || target == layer) continue;
      ++checked;
      EXPECT_TRUE(may_use.contains(target))
          << include.file << ":" << include.line << ": " << layer << " must not use " << include.target;
    }
  }
  EXPECT_GT(checked, 50U) << "the scan found too little to be right";
}

TEST(Layers, KeepThirdPartyHeadersInTheirHome) {
  size_t checked = 0;
  for (const auto& [layer, may_use] : kMayUse) {
    for (const Include& include : includes_of(layer)) {
      for (const auto& [start, home] : kHomes) {
        if (!include.target.starts_with(start)) continue;
        ++checked;
        EXPECT_TRUE(std::regex_match(include.file, std::regex(home)))
            << include.file << ":" << include.line << ": <" << include.target << "> belongs into " << home;
      }
    }
  }
  EXPECT_GT(checked, 5U) << "the scan found too little to be right";
}

TEST(Layers, LibraryCodeNeitherPrintsNorExits) {
  const std::regex forbidden(R"(\bstd::(cout|cerr|clog|exit|abort|quick_exit)\b|\b(printf|puts|_exit)\s*\()");
  for (const auto& [layer, may_use] : kMayUse) {
    if (layer == "apps") continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(ZOO_SOURCE_DIR) / layer)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      std::ifstream stream(entry.path());
      std::string text;
      for (int line = 1; std::getline(stream, text); ++line) {
        const std::string code = text.substr(0, text.find("//"));
        EXPECT_FALSE(std::regex_search(code, forbidden)) << entry.path().string() << ":" << line << ": " << text;
      }
    }
  }
}

}  // namespace
}  // namespace zoo
