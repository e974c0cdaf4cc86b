"""From a picture to the input of the scene networks: PIL bilinear to the exact size, /255, normalisation."""

import numpy as np
from PIL import Image

import preprocess

INPUT_SIZES = {"detection": 160, "segmentation": 192}  # side of the square input
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def load_pixels(picture, size):
    """uint8 [size, size, 3] of a whole PIL picture; its proportions are lost."""
    return np.array(picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))


def normalise(pixels):
    """uint8 tensor [N, H, W, 3] -> float32 [N, 3, H, W], channels last in memory."""
    return preprocess.normalise(pixels, {"mean": MEAN, "std": STD})
