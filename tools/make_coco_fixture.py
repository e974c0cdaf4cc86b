"""Writes tests/reference_data/coco_metric.json: random boxes in 40 pictures and what pycocotools makes of them.

Needs pycocotools' own cocoeval.py (github.com/cocodataset/cocoapi, PythonAPI/pycocotools), of which nothing is in this
repository; its compiled mask module is replaced by the few lines below, as only boxes are compared:

    python3 tools/make_coco_fixture.py path/to/cocoeval.py
"""

import argparse
import contextlib
import importlib.util
import io
import json
import sys
import types
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).parent.parent / "tests" / "reference_data" / "coco_metric.json"
NAMES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
         "AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large")
PICTURES, CLASSES, SIDE = 40, 6, 640
CROWDED = {7: 2, 12: 1}  # picture: class


def overlaps(found, truth, crowds):
    """[len(found), len(truth)] as pycocotools.mask.iou yields for boxes (x, y, width, height)."""
    table = np.zeros((len(found), len(truth)))
    for row, a in enumerate(found):
        for column, b in enumerate(truth):
            width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
            height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
            if width > 0 and height > 0:
                union = a[2] * a[3] if crowds[column] else a[2] * a[3] + b[2] * b[3] - width * height
                table[row, column] = width * height / union
    return table if found and truth else []


class Boxes:
    """What COCOeval asks of a pycocotools.coco.COCO object."""

    def __init__(self, rows):
        self.rows = {row["id"]: row for row in rows}

    def getImgIds(self):
        return list(range(1, PICTURES + 1))

    def getCatIds(self):
        return list(range(CLASSES))

    def getAnnIds(self, imgIds, catIds):
        return [key for key, row in self.rows.items() if row["image_id"] in imgIds and row["category_id"] in catIds]

    def loadAnns(self, ids):
        return [self.rows[key] for key in ids]


def load_cocoeval(path):
    """The module at `path`, with a package around it that has only what it imports."""
    package = types.ModuleType("pycocotools")
    package.mask = types.ModuleType("pycocotools.mask")
    package.mask.iou = overlaps
    package.__path__ = []
    sys.modules.update({"pycocotools": package, "pycocotools.mask": package.mask})
    np.float = float  # an alias that NumPy has dropped
    spec = importlib.util.spec_from_file_location("pycocotools.cocoeval", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_box(rng):
    """Quarter pixels, so that JSON keeps every bit; sides from 4 to 300, small ones more often."""
    width, height = np.round(np.exp(rng.uniform(np.log(4), np.log(300), 2)) * 4) / 4
    left, top = (np.round(rng.uniform(0, SIDE - side) * 4) / 4 for side in (width, height))
    return [float(v) for v in (left, top, width, height)]


def shifted(rng, box, most):
    return [float(np.round((v + rng.uniform(-most, most) * s) * 4) / 4)
            for v, s in zip(box, (box[2], box[3], box[2], box[3]))]


def make_case(rng):
    """Ground truth of five of six classes (crowds, areas below the box's, pictures without any) and detections (near
    hits, doubles, wrong classes, noise, equal scores, more than a hundred in one picture)."""
    truths, founds = [], []
    for picture in range(1, PICTURES + 1):
        crowded = CROWDED.get(picture)  # the limits of 10 and 100 detections matter here
        for _ in range(0 if picture % 9 == 0 else 20 if crowded else rng.integers(1, 9)):
            box, label = random_box(rng), crowded or int(rng.integers(0, CLASSES - 1))
            truths.append({"image_id": picture, "category_id": label, "bbox": box, "iscrowd": int(rng.random() < 0.12),
                           "area": float(np.round(box[2] * box[3] * rng.uniform(0.4, 1) * 4) / 4)})
            for _ in range(int(rng.integers(0, 4))):
                taken = label if rng.random() < 0.85 else int(rng.integers(0, CLASSES))
                founds.append((picture, taken, shifted(rng, box, rng.choice([0.0, 0.03, 0.1, 0.3]))))
        for _ in range(130 if crowded else rng.integers(0, 6)):
            founds.append((picture, crowded or int(rng.integers(0, CLASSES)), random_box(rng)))
    rng.shuffle(founds)
    scores = np.round(rng.uniform(0.05, 1, len(founds)), 2)  # a hundred values: many are equal
    detections = [{"image_id": int(picture), "category_id": int(label), "score": float(score),
                   "bbox": [*box[:2], max(box[2], 0.25), max(box[3], 0.25)]}
                  for (picture, label, box), score in zip(founds, scores)]
    return truths, detections


def evaluate(cocoeval, truths, detections):
    """The twelve figures; None for pycocotools' -1."""
    truth = Boxes([{**row, "id": key} for key, row in enumerate(truths, 1)])
    found = Boxes([{**row, "id": key, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
                   for key, row in enumerate(detections, 1)])
    run = cocoeval.COCOeval(truth, found, "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        run.evaluate()
        run.accumulate()
        run.summarize()
    precision = run.eval["precision"][:, :, :, 0, -1]
    per_class = [None if (table := precision[:, :, k]).max() < 0 else float(table.mean()) for k in range(CLASSES)]
    figures = {name: None if value < 0 else float(value) for name, value in zip(NAMES, run.stats)}
    return {"figures": figures, "class_AP": per_class}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cocoeval", type=Path, help="pycocotools' cocoeval.py")
    arguments = parser.parse_args()
    truths, detections = make_case(np.random.default_rng(17))
    rows = {"classes": CLASSES, **evaluate(load_cocoeval(arguments.cocoeval), truths, detections)}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items()]
    for key, table in (("truths", truths), ("detections", detections)):
        lines.append(f' "{key}": [\n' + ",\n".join("  " + json.dumps(list(row.values())) for row in table) + "\n ]")
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
