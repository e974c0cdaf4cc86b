"""Renders scenes: several emoji on a cluttered background, with the class of every pixel and the box of every emoji.

`SceneRenderer(split, seed).render(index)` depends on its arguments only.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

import backgrounds
from classes import CLASSES, CODEPOINTS, EVAL_DISTRACTORS, TRAIN_DISTRACTORS
from damage import damage
from glyphs import GlyphAtlas
from render import add_glare, draw_phone, perspective_coefficients, quad

SCENE_LABELS = ("frog", "panda", "octopus", "butterfly", "sunflower", "mushroom", "apple", "banana",
                "pizza", "doughnut", "car", "house", "umbrella", "soccer ball", "guitar", "smiley")
SCENE_CODEPOINTS = tuple(dict((label, codepoint) for codepoint, label in CLASSES)[label] for label in SCENE_LABELS)

RATIOS = (1.0, 4 / 3, 4 / 3, 4 / 3, 3 / 2, 16 / 9)  # longer to shorter side
EMOJI_SIZE = (0.2, 0.6)  # side relative to the picture's shorter side, drawn log-uniformly
CLUTTER_SIZE = (0.1, 0.4)
LEAST_VISIBLE = 0.6  # of an emoji's pixels: whatever would cover more of one is not placed
TRIES = 12
PHONE_CHANCE = 0.15
COVER_CHANCE = 0.25


@dataclass
class Split:
    """What a set of scenes is made from."""

    families: tuple
    distractors: tuple
    background_count: int
    stream: int  # keeps the splits' random numbers apart where they share a seed
    long_sides: tuple  # of the pictures, in pixels
    counts: tuple  # emoji per scene, least and most
    empty_chance: float  # of a scene without any emoji of the classes


OTHER_CODEPOINTS = tuple(codepoint for codepoint in CODEPOINTS if codepoint not in SCENE_CODEPOINTS)
SPLITS = {
    "train": Split(backgrounds.TRAIN_FAMILIES, TRAIN_DISTRACTORS + OTHER_CODEPOINTS, 1600, 3, (200, 400), (2, 6), 0.05),
    "eval": Split(backgrounds.EVAL_FAMILIES, EVAL_DISTRACTORS, 1600, 4, (320, 640), (2, 6), 0.0),
}


@dataclass
class Scene:
    """A picture and what is on it."""

    picture: Image.Image  # RGB
    owners: np.ndarray  # uint8 [H, W]: 0 = background or clutter, i = emoji number i - 1
    classes: list  # of the emoji, 1..16

    def mask(self):
        """Class of every pixel: uint8 [H, W], 0 = background."""
        return np.array([0, *self.classes], np.uint8)[self.owners]

    def boxes(self):
        """Boxes around the emoji's visible pixels: float32 [n, 4], left, top, right, bottom in pixels."""
        boxes = np.zeros((len(self.classes), 4), np.float32)
        for number in range(1, len(self.classes) + 1):
            rows, columns = np.nonzero((self.owners == number).any(1))[0], np.nonzero((self.owners == number).any(0))[0]
            boxes[number - 1] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return boxes


@dataclass
class Patch:
    """A picture to put at `low` (x, y); `label` says which of its pixels are the emoji itself."""

    low: np.ndarray
    picture: Image.Image  # RGBA
    label: np.ndarray  # bool [h, w]

    def covered(self):
        """bool [h, w]: the pixels that hide what is below them."""
        return np.asarray(self.picture.getchannel("A")) > 127

    def region(self):
        """The pixels of the scene it lies on, as an index."""
        x, y = self.low
        return slice(y, y + self.picture.height), slice(x, x + self.picture.width)


def warp(picture, corners, canvas_size):
    """(x, y) and the RGBA picture seen with its corners at `corners` [4, 2]; None where that is outside."""
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, canvas_size)
    if (high - low < 2).any():
        return None
    width, height = picture.size
    coefficients = perspective_coefficients([(0, 0), (width, 0), (width, height), (0, height)], corners - low)
    size = tuple(int(v) for v in high - low)
    return low, picture.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)


def scale_alpha(picture, opacity):
    """Make an RGBA picture translucent."""
    picture.putalpha(picture.getchannel("A").point(lambda v: int(v * opacity)))
    return picture


class Stage:
    """The scene while it is being put together."""

    def __init__(self, canvas):
        self.canvas = canvas
        self.owners = np.zeros((canvas.height, canvas.width), np.uint8)
        self.classes = []
        self.areas_ = []  # of the emoji when nothing covered them

    def accepts(self, patch, whole_area):
        """Whether every emoji, a new one of `whole_area` pixels included, would stay visible enough."""
        if whole_area and patch.label.sum() < LEAST_VISIBLE * whole_area:
            return False
        after = self.owners.copy()
        after[patch.region()][patch.covered()] = 0
        visible = np.bincount(after.ravel(), minlength=len(self.areas_) + 1)[1:]
        return (visible >= LEAST_VISIBLE * np.array(self.areas_)).all()

    def add(self, patch, class_index, whole_area, shadow=0.0):
        """Put a patch on top; `class_index` 0 is clutter."""
        alpha = patch.picture.getchannel("A")
        if shadow > 0:
            offset = patch.low + max(1, int(0.04 * max(patch.picture.size)))
            self.canvas.paste((0, 0, 0), tuple(int(v) for v in offset), alpha.point(lambda v: int(v * shadow)))
        self.canvas.paste(patch.picture, tuple(int(v) for v in patch.low), alpha)
        self.owners[patch.region()][patch.covered()] = 0
        if class_index:
            self.classes.append(class_index)
            self.areas_.append(whole_area)
            self.owners[patch.region()][patch.label] = len(self.classes)


