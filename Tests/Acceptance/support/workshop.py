"""The real registry and the real image builder on a data folder of their own, and `slipway` signed in to both."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

from registry import CommandLine, Registry, await_true, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
FRAMEWORKS = ROOT / ".tools/frameworks"
# pip's own settings of this machine, and what the builder calls them.
PIP_SETTINGS = {
    "index-url": "index", "extra-index-url": "extra_indexes", "find-links": "links", "trusted-host": "trusted_hosts",
    "cert": "certificates", "proxy": "proxy"}


def python_flags():
    """The builder follows no configuration of pip: it is told here what the machine's says."""
    said = subprocess.run(
        ["/usr/bin/python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found = {}
    for line in said.stdout.splitlines():
        name, _, value = line.partition("=")
        words = value.strip("'").replace("\\n", " ").split()
        setting = PIP_SETTINGS.get(name.rpartition(".")[2])
        if setting and words:
            found[setting] = ",".join(words)
    return [f"--python.{name}={value}" for name, value in found.items()]


class Workshop:
    """One machine with everything on it."""

    def __init__(self, binaries, frameworks=FRAMEWORKS, before=(), owner=None):
        """`before` are words in front of each program, as Registry takes them; `owner` is the user that it runs as then."""
        self.registry = Registry(binaries, before=before)
        self.binaries = binaries
        self.frameworks = frameworks
        self.folder = self.registry.folder
        self.data = self.registry.data
        self.layouts = self.folder / "layouts"
        self.layouts.mkdir()
        if owner is not None:
            for path in [self.folder, self.layouts]:
                os.chown(path, owner, owner)
        self.port = free_port()
        self.server = f"http://127.0.0.1:{self.port}"
        self.host = f"localhost:{self.port}"
        self.process = None
        self.count = 0

    def start(self):
        self.registry.start()
        self.start_builder()
        self.slipway = CommandLine(self.registry)
        self.slipway.environment |= {"SLIPWAY_IMAGES_SERVER": self.server}
        done = self.slipway(
            "login", "--server", self.registry.server, "--images-server", self.server, "--token-file",
            self.data / "first-token")
        assert done.returncode == 0, done.stderr

    def start_builder(self, *flags, binaries=None):
        with open(self.folder / "builder.log", "ab") as log:
            self.process = subprocess.Popen(
                self.registry.words(
                    "image-builder", f"--host.data={self.data}", f"--host.listen=127.0.0.1:{self.port}",
                    f"--registry.address=127.0.0.1:{self.registry.port}",
                    f"--builds.programs={binaries or self.binaries}", f"--builds.frameworks={self.frameworks}",
                    f"--base.layouts={self.layouts}", *python_flags(), *flags), stdout=log, stderr=log)

        def ready():
            assert self.process.poll() is None, f"the image builder does not start:\n{self.log()}"
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"{self.server}/readyz", timeout=2) as answer:
                    return answer.status == 200
        await_true(ready, "the image builder is not ready")

    def stop_builder(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @contextlib.contextmanager
    def builder_with(self, *flags, binaries=None):
        """The builder with other settings for as long as the block lasts."""
        self.stop_builder()
        self.start_builder(*flags, binaries=binaries)
        try:
            yield
        finally:
            self.stop_builder()
            self.start_builder()

    def stop(self):
        self.stop_builder()
        self.registry.stop()

    def words(self):
        return f"the image builder said last:\n{self.log()}\n"

    def log(self):
        path = self.folder / "builder.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    @property
    def token(self):
        return self.registry.token()

    # What cases need.

    def place(self, name):
        """A folder that nobody used before."""
        self.count += 1
        folder = self.folder / f"{name}-{self.count}"
        folder.mkdir()
        return folder

    def write(self, name, files):
        """A folder with some texts in it."""
        folder = self.place(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        return folder

    def register(self, name, file, *flags):
        done = self.slipway("model", "register", file, "--name", name, *flags)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def image(self, *words, seconds=300):
        return self.slipway("image", *words, seconds=seconds)

    def build(self, *words):
        """Builds an image, and returns it as `slipway image show` tells of it."""
        done = self.image("build", *words)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.log()}"
        return self.show(done.stdout.strip())

    def show(self, image):
        done = self.image("show", image, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def images(self):
        """All images that there are, deleted ones too."""
        done = self.image("search", "--deleted", "-o", "json")
        assert done.returncode == 0, done.stderr
        return sorted((image["name"], image["version"]) for image in json.loads(done.stdout).get("images", []))

    def rows(self, query):
        """What the database says, past all services."""
        lock = next(iter(self.data.glob("postgres/*/postmaster.pid"))).read_text().splitlines()
        psql = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        done = subprocess.run(
            [psql, "-XAtq", "-F", "\t", "-h", lock[4], "-p", lock[3], "-U", "slipway", "-d", "slipway", "-v",
             "ON_ERROR_STOP=1", "-c", query], capture_output=True, text=True, timeout=60,
            user=(self.data / "postgres").stat().st_uid)
        assert done.returncode == 0, f"{query}\n{done.stderr}"
        return [line.split("\t") for line in done.stdout.splitlines()]
