// How a manifest is written (manifest.h). Not installed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace zoo::batch {

inline constexpr std::string_view kManifestMagic = "backbone-zoo-manifest";
inline constexpr std::string_view kManifestVersion = "1";

std::string escaped_path(std::string_view path);
/// Nothing for an escape that there is not.
std::optional<std::string> unescaped_path(std::string_view text);

}  // namespace zoo::batch
