"""The two servers that are compared: how each is started and filled, and what a call to it looks like."""

import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
MODELS = 10_000
# Those that versions are registered under, beside those that are filled.
NEW_MODELS = 100
STARTING_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def descendants(process):
    """A process with all that came of it."""
    found = [process]
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process:
            found += descendants(int(path.name))
    return found


def memory(processes):
    """Megabytes that processes keep in memory: what they share counts once."""
    total = 0
    for process in processes:
        try:
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1])
    return total / 1024


def processor(processes):
    """Seconds of a core that processes took so far."""
    total = 0
    for process in processes:
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


class Side:
    """A server with a PostgreSQL of its own."""

    headers = {}

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o755)
        self.port = free_port()
        self.process = None

    def start(self, command, **options):
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=self.log, stderr=self.log, start_new_session=True, **options)
        began = time.monotonic()
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - began > STARTING_SECONDS:
                raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.health}", timeout=5).read()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def post(self, path, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
            {"content-type": "application/json", **self.headers})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def sql(self, file, **variables):
        assignments = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        subprocess.run(
            ["psql", "-q", "-X", "-h", self.sockets, "-U", "slipway", "-v", "ON_ERROR_STOP=1", *assignments, "-f",
             HERE / "Fill" / file, self.database], check=True, stdout=subprocess.DEVNULL)

    def memory(self):
        return memory(descendants(self.process.pid))

    def settle(self):
        """Waits until it has finished starting: it takes hardly any time for a second."""
        for _ in range(STARTING_SECONDS):
            before = processor(descendants(self.process.pid))
            time.sleep(1)
            if processor(descendants(self.process.pid)) - before < 0.1:
                return

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.log.close()

    def request(self, method, path, body=None):
        """A whole request, as bytes."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", "accept: */*"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if body is not None:
            lines += ["content-type: application/json", f"content-length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content


class Slipway(Side):
    name = "Slipway"
    health = "/"
    database = "slipway"

    def open(self, programs):
        data = self.folder / "suite"
        self.cluster = data / "postgres"
        self.sockets = self.cluster / "postgres.socket"
        self.start([programs / "registry", "--host.data", data, "--host.listen", f"127.0.0.1:{self.port}"])
        self.headers = {"authorization": f"Bearer {(data / 'first-token').read_text().strip()}"}

    def prepare(self):
        content = b"a small model"
        self.digest = "sha256:" + hashlib.sha256(content).hexdigest()
        path = self.folder / "small"
        path.write_bytes(content)
        self.upload(path, self.digest, len(content))
        self.post("/slipway.models.v1.Models/Register", self.version("seed", "team-0", "T-0", 0.5, 50))

    def version(self, name, team, ticket, auc, loss):
        return {
            "name": name, "files": [{"path": "model.onnx", "digest": self.digest, "sizeBytes": 13}],
            "tags": {"team": team, "stage": "new", "ticket": ticket}, "metrics": {"auc": auc, "loss": loss},
            "origin": {"run": hashlib.md5(name.encode()).hexdigest()},
        }

    def fill(self, first, last):
        self.sql("ours.sql", models=MODELS, first=first, last=last)

    def upload(self, path, digest, size):
        begun = self.post("/v1/uploads", {"digest": digest, "size_bytes": size})
        self.curl("-T", path, f"http://127.0.0.1:{self.port}/v1/uploads/{begun['id']}?offset=0")

    def register_upload(self, digest, size):
        self.post("/slipway.models.v1.Models/Register", {
            "name": "large", "files": [{"path": "model.bin", "digest": digest, "sizeBytes": size}]})

    def download(self, target):
        self.curl("-o", target, f"http://127.0.0.1:{self.port}/v1/models/large/1/files/model.bin")

    def curl(self, *words):
        headers = [word for name, value in self.headers.items() for word in ("-H", f"{name}: {value}")]
        subprocess.run(
            ["curl", "-sS", "--fail-with-body", *headers, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    def call(self, method, body):
        return self.request("POST", f"/slipway.models.v1.Models/{method}", body)

    def search(self, query):
        return self.call("Search", {"query": query, "pageSize": 100})

    def register(self, draw):
        return self.call("Register", self.version(
            draw.new, draw.team, draw.ticket, draw.random.random(), draw.random.random() * 100))

    def get(self, draw):
        return self.call("GetVersion", {"version": f"{draw.model}/{draw.version}"})

    def list_models(self, draw):
        return self.call("ListModels", {"pageSize": 100})

    def list_versions(self, draw):
        return self.search(f"name = '{draw.model}'")

    def by_tag(self, draw):
        return self.search(f"tags.team = '{draw.team}'")

    def by_rare_tag(self, draw):
        return self.search(f"tags.ticket = '{draw.ticket}'")

    def by_metric(self, draw):
        return self.search(f"metrics.auc > {draw.threshold(0.9)}")

    def by_rare_metric(self, draw):
        return self.search(f"metrics.auc > {draw.threshold(0.9999)}")

    def best(self, draw):
        return self.search(f"metrics.auc > {draw.threshold(0.9)} ORDER BY metrics.auc DESC")


class MLflow(Side):
    name = "MLflow"
    health = "/health"
    database = "mlflow"

    def open(self, programs, python):
        self.cluster = self.folder / "cluster"
        self.cluster.mkdir(mode=0o755)
        subprocess.run([programs / "bench-state", "cluster", self.cluster], check=True, stdout=subprocess.DEVNULL)
        self.sockets = self.cluster / "postgres.socket"
        subprocess.run(["createdb", "-h", self.sockets, "-U", "slipway", "mlflow"], check=True)
        self.artifacts = self.folder / "artifacts"
        # As it comes, but that it does not tell anybody about us, and that workers which are busy for more than 5 s are
        # not taken for dead.
        self.start(
            [python.parent / "mlflow", "server", "--backend-store-uri",
             f"postgresql+psycopg2://slipway@/mlflow?host={self.sockets}", "--serve-artifacts",
             "--artifacts-destination", self.artifacts, "--host", "127.0.0.1", "--port", self.port,
             "--uvicorn-opts", "--timeout-worker-healthcheck 600"],
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}, cwd=self.folder)

    def prepare(self):
        self.experiment = self.post("/api/2.0/mlflow/experiments/create", {"name": "bench"})["experiment_id"]
        run = self.post("/api/2.0/mlflow/runs/create", {"experiment_id": self.experiment, "start_time": 1})
        self.run, self.place = run["run"]["info"]["run_id"], run["run"]["info"]["artifact_uri"]
        for number in range(NEW_MODELS):
            self.post("/api/2.0/mlflow/registered-models/create", {"name": f"new-{number}"})

    def fill(self, first, last):
        self.sql("mlflow.sql", models=MODELS, first=first, last=last, experiment=self.experiment)

    def upload(self, path, digest, size):
        self.curl("-T", path, f"http://127.0.0.1:{self.port}/api/2.0/mlflow-artifacts/artifacts/large/model.bin")

    def register_upload(self, digest, size):
        pass

    def download(self, target):
        self.curl("-o", target, f"http://127.0.0.1:{self.port}/api/2.0/mlflow-artifacts/artifacts/large/model.bin")

    curl = Slipway.curl

    def call(self, path, **query):
        return self.request("GET", f"/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}")

    def versions(self, condition):
        return self.call("model-versions/search", filter=condition, max_results=100)

    def runs(self, condition, **more):
        return self.request("POST", "/api/2.0/mlflow/runs/search", {
            "experiment_ids": [self.experiment], "filter": condition, "max_results": 100, **more})

    def register(self, draw):
        tags = {"team": draw.team, "stage": "new", "ticket": draw.ticket}
        return self.request("POST", "/api/2.0/mlflow/model-versions/create", {
            "name": draw.new, "source": f"{self.place}/model", "run_id": self.run,
            "tags": [{"key": key, "value": value} for key, value in tags.items()]})

    def get(self, draw):
        return self.call("model-versions/get", name=draw.model, version=draw.version)

    def list_models(self, draw):
        return self.call("registered-models/search", max_results=100)

    def list_versions(self, draw):
        return self.versions(f"name = '{draw.model}'")

    def by_tag(self, draw):
        return self.versions(f"tags.team = '{draw.team}'")

    def by_rare_tag(self, draw):
        return self.versions(f"tags.ticket = '{draw.ticket}'")

    def by_metric(self, draw):
        return self.runs(f"metrics.auc > {draw.threshold(0.9)}")

    def by_rare_metric(self, draw):
        return self.runs(f"metrics.auc > {draw.threshold(0.9999)}")

    def best(self, draw):
        return self.runs(f"metrics.auc > {draw.threshold(0.9)}", order_by=["metrics.auc DESC"])
