"""Writes a checkpoint of train.py as an F16 safetensors file, and the labels beside it."""

import argparse
from pathlib import Path

import numpy as np
import torch

from classes import LABELS
from model import load_config
from safetensors_file import write_safetensors


def to_half(name, tensor):
    """F16 array of a floating-point tensor; counters (num_batches_tracked) stay I64, and are always 0-dimensional."""
    array = tensor.contiguous().numpy()
    if not tensor.is_floating_point():
        return array.astype("<i8")
    half = array.astype("<f2")
    if not np.isfinite(half).all():
        raise ValueError(f"{name} does not fit into F16")
    return half


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml; says where the files go")
    parser.add_argument("checkpoint", type=Path, help="state dictionary of train.py")
    arguments = parser.parse_args()

    model = load_config(arguments.config)["model"]
    folder = arguments.config.parent
    state = torch.load(arguments.checkpoint, map_location="cpu")
    weights = folder / model["checkpoint"]["path"]
    write_safetensors(weights, {name: to_half(name, tensor) for name, tensor in state.items()})
    (folder / model["labels"]).write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    print(f"{weights}: {weights.stat().st_size} bytes")


if __name__ == "__main__":
    main()
