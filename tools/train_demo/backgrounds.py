"""Procedural cluttered backgrounds.

A family is a function of a random generator that returns a uint8 picture [SIDE, SIDE, 3]. Training and evaluation use
different families, so that a good score cannot come from knowing the backgrounds.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 320


# --- colours and fields ---------------------------------------------------------------------------------------------

def random_palette(rng, count):
    """`count` RGB colours [count, 3] in 0..255: unrelated ones or shades around one colour, vivid or muted."""
    if rng.random() < 0.4:
        palette = rng.uniform(0, 255, (count, 3))
    else:
        palette = rng.uniform(20, 235, 3) + rng.normal(0, rng.uniform(15, 60), (count, 1))
        palette = np.clip(palette + rng.normal(0, 18, (count, 3)), 0, 255)
    saturation = rng.choice([1.0, rng.uniform(0, 0.6)])
    grey = palette.mean(1, keepdims=True)
    return grey + saturation * (palette - grey)


def random_colour(rng, palette):
    """A colour near one of the palette, as a tuple of integers."""
    colour = palette[rng.integers(len(palette))] + rng.normal(0, 10, 3)
    return tuple(int(v) for v in np.clip(colour, 0, 255))


def colour_field(field, palette):
    """Map a field [S, S] in 0..1 through a palette, interpolating between its colours: uint8 [S, S, 3]."""
    position = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(field, position, palette[:, c]) for c in range(3)], -1).astype(np.uint8)


def stretch(field):
    """Scale a field to 0..1."""
    low, high = field.min(), field.max()
    return (field - low) / max(high - low, 1e-6)


def smooth_field(rng, cells):
    """Random field [SIDE, SIDE] in 0..1 with about `cells` bumps per side."""
    grid = Image.fromarray(rng.random((cells + 1, cells + 1)).astype(np.float32), "F")
    return np.clip(np.asarray(grid.resize((SIDE, SIDE), Image.Resampling.BICUBIC)), 0, 1)


def coordinates(rng):
    """Two fields [SIDE, SIDE]: coordinates in 0..1 along a random direction and across it."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def blank(rng, palette):
    """A canvas of one colour and its drawing object."""
    canvas = Image.new("RGB", (SIDE, SIDE), random_colour(rng, palette))
    return canvas, ImageDraw.Draw(canvas)


