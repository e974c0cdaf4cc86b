"""Trains the network that a YAML configuration describes on the shards that render_pool.py writes.

AdamW with a one-cycle learning rate, label smoothing, growing input size, and an exponential moving average of the
weights, which is what gets validated and saved. One line per validation; the checkpoint is saved each time.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from model import build_classifier, count_macs, count_parameters, load_config
from preprocess import load_pixels, normalise
from render import Renderer
from shards import ShardPool

NUM_CLASSES = 64
EMA_DECAY = 0.998
WEIGHT_DECAY = 0.02
WARM_UP = 0.08  # part of the steps
SIZE_PLAN = ((0.4, 80), (0.7, 96), (1.0, 112))  # input size until this part of the steps
VALIDATION_SEED = 9001  # neither the training nor the evaluation seed
VALIDATION_COUNT = 1280


def augment(images, size):
    """Resample normalised images [N, 3, H, W] to `size`; two thirds are moved, zoomed, turned and re-lit a little."""
    count = len(images)
    active = (torch.rand(count) < 0.67).float()
    angle, zoom = 0.2 * torch.randn(count) * active, torch.exp(0.12 * torch.randn(count) * active)
    shift = 0.08 * torch.randn(count, 2) * active[:, None]
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(theta, (count, 3, size, size), align_corners=False)
    images = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain = torch.exp(0.15 * torch.randn(count, 3, 1, 1) * active[:, None, None, None])
    offset = 0.15 * torch.randn(count, 3, 1, 1) * active[:, None, None, None]
    return (images * gain + offset).contiguous(memory_format=torch.channels_last)


def value_at(plan, progress):
    """The value of the first entry (limit, value) whose limit is not reached."""
    return next(value for limit, value in plan if progress < limit or limit == plan[-1][0])


def learning_rate(peak, progress):
    """Linear warm-up, then half a cosine down to zero."""
    if progress < WARM_UP:
        return peak * progress / WARM_UP
    return peak * 0.5 * (1 + np.cos(np.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def update_average(average, network, step):
    """Move the averaged network a little towards the trained one, running statistics included."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), network.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def accuracy(network, pixels, labels, settings, batch=128):
    """Top-1 accuracy on uint8 pixels [N, H, W, 3]."""
    network.eval()
    with torch.no_grad():
        right = sum(int((network(normalise(pixels[i:i + batch], settings)).argmax(1) == labels[i:i + batch]).sum())
                    for i in range(0, len(pixels), batch))
    return right / len(pixels)


def validation_set(settings):
    """Pictures of the evaluation's kind from a seed of their own: (uint8 pixels, labels)."""
    renderer = Renderer("eval", VALIDATION_SEED)
    pixels = np.stack([load_pixels(renderer.render(index), settings) for index in range(VALIDATION_COUNT)])
    return torch.from_numpy(pixels), torch.arange(VALIDATION_COUNT) % NUM_CLASSES


def make_optimizer(network, peak):
    """AdamW; weight decay on matrices and kernels only."""
    decayed = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY},
                              {"params": others, "weight_decay": 0.0}], lr=peak)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml")
    parser.add_argument("pool", type=Path, help="folder with the shards")
    parser.add_argument("checkpoint", type=Path, help="state dictionary to write (torch format, float32)")
    parser.add_argument("--start", type=Path, help="state dictionary to start from")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--full-size", action="store_true", help="train at the full input size from the first step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    config = load_config(arguments.config)
    settings = config["preprocess"]
    smoothing = config["model"]["losses"][0]["label_smoothing"]
    plan = ((1.0, settings["crop"]),) if arguments.full_size else SIZE_PLAN

    network = build_classifier(config)
    print(f"{count_parameters(network)} parameters, {count_macs(network, settings['crop'])} MACs", flush=True)
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start))
    network = network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimizer = make_optimizer(network, arguments.peak)
    pool = ShardPool(arguments.pool, ("pixels",))
    pixels, labels = validation_set(settings)

    begin, losses = time.time(), []
    for step in range(1, arguments.steps + 1):
        progress = step / arguments.steps
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(arguments.peak, progress)
        network.train()
        rows, batch_pixels = pool.rows(rng, arguments.batch)
        targets = torch.from_numpy(rows % NUM_CLASSES)
        images = augment(normalise(torch.from_numpy(batch_pixels), settings), value_at(plan, progress))
        loss = functional.cross_entropy(network(images), targets, label_smoothing=smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        update_average(average, network, step)
        losses.append(loss.item())
        if step % 50 == 0:
            pool.refresh()
        if step % 250 == 0 or step == arguments.steps:
            validated = accuracy(average, pixels, labels, settings)
            print(f"step {step}  loss {np.mean(losses):.3f}  validation {validated:.4f}  {time.time() - begin:.0f} s",
                  flush=True)
            losses.clear()
            torch.save(average.state_dict(), arguments.checkpoint)


if __name__ == "__main__":
    main()
