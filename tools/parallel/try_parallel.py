#!/usr/bin/env python3
"""Runs a job under GNU parallel with predict.sh, kills tasks and now and then parallel itself at random, runs it again until all is done,
merges and compares with one run.

    tools/parallel/try_parallel.py --pictures 20000 --shards 16 --every 2
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "batch"))

import job_trial  # noqa: E402


def tasks_below(pid):
    """Processes of the program that descend from `pid`."""
    parents = {}
    programs = set()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, rest = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # it has ended
        parents[int(entry.name)] = int(rest.split()[1])
        if name == "backbone-zoo":
            programs.add(int(entry.name))

    def descends(child):
        while child in parents:
            child = parents[child]
            if child == pid:
                return True
        return False

    return sorted(child for child in programs if descends(child))


def main():
    parser = job_trial.parser(__doc__.split("\n\n", maxsplit=1)[0], pictures=2_000, shards=8)
    parser.add_argument("--workers", type=int, default=2, help="tasks at a time (default: %(default)s)")
    flags = parser.parse_args()
    with job_trial.trial(flags) as trial:
        begin = time.monotonic()
        counts = {"runs": 0, "tasks": 0, "parallel": 0}
        next_kill = begin + flags.every
        environment = dict(os.environ, BACKBONE_ZOO=flags.program, PARALLEL=f"--jobs {flags.workers} --will-cite")
        command = [HERE / "predict.sh", str(flags.shards), flags.model, trial.manifest, trial.parts]
        while trial.unfinished():
            counts["runs"] += 1
            with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True) as run:
                while run.poll() is None:
                    time.sleep(0.02)
                    tasks = tasks_below(run.pid)
                    if not tasks or time.monotonic() < next_kill:
                        continue
                    next_kill = time.monotonic() + flags.every * trial.random.uniform(0.5, 1.5)
                    if trial.random.random() < 0.2:
                        os.killpg(run.pid, signal.SIGKILL)  # parallel and all that it has started
                        counts["parallel"] += 1
                    else:
                        os.kill(trial.random.choice(tasks), signal.SIGKILL)
                        counts["tasks"] += 1
        print(f"{flags.shards} shards, {flags.workers} tasks at a time: {counts['tasks']} tasks and {counts['parallel']} x parallel "
              f"killed, {counts['runs']} runs, {time.monotonic() - begin:.1f} s", flush=True)
        trial.check()


if __name__ == "__main__":
    main()
