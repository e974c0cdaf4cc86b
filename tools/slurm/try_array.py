#!/usr/bin/env python3
"""Runs a job as an array on a Slurm cluster of its own (cluster.py) with the template predict.sbatch, requeues and cancels tasks at
random, submits the cancelled ones again, merges and compares with one run.

    tools/slurm/try_array.py --pictures 20000 --shards 16 --every 5
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "batch"))

import cluster as slurm  # noqa: E402
import job_trial  # noqa: E402


def running_tasks(cluster):
    """`JOB_TASK` of those that run."""
    return cluster.run("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K").split()


def release_requeued(cluster):
    """Slurm holds a requeued task back for two minutes, so that a node can clean up; ours are clean."""
    for line in cluster.run("squeue", "--noheader", "--array", "--states=PENDING", "--format=%F_%K %r").splitlines():
        task, reason = line.split(maxsplit=1)
        if reason == "BeginTime":
            cluster.tries("scontrol", "update", f"JobId={task}", "StartTime=now")


def submit(cluster, trial, tasks):
    flags = trial.flags
    return cluster.run("sbatch", "--parsable", f"--array={tasks}", f"--output={trial.folder}/log-%A_%a.txt",
                       f"--export=ALL,BACKBONE_ZOO={flags.program}", HERE / "predict.sbatch", flags.shards, flags.model,
                       trial.manifest, trial.parts).strip()


def main():
    parser = job_trial.parser(__doc__.split("\n\n", maxsplit=1)[0], pictures=2_000, shards=8)
    parser.add_argument("--nodes", type=int, default=2, help="of one core each (default: %(default)s)")
    flags = parser.parse_args()
    with job_trial.trial(flags) as trial, slurm.cluster(flags.nodes) as cluster:
        begin = time.monotonic()
        submit(cluster, trial, f"0-{flags.shards - 1}")
        counts = {"requeue": 0, "scancel": 0}
        next_stop = begin + flags.every
        while True:
            queued = cluster.run("squeue", "--noheader", "--array", "--format=%F_%K").split()
            if not queued:
                missing = trial.unfinished()
                if not missing:
                    break
                submit(cluster, trial, ",".join(map(str, missing)))
                continue
            release_requeued(cluster)
            running = running_tasks(cluster)
            if running and time.monotonic() >= next_stop:
                how = trial.random.choice(list(counts))
                task = trial.random.choice(running)
                if cluster.tries(*(["scontrol", "requeue"] if how == "requeue" else ["scancel"]), task):
                    counts[how] += 1
                next_stop = time.monotonic() + flags.every * trial.random.uniform(0.5, 1.5)
            time.sleep(0.2)
        print(f"{flags.shards} tasks on {flags.nodes} nodes: {counts['scancel']} x scancel, {counts['requeue']} x requeue, "
              f"{time.monotonic() - begin:.1f} s", flush=True)
        trial.check()


if __name__ == "__main__":
    main()
