// Whatever a path leads to, what a function of the library throws is a zoo::Error that names the path.
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/digest.h"
#include "hub/download.h"
#include "models/calibration_file.h"
#include "models/model_config.h"
#include "models/pretrained_cfg.h"
#include "nn/weights/checkpoint_file.h"
#include "nn/weights/safetensors.h"
#include "pipeline/eval/calibrate.h"
#include "pipeline/eval/class_folders.h"
#include "pipeline/eval/coco_annotations.h"
#include "pipeline/eval/mask_folders.h"
#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"
#include "pipeline/zoo.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

struct Reader {
  const char* name;
  std::function<void(const fs::path&)> read;
};

const std::string kModel = std::string(ZOO_SOURCE_DIR) + "/configs/demo/emoji.yaml";

const std::vector<Reader> kReaders = {
    {"load_model", [](const fs::path& path) { load_model(path); }},
    {"load_backbone", [](const fs::path& path) { load_backbone(path); }},
    {"checkpoint", [](const fs::path& path) { load_model(kModel, {.checkpoint = path}); }},
    {"calibration",
     [](const fs::path& path) {
       const Model model = load_model(kModel, {.calibration = path});
       model.shared()->calibration();
     }},
    {"labels",
     [](const fs::path& path) {
       load_model(kModel, {.overrides = {{"model.labels", "\"" + path.string() + "\""}}});
     }},
    {"CheckpointFile", [](const fs::path& path) { weights::CheckpointFile::open(path); }},
    {"SafetensorsFile", [](const fs::path& path) { weights::SafetensorsFile::open(path); }},
    {"write_safetensors",
     [](const fs::path& path) {
       weights::write_safetensors(path, {{"a", Tensor{{1}, {1.0F}}}});
     }},
    {"read_pretrained_cfg", [](const fs::path& path) { models::read_pretrained_cfg(path); }},
    {"read_image", [](const fs::path& path) { pipeline::read_image(path); }},
    {"open_source", [](const fs::path& path) { pipeline::open_source(path.string()); }},
    {"open_video",
     [](const fs::path& path) {
       pipeline::open_source({pipeline::SourceKind::kVideoFile, path.string(), {}});
     }},
    {"open_camera",
     [](const fs::path& path) {
       pipeline::open_source({pipeline::SourceKind::kCamera, path.string(), {}});
     }},
    {"find_pictures", [](const fs::path& path) { eval::find_pictures(path); }},
    {"read_class_folders", [](const fs::path& path) { eval::read_class_folders(path, {}, 3); }},
    {"read_mask_folders", [](const fs::path& path) { eval::read_mask_folders(path); }},
    {"read_coco_annotations",
     [](const fs::path& path) {
       eval::read_coco_annotations(path, path, {}, 3);
       throw Error("read");
     }},
    {"hash_file", [](const fs::path& path) { hub::hash_file(path, hub::HashKind::kSha256); }},
    {"download", [](const fs::path& path) {
       hub::DownloadOptions options;
       options.attempts = 1;
       hub::download({.url = "http://127.0.0.1:9/x", .file = path, .lock = path / "lock", .size = {}, .hash = {}},
                     options);
     }}};

class OddPaths : public ::testing::TestWithParam<Reader> {};

TEST_P(OddPaths, AreErrorsOfTheLibrary) {
  const test::TempFolder folder;
  fs::create_symlink("loop", folder.path() / "loop");
  std::ofstream(folder / "file") << "text";
  const std::vector<fs::path> paths = {folder / "loop",
                                       folder / "loop/below",
                                       folder / std::string(300, 'n'),
                                       folder / "file/below",
                                       folder / "none",
                                       "",
                                       folder / std::string(5000, 'n')};
  int errors = 0;
  for (const fs::path& path : paths) {
    const std::string shown = path.string().substr(0, 60);
    try {
      GetParam().read(path);  // one or the other may be fine: a file that is written, no checkpoint at all
    } catch (const Error& error) {
      EXPECT_FALSE(std::string(error.what()).empty()) << shown;
      ++errors;
    } catch (const std::exception& error) {
      ADD_FAILURE() << shown << ": " << error.what();
    }
  }
  EXPECT_GE(errors, 5) << "links in a circle, names that are too long, a folder that is a file";
}

INSTANTIATE_TEST_SUITE_P(All, OddPaths, ::testing::ValuesIn(kReaders),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace zoo
