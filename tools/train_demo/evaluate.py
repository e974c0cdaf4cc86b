"""Top-1 accuracy of the shipped weights on the pictures of make_eval_set.py.

Prints the accuracy, the smallest distance between the two highest logits, and the confusions; writes the predictions as
`path, tab, index of the highest logit`, so that another program's can be compared with them.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model import build_classifier, load_config
from preprocess import load_pixels, normalise
from safetensors_file import read_safetensors


def load_network(config_path):
    """The network of a configuration with its weights, F16 values computed with in float32."""
    config = load_config(config_path)
    network = build_classifier(config)
    tensors = read_safetensors(config_path.parent / config["model"]["checkpoint"]["path"])
    state = {name: torch.from_numpy(array.astype(np.float32 if array.dtype == "<f2" else np.int64))
             for name, array in tensors.items()}
    network.load_state_dict(state)
    return network.eval()


def predict(network, paths, settings, batch=100):
    """Logits [len(paths), num_classes]."""
    parts = []
    with torch.no_grad():
        for begin in range(0, len(paths), batch):
            pixels = np.stack([load_pixels(Image.open(path), settings) for path in paths[begin:begin + batch]])
            parts.append(network(normalise(torch.from_numpy(pixels), settings)))
    return torch.cat(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="configs/demo/emoji.yaml")
    parser.add_argument("folder", type=Path, help="folder of make_eval_set.py")
    parser.add_argument("predictions", type=Path, help="TSV file to write")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    config = load_config(arguments.config)
    names = (arguments.config.parent / config["model"]["labels"]).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in (arguments.folder / "labels.tsv").read_text(encoding="utf-8").splitlines()]
    logits = predict(load_network(arguments.config), [arguments.folder / path for path, _ in rows],
                     config["preprocess"])
    found = logits.argmax(1).tolist()
    arguments.predictions.write_text("".join(f"{path}\t{index}\n" for (path, _), index in zip(rows, found)),
                                     encoding="utf-8")

    expected = [int(label) for _, label in rows]
    right = sum(a == b for a, b in zip(found, expected))
    highest = logits.topk(2).values
    print(f"top-1: {right} of {len(rows)} = {100 * right / len(rows):.2f} %")
    print(f"smallest distance between the two highest logits: {float((highest[:, 0] - highest[:, 1]).min()):.2g}")
    confusions = Counter((names[a], names[b]) for a, b in zip(expected, found) if a != b)
    for (shown, named), count in confusions.most_common(12):
        print(f"  {shown} taken for {named}: {count}")
    misses = Counter(names[a] for a, b in zip(expected, found) if a != b)
    print("most missed: " + ", ".join(f"{name} {count}" for name, count in misses.most_common(8)))


if __name__ == "__main__":
    main()
