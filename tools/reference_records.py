"""The files of a reference record of a PyTorch module, and its entry in the manifest. Used by make_*_records.py."""
import json
import math
import pathlib

import numpy as np
import torch

from reference_formula import SEED, rule_of, uniform, value, write_safetensors

FEATURE_SAMPLES = 256
INPUT_SIZE = 224  # of every record, whatever the checkpoint was trained with
WHOLE = ("logits", "anchors")  # outputs that are stored completely


def image() -> torch.Tensor:
    """The input of a record."""
    shape = (1, 3, INPUT_SIZE, INPUT_SIZE)
    return (2 * (2 * torch.from_numpy(uniform("input", math.prod(shape))) - 1)).reshape(shape)


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


def run(model: torch.nn.Module, source: torch.Tensor, features: dict, outputs_of=lambda result: {"logits": result}) -> tuple:
    """Outputs by name, and the multiply-accumulates of convolutions and linear layers.

    `features` maps an output's name to the module that yields it, `outputs_of` the model's result to further outputs.
    """
    outputs = {}
    macs = 0

    def count(module, inputs, output):
        nonlocal macs
        per_value = module.weight[0].numel()
        macs += per_value * output[0].numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    for name, module in features.items():
        hooks.append(model.get_submodule(module).register_forward_hook(lambda m, i, o, k=name: outputs.update({k: o})))
    with torch.no_grad():
        result = model(source)
    for hook in hooks:
        hook.remove()
    return {**outputs_of(result), **dict(sorted(outputs.items()))}, macs


def write_golden(path: pathlib.Path, metadata: dict, outputs: dict) -> None:
    tensors = {}
    for name, output in outputs.items():
        flat = output.flatten().numpy().astype(np.float32)
        tensors[f"{name}.shape"] = np.array(output.shape, dtype=np.int64)
        if name in WHOLE:
            tensors[name] = flat.reshape(output.shape)
        else:
            index = np.unique((uniform(f"{name}.index", FEATURE_SAMPLES).astype(np.float64) * flat.size).astype(np.int64))
            tensors[name] = flat[index]
            tensors[f"{name}.index"] = index
    write_safetensors(path, tensors, metadata)


def record(model: torch.nn.Module, library: str, name: str, gain: float, folder: pathlib.Path, features: dict, **further) -> dict:
    """Writes golden and tensors file; yields the manifest's entry, to which `further` belongs."""
    outputs_of = further.pop("outputs_of", lambda result: {"logits": result})
    rows = load_formula(model, gain)
    source = image()
    single, _ = run(model, source, features, outputs_of)
    double, macs = run(model.double(), source.double(), features, outputs_of)

    stem = f"{library}__{name}"
    shape = list(source.shape)
    metadata = {"model": f"{library}/{name}", "seed": SEED, "gain": str(gain), "input_shape": str(shape), "input_scale": "1.0"}
    write_golden(folder / "golden" / f"{stem}.safetensors", metadata, double)
    lines = ["\t".join(row) for row in [("name", "shape", "dtype", "role", "rule"), *rows]]
    (folder / "tensors" / f"{stem}.tsv").write_text("\n".join(lines) + "\n")

    def error(key):
        return float(f"{(single[key].double() - double[key]).abs().max() / double[key].abs().max():.3g}")

    errors = {key: error(key) for key in double}
    largest = {key: f"{double[key].abs().max():.3g}" for key in double}
    print(f"{name}: largest values {largest}, float32 error {max(errors.values()):.3g}")
    return {
        "id": f"{library}/{name}", "library": library, "task": "classification", "seed": SEED, "gain": gain,
        "input_shape": shape, "input_scale": 1.0,
        "params": sum(p.numel() for p in model.parameters()), "state_tensors": len(rows), "macs_at": INPUT_SIZE,
        "macs_conv_linear": macs, "macs_attention_matmul": 0,
        "bn_eps": sorted({m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)}),
        "outputs": {key: list(output.shape) for key, output in double.items()},
        "golden": f"golden/{stem}.safetensors", "tensors": f"tensors/{stem}.tsv", "feature_modules": list(features.values()),
        "fp32_vs_fp64_rel_error": errors,
        "tolerance": {"rel_to_max": 1e-4,
                      "meaning": "max|y-ref| <= rel_to_max * max|ref|, per tensor (over the stored values)"},
        **further,
    }


def add_to_manifest(folder: pathlib.Path, entry: dict) -> None:
    """Puts an entry behind the others of its library, in place of an older one of the same id."""
    manifest_file = folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    models = [model for model in manifest["models"] if model["id"] != entry["id"]]
    last = max(i for i, model in enumerate(models) if model["library"] == entry["library"])
    manifest["models"] = models[: last + 1] + [entry] + models[last + 1 :]
    manifest_file.write_text(json.dumps(manifest, indent=1))
