"""Renders the evaluation pictures: `NN_label/NNNNN.png` and `labels.tsv` (path, tab, label index)."""

import argparse
from pathlib import Path

from classes import LABELS
from render import Renderer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=6400)
    parser.add_argument("--seed", type=int, default=2025)
    arguments = parser.parse_args()

    renderer = Renderer("eval", arguments.seed)
    rows = []
    for index in range(arguments.count):
        label = index % len(LABELS)
        path = Path(f"{label:02d}_{LABELS[label].replace(' ', '_')}") / f"{index:05d}.png"
        (arguments.folder / path).parent.mkdir(parents=True, exist_ok=True)
        renderer.render(index).save(arguments.folder / path, compress_level=1)
        rows.append(f"{path}\t{label}\n")
    (arguments.folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
