#include "pipeline/batch/manifest.h"

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
  batch::FileList list = batch::list_files(folders, wanted);
  const auto rows = static_cast<int64_t>(list.files.size());
  int64_t bytes = 0;
  for (const batch::ManifestFile& file : list.files) bytes += file.bytes;
  const std::string root = list.root.string();
  write_file(flags.output, batch::manifest_text(std::move(list)));
  constexpr double kMegabyte = 1e6;
  report_written(flags.output, fmt::format("{}, {:.1f} MB, below {}", counted(rows, "row"),
                                           static_cast<double>(bytes) / kMegabyte, root));
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
