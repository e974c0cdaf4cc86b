// Pango as the face of a module (nn/core/module.h).
#pragma once

#include <memory>

#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

struct PangoModule {
  /// Pango's shaping (joined and reordered letters, right to left) with the system's fonts, DejaVu Sans before others;
  /// keeps what it has drawn (TextPieces). Null where no font is installed.
  std::unique_ptr<TextPainter> (*make_painter)();
};

/// Throws Error where the module cannot be loaded or is not in this build.
const PangoModule& pango_module();

}  // namespace zoo::pipeline
