// Ground truth of a classifier: one folder of pictures per class.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace zoo::eval {

struct ClassItem {
  std::filesystem::path picture;
  int64_t class_index = 0;
};

/// Which class a folder holds.
enum class ClassOrder {
  kNames,   ///< the one that its name says, see class_of_folder
  kSorted,  ///< its place among the folders in the order of their names, whatever these are (torchvision's ImageFolder)
};

struct ClassFolders {
  std::vector<ClassItem> items;  ///< by class folder and path
  int64_t left_out = 0;          ///< files that are no pictures, or in no class's folder
};

/// The pictures `folder`/CLASS/**, as torchvision's ImageFolder walks them: with all subfolders, by the extensions of
/// has_image_extension. Folders and files that begin with a dot count as nothing. Throws ConfigError with everything
/// that is wrong: no such folder, folders that cannot be read, unknown classes, kSorted with another number of folders
/// than classes, no pictures.
ClassFolders read_class_folders(const std::filesystem::path& folder, std::span<const std::string> labels,
                                int64_t num_classes, ClassOrder order = ClassOrder::kNames);

}  // namespace zoo::eval
