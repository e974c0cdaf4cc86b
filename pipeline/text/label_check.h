// Whether labels can be drawn.
#pragma once

#include <span>
#include <string>

namespace zoo::pipeline {

/// What a person should know before these labels are drawn onto pictures (draw.h): how many have characters that the
/// build or the installed fonts lack, the first of them, and what to install; empty where all can be drawn. Costs
/// nothing for ASCII.
std::string label_problem(std::span<const std::string> labels);

}  // namespace zoo::pipeline
