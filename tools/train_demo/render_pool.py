"""Renders training pictures into shards that train.py reads, also while it is running.

A shard is `NNN_pixels.npy`, uint8 [6400, crop, crop, 3]; the label of row `i` is `i % 64`. When all slots are filled,
the oldest shard is replaced, until `--shards` have been rendered.
"""

import argparse
from pathlib import Path

import numpy as np

from model import load_config
from preprocess import load_pixels
from render import Renderer
from shards import write_shard

SHARD_SIZE = 6400


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml")
    parser.add_argument("pool", type=Path, help="folder for the shards")
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard to render")
    parser.add_argument("--slots", type=int, default=24, help="shards kept at a time (0.24 GB each)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    settings = load_config(arguments.config)["preprocess"]
    arguments.pool.mkdir(parents=True, exist_ok=True)
    renderer = Renderer("train", arguments.seed)
    for shard in range(arguments.first, arguments.shards):
        begin = shard * SHARD_SIZE
        pixels = np.stack([load_pixels(renderer.render(i), settings) for i in range(begin, begin + SHARD_SIZE)])
        write_shard(arguments.pool, shard % arguments.slots, {"pixels": pixels})
        print(f"shard {shard} done", flush=True)


if __name__ == "__main__":
    main()
