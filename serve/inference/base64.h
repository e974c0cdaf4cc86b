// Files inside JSON: RFC 4648, section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace zoo::serve {

std::string base64_from(std::string_view bytes);

/// The bytes; nothing where `text` is no base64. Padding may be missing; line breaks, and the beginning of a data URL
/// (`data:image/jpeg;base64,`), are skipped.
std::optional<std::string> bytes_from_base64(std::string_view text);

}  // namespace zoo::serve
