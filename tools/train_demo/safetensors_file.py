"""Reads and writes safetensors files.

Layout: 8 bytes little-endian header size, JSON header padded with spaces to a multiple of 8, raw little-endian data.
"""

import json
import struct
from pathlib import Path

import numpy as np

TYPES = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


def write_safetensors(path, tensors):
    """Write a mapping from names to numpy arrays, in its order."""
    names = {dtype: name for name, dtype in TYPES.items()}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, array in tensors.items():
        end = offset + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with Path(path).open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())


def read_safetensors(path):
    """Mapping from names to numpy arrays, in the file's order."""
    data = Path(path).read_bytes()
    (header_size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + header_size])
    payload = data[8 + header_size:]
    return {name: np.frombuffer(payload[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}
