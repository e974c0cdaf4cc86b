#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/output.h"
#include "nn/core/counted.h"
#include "nn/core/files.h"
#include "pipeline/batch/manifest_writer.h"
#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"

namespace zoo::apps {
namespace {

struct ManifestFlags {
  std::vector<std::string> folders;
  std::string output;
  bool videos = false;
};

int write_manifest(const ManifestFlags& flags) {
  check_replaceable(flags.output);  // before the work
  const std::vector<std::filesystem::path> folders(flags.folders.begin(), flags.folders.end());
  const auto wanted = [&](const std::filesystem::path& file) {
    return pipeline::has_image_extension(file) || (flags.videos && pipeline::has_video_extension(file));
  };
  const batch::ManifestTotals written = batch::write_manifest(folders, wanted, flags.output);
  constexpr double kMegabyte = 1e6;
  report_written(flags.output, fmt::format("{}, {:.1f} MB, below {}", counted(written.rows, "row"),
                                           static_cast<double>(written.bytes) / kMegabyte, written.root.string()));
  return kExitDone;
}

}  // namespace

Action setup_manifest(CLI::App& app) {
  auto flags = std::make_shared<ManifestFlags>();
  app.add_option("DIR", flags->folders, "Folders of pictures, with all their subfolders")->required()->type_name("DIR");
  app.add_option("--output,-o", flags->output, "File to write")->required()->type_name("FILE");
  app.add_flag("--videos", flags->videos, "List videos, too; each is one row");
  return [flags] { return write_manifest(*flags); };
}

}  // namespace zoo::apps
