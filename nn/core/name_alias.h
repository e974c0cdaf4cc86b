// Other spellings of the names that files and command lines may use. Internal to nn/core; see nearest_name().
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zoo::detail {

/// The entry of `candidates` that `word` means though it is spelt otherwise: apart from case and separators
/// (`HardSwish` for `hard_swish`), by a name that trainers, papers and other programs use for it (`hswish`, `bn`,
/// `fp32`), or as a variant of it (`mobilenet_v3_small` for `mobilenetv3`). Empty where there is none.
std::string name_by_alias(std::string_view word, std::span<const std::string> candidates);

}  // namespace zoo::detail
