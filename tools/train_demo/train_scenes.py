"""Trains a scene network on the shards that render_scene_pool.py writes, for a given time.

AdamW, a learning rate that rises and falls with the clock, growing input size, and an exponential moving average of the
weights, which is what gets validated and saved. One line per validation; the checkpoint is saved each time.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torchvision.ops import box_iou

from model import load_config
from safetensors_file import read_safetensors
from scene_metrics import average_precisions, class_iou, confusion
from scene_models import BUILDERS, NUM_CLASSES, build_mobilenet, detect, detector_outputs, load_classifier
from scene_preprocess import INPUT_SIZES, load_pixels, normalise
from scenes import SceneRenderer
from shards import ShardPool
from train import learning_rate, make_optimizer, update_average, value_at

FIRST_PART, FIRST_SIZE = 0.55, 128  # smaller inputs until this part of the time
FROZEN_MODULES = 4  # of the backbone, up to stride 4: they know emoji already, and cost most
LEAST_LEFT = 0.4  # part of a box that augmentation must leave in the picture
MASK_STEP = 2  # the segmentation loss looks at every second pixel of every second row
VALIDATION_SEED = 9001  # neither the training nor the evaluation seed
VALIDATION_COUNT = 100
VALIDATION_STEPS = 200


def augment(images, masks, boxes, size):
    """Resample normalised images [N, 3, H, W] and masks [N, H, W] to `size`, zoomed, moved and re-lit a little;
    `boxes` [N, n, 5] in 0..1 follow, zeros where too little is left."""
    count = len(images)
    zoom = torch.exp(torch.empty(count, 1).uniform_(-0.3, 0.12) + 0.06 * torch.randn(count, 2))
    shift = torch.empty(count, 2).uniform_(-1, 1) * ((1 - zoom).abs() + 0.03)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = zoom[:, 0], zoom[:, 1], shift
    grid = functional.affine_grid(theta, (count, 3, size, size), align_corners=False)
    images = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    masks = functional.grid_sample(masks[:, None].float(), grid, "nearest", "reflection", align_corners=False)
    gain = torch.exp(0.12 * torch.randn(count, 3, 1, 1))
    images = images * gain + 0.12 * torch.randn(count, 3, 1, 1)

    corners = boxes[..., :4].reshape(count, -1, 2, 2)
    moved = ((2 * corners - 1 - shift[:, None, None]) / zoom[:, None, None] + 1) / 2
    inside = moved.clamp(0, 1)
    left = (inside[:, :, 1] - inside[:, :, 0]).prod(-1) > LEAST_LEFT * (moved[:, :, 1] - moved[:, :, 0]).prod(-1)
    rows = torch.cat([inside.flatten(2), boxes[..., 4:]], -1) * (left & (boxes[..., 4] > 0))[..., None]
    return images.contiguous(memory_format=torch.channels_last), masks[:, 0].long(), rows


def detection_loss(network, images, _masks, boxes):
    """torchvision's SSD loss: smooth L1 and cross entropy with the hardest negatives."""
    outputs, anchors = detector_outputs(network, images)
    targets, matches = [], []
    for rows in boxes:
        rows = rows[rows[:, 4] > 0]
        targets.append({"boxes": rows[:, :4] * images.shape[-1], "labels": rows[:, 4].long()})
        overlaps = box_iou(targets[-1]["boxes"], anchors)
        matches.append(network.proposal_matcher(overlaps) if len(rows) else torch.full((len(anchors),), -1))
    return sum(network.compute_loss(targets, outputs, [anchors] * len(images), matches).values())


def segmentation_loss(network, images, masks, _boxes):
    """Cross entropy on a grid of pixels whose offset changes from step to step."""
    logits = network.classifier(network.backbone(images))
    size = images.shape[-1]
    logits = functional.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
    y, x = torch.randint(MASK_STEP, (2,)).tolist()
    return functional.cross_entropy(logits[..., y::MASK_STEP, x::MASK_STEP], masks[:, y::MASK_STEP, x::MASK_STEP])


LOSSES = {"detection": detection_loss, "segmentation": segmentation_loss}


