"""The real registry, image builders and their store on a folder of its own; and what can be asked of them and seen of them."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_true(condition, what, seconds=120):
    """Waits for what is to come; the condition says what it sees instead where it returns no truth but a text."""
    deadline = time.monotonic() + seconds
    while (seen := condition()) is not True:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} after {seconds} s: {seen}")
        time.sleep(0.1)


class Refused(Exception):
    """A call was answered with an error: its code, and its message."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Unreachable(Exception):
    """Nobody answered: the process is gone, or went in the middle of the call."""


class Program:
    """A service's process, which can be killed and started again at the same address."""

    def __init__(self, suite, name, binary, flags):
        self.suite, self.name, self.binary, self.flags = suite, name, binary, flags
        self.port = free_port()
        self.log = suite.folder / f"{name}.log"
        self.process = None

    def start(self, *flags):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--host.data", self.suite.data, "--host.listen", f"127.0.0.1:{self.port}", *self.flags,
                 *flags], stdout=log, stderr=log)

    def await_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    return answer.status == 200
            return False

        await_true(ready, f"{self.name} is not ready")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop in a minute:\n{self.last_words()}")

    def last_words(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def open(self, path, data=None, timeout=60, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data,
            headers={"authorization": f"Bearer {self.suite.token}"} | headers)
        return urllib.request.urlopen(request, timeout=timeout)

    def call(self, method, request, timeout=60):
        """One call with JSON; the answer as a dictionary."""
        try:
            with self.open(f"/slipway.{method}", json.dumps(request).encode(), timeout,
                           content_type="application/json") as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            try:
                found = json.loads(text)
                raise Refused(found["code"], found.get("message", ""))
            except (ValueError, KeyError):
                raise Refused(f"HTTP {error.code}", text.decode(errors="replace"))
        except (OSError, ValueError, EOFError) as error:
            raise Unreachable(str(error))
        except Exception as error:  # http.client has its own family
            raise Unreachable(repr(error))


class Suite:
    """A registry, any number of builders, one database and one store."""

    def __init__(self, binaries):
        self.binaries = binaries
        # PostgreSQL runs as another user there, and a socket's path must be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.registry = Program(self, "registry", binaries / "registry", [])
        self.builders = []
        self.token = ""
        self.programs = self.folder / "programs"

    def start(self):
        self.make_programs()
        self.registry.start()
        self.registry.await_ready()
        self.token = (self.data / "first-token").read_text().strip()

    def make_programs(self):
        """What images hold instead of a scorer: nobody runs them here, and the real one takes a minute to compress when
        nothing is optimised. They are programs and libraries of this machine, so that the builder finds what it looks for."""
        framework = self.programs / "frameworks" / "onnxruntime"
        framework.mkdir(parents=True)
        libraries = pathlib.Path("/lib/x86_64-linux-gnu")
        for source, target in [
                (pathlib.Path("/bin/true"), self.programs / "scorer"),
                (libraries / "libz.so.1", self.programs / "libOnnxRuntimeAdapter.so"),
                (libraries / "libm.so.6", framework / "libonnxruntime.so.1")]:
            shutil.copy(source.resolve(), target)
        (framework / "version").write_text("onnxruntime 1.0\n")

    def builder(self, *flags, lease="3s"):
        """A builder that was not started yet."""
        words = ["--registry.address", f"127.0.0.1:{self.registry.port}", "--builds.lease", lease]
        words += ["--builds.programs", str(self.programs),
                  "--builds.frameworks", str(self.programs / "frameworks")]
        found = Program(self, f"builder-{len(self.builders) + 1}", self.binaries / "image-builder", [*words, *flags])
        self.builders.append(found)
        return found

    def stop(self, keeps_folder=False):
        """Ends everything; gives what did not end as it should."""
        troubles = []
        for program in [*self.builders, self.registry]:
            try:
                program.stop()
            except AssertionError as error:
                troubles.append(str(error))
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = self.postmaster
            os.kill(pid, signal.SIGQUIT)
            await_true(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "PostgreSQL goes on", 30)
        if not keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return troubles

    @property
    def postmaster(self):
        """The process of the suite's own PostgreSQL, which outlives its services by design."""
        lock = next(iter(self.data.glob("postgres/*/postmaster.pid")))
        return int(lock.read_text().split()[0])

    def rows(self, query):
        """What the database says, each row as a list of texts; asked past all services."""
        lock = next(iter(self.data.glob("postgres/*/postmaster.pid"))).read_text().splitlines()
        psql = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        words = [psql, "-XAtq", "-F", "\t", "-h", lock[4], "-p", lock[3], "-U", self.database[0], "-d", self.database[1],
                 "-v", "ON_ERROR_STOP=1", "-c", query]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{query}\n{done.stderr}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    database = ("slipway", "slipway")

    def number(self, query):
        return int(self.rows(query)[0][0])

    # Models and sources

    def register(self, name, chance, size):
        """A new version of a model: an ONNX file with a description of so many random characters."""
        text = base64.b64encode(chance.randbytes(size * 3 // 4))
        # Field 6 of ModelProto, the documentation; the last one counts.
        path = self.folder / "model.onnx"
        path.write_bytes(FIXTURE.read_bytes() + b"\x32" + varint(len(text)) + text)
        done = self.slipway("model", "register", path, "--name", name)
        found = done.stdout.strip()
        if done.returncode != 0:
            raise AssertionError(f"a model was not registered: {done.stderr}")
        return found.split()[0].replace("/", ":")

    def slipway(self, *words, server=None):
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "SLIPWAY_TOKEN": self.token,
                       "SLIPWAY_SERVER": f"http://127.0.0.1:{(server or self.registry).port}"}
        return subprocess.run(
            [self.binaries / "slipway", *map(str, words)], capture_output=True, text=True, timeout=120, cwd=home,
            env=environment)

    # What is there

    @property
    def store(self):
        return self.data / "images" / "blobs"

    def blobs(self):
        """The digests in the store, by the names of its files."""
        return {f"sha256:{path.name}" for path in self.store.glob("blobs/*/*")}

    def read(self, digest):
        name = digest.removeprefix("sha256:")
        return (self.store / "blobs" / name[:2] / name).read_bytes()

    def damaged(self):
        """Blobs whose bytes are not those of their name: a scrub by other means than the store's own."""
        found = []
        for path in self.store.glob("blobs/*/*"):
            with open(path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                    found.append(path.name)
        return found + [f"damaged/{path.name}" for path in self.store.glob("damaged/*")]

    def uploads(self):
        return [path.name for path in self.store.glob("uploads/*")]

    def referenced(self):
        """What images and the trees that they were built of need, out of the manifests themselves."""
        needed = set()
        for (digest,) in self.rows("SELECT DISTINCT encode(digest, 'hex') FROM images.images"):
            manifest = json.loads(self.read(digest))
            needed |= {f"sha256:{digest}", manifest["config"]["digest"]}
            needed |= {layer["digest"] for layer in manifest["layers"]}
        needed |= {f"sha256:{row[0]}" for row in self.rows(
            "SELECT DISTINCT encode(f.digest, 'hex') FROM images.source_files AS f "
            "JOIN images.image_sources AS i ON i.source = f.source")}
        return needed


def upload_source(builder, pieces, breaks_off=False):
    """Brings a tree in pieces of a tar archive; breaking off, the connection ends in the middle of what was announced."""
    head = (f"POST /slipway.images.v1.Images/UploadSource HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: Bearer {builder.suite.token}\r\ncontent-type: application/connect+proto\r\n"
            "connect-protocol-version: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
    try:
        with socket.create_connection(("127.0.0.1", builder.port), timeout=60) as connection:
            connection.sendall(head.encode())
            for piece in pieces:
                message = b"\x0a" + varint(len(piece)) + piece
                frame = b"\0" + struct.pack(">I", len(message)) + message
                connection.sendall(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            if breaks_off:
                # A reset, as of a machine that went away.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return None
            connection.sendall(b"0\r\n\r\n")
            answer = b""
            while data := connection.recv(1 << 16):
                answer += data
    except OSError as error:
        raise Unreachable(str(error))
    at = answer.find(b"sha256:")
    if at >= 0:
        return answer[at:at + 71].decode()
    if b'"code"' in answer:
        found = answer[answer.find(b'{"error"'):].decode(errors="replace")
        raise Refused(found.split('"code":"')[1].split('"')[0], found)
    raise Unreachable(f"no answer: {answer[-200:]!r}")


def archive(files):
    """A tar archive of names and contents."""
    import io
    import tarfile
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, contents in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(contents)
            tar.addfile(entry, io.BytesIO(contents))
    return buffer.getvalue()


def in_pieces(data, size=1 << 18):
    return [data[at:at + size] for at in range(0, len(data), size)]


def varint(number):
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def chance_of(seed, part):
    """Numbers for one part of a run, the same for the same seed whatever other parts draw."""
    return random.Random(f"{seed} {part}")


FIXTURE = pathlib.Path(__file__).resolve().parents[2] / "ModelFormatsTests" / "Fixtures" / "pipeline.onnx"
