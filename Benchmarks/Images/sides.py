"""The two that build images: how each is started, told to build and to push, and watched."""

import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "Tests/Acceptance/registry"))
from registry import CommandLine, Registry, await_true, free_port  # noqa: E402


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout.strip()


@functools.cache
def index_of_packages():
    """The index that this machine's pip is told to use, if any: both sides get the same."""
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True)
    return done.stdout.strip()


def family(roots):
    """Processes with all that came of them."""
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], list(roots)
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += children.get(current, [])
    return found


class Memory:
    """The most megabytes that processes had at once, what they share counted once; looked at five times a second."""

    def __init__(self, roots):
        self.roots, self.peak, self.over = roots, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while True:
            total = 0
            for process in family(self.roots()):
                with contextlib.suppress(OSError, TypeError):
                    text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
                    total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1])
            self.peak = max(self.peak, total / 1024)
            if self.over.wait(0.2):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Daemon:
    def __init__(self, words, log, ready, **options):
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output, **options)
        await_true(lambda: self.alive() and ready(), f"{words[0]} is not ready")

    def alive(self):
        if self.process.poll() is not None:
            raise SystemExit(f"{self.process.args[0]} ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        return True

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class ImageRegistry:
    """Debian's docker-registry, which both push to; it knows what arrived."""

    def __init__(self, folder):
        folder.mkdir()
        self.data, port = folder / "data", free_port()
        self.host = f"localhost:{port}"
        (folder / "config.yml").write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {self.data}}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}', secret: bench}}\n")
        self.daemon = Daemon(
            ["docker-registry", "serve", folder / "config.yml"], folder / "log",
            lambda: answers(f"http://{self.host}/v2/"))

    def bytes(self):
        return sum(path.stat().st_size for path in self.data.glob("docker/registry/v2/blobs/sha256/*/*/data"))

    def layers(self, name, tag):
        kinds = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        request = urllib.request.Request(f"http://{self.host}/v2/{name}/manifests/{tag}", headers={"accept": kinds})
        with urllib.request.urlopen(request) as answer:
            return [layer["size"] for layer in json.load(answer)["layers"]]


class Slipway:
    """The registry and the image builder as they run by default, and the command line against them."""

    name = "Slipway"

    def __init__(self, programs):
        self.registry = Registry(programs)
        self.folder = self.registry.folder
        self.registry.start()
        port = free_port()
        server = f"http://127.0.0.1:{port}"
        index = index_of_packages()
        self.builder = Daemon(
            [programs / "image-builder", f"--host.data={self.registry.data}", f"--host.listen=127.0.0.1:{port}",
             f"--registry.address=127.0.0.1:{self.registry.port}",
             f"--builds.frameworks={ROOT / '.tools/frameworks'}", *([f"--python.index={index}"] if index else [])],
            self.folder / "builder.log", lambda: answers(f"{server}/readyz"))
        self.command = CommandLine(self.registry)
        self.slipway(
            "login", "--server", self.registry.server, "--images-server", server, "--token-file",
            self.registry.data / "first-token")

    def slipway(self, *words):
        done = self.command(*words, seconds=600)
        if done.returncode != 0:
            log = (self.folder / "builder.log").read_text(errors="replace")[-3000:]
            raise SystemExit(f"slipway {' '.join(map(str, words))}\n{done.stderr}{log}")
        return done.stdout.strip()

    def processes(self):
        return [self.builder.process.pid]

    def register(self, name, path):
        return self.slipway("model", "register", path, "--name", name)

    def build(self, *words):
        return self.slipway("image", "build", *words)

    def push(self, image, place):
        self.slipway("image", "push", image, place)

    def stop(self):
        self.builder.stop()
        self.registry.stop()


class Docker:
    """Debian's docker engine with a folder of its own, BuildKit inside, and a base of Debian's packages."""

    name = "docker build"

    def __init__(self, base):
        # Short, because sockets lie in it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
        socket = self.folder / "d.sock"
        self.words = ["/usr/bin/docker", "-H", f"unix://{socket}", "--config", self.folder / "config"]
        self.daemon = Daemon(
            ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "-H",
             f"unix://{socket}", "-p", self.folder / "pid", "--iptables=false", "--bridge=none"],
            self.folder / "log", lambda: socket.exists() and self.is_up())
        self.docker("import", base, "debian-python:12")

    def is_up(self):
        words = [str(word) for word in self.words]
        return subprocess.run([*words, "version"], capture_output=True).returncode == 0

    def docker(self, *words):
        return run(*self.words, *words, env={**os.environ, "DOCKER_BUILDKIT": "1"})

    def processes(self):
        return [self.daemon.process.pid]

    def build(self, folder, tag):
        index = index_of_packages()
        self.docker(
            "build", "--network", "host", *(["--build-arg", f"PIP_INDEX_URL={index}"] if index else []), "-t", tag,
            folder)

    def push(self, tag, place):
        self.docker("tag", tag, place)
        self.docker("push", place)

    def unpacked(self, image):
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image))

    def serve(self, image, port, *flags):
        """Seconds from the start of a container to its first answer of the model."""
        began = time.monotonic()
        container = self.docker("run", "-d", "--network", "host", *flags, image)
        body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 10], "data": [1.0] * 10}]})
        def answered():
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v2/models/net/infer", body.encode(), {"content-type": "application/json"})
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return len(json.load(answer)["outputs"][0]["data"]) == 1
            return False
        try:
            await_true(answered, f"no answer of {image}")
        except AssertionError as error:
            raise SystemExit(f"{error}\n{self.docker('logs', container)[-3000:]}") from error
        took = time.monotonic() - began
        self.docker("rm", "-f", container)
        return took

    def stop(self):
        self.daemon.stop()
        with open("/proc/self/mounts") as mounts:
            inside = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self.folder}/")]
        for place in sorted(inside, reverse=True):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
