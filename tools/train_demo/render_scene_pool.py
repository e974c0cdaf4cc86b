"""Renders training scenes into shards that train_scenes.py reads, also while it is running.

A shard is `NNN_pixels.npy` uint8 [1000, 192, 192, 3], `NNN_masks.npy` uint8 [1000, 192, 192] and `NNN_boxes.npy`
float32 [1000, 6, 5]: left, top, right, bottom in 0..1 and the class, rows of zeros behind the last emoji.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from scene_preprocess import load_pixels
from scenes import SceneRenderer
from shards import write_shard

SHARD_SIZE = 1000
POOL_SIZE = 192  # side of the pictures, the largest input of the networks
MOST_EMOJI = 6


def box_rows(scene):
    """float32 [MOST_EMOJI, 5] of one scene."""
    rows = np.zeros((MOST_EMOJI, 5), np.float32)
    if scene.classes:
        rows[:len(scene.classes), :4] = scene.boxes() / (scene.picture.size * 2)
        rows[:len(scene.classes), 4] = scene.classes
    return rows


def render_shard(renderer, begin):
    """The arrays `pixels`, `masks` and `boxes` of the scenes from number `begin` on."""
    scenes = [renderer.render(index) for index in range(begin, begin + SHARD_SIZE)]
    masks = [np.asarray(Image.fromarray(scene.mask()).resize((POOL_SIZE, POOL_SIZE), Image.Resampling.NEAREST))
             for scene in scenes]
    return {"pixels": np.stack([load_pixels(scene.picture, POOL_SIZE) for scene in scenes]), "masks": np.stack(masks),
            "boxes": np.stack([box_rows(scene) for scene in scenes])}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path, help="folder for the shards")
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard to render")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    arguments.pool.mkdir(parents=True, exist_ok=True)
    renderer = SceneRenderer("train", arguments.seed)
    for shard in range(arguments.first, arguments.shards):
        write_shard(arguments.pool, shard, render_shard(renderer, shard * SHARD_SIZE))
        print(f"shard {shard} done", flush=True)


if __name__ == "__main__":
    main()
