#!/usr/bin/env python3
"""Writes tests/reference_data/preprocess/pillow_{numpy,letterbox}.tsv: network inputs made with Pillow and NumPy.

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
from PIL import Image, ImageOps

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
# width, height of the frame, size [H, W], fill, position, filter, (mean, std), colour
LETTERBOX_CASES = [
    (640, 360, [320, 320], [114, 114, 114], "center", "bilinear", IMAGENET, "rgb"),
    (360, 640, [320, 320], [1, 2, 3], "top_left", "bicubic", INCEPTION, "bgr"),
    (17, 90, [40, 64], [], "center", "lanczos", IMAGENET, "rgb"),
    (64, 40, [40, 64], [200, 0, 9], "center", "bilinear", IMAGENET, "rgb"),
    (128, 80, [40, 64], [5, 5, 5], "top_left", "nearest", IDENTITY, "rgb"),
    (5, 7, [33, 21], [77], "center", "bilinear", GRAY, "gray"),
]
RANDOM_LETTERBOXES = 40


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
    return normalise(pixels, normalisation, color)


def letterbox(image, size, fill, position, filter_name, normalisation, color):
    """float32 [C, H, W] of a PIL RGB image, with Pillow's own padding; `fill` is in the order of `color`."""
    if color == "gray":
        image = image.convert("L")
    around = 0
    if fill:
        around = fill[0] if color == "gray" else tuple(fill if color == "rgb" else fill[::-1])
    centering = (0.5, 0.5) if position == "center" else (0, 0)
    image = ImageOps.pad(image, (size[1], size[0]), Image.Resampling[filter_name.upper()], around, centering)
    return normalise(np.asarray(image).reshape(size[0], size[1], -1), normalisation, color)


def normalise(pixels, normalisation, color):
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


def random_letterbox(rng):
    side = rng.choice([20, 60, 200])
    size = [rng.randint(8, 90), rng.randint(8, 90)]
    fill = rng.choice([[], [rng.randint(0, 255) for _ in range(3)]])
    # Not so thin that Pillow rounds a side to 0 and gives up.
    return (rng.randint(side // 5, side), rng.randint(side // 5, side), size, fill, rng.choice(["center", "top_left"]),
            rng.choice(["nearest", "bilinear", "bicubic", "lanczos"]), IMAGENET, rng.choice(["rgb", "bgr"]))


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

    lines = [lines[0], "# width\theight\tseed\tsize\tfill\tposition\tfilter\tmean\tstd\tcolor\tchecksum of the float32 bytes"]
    for seed, case in enumerate(LETTERBOX_CASES + [random_letterbox(rng) for _ in range(RANDOM_LETTERBOXES)]):
        width, height, size, fill, position, filter_name, normalisation, color = case
        tensor = letterbox(Image.fromarray(picture(width, height, 3, seed)), *case[2:])
        fields = [width, height, seed, numbers(size), numbers(fill), position, filter_name, numbers(normalisation[0]),
                  numbers(normalisation[1]), color, checksum(tensor)]
        lines.append("\t".join(map(str, fields)))
    output.with_name("pillow_letterbox.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
