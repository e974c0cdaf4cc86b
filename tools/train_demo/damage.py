"""What a cheap camera does to a picture.

`pixels` are float32 [H, W, 3] in 0..255, `picture` is a PIL RGB picture; each function returns what it takes.
"""

import io

import numpy as np
from PIL import Image, ImageFilter


def light(rng, pixels):
    """Uneven light, exposure, contrast, white balance, saturation and gamma."""
    height, width = pixels.shape[:2]
    if rng.random() < 0.5:
        slope = rng.normal(0, 0.25, 2)
        shade = 1 + slope[0] * np.linspace(-1, 1, height)[:, None] + slope[1] * np.linspace(-1, 1, width)[None, :]
        pixels = pixels * shade[..., None].astype(np.float32)
    gains = np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.09, 3)).astype(np.float32)
    pixels = pixels * gains
    grey = pixels.mean(2, keepdims=True)
    pixels = grey + np.float32(rng.uniform(0.5, 1.4)) * (pixels - grey)
    middle = pixels.mean()
    pixels = middle + np.float32(rng.uniform(0.55, 1.3)) * (pixels - middle) + np.float32(rng.normal(0, 12))
    if rng.random() < 0.4:
        pixels = 255 * (np.clip(pixels, 0, 255) / 255) ** np.float32(rng.uniform(0.65, 1.5))
    return np.clip(pixels, 0, 255)


def motion_blur(rng, pixels):
    """Average of copies shifted along a line of up to 5 % of the height."""
    length = rng.uniform(0.01, 0.05) * pixels.shape[0]
    angle = rng.uniform(0, np.pi)
    count = max(2, int(length) + 1)
    total = np.zeros_like(pixels)
    for t in np.linspace(-0.5, 0.5, count):
        dy, dx = round(t * length * np.sin(angle)), round(t * length * np.cos(angle))
        total += np.roll(pixels, (dy, dx), (0, 1))
    return total / count


def sensor_noise(rng, pixels):
    """Gaussian noise, partly shared by the channels, sometimes coarser than a pixel."""
    height, width = pixels.shape[:2]
    sigma = min(rng.exponential(7), 28)
    noise = rng.standard_normal((height, width, 3), np.float32)
    if rng.random() < 0.5:
        noise = 0.7 * noise + 0.7 * noise[..., :1]
    if rng.random() < 0.3:
        noise = noise[:(height + 1) // 2, :(width + 1) // 2].repeat(2, 0).repeat(2, 1)[:height, :width]
    return pixels + np.float32(sigma) * noise


def jpeg(rng, picture):
    """Encode and decode at a random quality."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(20, 96)), subsampling=int(rng.choice([0, 2])))
    return Image.open(buffer).convert("RGB")


def damage(rng, picture):
    """The whole chain: focus and resolution, light, motion, noise, compression."""
    size = picture.size
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.002, 0.012) * size[1]))
    if rng.random() < 0.2:
        factor = rng.uniform(0.5, 0.9)
        picture = picture.resize((int(size[0] * factor), int(size[1] * factor)), Image.Resampling.BILINEAR)
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    pixels = light(rng, np.asarray(picture, np.float32))
    if rng.random() < 0.25:
        pixels = motion_blur(rng, pixels)
    if rng.random() < 0.8:
        pixels = sensor_noise(rng, pixels)
    picture = Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
    return jpeg(rng, picture) if rng.random() < 0.8 else picture