def validation_scenes(size):
    """(uint8 pixels [n, H, W, 3], scenes) of the evaluation's kind from a seed of their own."""
    renderer = SceneRenderer("eval", VALIDATION_SEED)
    scenes = [renderer.render(index) for index in range(VALIDATION_COUNT)]
    return torch.from_numpy(np.stack([load_pixels(scene.picture, size) for scene in scenes])), scenes


def validate_detection(network, batches, scenes):
    """mAP at IoU 0.5."""
    found = [{name: value.numpy() for name, value in result.items()}
             for images in batches for result in detect(network, images)]
    truth = [{"boxes": scene.boxes() * (INPUT_SIZES["detection"] / np.array(scene.picture.size * 2)),
              "labels": np.array(scene.classes)} for scene in scenes]
    return np.nanmean(average_precisions(found, truth, NUM_CLASSES - 1, 0.5))


def validate_segmentation(network, batches, scenes):
    """Mean IoU over all classes at the pictures' size."""
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64)
    scores = [logits for images in batches for logits in network(images)["out"]]
    for logits, scene in zip(scores, scenes):
        full = functional.interpolate(logits[None], size=scene.owners.shape, mode="bilinear", align_corners=False)
        counts += confusion(scene.mask(), full[0].argmax(0).numpy(), NUM_CLASSES)
    return class_iou(counts).mean()


VALIDATIONS = {"detection": validate_detection, "segmentation": validate_segmentation}


def validate(task, network, pixels, scenes):
    """The task's figure of merit."""
    network.eval()
    with torch.no_grad():
        batches = [normalise(part) for part in pixels.split(32)]
        return VALIDATIONS[task](network, batches, scenes)


def start_network(task, config_path, start):
    """A network of `task`; its backbone begins with the demo's weights, or with whatever fits in `start`."""
    model = load_config(config_path)["model"]
    tensors = read_safetensors(config_path.parent / model["checkpoint"]["path"])
    classifier = build_mobilenet(model["architecture"]["backbone"]["stage_params"])
    network = BUILDERS[task](load_classifier(classifier, tensors))
    if start:
        names = network.load_state_dict(torch.load(start), strict=False)
        print(f"{len(names.missing_keys)} tensors not in {start}", flush=True)
    return network


def freeze(network, count):
    """Keep the first `count` backbone modules as they are, running statistics included; call it after `train()`."""
    for index in range(count):
        getattr(network.backbone, str(index)).requires_grad_(False).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=LOSSES)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml, for the backbone and its weights")
    parser.add_argument("pool", type=Path, help="folder with the shards")
    parser.add_argument("checkpoint", type=Path, help="state dictionary to write (torch format, float32)")
    parser.add_argument("--start", type=Path, help="state dictionary to start from; other tensors stay as they are")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--frozen", type=int, default=FROZEN_MODULES, help="backbone modules that stay as they are")
    parser.add_argument("--full-size", action="store_true", help="train at the full input size from the first step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    size = INPUT_SIZES[arguments.task]
    plan = ((1.0, size),) if arguments.full_size else ((FIRST_PART, FIRST_SIZE), (1.0, size))
    network = start_network(arguments.task, arguments.config, arguments.start).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    freeze(network, arguments.frozen)
    optimizer = make_optimizer(network, arguments.peak)
    pool = ShardPool(arguments.pool, ("pixels", "masks", "boxes"))
    pixels, scenes = validation_scenes(size)

    begin, step, losses, progress = time.time(), 0, [], 0.0
    while progress < 1:
        step += 1
        progress = min((time.time() - begin) / (60 * arguments.minutes), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(arguments.peak, progress)
        network.train()
        freeze(network, arguments.frozen)
        batch, masks, boxes = map(torch.from_numpy, pool.rows(rng, arguments.batch)[1:])
        inputs = augment(normalise(batch), masks, boxes, value_at(plan, progress))
        loss = LOSSES[arguments.task](network, *inputs)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        update_average(average, network, step)
        losses.append(loss.item())
        if step % 50 == 0:
            pool.refresh()
        if step % VALIDATION_STEPS == 0 or progress == 1:
            validated = validate(arguments.task, average, pixels, scenes)
            print(f"step {step}  progress {progress:.2f}  loss {np.mean(losses):.3f}  validation {validated:.4f}  "
                  f"{time.time() - begin:.0f} s", flush=True)
            losses.clear()
            torch.save(average.state_dict(), arguments.checkpoint)


if __name__ == "__main__":
    main()
