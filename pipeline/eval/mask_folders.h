// Ground truth of a segmentation: pictures, and label maps of the same names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace zoo::eval {

struct MaskItem {
  std::filesystem::path picture;
  std::filesystem::path mask;
};

struct MaskFolders {
  std::vector<MaskItem> items;
  int64_t left_out = 0;  ///< files that are no pictures, and subfolders
};

/// The pairs `folder`/images/NAME.* and `folder`/masks/NAME.png, by name. A mask is a PNG whose palette indices or grey
/// values are classes; its colours mean nothing. Throws ConfigError with everything that is wrong: a folder that is
/// missing or cannot be read, a picture without a mask or a mask without a picture, two pictures of one name.
MaskFolders read_mask_folders(const std::filesystem::path& folder);

}  // namespace zoo::eval
