#!/usr/bin/env python3
"""What the loss of one camera costs the others: four RTSP servers of 20 frames/s, of which one is killed and comes back with
another resolution, one hangs and goes on, and at the end one hangs while another is dead.

Prints the frames per second that each stream captured while that lasted, the seconds from the server's return to its first
answer, and the seconds that stopping takes. Needs the packages of tools/packages.sh (gir1.2-gst-rtsp-server-1.0).

Usage: tools/stream_faults.py [SECONDS [PROGRAM]]; each fault lasts 20 seconds by default.
"""
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
PROGRAM = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "build/release/apps/backbone-zoo")
NAMES = ["killed", "hanging", "third", "fourth"]


class Camera:
    def __init__(self, port="0", width=160, height=120):
        script = str(ROOT / "tests/support/rtsp_server.py")
        command = ["/usr/bin/python3", script, port, str(width), str(height)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Live:
    """The program, and when it answered which frame."""

    def __init__(self, cameras):
        command = [PROGRAM, "live", str(ROOT / "configs/demo/emoji.yaml"), "--json", "--stall-timeout", "3", "--open-timeout", "5"]
        for name, camera in zip(NAMES, cameras):
            command += ["--source", f"{name}=rtsp://127.0.0.1:{camera.port}/cam"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.answers = {name: [] for name in NAMES}
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            if "top" in answer:
                self.answers[answer["stream"]].append((time.monotonic(), answer["frame"]))

    def captured_per_second(self, name, begin):
        # By the frames' numbers: those that were captured and dropped count, too.
        frames = [answer for answer in self.answers[name] if answer[0] >= begin]
        if len(frames) < 2:
            return 0.0
        return (frames[-1][1] - frames[0][1]) / (frames[-1][0] - frames[0][0])

    def show_rates(self, what):
        begin = time.monotonic()
        time.sleep(SECONDS)
        rates = ", ".join(f"{name} {self.captured_per_second(name, begin):.2f}" for name in NAMES)
        print(f"{what}: frames/s captured: {rates}", flush=True)

    def wait_for(self, name):
        begin = time.monotonic()
        while not (self.answers[name] and self.answers[name][-1][0] > begin):
            time.sleep(0.002)
        print(f"{name}: back {time.monotonic() - begin:.2f} s after its server", flush=True)

    def stop(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        print(f"stopped in {time.monotonic() - begin:.2f} s", flush=True)


cameras = [Camera() for _ in NAMES]
live = Live(cameras)
try:
    for name in NAMES:
        while not live.answers[name]:
            time.sleep(0.05)
    live.show_rates("all well")
    cameras[0].kill()
    live.show_rates("one killed")
    cameras[0] = Camera(cameras[0].port, 320, 240)
    live.wait_for("killed")
    cameras[1].send(signal.SIGSTOP)
    live.show_rates("one hangs")
    cameras[1].send(signal.SIGCONT)
    live.wait_for("hanging")
    cameras[2].send(signal.SIGSTOP)
    cameras[3].kill()
    time.sleep(5)
    live.stop()
finally:
    live.process.kill()
    for camera in cameras:
        camera.kill()
