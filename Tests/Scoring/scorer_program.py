"""The scorer as a process, for cases that meet it as its users do."""

import json
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Scorer:
    """Started with arguments behind `serve`; stopped at the end of the `with` block, where it has to end by itself."""

    def __init__(self, binaries, *arguments, environment=None, log):
        self.binaries = pathlib.Path(binaries)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.arguments = [str(argument) for argument in arguments]
        self.environment = environment
        self.log = pathlib.Path(log)

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.binaries / "scorer", "serve", *self.arguments, "--port", str(self.port)], stdout=log,
                stderr=subprocess.STDOUT, env=self.environment)
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the scorer did not stop within a minute")
        if failure[0] is None:
            assert code == 0, f"the scorer ended with {code}: {self.log.read_text()[-2000:]}"

    def wait(self, wanted=200, seconds=60):
        """Waits until /readyz answers so, and returns what it says."""
        return self.until(lambda: self.call("/readyz"), lambda answer: answer[0] == wanted, seconds)

    def until(self, ask, check, seconds=60):
        """Asks again until the answer passes."""
        end = time.monotonic() + seconds
        answer = None
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the scorer ended: {self.log.read_text()[-2000:]}"
            try:
                answer = ask()
                if check(answer):
                    return answer
            except (ConnectionError, urllib.error.URLError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"nothing came within {seconds} s; last was {answer}: {self.log.read_text()[-2000:]}")

    def call(self, path, body=None, fields=None, method=None):
        """Status and body; JSON where the answer says so."""
        status, _, answer = self.exchange(path, body, fields, method)
        return status, answer

    def exchange(self, path, body=None, fields=None, method=None):
        """Status, header fields and body; JSON where the answer says so."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(self.url + path, data=data, headers=fields or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, self._read(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, self._read(error)

    def resident(self):
        """Bytes of memory that the process occupies now."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) << 10
        raise AssertionError("the scorer has no memory")

    @staticmethod
    def _read(answer):
        text = answer.read()
        return json.loads(text) if "json" in answer.headers.get("content-type", "") and text else text.decode()

    def infer(self, model, *inputs, version=None):
        path = f"/v2/models/{model}" + (f"/versions/{version}" if version else "") + "/infer"
        return self.call(path, {"inputs": list(inputs)})


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": list(shape), "data": data}
