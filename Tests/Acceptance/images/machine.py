"""What images are made with, and what takes, unpacks and runs them."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
FRAMEWORKS = ROOT / ".tools/frameworks"


class Built:
    """What image-maker said of an image, and where it is."""

    def __init__(self, said, archive):
        lines = [line.split(" ", 5) for line in said.splitlines()]
        self.digest = next(line[1] for line in lines if line[0] == "built")
        self.times = [float(line[3]) for line in lines if line[0] == "built"]
        self.layers = [(line[1], int(line[2]), line[5]) for line in lines if line[0] == "layer"]
        self.size = sum(size for _, size, _ in self.layers)
        self.archive = archive


class Machine:
    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.containers = []
        self.count = 0

    def recipe(self, **more):
        return {
            "scorer": str(self.programs / "scorer"), "adapters": str(self.programs), "frameworks": str(FRAMEWORKS),
            "store": str(self.folder / "store"), "layouts": str(self.folder / "layouts"), **more}

    def build(self, recipe, before=(), environment=None):
        """Builds what the recipe says; `before` are words in front of the command."""
        self.count += 1
        archive = self.folder / f"image-{self.count}.tar"
        recipe = {"output": str(archive), **recipe}
        pathlib.Path(recipe["store"]).mkdir(parents=True, exist_ok=True)
        file = self.folder / f"recipe-{self.count}.json"
        file.write_text(json.dumps(recipe))
        result = subprocess.run(
            [*before, str(self.programs / "image-maker"), str(file)], capture_output=True, text=True,
            env={**os.environ, **(environment or {})})
        assert result.returncode == 0, f"image-maker ended with {result.returncode}\n{result.stdout}{result.stderr}"
        return Built(result.stdout, archive)

    @contextlib.contextmanager
    def running(self, built, **variables):
        """A container of an image: skopeo takes it, umoci unpacks it, runc runs it."""
        self.count += 1
        layout, bundle = self.folder / f"layout-{self.count}", self.folder / f"bundle-{self.count}"
        tool("skopeo", "copy", "--quiet", f"oci-archive:{built.archive}", f"oci:{layout}:image")
        tool("umoci", "unpack", "--image", f"{layout}:image", str(bundle))
        container = Container(self.folder, bundle, variables)
        self.containers.append(container)
        container.start()
        try:
            yield container
        finally:
            container.stop()

    def words(self):
        return "".join(container.words() for container in self.containers)

    def end(self):
        for container in self.containers:
            container.stop()


class Container:
    def __init__(self, folder, bundle, variables):
        self.name = f"slipway-{os.getpid()}-{bundle.name}"
        self.bundle = bundle
        self.log = folder / f"{bundle.name}.log"
        self.process = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        file = bundle / "config.json"
        configuration = json.loads(file.read_text())
        process = configuration["process"]
        process["terminal"] = False
        variables = {"SCORER_LISTEN": f"127.0.0.1:{self.port}", **variables}
        process["env"] = [text for text in process["env"] if text.split("=")[0] not in variables]
        process["env"] += [f"{name}={value}" for name, value in variables.items()]
        # The machine's network, and nothing that can be written to.
        linux = configuration["linux"]
        linux["namespaces"] = [space for space in linux["namespaces"] if space["type"] != "network"]
        configuration["root"]["readonly"] = True
        configuration["mounts"].append(
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=1777"]})
        file.write_text(json.dumps(configuration))

    def start(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["runc", "run", "--bundle", str(self.bundle), self.name], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, f"the container ended with {self.process.returncode}"
            assert time.monotonic() < end, "the container is not ready after two minutes"
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)

    def run(self, *command):
        """Another process in the container."""
        return subprocess.run(["runc", "exec", self.name, *command], capture_output=True, text=True, timeout=60)

    def get(self, path):
        return self.send(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def post(self, path, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(
            urllib.request.Request(
                f"http://127.0.0.1:{self.port}{path}", data=data, headers={"content-type": "application/json"}))

    @staticmethod
    def send(request):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode()

    def infer(self, model, name, values, kind="FP32"):
        """The first output of a model for an array."""
        body = {"inputs": [
            {"name": name, "datatype": kind, "shape": list(values.shape), "data": values.flatten().tolist()}]}
        status, answer = self.post(f"/v2/models/{model}/infer", body)
        assert status == 200, f"{model} answered {status}: {answer}"
        return answer["outputs"][0]["data"]

    def stop(self):
        if self.process is None:
            return
        subprocess.run(["runc", "kill", self.name, "TERM"], capture_output=True)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            subprocess.run(["runc", "kill", self.name, "KILL"], capture_output=True)
            self.process.wait(30)
        subprocess.run(["runc", "delete", "--force", self.name], capture_output=True)
        self.process = None

    def words(self):
        return f"{self.name} said:\n{self.log.read_text()}" if self.log.exists() else ""


def tool(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}"
    return result.stdout
