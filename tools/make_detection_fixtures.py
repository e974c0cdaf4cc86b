#!/usr/bin/env python3
"""Writes tests/reference_data/heads/{detections,label_maps}.safetensors: what torchvision's own post-processing makes of
random raw maps (RetinaNet's, which NetsPresso Trainer's equals, and SSD's), and what PyTorch's interpolate and argmax
make of random scores.

Usage: make_detection_fixtures.py; needs torch and torchvision (Debian: python3-torchvision). Thresholds are sums of a
few powers of two, so that single precision holds them.
"""

import json
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn import functional
from torchvision.models.detection import _utils, retinanet, ssd
from torchvision.ops import boxes as box_ops

FOLDER = Path(__file__).resolve().parent.parent / "tests/reference_data/heads"
SIGMOID, SOFTMAX = 0, 1

# classes, anchors, map sizes, input, scores, top k, score threshold, NMS threshold, class agnostic, most detections
DETECTIONS = [
    (3, 2, [(6, 8), (3, 4)], (96, 128), SIGMOID, 1000, 0.5, 0.5, False, 0),
    (3, 2, [(8, 6), (4, 3)], (128, 96), SIGMOID, 20, 0.25, 0.4375, True, 0),
    (5, 3, [(4, 4), (2, 2), (1, 1)], (64, 64), SIGMOID, 30, 0.625, 0.3125, False, 7),
    (1, 1, [(5, 7)], (80, 112), SIGMOID, 10, 0.0, 0.5, False, 0),
    (2, 1, [(2, 2)], (32, 32), SIGMOID, 10, 0.9990234375, 0.5, False, 0),
    (4, 3, [(5, 5), (2, 2)], (64, 64), SOFTMAX, 300, 0.125, 0.5, False, 300),
    (6, 2, [(7, 5), (3, 2), (1, 1)], (112, 80), SOFTMAX, 8, 0.0625, 0.5625, False, 25),
    (4, 2, [(4, 4)], (64, 64), SOFTMAX, 5, 0.25, 0.375, True, 0),
]
# classes, map size, label map size
LABEL_MAPS = [(3, (4, 5), (9, 23)), (21, (7, 7), (40, 31)), (5, (16, 12), (5, 7)), (2, (1, 1), (3, 4)), (4, (1, 6), (8, 6)),
              (7, (28, 28), (28, 28))]


def anchors_of(sizes, image, count, generator):
    levels = []
    for height, width in sizes:
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        step = torch.tensor([image[1] / width, image[0] / height])
        centres = (torch.stack([x, y], -1) + 0.5) * step
        sides = step * (0.5 + 2 * torch.rand(count, 2, generator=generator))
        centres = centres[:, :, None].expand(height, width, count, 2)
        levels.append(torch.cat([centres - sides / 2, centres + sides / 2], -1).reshape(-1, 4).float())
    return levels


def rows(maps, columns):
    """[1, H * W * anchors, columns] of [anchors * columns, H, W]."""
    return maps.permute(1, 2, 0).reshape(1, -1, columns)


def detect(case, seed):
    classes, count, sizes, image, score, topk, score_thresh, nms_thresh, agnostic, most = case
    generator = torch.Generator().manual_seed(seed)
    anchors = anchors_of(sizes, image, count, generator)
    logits = [3 * torch.randn(count * classes, h, w, generator=generator) for h, w in sizes]
    offsets = [torch.randn(count * 4, h, w, generator=generator) for h, w in sizes]
    weights = (10.0, 10.0, 5.0, 5.0) if score == SOFTMAX else (1.0, 1.0, 1.0, 1.0)
    for level in offsets:
        level *= weights[0] / 4
        level[2, 0, 0] = 100.0  # capped
        level[0, 0, -1] = 300.0  # outside: a box without area
    parameters = SimpleNamespace(score_thresh=score_thresh, nms_thresh=nms_thresh, topk_candidates=topk,
                                 detections_per_img=most or 10**9, box_coder=_utils.BoxCoder(weights))
    classified = [rows(level, classes) for level in logits]
    regressed = [rows(level, 4) for level in offsets]
    per_class = box_ops.batched_nms
    if agnostic:
        box_ops.batched_nms = lambda boxes, scores, labels, threshold: box_ops.nms(boxes, scores, threshold)
    if score == SIGMOID:
        outputs = {"cls_logits": classified, "bbox_regression": regressed}
        result = retinanet.RetinaNet.postprocess_detections(parameters, outputs, [anchors], [image])[0]
    else:
        outputs = {"cls_logits": torch.cat(classified, 1), "bbox_regression": torch.cat(regressed, 1)}
        result = ssd.SSD.postprocess_detections(parameters, outputs, [torch.cat(anchors)], [image])[0]
    box_ops.batched_nms = per_class
    tensors = {"params": torch.tensor([classes, count, *image, score, topk, score_thresh, nms_thresh, agnostic, most]),
               "sizes": torch.tensor(sizes), "anchors": torch.cat(anchors)}
    tensors |= {f"cls.{i}": level for i, level in enumerate(logits)}
    tensors |= {f"box.{i}": level for i, level in enumerate(offsets)}
    return tensors | result


def label_map(case, seed):
    """Labels, and where the best score leads by enough to be the same in any order of computation."""
    classes, size, to = case
    logits = torch.randn(1, classes, *size, generator=torch.Generator().manual_seed(seed))
    scores = functional.interpolate(logits.double(), size=to, mode="bilinear", align_corners=False)[0]
    best = scores.topk(2, 0).values
    return {"logits": logits[0], "labels": scores.argmax(0), "sure": best[0] - best[1] > 1e-5}


def write(path, cases):
    header, data = {}, b""
    for i, tensors in enumerate(cases):
        for name, tensor in tensors.items():
            chunk = np.ascontiguousarray(tensor.detach().numpy(), np.float32).tobytes()
            header[f"{i}.{name}"] = {"dtype": "F32", "shape": list(tensor.shape),
                                     "data_offsets": [len(data), len(data) + len(chunk)]}
            data += chunk
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write(FOLDER / "detections.safetensors", [detect(case, seed) for seed, case in enumerate(DETECTIONS)])
    write(FOLDER / "label_maps.safetensors", [label_map(case, seed) for seed, case in enumerate(LABEL_MAPS)])


if __name__ == "__main__":
    main()
