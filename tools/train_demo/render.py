"""Renders one emoji on a cluttered background, as a camera would see it.

`Renderer(split, seed).render(index)` depends on its arguments only. The label of picture `index` is `index % 64`.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

import backgrounds
from classes import CODEPOINTS, EVAL_DISTRACTORS, TRAIN_DISTRACTORS
from damage import damage
from glyphs import GlyphAtlas

PHONE_CHANCE = 0.3  # shown on a screen instead of pasted on the scene
FRAME_HEIGHTS = (112, 216)
TARGET_SIZE = (0.25, 0.95)  # side of the emoji relative to the frame height, drawn log-uniformly


@dataclass
class Split:
    """What a set of pictures is made from."""

    families: tuple
    distractors: tuple
    background_count: int
    stream: int  # keeps the splits' random numbers apart where they share a seed


SPLITS = {
    "train": Split(backgrounds.TRAIN_FAMILIES, TRAIN_DISTRACTORS, 1600, 1),
    "eval": Split(backgrounds.EVAL_FAMILIES, EVAL_DISTRACTORS, 1600, 2),
}


def perspective_coefficients(source, target):
    """The eight numbers PIL needs to map the points `target` [4, 2] back to `source` [4, 2]."""
    rows = []
    for (u, v), (x, y) in zip(source, target):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows), np.asarray(source, float).ravel())


def quad(centre, size, angle, tilt):
    """Corners [4, 2] of a rectangle `size` around `centre`, turned by `angle`; `tilt` [4, 2] moves them, in sizes."""
    corners = (np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) + tilt) * size
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return centre + corners @ turn


def paste_warped(canvas, picture, corners, opacity=1.0, shadow=0.0):
    """Paste an RGBA picture so that its corners land on `corners` [4, 2]; `shadow` darkens beside it."""
    low = np.floor(corners.min(0)).astype(int) - 1
    high = np.ceil(corners.max(0)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, canvas.size)
    if (high <= low).any():
        return
    width, height = picture.size
    coefficients = perspective_coefficients([(0, 0), (width, 0), (width, height), (0, height)], corners - low)
    warped = picture.transform(tuple(high - low), Image.Transform.PERSPECTIVE, coefficients,
                               Image.Resampling.BICUBIC)
    mask = warped.getchannel("A")
    if shadow > 0:
        offset = tuple(int(v) for v in low + max(1, 0.04 * (high - low).max()))
        canvas.paste((0, 0, 0), offset, mask.point(lambda v: int(v * shadow)))
    if opacity < 1:
        mask = mask.point(lambda v: int(v * opacity))
    canvas.paste(warped, tuple(int(v) for v in low), mask)


def screen_colour(rng):
    """Colour of a screen or a sheet: mostly white, dark or one plain colour."""
    kind = rng.random()
    if kind < 0.5:
        return tuple(int(v) for v in rng.uniform(225, 256, 3))
    if kind < 0.75:
        return tuple(int(v) for v in rng.uniform(0, 50, 3))
    return tuple(int(v) for v in rng.uniform(0, 256, 3))


def draw_phone(rng, glyph):
    """An RGBA picture of a phone (or a sheet of paper, without a bezel) around `glyph`, and its size in glyph sides."""
    side = glyph.width
    width = side * rng.uniform(1.1, 2.2)
    height = width * rng.uniform(1.3, 2.0)
    if rng.random() < 0.2:
        width, height = height, width
    bezel = side * rng.choice([0.0, rng.uniform(0.03, 0.12)])
    full = (int(width + 2 * bezel), int(height + 2 * bezel))
    phone = Image.new("RGBA", full)
    draw = ImageDraw.Draw(phone)
    body = tuple(int(v) for v in (rng.uniform(5, 60, 3) if rng.random() < 0.8 else rng.uniform(0, 256, 3)))
    radius = side * rng.uniform(0, 0.2)
    draw.rounded_rectangle([0, 0, full[0] - 1, full[1] - 1], radius, fill=body)
    colour = screen_colour(rng)
    draw.rounded_rectangle([bezel, bezel, full[0] - 1 - bezel, full[1] - 1 - bezel], max(0, radius - bezel),
                           fill=colour)
    ink = tuple(int(v) for v in (255 * (sum(colour) < 380) + rng.normal(0, 50, 3)).clip(0, 255))
    free = (full[1] - side) / 2 - bezel
    if rng.random() < 0.6:  # lines of an app above and below the emoji
        for edge in (bezel, full[1] - bezel - 0.6 * free):
            for row in np.arange(0.15, 0.6, 0.15) * free:
                x = bezel + width * rng.uniform(0.05, 0.5)
                draw.line([x, edge + row, x + width * rng.uniform(0.05, 0.45), edge + row], fill=ink,
                          width=max(1, int(0.03 * side)))
    phone.paste(glyph, ((full[0] - side) // 2, (full[1] - side) // 2), glyph)
    return phone, np.array(full) / side


def add_glare(rng, canvas):
    """A soft bright spot, as of a lamp mirrored by a screen."""
    width, height = canvas.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    centre = rng.uniform(0, 1, 2)
    spot = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * rng.uniform(0.03, 0.2) ** 2))
    pixels = np.asarray(canvas, np.float32) + np.float32(rng.uniform(20, 130)) * spot[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


class Renderer:
    """Pictures of one split; another seed gives other backgrounds and other everything."""

    def __init__(self, split, seed):
        self.split_ = SPLITS[split]
        self.seed_ = seed
        self.glyphs_ = GlyphAtlas(CODEPOINTS + self.split_.distractors)
        self.backgrounds_ = backgrounds.BackgroundPool([self.split_.stream, seed], self.split_.families,
                                                       self.split_.background_count)

    def render(self, index):
        """Picture number `index`: PIL RGB, 112 to 216 pixels high, square or 4:3."""
        rng = np.random.default_rng([self.split_.stream, self.seed_, index])
        height = int(rng.integers(FRAME_HEIGHTS[0], FRAME_HEIGHTS[1] + 1))
        width = height if rng.random() < 0.5 else round(height * 4 / 3)
        canvas = self.backgrounds_.sample(rng, width, height)
        size = height * np.exp(rng.uniform(*np.log(TARGET_SIZE)))
        self._add_distractors(rng, canvas, 0.8 * size)
        canvas = self._add_target(rng, canvas, CODEPOINTS[index % len(CODEPOINTS)], size)
        return damage(rng, canvas)

    def _add_distractors(self, rng, canvas, largest):
        """Up to three other emoji, clearly smaller than the target, which may cover them."""
        width, height = canvas.size
        for _ in range(int(rng.integers(0, 4))):
            side = min(rng.uniform(0.08, 0.25) * height, largest)
            codepoint = self.split_.distractors[rng.integers(len(self.split_.distractors))]
            corners = quad(rng.uniform(0, 1, 2) * (width, height), side, rng.uniform(-1, 1),
                           rng.uniform(-0.1, 0.1, (4, 2)))
            paste_warped(canvas, self.glyphs_.picture(codepoint, side), corners, rng.uniform(0.6, 1))

    def _add_target(self, rng, canvas, codepoint, size):
        """The emoji itself, `size` pixels, within the central square; pasted on the scene or on a phone."""
        width, height = canvas.size
        reach = max(0.0, 0.5 * height - 0.42 * size)
        centre = np.array([width / 2, height / 2]) + rng.uniform(-reach, reach, 2)
        angle = np.radians(np.clip(rng.normal(0, 18), -50, 50))
        tilt = rng.uniform(-0.5, 0.5, (4, 2)) * rng.uniform(0, 0.32)
        glyph = self.glyphs_.picture(codepoint, size)
        if rng.random() < PHONE_CHANCE:
            phone, extent = draw_phone(rng, glyph)
            paste_warped(canvas, phone, quad(centre, size * extent, angle, tilt), shadow=rng.choice([0.0, 0.4]))
            if rng.random() < 0.3:
                canvas = add_glare(rng, canvas)
        else:
            stretch = size * np.exp(rng.normal(0, 0.08, 2))
            paste_warped(canvas, glyph, quad(centre, stretch, angle, tilt), rng.uniform(0.85, 1),
                         rng.choice([0.0, rng.uniform(0.2, 0.6)]))
        if rng.random() < 0.2:
            self._cover_part(rng, canvas, centre, size)
        return canvas

    @staticmethod
    def _cover_part(rng, canvas, centre, size):
        """A finger-like stroke across an edge of the target."""
        direction = rng.uniform(0, 2 * np.pi)
        start = centre + size * rng.uniform(0.35, 0.5) * np.array([np.cos(direction), np.sin(direction)])
        end = start + size * rng.uniform(0.3, 1.0) * np.array([np.cos(direction), np.sin(direction)])
        colour = tuple(int(v) for v in rng.uniform(30, 230, 3))
        ImageDraw.Draw(canvas).line([*start, *end], fill=colour, width=max(1, int(size * rng.uniform(0.08, 0.2))))
