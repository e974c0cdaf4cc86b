"""Compares model.py with the reference records of NetsPresso Trainer's MobileNetV3 classifiers.

For each configuration: names, shapes and order of the state dictionary, the parameter count, and the logits for the
weights and the input that the records' formula produces.
"""

import argparse
import json
import math
import struct
from pathlib import Path

import numpy as np
import torch

from model import COLUMNS, Classifier, count_macs, count_parameters, read_stages

MASK = (1 << 64) - 1
MODELS = ("netspresso/mobilenetv3-small-classification", "netspresso/mobilenetv3-large-classification")


def fnv1a(text):
    """64-bit FNV-1a hash of a string."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def unit_values(seed, name, count):
    """`count` float32 values in [0, 1): the splitmix64 stream of the tensor called `name`."""
    start = np.uint64(fnv1a(f"{seed}/{name}"))
    z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = z ^ (z >> np.uint64(31))
    return ((x >> np.uint64(40)).astype(np.float64) / 2**24).astype(np.float32)


def formula_tensor(seed, gain, name, shape):
    """The value of one parameter or buffer, float32 of `shape`."""
    u = unit_values(seed, name, math.prod(shape)).reshape(shape)
    symmetric = 2 * u - np.float32(1)
    if name.endswith(("running_mean", "bias")):
        return np.float32(0.2) * symmetric
    if name.endswith("running_var") or len(shape) == 1:
        return np.float32(0.5) + u
    return symmetric * np.float32(math.sqrt(gain / math.prod(shape[1:])))


def read_golden(path, name):
    """(values, flat indices) of one tensor of a golden file; the indices are None where it is stored whole."""
    data = Path(path).read_bytes()
    (header_size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + header_size])
    types = {"F32": np.float32, "I64": np.int64}

    def tensor(key):
        begin, end = header[key]["data_offsets"]
        return np.frombuffer(data[8 + header_size + begin:8 + header_size + end], types[header[key]["dtype"]])

    return tensor(name), tensor(name + ".index") if name + ".index" in header else None


def check(reference, entry):
    """Raise AssertionError where our network differs from the record `entry`; return the relative error."""
    record = json.loads((reference / entry["config"]).read_text())
    stages = read_stages([dict(zip(COLUMNS, zip(*stage))) for stage in record["stages"]])
    network = Classifier(stages, entry["num_classes"], record["head"]["params"]).eval()
    assert count_parameters(network) == entry["params"], "parameter count"
    assert count_macs(network, entry["macs_at"]) == entry["macs_conv_linear"], "MACs"

    rows = [line.split("\t") for line in (reference / entry["tensors"]).read_text().splitlines()[1:]]
    state = network.state_dict()
    expected = [(row[0], [] if row[1] == "scalar" else [int(n) for n in row[1].split("x")]) for row in rows]
    assert [(name, list(value.shape)) for name, value in state.items()] == expected, "state dictionary"

    seed, gain = entry["seed"], entry["gain"]
    network.load_state_dict({
        name: value if name.endswith("num_batches_tracked")
        else torch.from_numpy(formula_tensor(seed, gain, name, list(value.shape)))
        for name, value in state.items()})
    shape = entry["input_shape"]
    image = np.float32(2) * (2 * unit_values(seed, "input", math.prod(shape)) - np.float32(1))
    with torch.no_grad():
        logits = network(torch.from_numpy(image.reshape(shape))).numpy().ravel()
    golden, index = read_golden(reference / entry["golden"], "logits")
    found = logits if index is None else logits[index]
    error = float(np.abs(found - golden).max() / np.abs(golden).max())
    assert error <= entry["tolerance"]["rel_to_max"], f"logits differ by {error} of their maximum"
    return error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path, help="folder with manifest.json, configs/, tensors/ and golden/")
    arguments = parser.parse_args()
    manifest = json.loads((arguments.reference / "manifest.json").read_text())
    entries = {entry["id"]: entry for entry in (manifest["models"] if isinstance(manifest, dict) else manifest)}
    for name in MODELS:
        error = check(arguments.reference, entries[name])
        print(f"{name}: names, shapes and logits agree (relative error {error:.1e})")


if __name__ == "__main__":
    main()
