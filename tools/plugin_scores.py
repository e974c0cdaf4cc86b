#!/usr/bin/env python3
"""The top-5 of docs/examples/plugin/my_net.yaml as PyTorch and Pillow compute it: the known values of tests/package.

Usage: plugin_scores.py WEIGHTS.safetensors PICTURE, the weights as the example saves them. Needs PyTorch, NumPy, Pillow.
"""

import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def read_weights(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            weights[name] = torch.from_numpy(np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).copy())
    return weights


def read_picture(path):
    """[1, 3, 64, 64]: shorter side 72, bilinear, centre crop 64."""
    image = Image.open(path).convert("RGB")
    short, long = sorted(image.size)
    other = int(72 * long / short)
    image = image.resize((other, 72) if image.width > image.height else (72, other), Image.BILINEAR)
    left, top = round((image.width - 64) / 2), round((image.height - 64) / 2)
    pixels = np.asarray(image.crop((left, top, left + 64, top + 64)), np.float32) / np.float32(255)
    normalised = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(normalised.transpose(2, 0, 1)[None].copy())


def scores(weights, x):
    def conv_norm(x, name, stride=1):
        w = weights[f"{name}.conv.weight"]
        x = F.conv2d(x, w, stride=stride, padding=w.shape[-1] // 2)
        norm = [weights[f"{name}.norm.{field}"] for field in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *norm, eps=1e-5)

    def block(x, name, stride):
        value = conv_norm(F.relu(conv_norm(x, f"{name}.conv0", stride)), f"{name}.conv1")
        skip = conv_norm(x, f"{name}.shortcut", stride) if f"{name}.shortcut.conv.weight" in weights else x
        return F.relu(value + skip)

    x = F.relu(conv_norm(x, "backbone.stem", 2))
    for stage, (blocks, stride) in enumerate([(1, 1), (2, 2), (2, 2)]):
        for i in range(blocks):
            x = block(x, f"backbone.stage{stage}.block{i}", stride if i == 0 else 1)
    x = F.hardswish(F.conv2d(x, weights["head.conv.weight"], weights["head.conv.bias"]))
    return F.linear(x.mean((2, 3)), weights["head.classifier.weight"], weights["head.classifier.bias"])[0]


def main():
    with torch.no_grad():
        probabilities = scores(read_weights(sys.argv[1]), read_picture(sys.argv[2])).double().softmax(0)
    for index in probabilities.argsort(descending=True)[:5].tolist():
        print(f"class {index} {probabilities[index]:.6g}")


if __name__ == "__main__":
    main()
