"""Compares the C++ program with PyTorch on the evaluation scenes: every box and every pixel.

Usage: compare_scenes.py DATA PYTORCH BOXES MASKS: what make_eval_scenes.py and evaluate_scenes.py wrote, `predict --coco BOXES` of the
detector and `predict --masks MASKS` of the segmenter.
"""
import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

PIXELS, SCORE = 0.05, 1e-4  # as the reference records' detections are compared


def by_picture(detections, file_name):
    pictures = defaultdict(list)
    for detection in detections:
        pictures[Path(file_name(detection)).name].append(detection)
    return pictures


def difference(a, b):
    return max(abs(x - y) for x, y in zip(a["bbox"], b["bbox"]))


def compare_boxes(expected, found):
    """Number of expected detections that have a partner of their own among those found, and the largest distance."""
    matched, largest = 0, 0.0
    for picture, detections in expected.items():
        left = list(found[picture])
        for wanted in detections:
            near = [other for other in left if other["category_id"] == wanted["category_id"]
                    and abs(other["score"] - wanted["score"]) <= SCORE and difference(other, wanted) <= PIXELS]
            if near:
                best = min(near, key=lambda other: difference(other, wanted))
                left.remove(best)
                largest = max(largest, difference(best, wanted))
                matched += 1
    return matched, largest


def main():
    parser = argparse.ArgumentParser()
    for name in ("data", "pytorch", "boxes", "masks"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()

    images = json.loads((arguments.data / "annotations.json").read_text())["images"]
    names = {image["id"]: image["file_name"] for image in images}
    expected = json.loads((arguments.pytorch / "detections.json").read_text())
    found = json.loads(arguments.boxes.read_text())
    matched, largest = compare_boxes(by_picture(expected, lambda item: names[item["image_id"]]),
                                     by_picture(found, lambda item: item["file_name"]))
    print(f"boxes: {len(expected)} by PyTorch, {len(found)} by the program, {matched} the same, {largest:.5f} pixels apart at most")

    pixels = different = 0
    for file in sorted((arguments.pytorch / "masks").glob("*.png")):
        theirs, ours = np.array(Image.open(file)), np.array(Image.open(arguments.masks / file.name))
        pixels += theirs.size
        different += int((theirs != ours).sum())
    print(f"masks: {pixels} pixels, {different} different")


if __name__ == "__main__":
    main()
