// Which fonts have which characters.
#pragma once

#include <string_view>

namespace zoo::pipeline {

/// The Debian package whose fonts have a character, by Unicode's blocks: fonts-dejavu-core (Latin, Greek, Cyrillic),
/// fonts-noto-cjk, fonts-noto-color-emoji, fonts-noto-core (all other scripts). Empty for private use, which means
/// nothing outside its own font.
std::string_view font_package(char32_t character);

/// Whether its strokes are too many for the smallest sizes that Latin letters are legible in.
bool is_intricate(char32_t character);

}  // namespace zoo::pipeline
