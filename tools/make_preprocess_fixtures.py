#!/usr/bin/env python3
"""Writes tests/reference_data/preprocess/pillow_numpy.tsv: network inputs made with Pillow and NumPy.

Usage: make_preprocess_fixtures.py [--check-torchvision] [OUTPUT]; needs Pillow (Debian: python3-pil) and NumPy.
With --check-torchvision every RGB case is also made with torchvision.transforms (what timm's evaluation uses as well)
and must be the same bit for bit; needs torchvision (Debian: python3-torchvision).
"""

import random
import sys
from pathlib import Path

import numpy as np
import PIL
from fixture_data import checksum, picture
from PIL import Image

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
INCEPTION = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
IDENTITY = ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
GRAY = ([0.449], [0.226])

# width, height of the frame, resize, crop, filter, (mean, std), colour
CASES = [
    (320, 240, [256], [224], "bilinear", IMAGENET, "rgb"),
    (240, 320, [256], [224], "bicubic", IMAGENET, "rgb"),
    (500, 375, [232], [224], "bilinear", IMAGENET, "rgb"),
    (375, 500, [235], [224], "bicubic", INCEPTION, "rgb"),
    (501, 333, [255], [224], "bicubic", IDENTITY, "rgb"),
    (333, 501, [269], [256], "lanczos", IMAGENET, "rgb"),
    (640, 360, [224, 224], [], "bilinear", IMAGENET, "rgb"),
    (640, 360, [96, 160], [80, 144], "nearest", IMAGENET, "rgb"),
    (300, 200, [], [224], "bicubic", IMAGENET, "rgb"),
    (300, 300, [], [], "bicubic", IMAGENET, "rgb"),
    (31, 17, [], [224], "bicubic", IMAGENET, "rgb"),
    (32, 18, [], [21, 41], "bicubic", IMAGENET, "rgb"),
    (32, 18, [9], [20, 11], "bilinear", IMAGENET, "rgb"),
    (33, 19, [9], [12, 30], "bilinear", INCEPTION, "bgr"),
    (20, 15, [256], [224], "bicubic", IMAGENET, "rgb"),
    (256, 256, [256], [224], "bilinear", IMAGENET, "rgb"),
    (256, 300, [256], [223], "bilinear", IMAGENET, "rgb"),
    (1, 1, [8], [6], "lanczos", IMAGENET, "rgb"),
    (2, 90, [8], [6], "bicubic", IMAGENET, "rgb"),
    (90, 2, [8], [7], "bicubic", IMAGENET, "rgb"),
    (1920, 1080, [256], [224], "bicubic", IMAGENET, "rgb"),
    (160, 120, [64], [56], "bilinear", IMAGENET, "bgr"),
    (160, 120, [64], [56], "bicubic", GRAY, "gray"),
    (60, 80, [32], [40], "lanczos", GRAY, "gray"),
    (60, 80, [32], [28], "nearest", ([0.5, 0.25, 0.0], [0.5, 0.25, 1.0]), "gray"),
]
RANDOM_CASES = 75


def resized_size(width, height, resize):
    """torchvision's functional.resize: the shorter side becomes `resize`."""
    if not resize:
        return width, height
    if len(resize) == 2:
        return resize[1], resize[0]
    short, long = min(width, height), max(width, height)
    longer = int(resize[0] * long / short)
    return (resize[0], longer) if width <= height else (longer, resize[0])


