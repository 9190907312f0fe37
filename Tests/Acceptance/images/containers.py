"""Docker's engine and Debian's docker-registry, each on a folder and a port of its own for as long as a case lasts."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile

from machine import Container, tool  # noqa: F401
from registry import await_port, await_true, free_port


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
    with open(log, "ab") as output:
        process = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output)
    try:
        def ready():
            assert process.poll() is None, f"{words[0]} ended:\n{log.read_text()[-3000:]}"
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


@contextlib.contextmanager
def docker_registry():
    with folder() as here:
        port = free_port()
        (here / "config.yml").write_text(
            f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {here}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}', secret: test}}\n")
        with daemon(["docker-registry", "serve", here / "config.yml"], here / "log", lambda: True):
            await_port(port)
            yield f"localhost:{port}"


class Docker:
    """`docker` with an engine of its own."""

    def __init__(self, here):
        self.here = here
        self.words = ["docker", "-H", f"unix://{here}/d.sock", "--config", str(here / "config")]

    def answers(self):
        done = subprocess.run([*self.words, "version"], capture_output=True)
        return (self.here / "d.sock").exists() and done.returncode == 0

    def say(self, *words, input=None):
        done = subprocess.run([*self.words, *map(str, words)], capture_output=True, text=True, input=input, timeout=180)
        assert done.returncode == 0, f"docker {words[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def running(self, image):
        """A container with the machine's network and a root that can't be written to."""
        port = free_port()
        name = self.say(
            "run", "-d", "--network=host", "--read-only", "--tmpfs", "/tmp", "-e", f"SCORER_LISTEN=127.0.0.1:{port}",
            image).strip()
        container = Served(port)
        try:
            def ready():
                with contextlib.suppress(OSError):
                    return container.get("/readyz")[0] == 200
            await_true(ready, "docker's container is not ready")
            yield container
        finally:
            self.say("rm", "-f", name)


class Served(Container):
    """What listens at a port, whoever runs it."""

    def __init__(self, port):
        self.port = port


@contextlib.contextmanager
def docker_daemon():
    with folder() as here:
        docker = Docker(here)
        words = [
            "dockerd", "--data-root", here / "data", "--exec-root", here / "exec", "-H", f"unix://{here}/d.sock", "-p",
            here / "pid", "--iptables=false", "--bridge=none"]
        with daemon(words, here / "log", docker.answers):
            yield docker
