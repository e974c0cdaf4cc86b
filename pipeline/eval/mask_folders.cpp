#include "pipeline/eval/mask_folders.h"

#include <map>
#include <string>

#include <fmt/format.h>

#include "pipeline/eval/folder_entries.h"
#include "pipeline/eval/problem_list.h"
#include "pipeline/images/image_io.h"

namespace zoo::eval {
namespace {

namespace fs = std::filesystem;

/// Picture files by their name without extension. What else there is is counted.
std::map<std::string, fs::path> by_stem(const std::vector<fs::path>& entries, ProblemList& problems,
                                        int64_t& left_out) {
  std::map<std::string, fs::path> files;
  for (const fs::path& file : entries) {
    if (!pipeline::has_image_extension(file)) {
      ++left_out;
      continue;
    }
    const auto [place, is_new] = files.emplace(file.stem().string(), file);
    if (!is_new) {
      problems.add(fmt::format("{}: there is also {}", file.string(), place->second.filename().string()));
    }
  }
  return files;
}

}  // namespace

MaskFolders read_mask_folders(const fs::path& folder) {
  constexpr const char* kExpected = "expected pictures DIR/images/NAME.jpg and label maps DIR/masks/NAME.png";
  MaskFolders result;
  ProblemList problems;
  for (const char* name : {"images", "masks"}) expect_folder(folder / name, kExpected, problems);
  problems.throw_if_any();
  const std::vector<fs::path> picture_files = entries_of(folder / "images", problems);
  const std::vector<fs::path> mask_files = entries_of(folder / "masks", problems);
  problems.throw_if_any();  // else a folder that cannot be read looks like files that are missing
  const std::map<std::string, fs::path> pictures = by_stem(picture_files, problems, result.left_out);
  const std::map<std::string, fs::path> masks = by_stem(mask_files, problems, result.left_out);
  for (const auto& [stem, picture] : pictures) {
    const auto mask = masks.find(stem);
    if (mask == masks.end()) {
      problems.add(fmt::format("{}: there is no {}", picture.string(), (folder / "masks" / stem).string() + ".png"));
    } else {
      result.items.push_back({picture, mask->second});
    }
  }
  for (const auto& [stem, mask] : masks) {
    if (!pictures.contains(stem)) problems.add(fmt::format("{}: there is no picture of this name", mask.string()));
  }
  if (pictures.empty() && masks.empty()) problems.add(fmt::format("{}: no pictures; {}", folder.string(), kExpected));
  problems.throw_if_any();
  return result;
}

}  // namespace zoo::eval
