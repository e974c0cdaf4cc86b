"""Makes reference records of timm models: expected outputs, tensor names and a manifest entry.

Usage: PYTHONPATH=<timm> make_timm_records.py tests/reference_data NAME...   (Debian's python3-torch, any timm 1.0)

Weights and input follow the formula that nn/weights/synthetic.h documents; outputs come from a float64 run. The gain of a
network without a record of its own is given as NAME=GAIN (4 if absent).
"""
import argparse
import pathlib

import timm

from reference_records import add_to_manifest, record


def timm_record(name: str, gain: float, folder: pathlib.Path) -> dict:
    model = timm.create_model(name).eval()
    info = model.feature_info.info if hasattr(model.feature_info, "info") else model.feature_info
    cfg = model.pretrained_cfg
    return record(
        model, "timm", name, gain, folder, {f"feature.{k}": level["module"] for k, level in enumerate(info)},
        library_version=timm.__version__, num_classes=1000, feature_reduction=[level["reduction"] for level in info],
        preprocess={"input_size": list(cfg["input_size"]), "crop_pct": cfg["crop_pct"], "interpolation": cfg["interpolation"],
                    "mean": list(cfg["mean"]), "std": list(cfg["std"])})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="+", metavar="NAME[=GAIN]")
    arguments = parser.parse_args()
    for text in arguments.names:
        name, _, gain = text.partition("=")
        add_to_manifest(arguments.folder, timm_record(name, float(gain or 4), arguments.folder))


if __name__ == "__main__":
    main()
