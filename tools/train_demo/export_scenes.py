"""Writes a checkpoint of train_scenes.py as an F16 safetensors file, and the labels beside it."""

import argparse
from pathlib import Path

import torch

from export import to_half
from safetensors_file import write_safetensors
from scene_models import BUILDERS
from scenes import SCENE_LABELS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=BUILDERS)
    parser.add_argument("checkpoint", type=Path, help="state dictionary of train_scenes.py")
    parser.add_argument("folder", type=Path, help="configs/demo")
    arguments = parser.parse_args()

    state = torch.load(arguments.checkpoint, map_location="cpu")
    weights = arguments.folder / f"emoji_{arguments.task}.safetensors"
    write_safetensors(weights, {name: to_half(name, tensor) for name, tensor in state.items()})
    (arguments.folder / "emoji_scenes_labels.txt").write_text("\n".join(("background", *SCENE_LABELS)) + "\n", encoding="utf-8")
    print(f"{weights}: {weights.stat().st_size} bytes")


if __name__ == "__main__":
    main()
