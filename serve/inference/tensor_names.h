// Names of the tensors that every model of a task has, see ServedModelInfo.
#pragma once

#include <string_view>

namespace zoo::serve {

inline constexpr const char* kImages = "images";
inline constexpr const char* kPixels = "pixels";
inline constexpr const char* kInput = "input";  ///< as `run` calls it
inline constexpr const char* kLabels = "labels";
inline constexpr const char* kScores = "scores";
inline constexpr const char* kClasses = "classes";
inline constexpr const char* kKnown = "known";
inline constexpr const char* kBoxes = "boxes";
inline constexpr const char* kCounts = "counts";
inline constexpr const char* kMasks = "masks";
inline constexpr const char* kAnchors = "anchors";  ///< as models::collect_results calls them

/// Whether its elements are files, which are base64 wherever JSON holds them.
inline bool holds_files(std::string_view tensor) { return tensor == kImages || tensor == kMasks; }

}  // namespace zoo::serve
