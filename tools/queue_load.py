#!/usr/bin/env python3
"""What a queue costs: pictures per second of `predict` on files and of `worker` on a full queue of the same pictures, one core
each, in turns; then two workers, one core each, beside one. Needs redis-server; wants idle cores, one more than workers. Where
others work on the machine, too, the figures per second of CPU tell more: they count what the program itself used.

Usage: tools/queue_load.py [PICTURES [ROUNDS [PROGRAM]]], by default 2000 pictures and 5 rounds
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from queue_server import MODEL, PROGRAM, SAMPLES, Client, Server

PICTURES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
BINARY = sys.argv[3] if len(sys.argv) > 3 else PROGRAM
CORES = sorted(os.sched_getaffinity(0))


def on_core(index, command):
    return ["taskset", "-c", str(CORES[index % len(CORES)])] + command


class Run:
    """A program that says how fast it was, and what it cost."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait(self):
        text = self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(text)
        rate = float(re.findall(r"\(([0-9.]+) (?:pictures|entries)/s\)", text)[-1])
        return rate, usage.ru_utime + usage.ru_stime


def predict(folder):
    command = [BINARY, "predict", MODEL, "--source", folder, "--threads", "1", "--json", "/dev/null"]
    return Run(on_core(0, command)).wait()


def fill(server):
    client = Client(server.port)
    client.command("FLUSHALL")
    pictures = [path.read_bytes() for path in SAMPLES]
    for begin in range(0, PICTURES, 100):
        client.pipeline([("XADD", "jobs", "*", "key", i, "image", pictures[i % len(pictures)])
                         for i in range(begin, min(begin + 100, PICTURES))])
    client.command("XGROUP", "CREATE", "jobs", "g", 0)
    client.close()


def work(server, workers):
    fill(server)
    command = [BINARY, "worker", MODEL, "--queue", server.address("jobs"), "--group", "g", "--results", "out", "--threads", "1",
               "--until-empty"]
    results = [run.wait() for run in [Run(on_core(i, command)) for i in range(workers)]]
    return sum(rate for rate, _ in results), sum(cpu for _, cpu in results)


def say(name, results):
    rates = [rate for rate, _ in results]
    cpu = statistics.median(PICTURES / seconds for _, seconds in results)
    print(f"{name:12} {statistics.median(rates):8.1f} pictures/s   ({', '.join(f'{rate:.1f}' for rate in rates)}), "
          f"{cpu:.1f} per second of CPU")


def ratio(some, others):
    by_clock = statistics.median(a[0] / b[0] for a, b in zip(some, others))
    by_cpu = statistics.median(b[1] / a[1] for a, b in zip(some, others))
    return f"{by_clock:.2f} by the clock, {by_cpu:.2f} per second of CPU"


def main():
    server = Server(("--appendonly", "no"))
    with tempfile.TemporaryDirectory() as folder:
        for i in range(PICTURES):
            pathlib.Path(folder, f"{i:06}.jpg").symlink_to(SAMPLES[i % len(SAMPLES)])
        alone, one, two = [], [], []
        try:
            for _ in range(ROUNDS):
                alone.append(predict(folder))
                one.append(work(server, 1))
                two.append(work(server, 2))
        finally:
            server.end()
    say("predict", alone)
    say("one worker", one)
    say("two workers", two)
    print(f"one worker / predict      {ratio(one, alone)}")
    print(f"two workers / one worker  {ratio(two, one)}")


if __name__ == "__main__":
    main()
