"""The weights formula that nn/weights/synthetic.h documents, and safetensors files: for the makers of reference records."""

import json
import math
import pathlib
import struct

import numpy as np

SEED = "dev"


def uniform(name: str, count: int) -> np.ndarray:
    """The formula's u for a tensor: float32 in [0, 1)."""
    state = 0xCBF29CE484222325
    for byte in f"{SEED}/{name}".encode():
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = z ^ (z >> np.uint64(31))
    return ((x >> np.uint64(40)).astype(np.float64) / 2**24).astype(np.float32)


def rule_of(name: str, dims: int) -> str:
    last = name.rsplit(".", 1)[-1]
    named = {"running_mean": "mean", "running_var": "var", "num_batches_tracked": "zero", "gamma": "gamma", "bias": "bias"}
    return named.get(last, "norm" if dims == 1 else "weight")


def value(name: str, shape: tuple, gain: float) -> np.ndarray:
    one = np.float32
    u = uniform(name, math.prod(shape))
    rule = rule_of(name, len(shape))
    if rule in ("mean", "bias"):
        flat = one(0.2) * (one(2) * u - one(1))
    elif rule in ("var", "norm"):
        flat = one(0.5) + u
    elif rule == "gamma":
        flat = one(0.1) * (one(0.5) + u)
    else:
        flat = (one(2) * u - one(1)) * one(math.sqrt(gain / math.prod(shape[1:])))
    return flat.reshape(shape)


def write_safetensors(path: pathlib.Path, tensors: dict, metadata: dict) -> None:
    """Writes float32 and int64 arrays."""
    header = {"__metadata__": metadata}
    offset = 0
    for name, tensor in tensors.items():
        kind = "I64" if tensor.dtype == np.int64 else "F32"
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))
