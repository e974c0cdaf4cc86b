#!/usr/bin/env python3
"""Writes tests/reference_data/pth: checkpoints saved by PyTorch, each with a safetensors twin of the same tensors.

Usage: make_pth_fixtures.py [FOLDER]; needs PyTorch (Debian: python3-torch).
"""

import argparse
import collections
import datetime
import enum
import json
import random
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}


def raw_bytes(tensor):
    flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    if flat.dtype == torch.bfloat16:
        flat = flat.view(torch.int16)
    return flat.numpy().tobytes()


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        piece = raw_bytes(tensor)
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def network():
    return torch.nn.Sequential(OrderedDict(
        conv=torch.nn.Conv2d(3, 8, 3, bias=False), norm=torch.nn.BatchNorm2d(8), act=torch.nn.ReLU(),
        pool=torch.nn.AdaptiveAvgPool2d(1), flat=torch.nn.Flatten(), fc=torch.nn.Linear(8, 5)))


def views():
    base = torch.arange(24, dtype=torch.float32)
    halves = torch.arange(12).half()
    images = torch.arange(48, dtype=torch.float32).reshape(2, 3, 2, 4)
    return {
        "base": base,
        "tail": base[20:],
        "matrix": base.reshape(4, 6),
        "transposed": base.reshape(4, 6).t(),
        "every_second": base[1::2],
        "block": base.reshape(4, 6)[1:3, 2:5],
        "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
        "expanded": base[3:6].reshape(3, 1).expand(3, 4),
        "channels_last": images.to(memory_format=torch.channels_last),
        "half_transposed": halves.reshape(3, 4).t(),
        "scalar": base[7],
        "empty": torch.zeros(0, 3),
        "one_row": base.reshape(4, 6)[2:3],
    }


def trained(net):
    """A checkpoint as a training program saves it, with averaged weights beside the raw ones."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    net(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    average = {name: value * 0.5 if value.is_floating_point() else value for name, value in net.state_dict().items()}
    return {
        "epoch": 12, "arch": "tiny", "best": 0.71875, "seed": 2**40, "resumed": None, "finished": True,
        "args": {"lr": 1e-3, "betas": (0.9, 0.999), "sizes": [224, 256], "name": "tiny"},
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": {key: value for key, value in schedule.state_dict().items() if not callable(value)},
        "model_ema": average,
        "model": net.state_dict(),
    }


class Mode(enum.Enum):
    TRAIN = 1


def everything(net):
    """What training programs put beside the weights, as far as Python can pickle it, and tensors among it."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])
    return {
        "best_acc1": torch.tensor(75.2), "loss": torch.tensor(0.5), "updates": torch.tensor(100), "epoch": np.int64(90),
        "rng_state": torch.get_rng_state(), "numpy_rng_state": np.random.RandomState(1).get_state(),
        "python_rng_state": random.Random(1).getstate(), "history": np.arange(5, dtype=np.float32),
        "scores": {0.5: 0.8, 0.75: np.float64(0.6), ("ap", 50): [1.0]}, "args": argparse.Namespace(lr=0.1, size=(224, 224)),
        "scheduler": schedule.state_dict(), "optimizer": optimizer.state_dict(), "counts": collections.Counter("abca"),
        "groups": collections.defaultdict(list, a=[1]), "queue": collections.deque([1, 2], 5), "classes": {"cat", "dog"},
        "frozen": frozenset([1, 2]), "raw": b"bytes", "array": bytearray(b"bytes"), "complex": 1 + 2j, "range": range(3),
        "big": 2**100, "device": torch.device("cuda", 0), "dtype": torch.float16, "size": torch.Size([3, 4]),
        "started": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "folder": Path("/data/runs"), "mode": Mode.TRAIN,
        "half_complex": torch.zeros(2, dtype=torch.complex64), "sparse": torch.eye(2).to_sparse(),
        "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "function": torch.nn.functional.relu,
        "state_dict": net.state_dict(),
    }


def refused_files(folder):
    """What torch.load would run or build, and this project must not."""
    net = network()
    torch.save(net, folder / "whole_model.pth")
    torch.save(net.state_dict(), folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Linear(2, 2))), str(folder / "torchscript.pth"))


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "tests/reference_data/pth")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    net = network()
    checkpoint = trained(net)
    numbers = torch.tensor([-2, 0, 1, 3])
    cases = {
        "state_dict": (net.state_dict(), None, {}),
        "types": ({DTYPES[dtype].lower(): numbers.to(dtype) for dtype in DTYPES}, None, {}),
        "parameters": (dict(net.named_parameters()), None, {}),
        "data_parallel": (torch.nn.DataParallel(net).state_dict(), None, {}),
        "views": (views(), None, {}),
        "trained": (checkpoint, "model", {}),
        "averaged_only": ({"state_dict_ema": checkpoint["model_ema"], "epoch": 3}, "state_dict_ema", {}),
        "namespace": ({"model": net.state_dict(), "args": argparse.Namespace(lr=0.1)}, "model", {}),
        "everything": (everything(net), "state_dict", {}),
        "everything4": (everything(net), "state_dict", {"pickle_protocol": 4}),
        "everything5": (everything(net), "state_dict", {"pickle_protocol": 5}),
        "protocol4": ({"state_dict": net.state_dict()}, "state_dict", {"pickle_protocol": 4}),
    }
    for name, (content, entry, options) in cases.items():
        torch.save(content, folder / f"{name}.pth", **options)
        write_safetensors(folder / f"{name}.safetensors", content[entry] if entry else content)
    write_safetensors(folder / "trained.model_ema.safetensors", checkpoint["model_ema"])
    refused_files(folder)
    (folder / "README.md").write_text(
        f"Written by tools/make_pth_fixtures.py with PyTorch {torch.__version__}; every .pth that can be read has a\n"
        "safetensors twin of the same tensors.\n")


if __name__ == "__main__":
    main()
