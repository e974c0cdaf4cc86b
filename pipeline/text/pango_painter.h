// Text of any script.
#pragma once

#include <memory>

#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

/// Pango's shaping (joined and reordered letters, right to left) with the system's fonts, DejaVu Sans before others;
/// keeps what it has drawn (TextPieces). Null where no font is installed.
std::unique_ptr<TextPainter> make_pango_painter();

}  // namespace zoo::pipeline
