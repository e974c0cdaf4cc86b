"""What the trials of jobs in parts share: pictures to work on, the result of one machine, comparing.

A trial runs a job under something that stops its tasks at random, merges the parts and compares the result, byte for byte, with
that of one uninterrupted run. It prints what it did and exits with 1 where anything differs.
"""

import argparse
import contextlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BAD_EVERY = 97  # of the pictures, each in one of the ways below


def parser(description, pictures, shards):
    """The flags that all trials have."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--pictures", type=int, default=pictures, help="pictures to make (default: %(default)s)")
    result.add_argument("--shards", type=int, default=shards, help="(default: %(default)s)")
    result.add_argument("--every", type=float, default=4.0, help="seconds between two stops (default: %(default)s)")
    result.add_argument("--seed", type=int, default=1, help="of pictures and stops (default: %(default)s)")
    result.add_argument("--program", default=shutil.which("backbone-zoo") or str(ROOT / "build/release/apps/backbone-zoo"),
                        help="(default: %(default)s)")
    result.add_argument("--model", default=str(ROOT / "configs/demo/emoji.yaml"), help="(default: %(default)s)")
    return result


def make_pictures(folder, count, seed):
    """Small pictures of coloured rectangles as PPM, every 97th of them broken; yields how many are broken."""
    numbers = random.Random(seed)
    bad = 0
    for index in range(count):
        width, height = numbers.randrange(24, 64), numbers.randrange(24, 64)
        paper, ink = (bytes(numbers.randrange(256) for _ in range(3)) for _ in range(2))
        left, top = numbers.randrange(width), numbers.randrange(height)
        rows = [paper * width] * top + [paper * left + ink * (width - left)] * (height - top)
        data = b"P6 %d %d 255\n" % (width, height) + b"".join(rows)
        if index % BAD_EVERY == BAD_EVERY - 1:
            data = [b"", data[: len(data) // 2], b"no picture"][bad % 3]
            bad += 1
        path = folder / f"{index // 1000:03}" / f"{index:06}.ppm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return bad


class Trial:
    """A folder with pictures, their manifest and what one machine makes of them."""

    def __init__(self, flags):
        self.flags = flags
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zoo_trial_"))
        self.manifest = self.folder / "list.tsv"
        self.parts = self.folder / "parts"
        self.random = random.Random(flags.seed)
        self.bad = make_pictures(self.folder / "pictures", flags.pictures, flags.seed)
        self.run("manifest", self.folder / "pictures", "-o", self.manifest)
        begin = time.monotonic()
        whole = self.folder / "whole"
        self.run("predict", flags.model, "--manifest", self.manifest, "--out", whole, allowed=(0, 3))
        self.one_run_s = time.monotonic() - begin
        self.expected = [whole / "part-00000-of-00001.jsonl", whole / "failed-00000-of-00001.jsonl"]
        print(f"{flags.pictures} pictures, {self.bad} of them broken; one run: {self.one_run_s:.1f} s", flush=True)

    def run(self, *arguments, allowed=(0,)):
        command = [self.flags.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")

    def task(self, shard):
        """The command of a shard: the same whether it begins or goes on."""
        return [self.flags.program, "predict", self.flags.model, "--manifest", str(self.manifest), "--shard", shard,
                "--out", str(self.parts), "--resume", "--threads", "1"]

    def unfinished(self):
        names = {shard: f"part-{shard:05}-of-{self.flags.shards:05}.receipt.json" for shard in range(self.flags.shards)}
        return [shard for shard, name in names.items() if not (self.parts / name).exists()]

    def check(self):
        """Merges, compares; ends the program where anything differs."""
        merged = self.folder / "all.jsonl"
        self.run("merge", self.parts, "-o", merged)
        failed = merged.with_name("all.failed.jsonl")
        for found, wanted in zip([merged, failed], self.expected):
            if found.read_bytes() != wanted.read_bytes():
                sys.exit(f"{found} is not {wanted}")
        rows = {key: [json.loads(line)["row"] for line in file.open()] for key, file in
                (("results", merged), ("failures", failed))}
        both = rows["results"] + rows["failures"]
        if sorted(both) != list(range(self.flags.pictures)) or len(rows["failures"]) != self.bad:
            sys.exit("a row is missing or there twice")
        print(f"merged: {len(rows['results'])} results, {len(rows['failures'])} failures, each row once; "
              "byte-equal to one run", flush=True)


@contextlib.contextmanager
def trial(flags):
    made = Trial(flags)
    try:
        yield made
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
