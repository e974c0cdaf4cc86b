// Which class a folder of pictures is meant to hold.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/eval/problem_list.h"

namespace zoo::eval {

/// The class that a folder's name says, by the first of these that applies:
///   dog                a label of the model, or one that reads so with spaces for underscores (soccer_ball)
///   12                 the index of a class
///   n01440764          the WordNet id of an ImageNet-1k class, by its name among the model's labels; for a model of
///                      1000 classes without labels its index
///   03_soccer_ball     the index and the label of one class
/// Nothing if none does.
std::optional<int64_t> class_of_folder(std::string_view name, std::span<const std::string> labels, int64_t num_classes);

/// What is wrong with a name for which class_of_folder knows no class, with the likely one if there is any.
std::string unknown_class(std::string_view name, std::span<const std::string> labels, const ProblemList& problems);

}  // namespace zoo::eval
