"""Compares the C++ program's predictions with PyTorch's on the same pictures.

Usage: compare.py EVAL_DIR PREDICTIONS_PYTORCH.tsv PREDICTIONS.jsonl
The JSON lines come from `backbone-zoo predict configs/demo/emoji.yaml --source 'EVAL_DIR/*/*.png' --topk 1 --json PREDICTIONS.jsonl`.
Prints both top-1 figures and every disagreement; exits with 1 if there is one or a picture is missing.
"""

import json
import sys
from pathlib import Path


def read_tsv(path):
    """`picture<TAB>class index` lines as a dictionary."""
    rows = (line.split("\t") for line in Path(path).read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}


def main(folder, pytorch_file, cpp_file):
    labels = read_tsv(Path(folder) / "labels.tsv")
    pytorch = read_tsv(pytorch_file)
    lines = (json.loads(line) for line in Path(cpp_file).read_text().splitlines())
    cpp = {str(Path(line["source"]).relative_to(folder)): line["top"][0]["index"] for line in lines}
    for name, found in (("PyTorch", pytorch), ("C++", cpp)):
        correct = sum(found.get(picture) == label for picture, label in labels.items())
        print(f"{name:8} {correct} of {len(labels)} = {100 * correct / len(labels):.2f} % top-1")
    different = [picture for picture in labels if cpp.get(picture, -1) != pytorch.get(picture)]
    for picture in different:
        print(f"differs: {picture}: PyTorch {pytorch.get(picture)}, C++ {cpp.get(picture)}")
    print(f"the two agree on {len(labels) - len(different)} of {len(labels)}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
