"""Figures of merit of the shipped scene networks on the scenes of make_eval_scenes.py.

Detection: mAP at IoU 0.5 and over 0.5:0.95; segmentation: mean IoU with and without the background, at the pictures'
own size (see scene_metrics.py for the definitions). Writes the predictions, so that another program's can be compared:
`detections.json` (COCO's result format, pixels of the picture) or `masks/NNN.png` (palette index = class).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from make_eval_scenes import mask_picture
from model import load_config
from safetensors_file import read_safetensors
from scene_metrics import THRESHOLDS, average_precisions, class_iou, confusion
from scene_models import BUILDERS, NUM_CLASSES, build_mobilenet, detect
from scene_preprocess import INPUT_SIZES, load_pixels, normalise
from scenes import SCENE_LABELS

BATCH = 25


def load_network(task, config_path):
    """The shipped network of `task`, F16 values computed with in float32."""
    stages = load_config(config_path)["model"]["architecture"]["backbone"]["stage_params"]
    network = BUILDERS[task](build_mobilenet(stages))
    tensors = read_safetensors(config_path.with_name(f"emoji_{task}.safetensors"))
    network.load_state_dict({name: torch.from_numpy(array.astype("f4" if array.dtype.kind == "f" else "i8"))
                             for name, array in tensors.items()})
    return network.eval()


def batches(folder, names, size):
    """Pairs (file names, network inputs)."""
    for begin in range(0, len(names), BATCH):
        chosen = names[begin:begin + BATCH]
        pixels = np.stack([load_pixels(Image.open(folder / "images" / name), size) for name in chosen])
        yield chosen, normalise(torch.from_numpy(pixels))


def read_truth(document):
    """Ground truth per file name: boxes [n, 4] (left, top, right, bottom) and labels [n]."""
    truth = {image["file_name"]: [] for image in document["images"]}
    names = {image["id"]: image["file_name"] for image in document["images"]}
    for row in document["annotations"]:
        left, top, width, height = row["bbox"]
        truth[names[row["image_id"]]].append((left, top, left + width, top + height, row["category_id"]))
    tables = {name: np.array(rows, np.float64).reshape(-1, 5) for name, rows in truth.items()}
    return {name: {"boxes": table[:, :4], "labels": table[:, 4].astype(int)} for name, table in tables.items()}


def find_objects(network, folder, document):
    """Detections per file name, boxes in the picture's pixels."""
    sizes = {image["file_name"]: (image["width"], image["height"]) for image in document["images"]}
    found, side = {}, INPUT_SIZES["detection"]
    for names, images in batches(folder, list(sizes), side):
        for name, result in zip(names, detect(network, images)):
            scale = np.array(sizes[name] * 2) / side
            found[name] = {"boxes": result["boxes"].numpy() * scale, "scores": result["scores"].numpy(),
                           "labels": result["labels"].numpy()}
    return found


def coco_results(document, found):
    """Rows of COCO's result format."""
    return [{"image_id": image["id"], "category_id": int(label), "score": round(float(score), 6),
             "bbox": [round(float(v), 4) for v in (*box[:2], *(box[2:] - box[:2]))]}
            for image in document["images"]
            for box, score, label in zip(*(found[image["file_name"]][key] for key in ("boxes", "scores", "labels")))]


def evaluate_detection(network, folder, output):
    """Print the figures and write detections.json."""
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    truth, found = read_truth(document), find_objects(network, folder, document)
    names = list(truth)
    pairs = [found[name] for name in names], [truth[name] for name in names]
    tables = [average_precisions(*pairs, NUM_CLASSES - 1, threshold) for threshold in THRESHOLDS]
    for label, value in zip(SCENE_LABELS, tables[0]):
        print(f"  {label:12s} AP@0.5 {value:.4f}")
    print(f"mAP@0.5 {np.nanmean(tables[0]):.4f}  mAP@0.75 {np.nanmean(tables[5]):.4f}  "
          f"mAP@[.5:.95] {np.nanmean(tables):.4f}  on {len(names)} pictures")
    (output / "detections.json").write_text(json.dumps(coco_results(document, found)) + "\n", encoding="utf-8")


def evaluate_segmentation(network, folder, output):
    """Print the figures and write masks/."""
    (output / "masks").mkdir(exist_ok=True)
    names = sorted(path.name for path in (folder / "masks").glob("*.png"))
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64)
    for chosen, images in batches(folder, names, INPUT_SIZES["segmentation"]):
        for name, logits in zip(chosen, network(images)["out"]):
            expected = np.asarray(Image.open(folder / "masks" / name))
            full = functional.interpolate(logits[None], size=expected.shape, mode="bilinear", align_corners=False)
            mask = full[0].argmax(0).numpy().astype(np.uint8)
            counts += confusion(expected, mask, NUM_CLASSES)
            mask_picture(mask).save(output / "masks" / name)
    values = class_iou(counts)
    for label, value in zip(("background", *SCENE_LABELS), values):
        print(f"  {label:12s} IoU {value:.4f}")
    print(f"mean IoU {values.mean():.4f}, without the background {values[1:].mean():.4f}, "
          f"pixels right {np.trace(counts) / counts.sum():.4f}, on {len(names)} pictures")


EVALUATIONS = {"detection": evaluate_detection, "segmentation": evaluate_segmentation}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=EVALUATIONS)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml; the weights lie beside it")
    parser.add_argument("folder", type=Path, help="folder of make_eval_scenes.py")
    parser.add_argument("output", type=Path, help="folder for the predictions")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        EVALUATIONS[arguments.task](load_network(arguments.task, arguments.config), arguments.folder, arguments.output)


if __name__ == "__main__":
    main()
