"""Requests that go on while something happens, each answer looked at."""

import collections
import contextlib
import threading

import numpy
import requests
import tritonclient.grpc as triton

ROW = [[1.0, 2.0]]


def score(address, key, session=requests, row=ROW, **fields):
    return session.post(
        f"{address}/score", json={"data": row}, timeout=60, headers={"authorization": f"Bearer {key}", **fields})


def infer(client, deployment, model, key, row=ROW):
    """The first output for a row, over gRPC."""
    tensor = triton.InferInput("x", [len(row), len(row[0])], "FP32")
    tensor.set_data_from_numpy(numpy.array(row, numpy.float32))
    answer = client.infer(
        model, [tensor], client_timeout=60,
        headers={"authorization": f"Bearer {key}", "slipway-deployment": f"default/{deployment}"})
    return answer.as_numpy("y")


class Load:
    """Callers over REST and over gRPC, until the block ends. `answers` counts what came, by its first number; `failures` has
    what was no answer."""

    def __init__(self, suite, name, key=None, rest=3, grpc=1, model=None):
        self.suite = suite
        self.name = name
        self.model = model or name
        self.key = key or suite.keys(name)["primary"]
        self.address = suite.address(name)
        self.answers = collections.Counter()
        self.failures = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask_over_rest) for _ in range(rest)]
        self.threads += [threading.Thread(target=self.ask_over_grpc) for _ in range(grpc)]

    def note(self, ask):
        try:
            answer = ask()
            with self.lock:
                self.answers[answer] += 1
        except Exception as error:
            with self.lock:
                self.failures.append(f"{type(error).__name__}: {error}"[:400])

    def ask_over_rest(self):
        with requests.Session() as session:
            def ask():
                answer = score(self.address, self.key, session)
                assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
                found = answer.json()
                return float(found["predictions"][0][0] if isinstance(found, dict) else found[0])

            while not self.over.is_set():
                self.note(ask)

    def ask_over_grpc(self):
        with contextlib.closing(triton.InferenceServerClient(f"127.0.0.1:{self.suite.router_port}")) as client:
            while not self.over.is_set():
                self.note(lambda: float(infer(client, self.name, self.model, self.key)[0][0]))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(120)

    def total(self):
        with self.lock:
            return sum(self.answers.values())

    def seen(self, answer):
        with self.lock:
            return self.answers[answer]

    def check(self):
        assert not self.failures, f"{len(self.failures)} of {self.total() + len(self.failures)} failed: {self.failures[:5]}"
        assert self.total() > 0, "nothing was asked"
        return f"{self.total()} requests, none failed"
