"""Makes the sample pictures (JPEG) and the sample clips (H.264, needs the ffmpeg program)."""

import argparse
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import backgrounds
from classes import CLASSES
from damage import light, sensor_noise
from glyphs import GlyphAtlas
from render import draw_phone, paste_warped, quad

CODEPOINT_OF = {label: codepoint for codepoint, label in CLASSES}
CLIP_SIZE, CLIP_RATE, FRAMES_PER_EMOJI = (320, 240), 15, 14
CLIP_LABELS = ("cat", "rocket", "pizza", "umbrella", "smiley")
GAP_CLIP_LABELS, FRAMES_PER_PART = ("banana", "penguin", "car"), 18


@dataclass
class Sample:
    """One sample picture; `place` and `side` are relative to the frame height, measured from the centre."""

    label: str
    size: tuple
    family: object
    side: float
    place: tuple
    angle: float
    seed: int
    on_phone: bool = False


SAMPLES = (
    Sample("dog", (640, 480), backgrounds.room, 0.55, (0.05, 0.1), 0.15, 36),
    Sample("apple", (480, 360), backgrounds.wood, 0.40, (-0.15, 0.05), -0.25, 30),
    Sample("car", (640, 480), backgrounds.bricks, 0.60, (0.0, 0.12), 0.05, 38),
    Sample("butterfly", (480, 360), backgrounds.leaves, 0.35, (0.18, -0.12), 0.4, 38),
    Sample("guitar", (400, 300), backgrounds.spectral_noise, 0.70, (0.0, 0.0), -0.1, 34),
    Sample("ice cream", (320, 240), backgrounds.desk, 0.50, (-0.1, 0.0), 0.3, 32),
    Sample("penguin", (640, 480), backgrounds.desk, 0.42, (0.0, 0.0), -0.12, 33, on_phone=True),
    Sample("sunflower", (480, 360), backgrounds.room, 0.45, (0.05, 0.0), 0.1, 36, on_phone=True),
)


def background(rng, family, size):
    """A PIL picture of `size` of one family, a little out of focus."""
    picture = Image.fromarray(family(rng))
    crop = backgrounds.SIDE * size[1] / size[0]
    top = (backgrounds.SIDE - crop) / 2
    picture = picture.resize(size, Image.Resampling.BICUBIC, (0, top, backgrounds.SIDE, top + crop))
    return picture.filter(ImageFilter.GaussianBlur(0.006 * size[1]))


def camera(rng, picture):
    """Light and noise only."""
    pixels = sensor_noise(rng, light(rng, np.asarray(picture, np.float32)))
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def draw_sample(atlas, sample):
    """The sample's PIL picture."""
    rng = np.random.default_rng(sample.seed)
    width, height = sample.size
    canvas = background(rng, sample.family, sample.size)
    centre = np.array([width, height]) / 2 + height * np.array(sample.place)
    glyph, extent = atlas.picture(CODEPOINT_OF[sample.label], height), 1.0
    if sample.on_phone:
        glyph, extent = draw_phone(rng, glyph)
    corners = quad(centre, sample.side * height * extent, sample.angle, rng.uniform(-0.06, 0.06, (4, 2)))
    paste_warped(canvas, glyph, corners, shadow=0.4)
    return camera(rng, canvas.filter(ImageFilter.GaussianBlur(0.002 * height)))


# Pictures of nothing that the network knows: file, family, seed.
BACKGROUND_SAMPLES = (
    ("bricks", backgrounds.bricks, 51), ("desk", backgrounds.desk, 52), ("leaves", backgrounds.leaves, 53))


def clip_frames(atlas, seed=41):
    """PIL pictures of the clip: one emoji after another drifts, turns and grows over a panning background."""
    rng = np.random.default_rng(seed)
    width, height = CLIP_SIZE
    for index, label in enumerate(CLIP_LABELS):
        wide = background(rng, backgrounds.EVAL_FAMILIES[index], (width + 60, height + 45))
        glyph = atlas.picture(CODEPOINT_OF[label], height)
        start, end = rng.uniform(-0.14, 0.14, (2, 2)) * height
        angles, sides = rng.uniform(-0.5, 0.5, 2), height * rng.permutation([0.4, 0.72])
        tilt = rng.uniform(-0.08, 0.08, (4, 2))
        for t in np.linspace(0, 1, FRAMES_PER_EMOJI):
            canvas = wide.crop((int(60 * t), int(45 * t), int(60 * t) + width, int(45 * t) + height))
            centre = np.array([width, height]) / 2 + start * (1 - t) + end * t
            corners = quad(centre, sides[0] * (1 - t) + sides[1] * t, angles[0] * (1 - t) + angles[1] * t, tilt)
            paste_warped(canvas, glyph, corners, shadow=0.35)
            noise = rng.normal(0, 4, (height, width, 3))
            yield Image.fromarray(np.clip(np.asarray(canvas) + noise, 0, 255).astype(np.uint8))


def gap_clip_frames(atlas, seed=43):
    """PIL pictures of the clip with gaps: background alone, then an emoji on it, three times, and background again."""
    rng = np.random.default_rng(seed)
    width, height = CLIP_SIZE
    centre = np.array([width, height]) / 2
    for index, label in enumerate((*GAP_CLIP_LABELS, None)):
        wide = background(rng, backgrounds.EVAL_FAMILIES[index], (width + 80, height + 60))
        tilt = rng.uniform(-0.08, 0.08, (4, 2))
        for frame in range(FRAMES_PER_PART * (1 if label is None else 2)):
            t = frame / (2 * FRAMES_PER_PART - 1)
            canvas = wide.crop((int(80 * t), int(60 * t), int(80 * t) + width, int(60 * t) + height))
            if label is not None and frame >= FRAMES_PER_PART:
                corners = quad(centre + height * 0.1 * (t - 0.5), height * (0.4 + 0.3 * t), 0.6 * (t - 0.75), tilt)
                paste_warped(canvas, atlas.picture(CODEPOINT_OF[label], height), corners, shadow=0.35)
            noise = rng.normal(0, 4, (height, width, 3))
            yield Image.fromarray(np.clip(np.asarray(canvas) + noise, 0, 255).astype(np.uint8))


def write_clip(path, frames):
    """Encode with ffmpeg; raises CalledProcessError where that fails."""
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
               "-s", f"{CLIP_SIZE[0]}x{CLIP_SIZE[1]}", "-r", str(CLIP_RATE), "-i", "-", "-c:v", "libx264",
               "-pix_fmt", "yuv420p", "-crf", "24", "-movflags", "+faststart", str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="configs/demo/samples")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    atlas = GlyphAtlas(CODEPOINT_OF.values())
    for sample in SAMPLES:
        draw_sample(atlas, sample).save(arguments.folder / f"{sample.label.replace(' ', '_')}.jpg", quality=85)
    (arguments.folder / "backgrounds").mkdir(exist_ok=True)
    for name, family, seed in BACKGROUND_SAMPLES:
        rng = np.random.default_rng(seed)
        picture = camera(rng, background(rng, family, (320, 240)))
        picture.save(arguments.folder / "backgrounds" / f"{name}.jpg", quality=80)
    write_clip(arguments.folder / "clip.mp4", clip_frames(atlas))
    write_clip(arguments.folder / "clip_gaps.mp4", gap_clip_frames(atlas))


if __name__ == "__main__":
    main()
