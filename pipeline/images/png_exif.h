// EXIF blocks in the text chunks of a PNG, as ImageMagick writes them (the only place that includes zlib).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace zoo::pipeline {

/// Whether a chunk (`type`: "tEXt", "zTXt", "iTXt" or any other) has the keyword "Raw profile type exif" or "Raw
/// profile type APP1".
bool is_exif_text_chunk(std::string_view type, std::span<const uint8_t> data);

/// The EXIF block of such a chunk, without "Exif\0\0" before it; nothing for other chunks, and for text that is damaged
/// or, unpacked, longer than 1 MiB (Pillow's limit).
std::optional<std::vector<uint8_t>> exif_of_text_chunk(std::string_view type, std::span<const uint8_t> data);

}  // namespace zoo::pipeline
