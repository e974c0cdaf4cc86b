#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/output.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/batch/manifest_writer.h"
#include "pipeline/images/image_io.h"
#include "pipeline/video/frame_source.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Wanted = std::function<bool(const std::filesystem::path&)>;

struct ManifestFlags {
  std::vector<std::string> folders;
  std::string output;
  bool videos = false;
};

void report_left_out(const batch::ManifestTotals& written) {
  if (written.left_out.empty()) return;
  report(fmt::format("left out {} that no regular file lies behind (pipes, links to nothing or to themselves), e.g. {}",
                     counted(std::ssize(written.left_out), "name"), written.left_out.front().string()));
}

/// Written whole before the first byte is passed on: its first line says how many rows there are.
void print_manifest(const std::vector<std::filesystem::path>& folders, const Wanted& wanted) {
  std::error_code error;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(error);
  const NewFile file((error ? std::filesystem::path("/tmp") : temporary) / "backbone-zoo-manifest",
                     Durability::kProcess);  // never published
  report_left_out(batch::write_manifest(folders, wanted, file.part()));
  std::ifstream stream(file.part(), std::ios::binary);
  sinks::TextOutput output;
  for (std::string line; std::getline(stream, line);) output.line(line);
  if (stream.bad()) throw IoError(fmt::format("{}: reading failed: {}", file.part().string(), errno_text()));
  output.finish();
}

int write_manifest(const ManifestFlags& flags) {
  const bool is_printed = flags.output == "-";
  if (!is_printed) check_replaceable(flags.output);  // before the work
  const std::vector<std::filesystem::path> folders(flags.folders.begin(), flags.folders.end());
  const auto wanted = [&](const std::filesystem::path& file) {
    return pipeline::has_image_extension(file) || (flags.videos && pipeline::has_video_extension(file));
  };
  if (is_printed) {
    print_manifest(folders, wanted);
    return kExitDone;
  }
  const batch::ManifestTotals written = batch::write_manifest(folders, wanted, flags.output);
  report_left_out(written);
  constexpr double kMegabyte = 1e6;
  report_written(flags.output, fmt::format("{}, {:.1f} MB, below {}", counted(written.rows, "row"),
                                           static_cast<double>(written.bytes) / kMegabyte, written.root.string()));
  return kExitDone;
}

}  // namespace

Action setup_manifest(CLI::App& app) {
  auto flags = std::make_shared<ManifestFlags>();
  app.add_option("DIR", flags->folders, "Folders of pictures, with all their subfolders")->required()->type_name("DIR");
  app.add_option("--output,-o", flags->output, "File to write; - for standard output")->required()->type_name("FILE");
  app.add_flag("--videos", flags->videos, "List videos, too; each is one row");
  return [flags] { return write_manifest(*flags); };
}

}  // namespace zoo::apps
