"""The figures of merit of the scene networks.

Average precision as COCO defines it: per class, all detections of all pictures in the order of falling scores, at
most 100 per picture and class; each takes the best still free ground-truth box of its picture and class whose IoU
reaches the threshold, else it is a false positive; precision is made non-increasing and averaged over the 101 recalls
0, 0.01 .. 1. Mean IoU: one confusion matrix over all pixels of all pictures, per class TP / (TP + FP + FN), averaged
over the classes.
"""

import numpy as np

RECALLS = np.linspace(0, 1, 101)
THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST_DETECTIONS = 100  # per picture and class


def box_iou(a, b):
    """IoU of every box of `a` [m, 4] with every one of `b` [n, 4]: [m, n]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), -1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], -1) for boxes in (a, b)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12)


def match(boxes, truth, threshold):
    """Which of `boxes` [m, 4], in falling order of score, find one of `truth` [n, 4]: bool [m]."""
    overlaps = box_iou(boxes, truth)
    free = np.ones(len(truth), bool)
    hits = np.zeros(len(boxes), bool)
    for row in range(len(boxes)):
        candidates = np.where(free, overlaps[row], -1.0)
        if len(truth) and candidates.max() >= threshold:
            free[candidates.argmax()] = False
            hits[row] = True
    return hits


def interpolated_precision(hits, positives):
    """COCO's average precision of `hits`, bool in falling order of score, with `positives` boxes to find."""
    if positives == 0:
        return float("nan")
    found = np.cumsum(hits)
    recall = found / positives
    precision = found / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.where(places < len(hits), np.append(precision, 0)[np.minimum(places, len(hits))], 0).mean())


def average_precisions(found, truth, num_classes, threshold):
    """AP of the classes 1..num_classes; `found` and `truth` hold, per picture, dictionaries of arrays: `boxes` [n, 4],
    `labels` [n] and, in `found`, `scores` [n]."""
    precisions = []
    for label in range(1, num_classes + 1):
        hits, scores, positives = [], [], 0
        for ours, theirs in zip(found, truth):
            order = np.argsort(-ours["scores"], kind="stable")
            chosen = order[ours["labels"][order] == label][:MOST_DETECTIONS]
            wanted = theirs["boxes"][theirs["labels"] == label]
            hits.append(match(ours["boxes"][chosen], wanted, threshold))
            scores.append(ours["scores"][chosen])
            positives += len(wanted)
        order = np.argsort(-np.concatenate(scores), kind="stable")
        precisions.append(interpolated_precision(np.concatenate(hits)[order], positives))
    return np.array(precisions)


def confusion(expected, found, num_classes):
    """Pixel counts [num_classes, num_classes]: row = expected, column = found."""
    pairs = expected.astype(np.int64).ravel() * num_classes + found.ravel()
    return np.bincount(pairs, minlength=num_classes ** 2).reshape(num_classes, num_classes)


def class_iou(counts):
    """IoU of every class of a confusion matrix."""
    hit = np.diag(counts)
    return hit / np.maximum(counts.sum(0) + counts.sum(1) - hit, 1)
