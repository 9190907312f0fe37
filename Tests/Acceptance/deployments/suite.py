"""The whole suite on a machine of its own: registry, image builder, deployer and router, and `slipway` signed in to them."""

import contextlib
import json
import pathlib
import subprocess
import urllib.request

from registry import await_true, free_port
from workshop import ROOT, Workshop

MODELS = ROOT / "Tests/Acceptance/deployments/make_models.py"


class Program:
    """A service that runs, with its log."""

    def __init__(self, name, words, log, port):
        self.name = name
        self.words = words
        self.log = log
        self.port = port
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log)

        def ready():
            assert self.process.poll() is None, f"{self.name} does not start:\n{self.said()}"
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    return answer.status == 200
        await_true(ready, f"{self.name} is not ready")

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill_and_start(self):
        """As a machine that fails: nothing is said to anybody."""
        self.process.kill()
        self.process.wait()
        self.start()

    def said(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


class Suite:
    def __init__(self, binaries):
        self.workshop = Workshop(binaries)
        self.binaries = binaries
        self.root = ROOT
        self.folder = self.workshop.folder
        data = self.workshop.data
        deployer, router, secure, operations = (free_port() for _ in range(4))
        self.router_port, self.secure_port = router, secure
        self.deployer = Program(
            "the deployer",
            [binaries / "deployer", f"--host.data={data}", f"--host.listen=127.0.0.1:{deployer}",
             f"--registry.address=127.0.0.1:{self.workshop.registry.port}",
             f"--images.address=127.0.0.1:{self.workshop.port}", f"--endpoints.plain=http://127.0.0.1:{router}",
             f"--endpoints.secure=https://127.0.0.1:{secure}"],
            self.folder / "deployer.log", deployer)
        self.router = Program(
            "the router",
            [binaries / "router", f"--data={data}", f"--listen=127.0.0.1:{router}", f"--tls_listen=127.0.0.1:{secure}",
             f"--operations=127.0.0.1:{operations}"],
            self.folder / "router.log", operations)

    def __enter__(self):
        try:
            self.workshop.start()
            self.deployer.start()
            self.router.start()
            self.slipway = self.workshop.slipway
            server = f"http://127.0.0.1:{self.deployer.port}"
            self.slipway.environment |= {
                "SLIPWAY_DEPLOYMENTS_SERVER": server,
                # The lines that are said to be typed are.
                "PATH": f"{self.binaries}:{self.slipway.environment['PATH']}"}
            done = self.slipway(
                "login", "--server", self.workshop.registry.server, "--images-server", self.workshop.server,
                "--deployments-server", server, "--token-file", self.workshop.data / "first-token")
            assert done.returncode == 0, done.stderr
            made = subprocess.run(
                [ROOT / ".tools/scoring/bin/python", MODELS, self.folder], capture_output=True, text=True)
            assert made.returncode == 0, made.stderr
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        # Replicas outlive their deployer: they are ended with their deployments.
        with contextlib.suppress(Exception):
            for deployment in self.json("deployment", "list").get("deployments", []):
                self.slipway("deployment", "delete", deployment["name"], "--yes")
            await_true(
                lambda: not self.json("deployment", "list").get("deployments"), "deployments are still there")
        self.router.stop()
        self.deployer.stop()
        self.workshop.stop()

    def words(self):
        return (
            f"the deployer said last:\n{self.deployer.said()}\nthe router said last:\n{self.router.said()}\n"
            f"{self.workshop.words()}")

    def __call__(self, *arguments, code=0, seconds=180, **more):
        """What a command writes to its standard output, and to its standard error."""
        done = self.slipway(*arguments, seconds=seconds, **more)
        assert done.returncode == code, (
            f"slipway {' '.join(map(str, arguments))} ended with {done.returncode}, not {code}\n"
            f"{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def json(self, *arguments):
        return json.loads(self(*arguments, "-o", "json")[0])

    def deploy(self, *arguments, **more):
        return self("deploy", *arguments, **more)

    def keys(self, name):
        return self.json("deployment", "keys", name)

    def address(self, name):
        return self.json("deployment", "show", name)["status"]["addresses"][0]

    def model(self, name):
        return self.folder / f"{name}.onnx"

    def script(self, name, text):
        """A folder with an entry script."""
        return self.workshop.write(name, {"score.py": text}) / "score.py"
