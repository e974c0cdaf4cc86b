// A result in a few words, for a line or a tile.
#pragma once

#include <string>

#include "pipeline/result_sink.h"

namespace zoo::streams {

/// "tabby 0.93": the steady name where there is one, else the best guess or "unknown"; with several labels the best and
/// how many more, "sofa 0.91, 2 more"; of a detection the best object and how many there are, "person 0.88, 3 objects";
/// of a segmentation the class with most pixels, "road 61 %". "nothing" where there is none.
std::string answer_words(const pipeline::TaskResult& result);

}  // namespace zoo::streams
