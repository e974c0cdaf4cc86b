"""Writes the sample scenes (JPEG): scenes of the evaluation's kind from a seed of their own."""

import argparse
from pathlib import Path

from scenes import SceneRenderer

SEED = 77
CHOSEN = (3, 1, 6)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="configs/demo/samples/scenes")
    parser.add_argument("--try", dest="tried", type=int, default=0, help="write that many to choose from instead")
    arguments = parser.parse_args()

    arguments.folder.mkdir(parents=True, exist_ok=True)
    renderer = SceneRenderer("eval", SEED)
    for number, index in enumerate(range(arguments.tried) if arguments.tried else CHOSEN, 1):
        scene = renderer.render(index)
        scene.picture.save(arguments.folder / f"scene_{number}.jpg", quality=88)


if __name__ == "__main__":
    main()