def center_crop(pixels, crop):
    """torchvision's functional.center_crop of [H, W, C]."""
    height, width = pixels.shape[:2]
    crop_height, crop_width = crop[0], crop[-1]
    pad_y, pad_x = max(crop_height - height, 0), max(crop_width - width, 0)
    pixels = np.pad(pixels, ((pad_y // 2, (pad_y + 1) // 2), (pad_x // 2, (pad_x + 1) // 2), (0, 0)))
    top = int(round((pixels.shape[0] - crop_height) / 2.0))
    left = int(round((pixels.shape[1] - crop_width) / 2.0))
    return pixels[top:top + crop_height, left:left + crop_width]


def preprocess(image, resize, crop, filter_name, normalisation, color):
    """float32 [C, H, W] of a PIL RGB image."""
    if color == "gray":
        image = image.convert("L")
    image = image.resize(resized_size(*image.size, resize), Image.Resampling[filter_name.upper()])
    pixels = np.asarray(image).reshape(image.size[1], image.size[0], -1)
    if crop:
        pixels = center_crop(pixels, crop)
    if color == "bgr":
        pixels = pixels[:, :, ::-1]
    mean, std = (np.array(values, np.float32) for values in normalisation)
    if color == "gray":
        pixels = np.repeat(pixels, len(mean), axis=2)
    tensor = ((pixels.astype(np.float32) / np.float32(255)) - mean) / std
    assert tensor.dtype == np.float32
    return np.ascontiguousarray(tensor.transpose(2, 0, 1))


def check_torchvision(image, case, tensor):
    from torchvision import transforms
    _, _, resize, crop, filter_name, (mean, std), color = case
    if color != "rgb":
        return
    steps = []
    if resize:
        mode = transforms.InterpolationMode[filter_name.upper()]
        steps.append(transforms.Resize(resize[0] if len(resize) == 1 else resize, interpolation=mode))
    if crop:
        steps.append(transforms.CenterCrop(crop[0] if len(crop) == 1 else crop))
    steps += [transforms.ToTensor(), transforms.Normalize(mean=mean, std=std)]
    other = transforms.Compose(steps)(image).numpy()
    assert other.shape == tensor.shape and other.tobytes() == tensor.tobytes(), case


def random_case(rng):
    side = rng.choice([20, 60, 200])
    resize = rng.choice([[], [rng.randint(1, 90)], [rng.randint(1, 90)], [rng.randint(1, 90), rng.randint(1, 90)]])
    crop = rng.choice([[], [rng.randint(1, 90)], [rng.randint(1, 90)], [rng.randint(1, 90), rng.randint(1, 90)]])
    color = rng.choice(["rgb", "rgb", "rgb", "bgr", "gray"])
    filter_name = rng.choice(["nearest", "bilinear", "bicubic", "lanczos"])
    normalisation = GRAY if color == "gray" else rng.choice([IMAGENET, INCEPTION, IDENTITY])
    return rng.randint(1, side), rng.randint(1, side), resize, crop, filter_name, normalisation, color


def numbers(values):
    return ",".join(map(str, values)) or "-"


def main():
    arguments = sys.argv[1:]
    torchvision = "--check-torchvision" in arguments
    paths = [argument for argument in arguments if not argument.startswith("--")]
    output = Path(__file__).parent.parent / "tests/reference_data/preprocess/pillow_numpy.tsv"
    output = Path(paths[0]) if paths else output
    rng = random.Random(20240608)
    lines = [f"# Pillow {PIL.__version__}, NumPy {np.__version__}, written by tools/make_preprocess_fixtures.py",
             "# width\theight\tseed\tresize\tcrop\tfilter\tmean\tstd\tcolor\tshape\tchecksum of the float32 bytes"]
    for seed, case in enumerate(CASES + [random_case(rng) for _ in range(RANDOM_CASES)]):
        width, height, resize, crop, filter_name, normalisation, color = case
        image = Image.fromarray(picture(width, height, 3, seed))
        tensor = preprocess(image, resize, crop, filter_name, normalisation, color)
        if torchvision:
            check_torchvision(image, case, tensor)
        fields = [width, height, seed, numbers(resize), numbers(crop), filter_name, numbers(normalisation[0]),
                  numbers(normalisation[1]), color, numbers(tensor.shape), checksum(tensor)]
        lines.append("\t".join(map(str, fields)))
    output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
