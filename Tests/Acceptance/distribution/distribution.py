"""The server that hands images on, and the tools and daemons that it is tried with; each in a folder of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_true(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} after a minute")
        time.sleep(0.05)


def await_port(port):
    def answers():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        return False

    await_true(answers, f"nothing listens at port {port}")


def run(*words, check=True, **options):
    """Runs a tool; a failure shows what it said."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=180, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done


@contextlib.contextmanager
def folder():
    # Short, because sockets lie in it.
    path = pathlib.Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
    try:
        yield path
    finally:
        with open("/proc/self/mounts") as mounts:
            inside = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{path}/")]
        for place in sorted(inside, reverse=True):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def daemon(words, log, is_ready):
    """Runs a daemon for as long as the block lasts."""
    with open(log, "ab") as output:
        process = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output)
    try:
        def ready():
            assert process.poll() is None, f"{words[0]} ended:\n{pathlib.Path(log).read_text()[-3000:]}"
            return is_ready()
        await_true(ready, f"{words[0]} is not ready")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Distribution:
    """The server, told what to do by lines of its input."""

    def __init__(self, binaries):
        self.binaries = binaries
        # PostgreSQL runs as another user there, and a socket's path must be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "distribution-server", "--host.data", self.data, "--host.listen",
                 f"127.0.0.1:{self.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        await_port(self.port)
        self.token = (self.data / "first-token").read_text().strip()

    def say(self, *words):
        """Does what the line says, and returns what it answers."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            assert line, f"the server ended:\n{self.log()}"
            if line.startswith("ok"):
                return line[3:].strip()
            if line.startswith("failed"):
                raise AssertionError(line)

    def push(self, name, version, destination):
        state, _, rest = self.say("push", name, version, destination).partition(" ")
        return state, json.loads(rest) if rest.startswith("{") else rest

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with contextlib.suppress(OSError, ValueError, IndexError):
            # PostgreSQL outlives its service by design; that of a test must not.
            for lock in self.data.glob("postgres/*/postmaster.pid"):
                pid = int(lock.read_text().split()[0])
                os.kill(pid, signal.SIGQUIT)
                await_true(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "PostgreSQL goes on")
        shutil.rmtree(self.folder, ignore_errors=True)
