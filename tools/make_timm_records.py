"""Makes reference records of timm models: expected outputs, tensor names and a manifest entry.

Usage: PYTHONPATH=<timm> make_timm_records.py tests/reference_data NAME...   (Debian's python3-torch, any timm 1.0)

Weights and input follow the formula that nn/weights/synthetic.h documents; outputs come from a float64 run. The gain of a
network without a record of its own is given as NAME=GAIN (4 if absent).
"""
import argparse
import json
import math
import pathlib

import numpy as np
import timm
import torch

from reference_formula import SEED, rule_of, uniform, value, write_safetensors

FEATURE_SAMPLES = 256
INPUT_SIZE = 224  # of every record, whatever the checkpoint was trained with


def load_formula(model: torch.nn.Module, gain: float) -> list:
    """Fills the model; yields the rows of its tensors file."""
    rows = []
    parameters = dict(model.named_parameters())
    for name, tensor in model.state_dict().items():
        rule = rule_of(name, tensor.dim())
        if rule != "zero":
            tensor.copy_(torch.from_numpy(value(name, tuple(tensor.shape), gain)))
        shape = "x".join(map(str, tensor.shape)) or "scalar"
        role = "param" if name in parameters else "buffer"
        rows.append((name, shape, "I64" if rule == "zero" else "F32", role, rule))
    return rows


def run(model: torch.nn.Module, image: torch.Tensor) -> tuple:
    """Outputs by name, and the multiply-accumulates of convolutions and linear layers."""
    outputs = {}
    macs = 0

    def count(module, inputs, output):
        nonlocal macs
        per_value = module.weight[0].numel()
        macs += per_value * output[0].numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    for index, info in enumerate(model.feature_info.info if hasattr(model.feature_info, "info") else model.feature_info):
        module = model.get_submodule(info["module"])
        hooks.append(module.register_forward_hook(lambda m, i, o, k=index: outputs.update({f"feature.{k}": o})))
    with torch.no_grad():
        logits = model(image)
    for hook in hooks:
        hook.remove()
    return {"logits": logits, **dict(sorted(outputs.items()))}, macs


def write_golden(path: pathlib.Path, metadata: dict, outputs: dict) -> None:
    tensors = {}
    for name, output in outputs.items():
        flat = output.flatten().numpy().astype(np.float32)
        tensors[f"{name}.shape"] = np.array(output.shape, dtype=np.int64)
        if name == "logits":
            tensors[name] = flat.reshape(output.shape)
        else:
            index = np.unique((uniform(f"{name}.index", FEATURE_SAMPLES).astype(np.float64) * flat.size).astype(np.int64))
            tensors[name] = flat[index]
            tensors[f"{name}.index"] = index
    write_safetensors(path, tensors, metadata)


def record(name: str, gain: float, folder: pathlib.Path) -> dict:
    model = timm.create_model(name).eval()
    rows = load_formula(model, gain)
    shape = (1, 3, INPUT_SIZE, INPUT_SIZE)
    image = (2 * (2 * torch.from_numpy(uniform("input", math.prod(shape))) - 1)).reshape(shape)
    single, _ = run(model, image)
    double, macs = run(model.double(), image.double())

    stem = f"timm__{name}"
    metadata = {"model": f"timm/{name}", "seed": SEED, "gain": str(gain), "input_shape": str(list(shape)), "input_scale": "1.0"}
    write_golden(folder / "golden" / f"{stem}.safetensors", metadata, double)
    lines = ["\t".join(row) for row in [("name", "shape", "dtype", "role", "rule"), *rows]]
    (folder / "tensors" / f"{stem}.tsv").write_text("\n".join(lines) + "\n")

    def error(key):
        return float(f"{(single[key].double() - double[key]).abs().max() / double[key].abs().max():.3g}")

    cfg = model.pretrained_cfg
    features = model.feature_info.info if hasattr(model.feature_info, "info") else model.feature_info
    errors = {key: error(key) for key in double}
    print(f"{name}: |logits| up to {double['logits'].abs().max():.3g}, float32 error {max(errors.values()):.3g}")
    return {
        "id": f"timm/{name}", "library": "timm", "library_version": timm.__version__, "task": "classification",
        "seed": SEED, "gain": gain, "input_shape": list(shape), "input_scale": 1.0, "num_classes": 1000,
        "params": sum(p.numel() for p in model.parameters()), "state_tensors": len(rows), "macs_at": INPUT_SIZE,
        "macs_conv_linear": macs, "macs_attention_matmul": 0,
        "bn_eps": sorted({m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)}),
        "outputs": {key: list(output.shape) for key, output in double.items()},
        "golden": f"golden/{stem}.safetensors", "tensors": f"tensors/{stem}.tsv",
        "feature_modules": [info["module"] for info in features],
        "feature_reduction": [info["reduction"] for info in features],
        "preprocess": {"input_size": list(cfg["input_size"]), "crop_pct": cfg["crop_pct"], "interpolation": cfg["interpolation"],
                       "mean": list(cfg["mean"]), "std": list(cfg["std"])},
        "fp32_vs_fp64_rel_error": errors,
        "tolerance": {"rel_to_max": 1e-4,
                      "meaning": "max|y-ref| <= rel_to_max * max|ref|, per tensor (over the stored values)"},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="+", metavar="NAME[=GAIN]")
    arguments = parser.parse_args()
    manifest_file = arguments.folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    for text in arguments.names:
        name, _, gain = text.partition("=")
        entry = record(name, float(gain or 4), arguments.folder)
        models = [model for model in manifest["models"] if model["id"] != entry["id"]]
        last_timm = max(i for i, model in enumerate(models) if model["library"] == "timm")
        manifest["models"] = models[: last_timm + 1] + [entry] + models[last_timm + 1 :]
    manifest_file.write_text(json.dumps(manifest, indent=1))


if __name__ == "__main__":
    main()
