// Checks of the numbers that flags take.
#pragma once

#include <cstdint>

#include <CLI/CLI.hpp>

namespace zoo::apps {

/// A number from `low` to `high`. CLI::Range takes what is no number (nan) for one of them.
CLI::Validator number_in(double low, double high);

/// A whole number of at least 1 that fits 64 bits.
CLI::Validator count_check();

}  // namespace zoo::apps
