"""A Redis server of a tool's own, and just enough of a client for it: Debian's python3-redis is not needed.

Used by tools/queue_load.py and tools/queue_faults.py.
"""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ServerError(Exception):
    """What the server answers that begins with a minus sign."""


class Client:
    """Speaks RESP2. OSError where the connection is lost; then make another."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def pipeline(self, commands):
        out = bytearray()
        for command in commands:
            out += b"*%d\r\n" % len(command)
            for argument in command:
                data = argument if isinstance(argument, bytes) else str(argument).encode()
                out += b"$%d\r\n" % len(data) + data + b"\r\n"
        self.socket.sendall(out)
        return [self.reply() for _ in commands]

    def command(self, *arguments):
        answer = self.pipeline([arguments])[0]
        if isinstance(answer, ServerError):
            raise answer
        return answer

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ServerError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            data = self.file.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise ConnectionError("the server closed the connection")
            return data[:-2]
        return None if int(rest) < 0 else [self.reply() for _ in range(int(rest))]

    def stream(self, name):
        """All entries of a stream: id, fields."""
        begin = "-"
        while True:
            page = self.command("XRANGE", name, begin, "+", "COUNT", 1000)
            for entry, fields in page:
                yield entry.decode(), dict(zip(fields[::2], fields[1::2]))
            if len(page) < 1000:
                return
            begin = "(" + page[-1][0].decode()


class Server:
    """redis-server with appendfsync always: what a client was told survives kill()."""

    def __init__(self, settings=("--appendonly", "yes", "--appendfsync", "always")):
        if shutil.which("redis-server") is None:
            raise SystemExit("redis-server is missing: apt-get install redis-server")
        self.folder = tempfile.mkdtemp()
        self.port = free_port()
        self.settings = list(settings)
        self.process = None
        self.start()

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", ""]
        self.process = subprocess.Popen(command + self.settings, stdout=subprocess.DEVNULL)
        for _ in range(3000):
            try:
                client = Client(self.port)
                client.command("PING")
                client.close()
                return
            except (OSError, ServerError):
                time.sleep(0.01)
        raise SystemExit("redis-server does not answer")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, stream):
        return f"redis://127.0.0.1:{self.port}/{stream}"


ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = str(ROOT / "build/release/apps/backbone-zoo")
MODEL = str(ROOT / "configs/demo/emoji.yaml")
SAMPLES = sorted((ROOT / "configs/demo/samples").glob("*.jpg"))
