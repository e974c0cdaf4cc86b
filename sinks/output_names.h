// What outputs are called: a rule that knows paths only.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/run_files.h"

namespace zoo::sinks {

/// An output that wants a name.
struct OutputWish {
  std::string input;            ///< what it is made of: the path of a picture, the name of another source
  std::filesystem::path place;  ///< where it would like to be below the folder, with the extension of the input
  std::string ending;           ///< what takes the place of that extension, e.g. ".png", "_mask.png"
  bool numbered = false;        ///< many files, see OutputName

  auto operator<=>(const OutputWish&) const = default;
};

/// A name for each wish, below the folder: `place` with the wished ending. Where several want one name, or another
/// output has it, `a.jpg` becomes `a.jpg.png`, and where that is not enough, or the name is too long for the file
/// system, a hash of the input's path stands in it, `a-0123456789abcdef.png`. The names follow from the wishes as a
/// set: their order does not matter, and equal wishes have one name. Linear but for sorting. `is_free` says of a name
/// below the folder whether it may be used; `path_bytes`: how long the folder's own path is.
std::vector<OutputName> name_outputs(std::span<const OutputWish> wishes, size_t path_bytes,
                                     const std::function<bool(const OutputName&)>& is_free);

}  // namespace zoo::sinks
