#!/usr/bin/env python3
"""Writes tests/reference_data/preprocess/torch_bilinear.tsv: network inputs made by torchvision's detectors.

Usage: make_torch_bilinear_fixtures.py [OUTPUT]; needs torchvision (Debian: python3-torchvision) and NumPy.
Pictures go through the transform that torchvision.models.detection puts before its networks: normalise, then resize the
floats with torch. The last bits depend on the vector instructions torch finds, so values are compared, not checksums.
"""

import random
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from fixture_data import picture
from torchvision.models.detection.transform import GeneralizedRCNNTransform

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
SSDLITE = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
SAMPLES = 40

# width, height of the frame, height and width of the tensor, (mean, std)
CASES = [
    (640, 480, [320, 320], SSDLITE),
    (480, 640, [320, 320], SSDLITE),
    (320, 320, [320, 320], SSDLITE),
    (1920, 1080, [320, 320], SSDLITE),
    (37, 53, [320, 320], SSDLITE),
    (100, 80, [63, 127], IMAGENET),
    (1, 1, [5, 3], IMAGENET),
    (2, 90, [8, 6], IMAGENET),
    (90, 2, [8, 7], IMAGENET),
    (640, 320, [320, 320], SSDLITE),
    (33, 17, [1, 1], SSDLITE),
    (65, 64, [64, 64], IMAGENET),
]


def main():
    output = Path(__file__).parent.parent / "tests/reference_data/preprocess/torch_bilinear.tsv"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else output
    rng = random.Random(20240609)
    lines = [f"# torchvision {torchvision.__version__}, torch {torch.__version__}, written by "
             "tools/make_torch_bilinear_fixtures.py",
             "# width\theight\tseed\tresize\tmean\tstd\tshape\tflat indices\tvalues"]
    for seed, (width, height, size, (mean, std)) in enumerate(CASES):
        image = torch.from_numpy(picture(width, height, 3, seed).transpose(2, 0, 1).copy()).float() / 255
        transform = GeneralizedRCNNTransform(min(size), max(size), mean, std, size_divisible=1,
                                             fixed_size=(size[1], size[0])).eval()
        tensor = transform([image])[0].tensors[0].numpy()
        assert tensor.dtype == np.float32 and list(tensor.shape) == [3] + size
        last = tensor.size - 1
        indices = sorted({0, last} | {rng.randint(0, last) for _ in range(SAMPLES)})
        values = tensor.reshape(-1)[indices]
        fields = [width, height, seed, size, mean, std, tensor.shape, indices, [repr(float(v)) for v in values]]
        lines.append("\t".join(",".join(map(str, f)) if isinstance(f, (list, tuple)) else str(f) for f in fields))
    output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
