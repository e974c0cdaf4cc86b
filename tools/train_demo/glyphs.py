"""Glyph pictures from Noto Color Emoji."""

from PIL import Image, ImageDraw, ImageFont

FONT_PATH = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
FONT_SIZE = 109  # the only size of the font's bitmaps
GLYPH_SIZE = 136  # side of the square pictures, the width of the font's bitmaps
SHRINK_STEPS = (1.0, 0.7, 0.5, 0.35, 0.25)


class GlyphAtlas:
    """Square RGBA pictures of glyphs, each at a ladder of sizes so that a warp never shrinks by much more than 1.4."""

    def __init__(self, codepoints):
        font = ImageFont.truetype(FONT_PATH, FONT_SIZE)
        self.pictures_ = {codepoint: self._ladder(self._draw(codepoint, font)) for codepoint in codepoints}

    def picture(self, codepoint, side):
        """RGBA picture of `codepoint`, the smallest step that is at least `side` pixels (or the largest one)."""
        ladder = self.pictures_[codepoint]
        large_enough = [picture for picture in ladder if picture.width >= side]
        return large_enough[-1] if large_enough else ladder[0]

    @staticmethod
    def _draw(codepoint, font):
        canvas = Image.new("RGBA", (2 * GLYPH_SIZE, 2 * GLYPH_SIZE))
        ImageDraw.Draw(canvas).text((20, 20), chr(codepoint), font=font, embedded_color=True)
        box = canvas.getbbox()
        if box is None:
            raise ValueError(f"U+{codepoint:04X} is not in {FONT_PATH}")
        ink = canvas.crop(box)
        square = Image.new("RGBA", (GLYPH_SIZE, GLYPH_SIZE))
        square.paste(ink, ((GLYPH_SIZE - ink.width) // 2, (GLYPH_SIZE - ink.height) // 2))
        return square

    @staticmethod
    def _ladder(picture):
        sides = [round(GLYPH_SIZE * step) for step in SHRINK_STEPS]
        return [picture.resize((side, side), Image.Resampling.LANCZOS) for side in sides]
