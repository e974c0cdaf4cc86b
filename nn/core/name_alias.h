// Other spellings of the names that files and command lines may use. Internal to nn/core; see nearest_name().
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zoo::detail {

/// The entry of `candidates` that `word` means though it is spelt otherwise: apart from case and separators
/// (`HardSwish` for `hard_swish`), or by a name that trainers, papers and other programs use for it (`hswish`, `bn`,
/// `fp32`). Empty where there is none.
std::string name_by_alias(std::string_view word, std::span<const std::string> candidates);

/// The longest entry of `candidates` that `word` is a variant of (`mobilenet_v3_small` of `mobilenetv3`). Empty where
/// there is none.
std::string name_of_variant(std::string_view word, std::span<const std::string> candidates);

}  // namespace zoo::detail
