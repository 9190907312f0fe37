#!/usr/bin/env python3
"""Holds very many idle connections and slow readers against a server, and looks at its memory.

    .tools/python/bin/python Tests/Faults/idle_and_slow.py --port 8080 --pid $(pgrep -x rpc-interop-serv)

Opens --idle HTTP/2 connections that say nothing after their settings, and --slow ones that ask for a large server
stream and then grant room for a few hundred bytes now and then. Holds them for --hold seconds. Passes when the
server's memory stays below --limit-megabytes throughout, no connection is lost, every slow reader got data, and a
well-behaved client was answered all the time. Everything is on the loopback and ends by itself.

Both sides need a descriptor for each connection: start the server under `prlimit --nofile=65536` if need be.
"""

import argparse
import pathlib
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Interop" / "python"))

import stubs  # noqa: E402, F401  (makes grpc.testing importable)
from grpc.testing import messages_pb2  # noqa: E402

import hostile_http2 as h2  # noqa: E402
import prober  # noqa: E402
import wire  # noqa: E402
from checks import Failure, Report, expect  # noqa: E402

# Room that a slow reader gives at its start and at each turn, in bytes.
FIRST_WINDOW, MORE_WINDOW = 1024, 256
# Connections whose greeting is still awaited. Less than any backlog, so that none is dropped.
OPENING_MAX = 100


class Connection:
    """A held connection. Answers pings and settings, counts data, and otherwise keeps still."""

    def __init__(self, address, request):
        self.request = request
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setblocking(False)
        self.buffer = b""
        self.greeted = False
        self.received = 0
        self.lost = None
        window = h2.setting(h2.INITIAL_WINDOW_SIZE, FIRST_WINDOW) if request else b""
        self.send(h2.PREFACE + h2.frame(h2.SETTINGS, payload=window) + (request or b""))

    def send(self, data):
        try:
            self.socket.send(data)
        except OSError as error:
            self.lost = str(error)

    def readable(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.lost = str(error)
            return
        if not data:
            self.lost = self.lost or "closed by the server"
            return
        self.buffer += data
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                return
            self.handle(self.buffer[3], self.buffer[4], self.buffer[9 : 9 + length])
            self.buffer = self.buffer[9 + length :]

    def handle(self, kind, flags, payload):
        if kind == h2.SETTINGS and not flags & h2.ACK:
            self.greeted = True
            self.send(h2.frame(h2.SETTINGS, h2.ACK))
        elif kind == h2.PING and not flags & h2.ACK:
            self.send(h2.frame(h2.PING, h2.ACK, 0, payload))
        elif kind == h2.DATA:
            self.received += len(payload)
        elif kind == h2.GOAWAY:
            self.lost = f"GOAWAY with code {int.from_bytes(payload[4:8], 'big')}"
        elif kind == h2.RST_STREAM:
            self.lost = f"stream reset with code {int.from_bytes(payload[:4], 'big')}"

    def read_slowly(self):
        more = struct.pack(">I", MORE_WINDOW)
        self.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, more) + h2.frame(h2.WINDOW_UPDATE, 0, 1, more))


class Crowd:
    """All held connections, on one epoll."""

    def __init__(self, address):
        self.address = address
        self.poll = select.epoll()
        self.connections = {}
        self.opening = 0

    def add(self, request=None):
        connection = Connection(self.address, request)
        self.connections[connection.socket.fileno()] = connection
        self.poll.register(connection.socket.fileno(), select.EPOLLIN)
        return connection

    def serve(self, seconds):
        """Handles what comes in, for a time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in self.poll.poll(left):
                connection = self.connections[descriptor]
                connection.readable()
                if connection.lost:
                    self.poll.unregister(descriptor)
                    connection.socket.close()
                    del self.connections[descriptor]
                    self.connections[-descriptor - 1] = connection

    def open(self, count, request, timeout):
        """Opens connections a few at a time, and waits until the server has greeted each."""
        deadline = time.monotonic() + timeout
        opened, waiting = [], []
        while len(opened) < count or waiting:
            while len(opened) < count and len(waiting) < OPENING_MAX:
                opened.append(self.add(request))
                waiting.append(opened[-1])
            self.serve(0.005)
            waiting = [one for one in waiting if not one.greeted and not one.lost]
            if time.monotonic() > deadline:
                raise Failure(f"{len(waiting)} of {len(opened)} connections were not greeted in {timeout} s")
        return opened

    def close(self):
        for connection in self.connections.values():
            connection.socket.close()


def memory(pid):
    """Resident memory of a process, in megabytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise Failure(f"process {pid} has ended")


def slow_request(megabytes):
    # Many messages rather than large ones: a server has to keep the message that it is sending as a whole.
    parameters = [messages_pb2.ResponseParameters(size=64 << 10) for _ in range(16 * megabytes)]
    message = messages_pb2.StreamingOutputCallRequest(response_parameters=parameters).SerializeToString()
    return h2.open_call(1, h2.LATE_CALL) + h2.frame(h2.DATA, h2.END_STREAM, 1, wire.envelope(message))


def raise_limit(needed):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
                return
            except (ValueError, OSError):
                sys.exit(f"{needed} descriptors are needed, the limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def check(arguments):
    crowd = Crowd((arguments.host, arguments.port))
    good = prober.Prober(arguments.host, arguments.port, prober.grpc_exchange, 10)
    try:
        before = memory(arguments.pid)
        start = time.monotonic()
        idle = crowd.open(arguments.idle, None, 120)
        with_idle = memory(arguments.pid)
        print(f"# {len(idle)} idle connections in {time.monotonic() - start:.1f} s: "
              f"{before:.0f} -> {with_idle:.0f} MB", flush=True)
        slow = crowd.open(arguments.slow, slow_request(arguments.megabytes), 120)
        most = max(before, with_idle)
        end = time.monotonic() + arguments.hold
        while time.monotonic() < end:
            crowd.serve(0.5)
            for connection in slow:
                if not connection.lost:
                    connection.read_slowly()
            most = max(most, memory(arguments.pid))
        print(f"# and {len(slow)} slow readers of {arguments.megabytes} MB each, held {arguments.hold} s: "
              f"most {most:.0f} MB; slowest good answer {good.slowest * 1000:.0f} ms", flush=True)
        for name, group in (("idle", idle), ("slow", slow)):
            lost = [connection.lost for connection in group if connection.lost]
            expect(not lost, f"{len(lost)} of {len(group)} {name} connections were lost, the first: {lost[:1]}")
        starved = sum(connection.received <= FIRST_WINDOW for connection in slow)
        expect(arguments.hold < 3 or not starved, f"{starved} slow readers got no more than their first window")
        greedy = [connection.received for connection in slow if connection.received > 1 << 20]
        expect(not greedy, f"{len(greedy)} slow readers got more than they gave room for")
        good.expect_alive()
        expect(most < arguments.limit_megabytes, f"{most:.0f} MB, the limit is {arguments.limit_megabytes}")
    finally:
        good.stop()
        crowd.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="a server of grpc.testing.TestService, without TLS")
    parser.add_argument("--pid", type=int, required=True, help="its process, whose memory is read from /proc")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=1_000)
    parser.add_argument("--megabytes", type=int, default=16, help="what each slow reader asks for")
    parser.add_argument("--hold", type=float, default=15, help="seconds to hold everything")
    parser.add_argument("--limit-megabytes", type=float, default=400)
    arguments = parser.parse_args()
    raise_limit(arguments.idle + arguments.slow + 100)
    report = Report()
    report.run("idle_and_slow", check, arguments)
    report.finish()


if __name__ == "__main__":
    main()
