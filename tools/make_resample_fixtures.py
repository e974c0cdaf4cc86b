#!/usr/bin/env python3
"""Writes tests/reference_data/resample/pillow.tsv: what Pillow's Image.resize yields for many sizes.

Usage: make_resample_fixtures.py [OUTPUT]; needs Pillow (Debian: python3-pil) and NumPy.
"""

import random
import sys
from pathlib import Path

import numpy as np
import PIL
from fixture_data import checksum, picture
from PIL import Image

FILTERS = ["nearest", "bilinear", "bicubic", "lanczos"]
RANDOM_SIZES = 160

# in width, in height, out width, out height: no change, one axis only, single pixels, extreme ratios, a video frame.
SIZES = [
    (17, 11, 17, 11), (17, 11, 34, 11), (17, 11, 5, 11), (17, 11, 17, 23), (17, 11, 17, 4),
    (1, 1, 1, 1), (1, 1, 7, 5), (7, 5, 1, 1), (1, 9, 4, 3), (9, 1, 3, 4), (2, 2, 3, 3), (3, 3, 2, 2),
    (3000, 2, 3, 2), (2, 3000, 2, 3), (3000, 1, 1, 1), (1, 3000, 1, 1), (3, 2, 1500, 5), (2, 3, 5, 1500),
    (4000, 3, 2999, 7), (256, 256, 255, 257), (640, 480, 341, 256), (1920, 1080, 455, 256), (100, 37, 224, 224),
]


def to_image(pixels):
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def main():
    output = Path(__file__).parent.parent / "tests/reference_data/resample/pillow.tsv"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else output
    rng = random.Random(20240607)

    def side():
        return rng.choice([rng.randint(1, 12), rng.randint(1, 90), rng.randint(1, 300)])

    sizes = SIZES + [(side(), side(), side(), side()) for _ in range(RANDOM_SIZES)]
    lines = [f"# Image.resize of Pillow {PIL.__version__}, written by tools/make_resample_fixtures.py",
             "# filter\tchannels\tin_width\tin_height\tout_width\tout_height\tseed\tchecksum\tpixels of small results"]
    for seed, (in_width, in_height, out_width, out_height) in enumerate(sizes):
        channels = 1 if seed % 4 == 3 else 3
        source = to_image(picture(in_width, in_height, channels, seed))
        for name in FILTERS:
            result = np.asarray(source.resize((out_width, out_height), Image.Resampling[name.upper()]))
            small = result.tobytes().hex() if result.size <= 64 else "-"
            fields = [name, channels, in_width, in_height, out_width, out_height, seed, checksum(result), small]
            lines.append("\t".join(map(str, fields)))
    output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
