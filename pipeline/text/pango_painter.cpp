// Text through Pango, the module of pipeline/text.
#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <pango/pangocairo.h>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "pipeline/text/code_points.h"
#include "pipeline/text/font_packages.h"
#include "pipeline/text/pango_module.h"
#include "pipeline/text/text_piece.h"

namespace zoo::pipeline {
namespace {

struct Release {
  void operator()(PangoFontMap* map) const { g_object_unref(map); }
  void operator()(PangoContext* context) const { g_object_unref(context); }
  void operator()(PangoLayout* layout) const { g_object_unref(layout); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
  void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Release>;

bool has_fonts(PangoFontMap* map) {
  PangoFontFamily** families = nullptr;
  int count = 0;
  pango_font_map_list_families(map, &families, &count);
  g_free(families);
  return count > 0;
}

/// Premultiplied BGRA of a layout, without the empty space around it.
cv::Mat rendered(PangoLayout* layout, const PangoRectangle& ink, double grey) {
  cv::Mat pixels(ink.height, ink.width, CV_8UC4, cv::Scalar::all(0));
  const Owned<cairo_surface_t> surface(cairo_image_surface_create_for_data(
      pixels.data, CAIRO_FORMAT_ARGB32, pixels.cols, pixels.rows, static_cast<int>(pixels.step)));
  const Owned<cairo_t> cairo(cairo_create(surface.get()));
  cairo_set_source_rgb(cairo.get(), grey, grey, grey);
  cairo_move_to(cairo.get(), -ink.x, -ink.y);
  pango_cairo_show_layout(cairo.get(), layout);
  cairo_surface_flush(surface.get());
  return pixels;
}

bool is_plain(const cv::Mat& white) {
  return std::all_of(white.begin<cv::Vec4b>(), white.end<cv::Vec4b>(), [](const cv::Vec4b& pixel) {
    return pixel[0] == pixel[3] && pixel[1] == pixel[3] && pixel[2] == pixel[3];
  });
}

/// What black text is drawn with as well as white text has a colour of its own; the rest goes into `cover`.
cv::Mat take_coloured(const cv::Mat& white, const cv::Mat& black, cv::Mat& cover) {
  cv::Mat coloured(white.size(), CV_8UC4, cv::Scalar::all(0));
  for (int y = 0; y < white.rows; ++y) {
    for (int x = 0; x < white.cols; ++x) {
      const auto& pixel = white.at<cv::Vec4b>(y, x);
      if (pixel != black.at<cv::Vec4b>(y, x)) continue;
      coloured.at<cv::Vec4b>(y, x) = pixel;
      cover.at<uint8_t>(y, x) = 0;
    }
  }
  return coloured;
}

TextPiece piece_of(PangoLayout* layout) {
  PangoRectangle ink;
  PangoRectangle logical;
  pango_layout_get_pixel_extents(layout, &ink, &logical);
  TextPiece piece;
  piece.width = logical.width;
  if (ink.width <= 0 || ink.height <= 0) return piece;
  // Hinting and antialiasing may reach one pixel further than Pango says.
  ink = {ink.x - 1, ink.y - 1, ink.width + 2, ink.height + 2};
  piece.offset = {ink.x - logical.x, ink.y - pango_layout_get_baseline(layout) / PANGO_SCALE};
  const cv::Mat white = rendered(layout, ink, 1.0);
  cv::extractChannel(white, piece.cover, 3);
  if (!is_plain(white)) piece.coloured = take_coloured(white, rendered(layout, ink, 0.0), piece.cover);
  return piece;
}

class PangoPainter final : public TextPainter {
 public:
  explicit PangoPainter(Owned<PangoFontMap> map)
      : map_(std::move(map)),
        context_(pango_font_map_create_context(map_.get())),
        font_(pango_font_description_from_string("DejaVu Sans,sans-serif")) {
    const Owned<cairo_font_options_t> options(cairo_font_options_create());
    cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_SLIGHT);
    pango_cairo_context_set_font_options(context_.get(), options.get());
    em_per_height_ = measured_em();
  }

  int width(const TextLine& line) override {
    const std::scoped_lock lock(mutex_);
    return piece(line).width;
  }

  std::vector<std::string> broken(const TextLine& line) override {
    const std::scoped_lock lock(mutex_);
    const Owned<PangoLayout> layout = laid_out(line.text, line.height);
    pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
    pango_layout_set_width(layout.get(), line.limit * PANGO_SCALE);
    std::vector<std::string> lines;
    for (GSList* item = pango_layout_get_lines_readonly(layout.get()); item != nullptr; item = item->next) {
      const auto* part = static_cast<const PangoLayoutLine*>(item->data);
      std::string text = line.text.substr(static_cast<size_t>(part->start_index), static_cast<size_t>(part->length));
      text.erase(text.find_last_not_of(' ') + 1);
      lines.push_back(std::move(text));
    }
    return lines;
  }

  void draw(cv::Mat& image, const TextLine& line, cv::Point at, const Rgb& color) override {
    const std::scoped_lock lock(mutex_);
    blend(image, piece(line), at, color);
  }

  char32_t missing(const std::string& text) override {
    const std::scoped_lock lock(mutex_);
    if (!lacks_letters(text)) return 0;
    const std::u32string characters = code_points(text);
    const auto found =
        std::ranges::find_if(characters, [&](char32_t character) { return lacks_letters(utf8_of(character)); });
    return found == characters.end() ? characters.front() : *found;
  }

  std::string remedy(char32_t missing) const override {
    const std::string_view package = font_package(missing);
    return package.empty() ? "install the font that has it" : fmt::format("install Debian's {}", package);
  }

 private:
  /// How much larger than its capitals a font is said to be.
  double measured_em() {
    constexpr int kEm = 1000;
    pango_font_description_set_absolute_size(font_.get(), kEm * PANGO_SCALE);
    const Owned<PangoLayout> layout(pango_layout_new(context_.get()));
    pango_layout_set_font_description(layout.get(), font_.get());
    pango_layout_set_text(layout.get(), "H", -1);
    PangoRectangle ink;
    pango_layout_get_pixel_extents(layout.get(), &ink, nullptr);
    return static_cast<double>(kEm) / std::max(1, ink.height);
  }

  Owned<PangoLayout> laid_out(const std::string& text, int height) {
    pango_font_description_set_absolute_size(font_.get(), height * em_per_height_ * PANGO_SCALE);
    Owned<PangoLayout> layout(pango_layout_new(context_.get()));
    pango_layout_set_font_description(layout.get(), font_.get());
    pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
    pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
    return layout;
  }

  const TextPiece& piece(const TextLine& line) {
    if (const TextPiece* kept = pieces_.find(line)) return *kept;
    const Owned<PangoLayout> layout = laid_out(line.text, line.height);
    int width = 0;
    pango_layout_get_pixel_size(layout.get(), &width, nullptr);
    if (width > line.limit) {
      pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
      pango_layout_set_width(layout.get(), line.limit * PANGO_SCALE);
    }
    return pieces_.add(line, piece_of(layout.get()));
  }

  bool lacks_letters(const std::string& text) {
    constexpr int kAnyHeight = 12;
    return pango_layout_get_unknown_glyphs_count(laid_out(text, kAnyHeight).get()) > 0;
  }

  std::mutex mutex_;
  const Owned<PangoFontMap> map_;
  const Owned<PangoContext> context_;
  const Owned<PangoFontDescription> font_;
  double em_per_height_ = 0.0;
  TextPieces pieces_;
};

std::unique_ptr<TextPainter> make_pango_painter() {
  Owned<PangoFontMap> map(pango_cairo_font_map_new());
  if (!has_fonts(map.get())) return nullptr;
  return std::make_unique<PangoPainter>(std::move(map));
}

}  // namespace
}  // namespace zoo::pipeline

extern "C" [[gnu::visibility("default")]] const zoo::pipeline::PangoModule* zoo_module_pango() {
  static constexpr zoo::pipeline::PangoModule kModule = {zoo::pipeline::make_pango_painter};
  return &kModule;
}
