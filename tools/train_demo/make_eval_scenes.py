"""Renders the evaluation scenes: `images/NNN.png`, `masks/NNN.png` (palette index = class, 0 = background) and
`annotations.json` in COCO's format (boxes around the visible pixels, category ids 1..16)."""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from scenes import SCENE_LABELS, SceneRenderer


def palette():
    """256 colours that tell the classes apart, black for the background."""
    colours = np.zeros((256, 3), np.uint8)
    for index in range(1, 256):
        for level in range(3):  # PASCAL VOC's: the index' bits dealt to the three channels in turn
            bits = (index >> (3 * level + np.arange(3))) & 1
            colours[index] |= (bits << (7 - level)).astype(np.uint8)
    return colours.ravel().tolist()


def mask_picture(mask):
    """A palette PNG of uint8 class indices."""
    picture = Image.fromarray(mask, "P")
    picture.putpalette(palette())
    return picture


def annotations(scene, image_id, first_id):
    """COCO annotations of one scene."""
    rows = []
    for number, (category, (left, top, right, bottom)) in enumerate(zip(scene.classes, scene.boxes().tolist())):
        rows.append({"id": first_id + number, "image_id": image_id, "category_id": category, "iscrowd": 0,
                     "bbox": [left, top, right - left, bottom - top], "area": int((scene.owners == number + 1).sum())})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()

    for name in ("images", "masks"):
        (arguments.folder / name).mkdir(parents=True, exist_ok=True)
    renderer = SceneRenderer("eval", arguments.seed)
    images, boxes = [], []
    for index in range(arguments.count):
        scene, name = renderer.render(index), f"{index:03d}.png"
        scene.picture.save(arguments.folder / "images" / name, compress_level=1)
        mask_picture(scene.mask()).save(arguments.folder / "masks" / name)
        width, height = scene.picture.size
        images.append({"id": index + 1, "file_name": name, "width": width, "height": height})
        boxes += annotations(scene, index + 1, len(boxes) + 1)
    categories = [{"id": index, "name": label} for index, label in enumerate(SCENE_LABELS, 1)]
    document = {"images": images, "annotations": boxes, "categories": categories}
    (arguments.folder / "annotations.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
