"""Renders pictures of nothing that the demo network knows: `NNNNN.png`, backgrounds without any emoji, damaged as by a
camera. They share neither families with the training pictures nor seeds with any other set."""

import argparse
from pathlib import Path

import numpy as np

import backgrounds
from damage import damage
from render import FRAME_HEIGHTS, SPLITS

SPLIT_STREAM = 3  # keeps the random numbers apart from those of the splits of render.py


class UnknownRenderer:
    """Backgrounds of one split without an emoji. `render(index)` depends on the arguments only."""

    def __init__(self, split, seed):
        self.seed_ = [SPLIT_STREAM, SPLITS[split].stream, seed]
        self.backgrounds_ = backgrounds.BackgroundPool(self.seed_, SPLITS[split].families,
                                                       SPLITS[split].background_count)

    def render(self, index):
        """Picture number `index`: PIL RGB, of the sizes that Renderer's pictures have."""
        rng = np.random.default_rng([*self.seed_, index])
        height = int(rng.integers(FRAME_HEIGHTS[0], FRAME_HEIGHTS[1] + 1))
        width = height if rng.random() < 0.5 else round(height * 4 / 3)
        return damage(rng, self.backgrounds_.sample(rng, width, height))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--split", choices=sorted(SPLITS), default="eval")
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()

    renderer = UnknownRenderer(arguments.split, arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for index in range(arguments.count):
        renderer.render(index).save(arguments.folder / f"{index:05d}.png", compress_level=1)


if __name__ == "__main__":
    main()
