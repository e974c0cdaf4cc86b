// Help texts that fit the terminal.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace zoo::apps {

/// Columns of the terminal that standard output is; else the variable COLUMNS, else 80. At least 40.
size_t help_width();

/// `text` in lines of at most `width` bytes, broken at spaces and where it is already; lines after the first begin with
/// `indent` spaces. The first has room for `first` bytes less. A longer word has a line of its own.
std::string wrapped(std::string_view text, size_t width, size_t indent = 0, size_t first = 0);

/// CLI11's layout, with every line within `width`.
std::shared_ptr<CLI::Formatter> wrapping_formatter(size_t width);

}  // namespace zoo::apps
