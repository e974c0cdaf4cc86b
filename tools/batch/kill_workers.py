#!/usr/bin/env python3
"""Works on a job with several tasks at a time, kills one of them every few seconds until all is done, and compares.

    tools/batch/kill_workers.py                       # 20,000 pictures, 16 shards, kill -9
    tools/batch/kill_workers.py --signal TERM         # as a scheduler that takes a machine away
"""

import signal
import subprocess
import sys
import time

import job_trial


def main():
    parser = job_trial.parser(__doc__.split("\n", maxsplit=1)[0], pictures=20_000, shards=16)
    parser.add_argument("--workers", type=int, default=2, help="tasks at a time (default: %(default)s)")
    parser.add_argument("--signal", choices=["KILL", "TERM", "USR1"], default="KILL", help="(default: %(default)s)")
    flags = parser.parse_args()
    number = signal.Signals[f"SIG{flags.signal}"]
    with job_trial.trial(flags) as trial:
        running = {}
        kills = 0
        begin = time.monotonic()
        next_kill = begin + flags.every
        while True:
            for shard, task in list(running.items()):
                code = task.poll()
                if code is None:
                    continue
                del running[shard]
                if code not in (0, 3, 143, -number):
                    sys.exit(f"shard {shard} ended with exit code {code}: {task.stderr.read()}")
            waiting = [shard for shard in trial.unfinished() if shard not in running]
            if not waiting and not running:
                break
            while waiting and len(running) < flags.workers:
                shard = waiting.pop(trial.random.randrange(len(waiting)))
                running[shard] = subprocess.Popen(trial.task(f"{shard}/{flags.shards}"), stdout=subprocess.DEVNULL,
                                                  stderr=subprocess.PIPE, text=True)
            if running and time.monotonic() >= next_kill:
                trial.random.choice(list(running.values())).send_signal(number)
                kills += 1
                next_kill = time.monotonic() + flags.every * trial.random.uniform(0.5, 1.5)
            time.sleep(0.02)
        print(f"{flags.shards} shards, {flags.workers} tasks at a time: {kills} x SIG{flags.signal}, "
              f"{time.monotonic() - begin:.1f} s", flush=True)
        trial.check()


if __name__ == "__main__":
    main()
