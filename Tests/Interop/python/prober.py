"""A well-behaved client that calls on in the background, so that an attack is seen to harm only itself."""

import threading
import time

import wire
from checks import Failure, expect


class Prober:
    """One connection that is held while an attack goes on, with one small request after the other on it."""

    PAUSE = 0.01
    CALLS_MAX = 500

    def __init__(self, host, port, exchange, deadline):
        self.address = (host, port)
        self.exchange = exchange
        self.deadline = deadline
        self.lock = threading.Condition()
        self.answered = 0
        self.slowest = 0.0
        self.failure = None
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self):
        host, port = self.address
        return wire.Http2Client(wire.connect(host, port, timeout=self.deadline), f"{host}:{port}")

    def run(self):
        try:
            while not self.stopping:
                with self.connect() as connection:
                    self.call_on(connection)
        except Exception as error:
            with self.lock:
                self.failure = f"{type(error).__name__}: {error}"
                self.lock.notify_all()

    def call_on(self, connection):
        """Calls until told to stop, or so often that some servers would retire the connection soon."""
        for _ in range(self.CALLS_MAX):
            if self.stopping:
                return
            start = time.monotonic()
            self.exchange(connection, self.deadline)
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - start)
                self.answered += 1
                self.lock.notify_all()
            time.sleep(self.PAUSE)

    def expect_alive(self):
        """Waits until the held connection has been answered once more, then calls by a new connection too."""
        with self.lock:
            wanted = self.answered + 2
            self.lock.wait_for(lambda: self.failure or self.answered >= wanted, self.deadline)
            if self.failure:
                raise Failure(f"the well-behaved connection broke: {self.failure}")
            expect(self.answered >= wanted, f"the well-behaved connection got no answer in {self.deadline} s")
        try:
            with self.connect() as connection:
                self.exchange(connection, self.deadline)
        except Exception as error:
            raise Failure(f"a new connection is not served: {type(error).__name__}: {error}") from error

    def stop(self):
        self.stopping = True
        self.thread.join(self.deadline)


def grpc_exchange(connection, timeout):
    """An empty gRPC call to the interop service."""
    response = connection.grpc("/grpc.testing.TestService/EmptyCall", wire.envelope(b""), timeout=timeout)
    outcome = f"HTTP {response.status}, grpc-status {response.trailer('grpc-status')}, reset {response.reset}"
    expect(response.trailer("grpc-status") == "0", f"EmptyCall: {outcome}")


def get_exchange(connection, timeout):
    """A GET of /, for servers that know HTTP only."""
    response = connection.request("GET", "/", timeout=timeout)
    expect(response.status is not None, "GET / has no status")