def rotated_box(centre, half_size, angle):
    """Corner points of a rectangle."""
    c, s = np.cos(angle), np.sin(angle)
    return [(centre[0] + c * x * half_size[0] - s * y * half_size[1],
             centre[1] + s * x * half_size[0] + c * y * half_size[1])
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


# --- families for training ------------------------------------------------------------------------------------------

def value_noise(rng):
    field = sum(smooth_field(rng, 2 ** octave + int(rng.integers(3))) * rng.uniform(0.4, 1) / 1.6 ** octave
                for octave in range(1, int(rng.integers(4, 8))))
    return colour_field(stretch(field), random_palette(rng, int(rng.integers(2, 6))))


def gradient(rng):
    along, across = coordinates(rng)
    if rng.random() < 0.4:
        along = np.hypot(along - rng.uniform(-0.2, 0.9), across - rng.uniform(-0.5, 0.5))
    return colour_field(stretch(along + rng.uniform(0, 0.2) * smooth_field(rng, 6)), random_palette(rng, 3))


def stripes(rng):
    along, _ = coordinates(rng)
    wave = np.sin(2 * np.pi * rng.uniform(3, 22) * along + rng.uniform(0, 6) * smooth_field(rng, 3))
    if rng.random() < 0.6:
        wave = np.sign(wave - rng.uniform(-0.6, 0.6))
    return colour_field(stretch(wave), random_palette(rng, 2))


def checks(rng):
    along, across = coordinates(rng)
    count = rng.uniform(3, 16)
    field = (np.floor(along * count) + np.floor(across * count * rng.uniform(0.5, 1.5))) % 2
    return colour_field(0.8 * field + 0.2 * smooth_field(rng, 5), random_palette(rng, 3))


def shapes(rng):
    palette = random_palette(rng, int(rng.integers(3, 8)))
    canvas, draw = blank(rng, palette)
    for _ in range(int(rng.integers(10, 90))):
        centre, half = rng.uniform(0, SIDE, 2), rng.uniform(4, 60, 2)
        colour = random_colour(rng, palette)
        kind = rng.integers(4)
        if kind == 0:
            draw.ellipse([*(centre - half), *(centre + half)], fill=colour)
        elif kind == 1:
            draw.polygon(rotated_box(centre, half, rng.uniform(0, 3)), fill=colour)
        elif kind == 2:
            draw.polygon([tuple(centre + rng.uniform(-60, 60, 2)) for _ in range(3)], fill=colour)
        else:
            draw.line([*centre, *(centre + rng.uniform(-120, 120, 2))], fill=colour, width=int(rng.integers(1, 9)))
    return np.asarray(canvas)


def page(rng):
    """Lines of word-like strokes: a printed page or a screen of text."""
    palette = random_palette(rng, 3)
    canvas, draw = blank(rng, palette)
    height = int(rng.integers(5, 20))
    y = int(rng.integers(0, height))
    while y < SIDE:
        x, colour = rng.uniform(0, 40), random_colour(rng, palette)
        while x < SIDE * rng.uniform(0.7, 1.1):
            for _ in range(int(rng.integers(2, 9))):
                top = y + height * rng.uniform(0, 0.5)
                draw.line([x, top, x + rng.uniform(-2, 2), y + height * 0.8], fill=colour, width=1 + height // 8)
                x += height * 0.3
            x += height * 0.5
        y += int(height * 1.4)
    return np.asarray(canvas)


def cells(rng):
    count = int(rng.integers(12, 90))
    points, palette = rng.uniform(0, 1, (count, 2)), random_palette(rng, count)
    y, x = np.mgrid[0:SIDE // 2, 0:SIDE // 2].astype(np.float32) * 2 / SIDE
    distance = np.full(x.shape, np.inf, np.float32)
    nearest = np.zeros(x.shape, np.int64)
    for index, (px, py) in enumerate(points):
        d = np.abs(x - px) + np.abs(y - py) if count % 2 else (x - px) ** 2 + (y - py) ** 2
        closer = d < distance
        distance[closer], nearest[closer] = d[closer], index
    return palette[nearest].astype(np.uint8).repeat(2, 0).repeat(2, 1)


def room(rng):
    """A wall, a floor and boxes with a light and a dark side."""
    palette = random_palette(rng, 6)
    canvas, draw = blank(rng, palette)
    horizon = rng.uniform(0.4, 0.8) * SIDE
    draw.rectangle([0, horizon, SIDE, SIDE], fill=random_colour(rng, palette))
    for _ in range(int(rng.integers(3, 14))):
        width, height = rng.uniform(15, 110, 2)
        x, base = rng.uniform(-20, SIDE), horizon + rng.uniform(-90, 60)
        colour = random_colour(rng, palette)
        draw.rectangle([x, base - height, x + width, base], fill=colour)
        draw.rectangle([x + 0.7 * width, base - height, x + width, base], fill=tuple(int(0.7 * v) for v in colour))
        for shelf in np.arange(base - height, base, rng.uniform(8, 40)):
            draw.line([x, shelf, x + width, shelf], fill=random_colour(rng, palette), width=int(rng.integers(1, 4)))
    return np.asarray(canvas)


TRAIN_FAMILIES = (value_noise, gradient, stripes, checks, shapes, page, cells, room)


# --- families for evaluation ----------------------------------------------------------------------------------------

def spectral_noise(rng):
    """Noise with a power-law spectrum, as in photographs of clouds, stone and cloth."""
    frequency = np.fft.fftfreq(SIDE)
    radius = np.hypot(frequency[:, None] * rng.uniform(0.5, 2), frequency[None, :])
    radius[0, 0] = 1
    channels = [np.real(np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / radius ** rng.uniform(0.8, 2)))
                for _ in range(2)]
    picture = colour_field(stretch(channels[0]), random_palette(rng, 4)).astype(np.float32)
    return np.clip(picture + 60 * (stretch(channels[1])[..., None] - 0.5), 0, 255).astype(np.uint8)


def bricks(rng):
    palette = random_palette(rng, 5)
    canvas, draw = blank(rng, palette)
    height = rng.uniform(10, 45)
    width = height * rng.uniform(1.2, 3)
    gap = rng.uniform(1, 5)
    for row in range(int(SIDE / height) + 1):
        x = -width * rng.uniform(0, 1)
        while x < SIDE:
            draw.rectangle([x, row * height, x + width - gap, (row + 1) * height - gap],
                           fill=random_colour(rng, palette))
            x += width
    return np.asarray(canvas.rotate(rng.uniform(-20, 20), Image.Resampling.BILINEAR, fillcolor=(90, 90, 90)))


def dots(rng):
    along, across = coordinates(rng)
    count = rng.uniform(4, 18)
    field = np.hypot((along * count) % 1 - 0.5, (across * count + 0.5 * (np.floor(along * count) % 2)) % 1 - 0.5)
    field = (field < rng.uniform(0.15, 0.45)) * 0.8 + 0.2 * smooth_field(rng, 3)
    return colour_field(field, random_palette(rng, 3))


def wood(rng):
    along, across = coordinates(rng)
    field = np.sin(2 * np.pi * (rng.uniform(2, 9) * across + rng.uniform(0.5, 2.5) * smooth_field(rng, 3)) +
                   rng.uniform(4, 14) * smooth_field(rng, 2) * along)
    return colour_field(stretch(field + 0.5 * rng.random((SIDE, 1)) + 0.3 * rng.random((SIDE, SIDE))),
                        random_palette(rng, 3))


def leaves(rng):
    palette = random_palette(rng, 6)
    canvas, draw = blank(rng, palette)
    size = rng.uniform(8, 40)
    for _ in range(int(rng.integers(80, 250))):
        centre, angle = rng.uniform(0, SIDE, 2), rng.uniform(0, 2 * np.pi)
        tip = size * rng.uniform(0.6, 1.4) * np.array([np.cos(angle), np.sin(angle)])
        side = tip[::-1] * np.array([-1, 1]) * rng.uniform(0.15, 0.4)
        draw.polygon([tuple(centre + tip), tuple(centre + side), tuple(centre - tip), tuple(centre - side)],
                     fill=random_colour(rng, palette))
    return np.asarray(canvas)


def cables(rng):
    """Thick curved lines."""
    palette = random_palette(rng, 6)
    canvas, draw = blank(rng, palette)
    t = np.linspace(0, 1, 24)[:, None]
    for _ in range(int(rng.integers(6, 30))):
        a, b, c, d = rng.uniform(-60, SIDE + 60, (4, 2))
        curve = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t ** 2 * (1 - t) * c + t ** 3 * d
        draw.line([tuple(p) for p in curve], fill=random_colour(rng, palette), width=int(rng.integers(2, 16)))
    return np.asarray(canvas)


def mosaic(rng):
    """A triangulated surface."""
    palette = random_palette(rng, 6)
    canvas, draw = blank(rng, palette)
    count = int(rng.integers(4, 14))
    step = SIDE / count
    grid = np.stack(np.meshgrid(np.arange(-1, count + 2), np.arange(-1, count + 2)), -1) * step
    grid = grid + rng.uniform(-0.35, 0.35, grid.shape) * step
    for i in range(count + 2):
        for j in range(count + 2):
            a, b, c, d = (tuple(grid[i + u, j + v]) for u, v in ((0, 0), (0, 1), (1, 0), (1, 1)))
            draw.polygon([a, b, c], fill=random_colour(rng, palette))
            draw.polygon([b, c, d], fill=random_colour(rng, palette))
    return np.asarray(canvas)


def desk(rng):
    """A table seen from above with sheets, cards and pens."""
    palette = random_palette(rng, 5)
    canvas, draw = blank(rng, palette)
    for _ in range(int(rng.integers(4, 16))):
        centre, angle = rng.uniform(0, SIDE, 2), rng.uniform(0, np.pi)
        half = rng.uniform(15, 80) * np.array([1, rng.choice([0.05, 0.6, 0.7, 1.4])])
        sheet = random_colour(rng, palette)
        draw.polygon(rotated_box(centre + 4, half, angle), fill=tuple(v // 2 for v in sheet))
        draw.polygon(rotated_box(centre, half, angle), fill=sheet)
        for row in np.arange(-0.8, 0.8, rng.uniform(0.1, 0.4)):
            a, b = rotated_box(centre, half * np.array([0.8, abs(row)]), angle)[0:2]
            draw.line([a, b], fill=random_colour(rng, palette), width=int(rng.integers(1, 3)))
    return np.asarray(canvas)


EVAL_FAMILIES = (spectral_noise, bricks, dots, wood, leaves, cables, mosaic, desk)


# --- pools ----------------------------------------------------------------------------------------------------------

def render_background(rng, families):
    """One background: a family, or two of them mixed through a mask, sometimes out of focus. uint8 [SIDE, SIDE, 3]."""
    picture = families[rng.integers(len(families))](rng)
    if rng.random() < 0.5:
        other = families[rng.integers(len(families))](rng).astype(np.float32)
        mask = smooth_field(rng, int(rng.integers(1, 6)))[..., None]
        mask = np.clip((mask - 0.5) * rng.choice([1.5, 30.0]) + 0.5, 0, 1)
        picture = (picture * (1 - mask) + other * mask).astype(np.uint8)
    picture = Image.fromarray(picture)
    if rng.random() < 0.4:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 6)))
    return np.asarray(picture)


class BackgroundPool:
    """`count` backgrounds rendered once; `sample` returns a random part of one of them."""

    def __init__(self, seed, families, count):
        rng = np.random.default_rng(seed)
        self.pictures_ = np.stack([render_background(rng, families) for _ in range(count)])

    def sample(self, rng, width, height):
        """A PIL picture of width x height: a random part, turned, mirrored and with shifted colours."""
        picture = Image.fromarray(self.pictures_[rng.integers(len(self.pictures_))])
        scale = rng.uniform(0.35, 1.0) * SIDE / max(width, height)
        crop_width, crop_height = width * scale, height * scale
        left, top = rng.uniform(0, SIDE - crop_width), rng.uniform(0, SIDE - crop_height)
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose(int(rng.integers(7))))
        if rng.random() < 0.3:
            picture = Image.merge("RGB", [picture.getchannel(int(c)) for c in rng.permutation(3)])
        return picture.resize((width, height), Image.Resampling.BILINEAR,
                              (left, top, left + crop_width, top + crop_height))