class SceneRenderer:
    """Scenes of one split; another seed gives other backgrounds and other everything."""

    def __init__(self, split, seed):
        self.split_ = SPLITS[split]
        self.seed_ = seed
        self.glyphs_ = GlyphAtlas(SCENE_CODEPOINTS + self.split_.distractors)
        self.backgrounds_ = backgrounds.BackgroundPool([self.split_.stream, seed], self.split_.families,
                                                       self.split_.background_count)

    def render(self, index):
        """Scene number `index`."""
        rng = np.random.default_rng([self.split_.stream, self.seed_, index])
        long_side = np.exp(rng.uniform(*np.log(self.split_.long_sides)))
        size = [round(long_side), round(long_side / RATIOS[rng.integers(len(RATIOS))])]
        width, height = size if rng.random() < 0.65 else size[::-1]
        stage = Stage(self.backgrounds_.sample(rng, width, height))
        count = 0 if rng.random() < self.split_.empty_chance else int(rng.integers(self.split_.counts[0],
                                                                                   self.split_.counts[1] + 1))
        clutter = int(rng.integers(1, 7))
        for is_emoji in rng.permutation([True] * count + [False] * clutter):
            if is_emoji:
                self._add_emoji(rng, stage)
            else:
                self._add_clutter(rng, stage)
        if rng.random() < COVER_CHANCE:
            self._add_stroke(rng, stage)
        if rng.random() < 0.1:
            stage.canvas = add_glare(rng, stage.canvas)
        return Scene(damage(rng, stage.canvas), stage.owners, stage.classes)

    def _add_emoji(self, rng, stage):
        """One emoji of the classes, pasted on the scene or shown on a phone, wherever it hides little."""
        canvas_size = np.array(stage.canvas.size)
        class_index = 1 + int(rng.integers(len(SCENE_CODEPOINTS)))
        size = min(canvas_size) * np.exp(rng.uniform(*np.log(EMOJI_SIZE)))
        glyph = self.glyphs_.picture(SCENE_CODEPOINTS[class_index - 1], size)
        ink = (np.asarray(glyph.getchannel("A")) > 127).mean()
        on_phone = rng.random() < PHONE_CHANCE
        for _ in range(TRIES):
            side = size * np.exp(rng.normal(0, 0.08, 2))
            centre = rng.uniform(0.4 * size, canvas_size - 0.4 * size)
            angle = np.radians(np.clip(rng.normal(0, 20), -60, 60))
            tilt = rng.uniform(-0.5, 0.5, (4, 2)) * rng.uniform(0, 0.32)
            patch = self._phone_patch(rng, glyph, centre, size, angle, tilt, canvas_size) if on_phone \
                else self._glyph_patch(rng, glyph, quad(centre, side, angle, tilt), canvas_size)
            if patch is None:
                continue
            area = max(ink * side[0] * side[1] * 0.85, patch.label.sum()) if not on_phone else patch.label.sum()
            if patch.label.sum() >= 40 and stage.accepts(patch, area):
                stage.add(patch, class_index, area, rng.choice([0.0, rng.uniform(0.2, 0.6)]))
                return

    @staticmethod
    def _glyph_patch(rng, glyph, corners, canvas_size):
        warped = warp(glyph, corners, canvas_size)
        if warped is None:
            return None
        low, picture = warped
        label = np.asarray(picture.getchannel("A")) > 127
        return Patch(low, scale_alpha(picture, rng.uniform(0.85, 1)), label)

    @staticmethod
    def _phone_patch(rng, glyph, centre, size, angle, tilt, canvas_size):
        phone, extent = draw_phone(rng, glyph)
        alone = Image.new("RGBA", phone.size)
        alone.paste(glyph, ((phone.width - glyph.width) // 2, (phone.height - glyph.height) // 2))
        corners = quad(centre, size * extent, angle, tilt)
        warped = warp(phone, corners, canvas_size)
        if warped is None:
            return None
        _, glyph_only = warp(alone, corners, canvas_size)
        return Patch(*warped, np.asarray(glyph_only.getchannel("A")) > 127)

    def _add_clutter(self, rng, stage):
        """One emoji that is none of the classes."""
        canvas_size = np.array(stage.canvas.size)
        side = min(canvas_size) * np.exp(rng.uniform(*np.log(CLUTTER_SIZE)))
        codepoint = self.split_.distractors[rng.integers(len(self.split_.distractors))]
        corners = quad(rng.uniform(0, 1, 2) * canvas_size, side, rng.uniform(-1, 1), rng.uniform(-0.1, 0.1, (4, 2)))
        warped = warp(self.glyphs_.picture(codepoint, side), corners, canvas_size)
        if warped is None:
            return
        low, picture = warped
        patch = Patch(low, scale_alpha(picture, rng.uniform(0.75, 1)), np.zeros(picture.size[::-1], bool))
        if stage.accepts(patch, 0):
            stage.add(patch, 0, 0)

    @staticmethod
    def _add_stroke(rng, stage):
        """A finger-like stroke anywhere."""
        width, height = stage.canvas.size
        start = rng.uniform(0, 1, 2) * (width, height)
        end = start + rng.uniform(-0.4, 0.4, 2) * height
        picture = Image.new("RGBA", (width, height))
        colour = tuple(int(v) for v in rng.uniform(30, 230, 3))
        ImageDraw.Draw(picture).line([*start, *end], fill=(*colour, 255),
                                     width=max(2, int(height * rng.uniform(0.02, 0.07))))
        patch = Patch(np.zeros(2, int), picture, np.zeros((height, width), bool))
        if stage.accepts(patch, 0):
            stage.add(patch, 0, 0)
