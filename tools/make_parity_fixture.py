#!/usr/bin/env python3
"""Writes tests/reference_data/parity/{picture.png,input.safetensors}: a picture, and the tensor that Pillow and NumPy make of it
by the demo network's preprocessing at half size (shorter side 64, bilinear, centre crop 56).

Usage: make_parity_fixture.py; needs Pillow (Debian: python3-pil) and NumPy. tests/apps/picture_parity_test.cpp reads both.
"""

import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

RESIZE, CROP = 64, 56
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def main():
    root = Path(__file__).resolve().parent.parent
    folder = root / "tests/reference_data/parity"
    folder.mkdir(parents=True, exist_ok=True)
    # Lossless, so that decoders cannot differ.
    Image.open(root / "configs/demo/samples/dog.jpg").convert("RGB").resize((200, 150)).save(folder / "picture.png")

    image = Image.open(folder / "picture.png").convert("RGB")
    short, long = sorted(image.size)
    other = int(RESIZE * long / short)
    size = (other, RESIZE) if image.width > image.height else (RESIZE, other)
    image = image.resize(size, Image.BILINEAR)
    left, top = round((image.width - CROP) / 2), round((image.height - CROP) / 2)
    pixels = np.asarray(image.crop((left, top, left + CROP, top + CROP)), np.float32) / np.float32(255)
    tensor = ((pixels - MEAN) / STD).transpose(2, 0, 1)[None]

    data = np.ascontiguousarray(tensor, np.float32).tobytes()
    entry = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [0, len(data)]}
    header = json.dumps({"input": entry}).encode()
    header += b" " * (-len(header) % 8)
    (folder / "input.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)


if __name__ == "__main__":
    main()
