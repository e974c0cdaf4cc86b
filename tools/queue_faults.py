#!/usr/bin/env python3
"""Shows that nothing is lost: a producer adds pictures to a queue at a steady rate while workers, and the Redis server, are killed
(SIGKILL) at random and started again; then the queue is worked off and counted.

Every picture that the server has taken must be answered or be a dead letter, twice only with equal answers; every answer must
be that of `predict`; what is no picture must be a dead letter. Exits with 1 where that is not so. Needs redis-server.

Usage: tools/queue_faults.py [SECONDS [PICTURES_PER_SECOND [WORKERS [PROGRAM]]]], by default 600, 500, 4
"""
import collections
import json
import random
import subprocess
import sys
import threading
import time

from queue_server import MODEL, PROGRAM, SAMPLES, Client, Server, ServerError

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
RATE = float(sys.argv[2]) if len(sys.argv) > 2 else 500.0
WORKERS = int(sys.argv[3]) if len(sys.argv) > 3 else 4
BINARY = sys.argv[4] if len(sys.argv) > 4 else PROGRAM
POISON_EVERY = 997
# Small ones, so that the producer, the server and the workers have a chance on one machine.
FILES = [path for path in SAMPLES if path.stat().st_size < 30_000]
PICTURES = [path.read_bytes() for path in FILES]


def picture_of(number):
    return b"no picture" if number % POISON_EVERY == POISON_EVERY - 1 else PICTURES[number % len(PICTURES)]


class Producer(threading.Thread):
    """Adds by the clock, and again what the server has not said that it took: such a picture may stand there twice."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.added = 0
        self.unsure = set()
        self.longest_gap = 0.0

    def run(self):
        begin = time.monotonic()
        last = begin
        client = None
        while time.monotonic() - begin < SECONDS:
            due = int((time.monotonic() - begin) * RATE) - self.added
            if due <= 0:
                time.sleep(0.5 / RATE)
                continue
            numbers = range(self.added, self.added + min(due, 200))
            try:
                client = client or Client(self.server.port)
                answers = client.pipeline([("XADD", "jobs", "*", "key", i, "image", picture_of(i)) for i in numbers])
                taken = next((i for i, answer in enumerate(answers) if isinstance(answer, ServerError)), len(answers))
                self.added += taken
                # A server that has just loaded its file refuses the first of these and takes the rest.
                self.unsure.update(numbers[taken:])
            except OSError:
                client = None
                self.unsure.update(numbers)
                time.sleep(0.05)
                continue
            self.longest_gap = max(self.longest_gap, time.monotonic() - last)
            last = time.monotonic()


class Workers:
    def __init__(self, server):
        self.command = [BINARY, "worker", MODEL, "--queue", server.address("jobs"), "--group", "g", "--results", "out", "--dead",
                        "dead", "--max-results", "0", "--delete", "--threads", "1", "--claim-after", "2"]
        self.running = [self.start() for _ in range(WORKERS)]
        self.killed = 0

    def start(self):
        return subprocess.Popen(self.command, stderr=subprocess.DEVNULL)

    def kill_one(self):
        index = random.randrange(WORKERS)
        self.running[index].kill()
        self.running[index].wait()
        self.running[index] = self.start()
        self.killed += 1

    def end(self):
        for process in self.running:
            process.terminate()
        return [process.wait(timeout=60) for process in self.running]


def disturb(server, workers, producer):
    kills = 0
    next_server = time.monotonic() + random.uniform(5, 15)
    while producer.is_alive():
        time.sleep(random.uniform(0.5, 2.0))
        workers.kill_one()
        if time.monotonic() > next_server:
            server.kill()
            time.sleep(random.uniform(0.1, 1.5))
            server.start()
            kills += 1
            next_server = time.monotonic() + random.uniform(5, 15)
    return kills


def wait_until_done(server):
    client = Client(server.port)
    end = time.monotonic() + 600
    while time.monotonic() < end:
        if client.command("XLEN", "jobs") == 0:
            return client
        time.sleep(0.2)
    raise SystemExit(f"after ten minutes {client.command('XLEN', 'jobs')} entries are not done")


def expected_answers():
    """What predict says of each sample, as the worker puts it."""
    lines = subprocess.run([BINARY, "predict", MODEL, "--source", *map(str, FILES), "--json"], capture_output=True, text=True,
                           check=True).stdout
    answers = [json.loads(line) for line in lines.splitlines()]
    return [{name: answer[name] for name in ("size", "top", "known", "known_score")} for answer in answers]


def check(client, producer):
    expected = expected_answers()
    answers = collections.defaultdict(list)
    done = collections.Counter()
    for _, fields in client.stream("out"):
        answers[int(fields[b"key"])].append(json.loads(fields[b"json"]))
        done[fields[b"id"]] += 1
    dead = collections.Counter()
    for _, fields in client.stream("dead"):
        dead[int(fields[b"key"])] += 1
        done[fields[b"dead-id"]] += 1
    problems = []
    for number in range(producer.added):
        poisoned = picture_of(number) == b"no picture"
        if poisoned:
            if number not in dead or number in answers:
                problems.append(f"{number}: no picture, and not only a dead letter")
        elif number in dead:
            problems.append(f"{number}: a dead letter")
        elif number not in answers:
            problems.append(f"{number}: lost")
        for answer in answers[number] if number in answers else []:
            source = answer.pop("source")
            if source != str(number) or answer != expected[number % len(expected)]:
                problems.append(f"{number}: another answer than predict's")
    again = [number for number, some in answers.items() if len(some) > 1]
    print(f"{producer.added} pictures added, {len(answers)} answered, {len(dead)} dead letters")
    print(f"{len(done)} entries, {sum(count > 1 for count in done.values())} answered twice; {len(again)} pictures twice, of "
          f"{len(producer.unsure)} that the producer may have added again")
    if any(count > 1 for count in done.values()):
        problems.append("entries were answered twice")
    if not set(again) <= producer.unsure:
        problems.append("pictures were answered twice that were added once")
    return problems


def main():
    random.seed(7)
    server = Server()
    try:
        producer, workers = Producer(server), Workers(server)
        begin = time.monotonic()
        producer.start()
        server_kills = disturb(server, workers, producer)
        client = wait_until_done(server)
        seconds = time.monotonic() - begin
        codes = workers.end()
        print(f"{seconds:.0f} s, {workers.killed} workers killed, redis-server killed {server_kills} times, longest gap of the "
              f"producer {producer.longest_gap:.1f} s")
        problems = check(client, producer)
        # -15: started a moment ago, it was not yet listening for signals.
        if any(code not in (143, -15) for code in codes):
            problems.append(f"the workers ended with {codes}")
    finally:
        server.end()
    for problem in problems[:20]:
        print(problem)
    print("nothing lost" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
