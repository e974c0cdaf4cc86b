#include "pipeline/text/text_painter.h"

#include "nn/core/error.h"
#include "pipeline/text/hershey_painter.h"
#include "pipeline/text/pango_module.h"

namespace zoo::pipeline {
namespace {

std::unique_ptr<TextPainter> make_painter() {
  try {
    if (auto painter = pango_module().make_painter()) return painter;
  } catch (const Error& error) {
    return std::make_unique<HersheyPainter>(error.what());
  }
  return std::make_unique<HersheyPainter>("install a font, e.g. Debian's fonts-dejavu-core");
}

}  // namespace

TextPainter& text_painter() {
  static const std::unique_ptr<TextPainter> painter = make_painter();
  return *painter;
}

}  // namespace zoo::pipeline
