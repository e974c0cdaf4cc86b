#include "pipeline/text/text_painter.h"

#include "pipeline/text/hershey_painter.h"
#ifdef ZOO_WITH_PANGO
#include "pipeline/text/pango_painter.h"
#endif

namespace zoo::pipeline {
namespace {

std::unique_ptr<TextPainter> make_painter() {
#ifdef ZOO_WITH_PANGO
  if (auto painter = make_pango_painter()) return painter;
  return std::make_unique<HersheyPainter>("install a font, e.g. Debian's fonts-dejavu-core");
#else
  return std::make_unique<HersheyPainter>("build with -DZOO_WITH_PANGO=ON (Debian's libpango1.0-dev)");
#endif
}

}  // namespace

TextPainter& text_painter() {
  static const std::unique_ptr<TextPainter> painter = make_painter();
  return *painter;
}

}  // namespace zoo::pipeline
