"""From a picture to the network's input, as the `preprocess` part of the YAML describes it."""

import numpy as np
import torch
from PIL import Image


def resize_and_crop(picture, resize, crop):
    """Shorter side to `resize` (PIL's antialiased bilinear), then the central `crop` x `crop` pixels; PIL RGB."""
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    longer = int(resize * long / short)
    size = (resize, longer) if width <= height else (longer, resize)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
    return picture.crop((left, top, left + crop, top + crop))


def load_pixels(picture, settings):
    """uint8 [crop, crop, 3] of a PIL picture."""
    return np.array(resize_and_crop(picture.convert("RGB"), settings["resize"], settings["crop"]))


def normalise(pixels, settings):
    """uint8 tensor [N, H, W, 3] -> float32 [N, 3, H, W], channels last in memory."""
    mean = torch.tensor(settings["mean"]) * 255
    scale = 1 / (torch.tensor(settings["std"]) * 255)
    return ((pixels.float() - mean) * scale).permute(0, 3, 1, 2)
