// Names of the tensors that every model of a task has, see ServedModelInfo.
#pragma once

#include <string_view>

namespace zoo::serve {

inline constexpr std::string_view kImages = "images";
inline constexpr std::string_view kLabels = "labels";
inline constexpr std::string_view kScores = "scores";
inline constexpr std::string_view kClasses = "classes";
inline constexpr std::string_view kKnown = "known";
inline constexpr std::string_view kBoxes = "boxes";
inline constexpr std::string_view kMasks = "masks";

/// Whether its elements are files, which are base64 wherever JSON holds them.
inline bool holds_files(std::string_view tensor) { return tensor == kImages || tensor == kMasks; }

}  // namespace zoo::serve
