"""The real registry on a fresh data folder, and the real command line against it."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request


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


def await_file(path):
    await_true(path.exists, f"{path} is not there")


class Registry:
    """A registry that runs, with everything that it made in one folder."""

    def __init__(self, binaries, before=()):
        """`before` are words in front of the program, the last of which sets variables, as `env` does."""
        self.binaries = binaries
        self.before = list(before)
        # PostgreSQL runs as another user there, and a socket's path must be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.port = free_port()
        self.server = f"http://127.0.0.1:{self.port}"
        self.process = None

    @contextlib.contextmanager
    def another(self, listen, *flags):
        """A second instance on the same data folder, which listens elsewhere."""
        with open(self.folder / "another.log", "ab") as log:
            process = subprocess.Popen(
                [self.binaries / "registry", f"--host.data={self.data}", f"--host.listen={listen}", *flags], stdout=log,
                stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            if process.wait(60) != 0:
                raise AssertionError(f"the second instance ended with {process.returncode}")

    def words(self, program, *flags):
        """A command. Behind other words settings are variables: Swift's runtime finds no arguments any more where a library
        that was loaded before it, as for another clock, has moved the environment."""
        if not self.before:
            return [self.binaries / program, *flags]
        settings = [flag.removeprefix("--").partition("=") for flag in flags]
        prefix = program.replace("-", "_")
        variables = [f"{prefix}_{name.replace('.', '_')}".upper() + f"={value}" for name, _, value in settings]
        return [*self.before, *variables, self.binaries / program]

    def start(self):
        log = open(self.folder / "registry.log", "ab")
        self.process = subprocess.Popen(
            self.words("registry", f"--host.data={self.data}", f"--host.listen=127.0.0.1:{self.port}"), stdout=log,
            stderr=log)
        log.close()
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"{self.server}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the registry does not start:\n{self.log()}")
            time.sleep(0.1)

    def kill_and_start(self):
        """As a machine that fails: nothing is said to anybody."""
        self.process.kill()
        self.process.wait()
        self.start()

    def peak_memory(self):
        """The most bytes that the process had in memory since it started."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])

    def log(self):
        return (self.folder / "registry.log").read_text(errors="replace")[-4000:]

    def token(self):
        return (self.data / "first-token").read_text().strip()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # The suite's own PostgreSQL outlives its services, for the others.
        for lock in self.data.glob("postgres/*/postmaster.pid"):
            process = int(lock.read_text().split()[0])
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGINT)
                deadline = time.monotonic() + 30
                while lock.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)


class CommandLine:
    """`slipway` with a home of its own, away from whatever the machine's user has."""

    def __init__(self, registry, name="home"):
        self.binary = registry.binaries / "slipway"
        self.home = registry.folder / name
        self.home.mkdir()
        self.environment = {
            "HOME": str(self.home), "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_CONFIG_NOSYSTEM": "1",
        }

    def __call__(self, *arguments, input=None, folder=None, seconds=120, **variables):
        return subprocess.run(
            [self.binary, *map(str, arguments)], input=input, capture_output=True, text=True, timeout=seconds,
            cwd=folder or self.home, env=self.environment | variables)

    def start(self, *arguments):
        return subprocess.Popen(
            [self.binary, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.home, env=self.environment)
