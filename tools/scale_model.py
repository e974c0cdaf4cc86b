#!/usr/bin/env python3
"""How long a job takes on many machines, and what failures cost: a model, fed with what one core was measured to do.

    tools/scale_model.py                               # 1,000 nodes, 10^10 pictures: the table of docs/scaling.md
    tools/scale_model.py --rate 120 --cores 64 --pictures 50000000

Nodes take shards one after the other. A node is slower than the best by a share drawn once (most a little, some by half), fails at
random and is back later; the shard that it was at goes back into the queue and on from its last commit. Whatever is not stated
follows from the flags; the same seed gives the same figures.
"""

import argparse
import heapq
import random

LOST_AT_A_KILL_S = 1.0  # up to where a part is on the disk: its commits are a second apart
SLOW_SHARE = 0.03  # of the nodes: half as fast as the best (a neighbour, a hot processor)
JITTER = 0.05  # standard deviation of the others' speed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pictures", type=float, default=1e10, help="(default: %(default)g)")
    parser.add_argument("--nodes", type=int, default=1_000, help="(default: %(default)s)")
    parser.add_argument("--cores", type=int, default=32, help="of a node (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=34.0, help="pictures/s of one core, as measured (default: %(default)s)")
    parser.add_argument("--start", type=float, default=5.0,
                        help="seconds until a task works: scheduler, model, manifest (default: %(default)s)")
    parser.add_argument("--failures", type=float, default=1.0, help="per cent of the nodes that fail in an hour (default: %(default)s)")
    parser.add_argument("--repair", type=float, default=600.0, help="seconds until a failed node is back (default: %(default)s)")
    parser.add_argument("--requeue", type=float, default=120.0, help="seconds until its shard is offered again (default: %(default)s)")
    parser.add_argument("--shard-minutes", type=float, nargs="+", default=[1, 5, 15, 60],
                        help="work of a shard on one node (default: 1 5 15 60)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def speeds(flags, numbers):
    """Of each node, the best being 1."""
    return [0.5 if numbers.random() < SLOW_SHARE else min(1.0, max(0.5, 1.0 - abs(numbers.gauss(0.0, JITTER))))
            for _ in range(flags.nodes)]


class Run:
    """One job from beginning to end."""

    def __init__(self, flags, shard_pictures):
        self.flags = flags
        self.numbers = random.Random(flags.seed)
        self.speeds = speeds(flags, self.numbers)
        self.failure_rate = flags.failures / 100.0 / 3600.0
        count = max(1, round(flags.pictures / shard_pictures))
        self.shards = count
        self.queue = [(0.0, shard, flags.pictures / count) for shard in range(count)]  # when it is offered, pictures left
        self.failures = 0
        self.starts = 0
        self.lost_s = 0.0  # of work, done again
        self.finish_s = 0.0

    def simulate(self):
        free = [(0.0, node) for node in range(self.flags.nodes)]
        unfinished = self.shards
        heapq.heapify(self.queue)
        while unfinished:
            now, node = heapq.heappop(free)
            offered, shard, left = heapq.heappop(self.queue)
            if offered > now:
                heapq.heappush(self.queue, (offered, shard, left))
                heapq.heappush(free, (offered, node))
                continue
            end, left = self.work(now, node, left)
            if left == 0.0:
                unfinished -= 1
                self.finish_s = max(self.finish_s, end)
                heapq.heappush(free, (end, node))
            else:
                heapq.heappush(self.queue, (end + self.flags.requeue, shard, left))
                heapq.heappush(free, (end + self.flags.repair, node))
        return self

    def work(self, now, node, left):
        """Yields when the node is done or fails, and what is left of the shard then."""
        flags = self.flags
        rate = flags.rate * flags.cores * self.speeds[node]
        self.starts += 1
        needed = flags.start + left / rate
        until_failure = self.numbers.expovariate(self.failure_rate) if self.failure_rate > 0.0 else float("inf")
        if until_failure >= needed:
            return now + needed, 0.0
        self.failures += 1
        worked = max(0.0, until_failure - flags.start)
        lost = min(worked, self.numbers.uniform(0.0, LOST_AT_A_KILL_S))
        self.lost_s += lost + min(flags.start, until_failure)
        return now + until_failure, left - (worked - lost) * rate


def hours(seconds):
    return f"{seconds / 3600.0:.2f} h" if seconds >= 3600.0 else f"{seconds / 60.0:.1f} min"


def main():
    flags = arguments()
    numbers = random.Random(flags.seed)
    whole_rate = flags.rate * flags.cores * sum(speeds(flags, numbers))
    ideal_s = flags.pictures / whole_rate
    print(f"{flags.pictures:.3g} pictures on {flags.nodes} nodes of {flags.cores} cores at {flags.rate:g} pictures/s a core, "
          f"{flags.failures:g} % of the nodes fail in an hour")
    print(f"without failures, starts and an end: {hours(ideal_s)}")
    print()
    print("shard    shards  pictures each    finished  over ideal  failures  work lost  starts' share")
    for minutes in flags.shard_minutes:
        run = Run(flags, minutes * 60.0 * flags.rate * flags.cores).simulate()
        work_s = flags.nodes * run.finish_s
        print(f"{minutes:>3g} min  {run.shards:>7}  {flags.pictures / run.shards:>13.0f}  {hours(run.finish_s):>10}  "
              f"{100.0 * (run.finish_s / ideal_s - 1.0):>8.1f} %  {run.failures:>8}  {run.lost_s / 60.0:>5.1f} min  "
              f"{100.0 * run.starts * flags.start / work_s:>11.2f} %")


if __name__ == "__main__":
    main()
