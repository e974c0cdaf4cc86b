"""Shards of training data: one program writes them while another reads random rows.

Shard NNN is one file `NNN_NAME.npy` per array; the row numbers of its arrays agree.
"""

import time

import numpy as np


def write_shard(folder, number, arrays):
    """Write the arrays of a shard, by name and in their order, in place of an older shard of this number."""
    for name, array in arrays.items():
        path = folder / f"{number:03d}_{name}.npy"
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, array)
        unfinished.rename(path)


class ShardPool:
    """Random rows of all shards that exist at the moment. `names` of their arrays: the one that is written last comes
    last, as with it a shard is complete."""

    def __init__(self, folder, names):
        self.folder_ = folder
        self.names_ = names
        self.shards_ = []
        self.refresh()

    def refresh(self):
        """Look for new shards; wait for the first one."""
        last = f"_{self.names_[-1]}.npy"
        while not (paths := sorted(self.folder_.glob("*" + last))):
            time.sleep(2)
        numbers = [path.name.removesuffix(last) for path in paths]
        self.shards_ = [[np.load(self.folder_ / f"{number}_{name}.npy", mmap_mode="r") for name in self.names_]
                        for number in numbers]

    def rows(self, rng, count):
        """Row numbers [count], then an array [count, ...] of these rows per name."""
        shards = rng.integers(len(self.shards_), size=count)
        rows = rng.integers(len(self.shards_[0][0]), size=count)
        return rows, *(np.stack([self.shards_[shard][part][row] for shard, row in zip(shards, rows)])
                       for part in range(len(self.names_)))
