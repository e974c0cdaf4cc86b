// Results in words for people.
#pragma once

#include <string>
#include <vector>

#include "pipeline/tasks/task_result.h"

namespace zoo::pipeline {

/// What one result says. Labels are shown as nn/core/shown_text.h does.
struct ResultWords {
  std::string header;             ///< of the table
  std::vector<std::string> rows;  ///< of the table
  std::string line;               ///< everything on one line
  std::string state;              ///< what makes a change in a video: the same text for what looks the same
  bool steady = false;            ///< `state` does not flicker
};
ResultWords words_of(const TaskResult& result);

/// In a few words, for a line or a tile. "tabby 0.93": the steady name where there is one, else the best guess or
/// "unknown"; with several labels the best and how many more, "sofa 0.91, 2 more"; of a detection the best object and
/// how many there are, "person 0.88, 3 objects"; of a segmentation the class with most pixels, "road 61 %". "nothing"
/// where there is none. Labels are as they are.
std::string brief_words_of(const TaskResult& result);

/// The labels alone, the same text as long as nothing but scores and places change: "tabby" (the steady name where
/// there is one, else the best guess or "unknown"), with several labels all of them, "lamp, sofa"; of a detection "1
/// dog, 2 person"; of a segmentation the classes with at least a hundredth of the pixels, in the order of the model.
/// "nothing" where there is none. Labels are as they are.
std::string label_words_of(const TaskResult& result);

}  // namespace zoo::pipeline
