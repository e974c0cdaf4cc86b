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

/// The pictures `folder`/CLASS/*, by class folder and name. CLASS is a label of the model or, where no label reads like
/// it, the index of a class. Folders and files that begin with a dot and files without a picture's extension are left
/// out. Throws ConfigError with everything that is wrong: no such folder, folders that cannot be read, unknown classes,
/// no pictures.
std::vector<ClassItem> read_class_folders(const std::filesystem::path& folder, std::span<const std::string> labels,
                                          int64_t num_classes);

}  // namespace zoo::eval
