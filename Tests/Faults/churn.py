#!/usr/bin/env python3
"""Makes very many calls with cancels, deadlines that pass and clients that die, then looks at what the server kept.

    .tools/python/bin/python Tests/Faults/churn.py --port 8080                     1,000,000 calls
    .tools/python/bin/python Tests/Faults/churn.py --port 8080 --total 50000       a short run
    .tools/python/bin/python Tests/Faults/churn.py --port 8080 --pid 123           counters from /proc

The server tells its own counters by `GET /debug/counters` on the same port, as JSON: connections, streams, tasks,
timers, descriptors, rss_bytes. They are read after a short warm-up and after each of four rounds, once the load has
gone. Passes when every counter returns to its value after the warm-up, and memory grows no more than
--growth-megabytes from the first round to the last. For servers without the counters, --pid reads descriptors and
memory from /proc.

Of a hundred calls about 65 are answered in full, 10 are cancelled with their request sent, 5 before, 5 while a large
response is coming, and 15 pass their deadline while the server sleeps. A connection makes some hundred calls, and then
mostly dies by a TCP reset with calls in flight. The seed is printed; --seed repeats a run's choices.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import random
import select
import socket
import struct
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Interop" / "python"))

import hpack  # noqa: E402
import hostile_http2 as h2  # noqa: E402
from checks import Report, expect, expect_equal  # noqa: E402

COUNTERS = ("connections", "streams", "tasks", "timers", "descriptors", "rss_bytes")
ROUNDS = 4
# Calls of one connection, from which one is drawn. Fewer cancels than servers allow one connection in a row.
CALLS_MIN, CALLS_MAX = 100, 1200
STREAMS_MAX = 40
# One connection in so many has its headers decoded, to see that calls end as they should.
SAMPLED = 10
DEADLINE = h2.block(h2.call_headers(h2.STREAMING_OUTPUT, ("grpc-timeout", "5m")))
EMPTY = b"\0\0\0\0\0"
# StreamingOutputCallRequest with four responses of 256 KiB.
LARGE = b"\0\0\0\0\x18" + b"\x12\x04\x08\x80\x80\x10" * 4
GREETING = (
    h2.PREFACE
    + h2.frame(h2.SETTINGS, 0, 0, h2.setting(h2.INITIAL_WINDOW_SIZE, 1 << 20))
    + h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30))
)
PLAIN, CANCEL_AFTER, CANCEL_BEFORE, CANCEL_DURING, EXPIRE = range(5)
KINDS = ["answered", "cancelled with the request sent", "cancelled before", "cancelled while answered", "expired"]
WEIGHTS = [65, 10, 5, 5, 15]


def stamped(piece):
    """A function that puts a stream number into each frame of a prepared piece."""
    offsets, offset = [], 0
    while offset < len(piece):
        offsets.append(offset + 5)
        offset += 9 + int.from_bytes(piece[offset : offset + 3], "big")
    parts = [piece[start:end] for start, end in zip([0] + [at + 4 for at in offsets], offsets + [len(piece)])]
    return lambda stream: struct.pack(">I", stream).join(parts)


RESET = h2.frame(h2.RST_STREAM, 0, 1, b"\0\0\0\x08")
OPENINGS = [
    stamped(h2.open_call() + h2.frame(h2.DATA, h2.END_STREAM, 1, EMPTY)),
    stamped(h2.open_call() + h2.frame(h2.DATA, h2.END_STREAM, 1, EMPTY) + RESET),
    stamped(h2.open_call() + RESET),
    stamped(h2.open_call(1, h2.LATE_CALL) + h2.frame(h2.DATA, h2.END_STREAM, 1, LARGE)),
    stamped(h2.open_call(1, DEADLINE) + h2.frame(h2.DATA, h2.END_STREAM, 1, h2.LATE_RESPONSE)),
]
STAMPED_RESET = stamped(RESET)


class Connection:
    """One client that will die. Starts calls as others end, as fast as the server answers."""

    def __init__(self, address, chance, tally, sampled):
        self.chance = chance
        self.tally = tally
        self.decoder = hpack.Decoder() if sampled else None
        self.statuses = {}
        self.left = chance.randint(CALLS_MIN, CALLS_MAX)
        self.dies = chance.random() < 0.8
        self.next_stream = 1
        self.open = {}
        self.streams_max = STREAMS_MAX
        self.out = bytearray(GREETING)
        self.buffer = b""
        self.over = False
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def start_calls(self, budget):
        """Starts up to `budget` calls. Returns how many it started."""
        started = 0
        while started < budget and self.left and len(self.open) < self.streams_max:
            kind = self.chance.choices(range(5), WEIGHTS)[0]
            stream, self.next_stream = self.next_stream, self.next_stream + 2
            self.out += OPENINGS[kind](stream)
            self.left -= 1
            started += 1
            if kind in (CANCEL_AFTER, CANCEL_BEFORE):
                self.tally[KINDS[kind]] += 1
            else:
                self.open[stream] = kind
        return started

    def flush(self):
        if self.out and not self.over:
            try:
                del self.out[: self.socket.send(self.out)]
            except BlockingIOError:
                pass
            except OSError:
                self.end("connections broken by the server")

    def readable(self):
        try:
            data = self.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end("connections closed by the server")
            return
        self.buffer += data
        offset, buffer = 0, self.buffer
        while len(buffer) - offset >= 9 and not self.over:
            length = int.from_bytes(buffer[offset : offset + 3], "big")
            if len(buffer) - offset < 9 + length:
                break
            stream = int.from_bytes(buffer[offset + 5 : offset + 9], "big")
            kind, flags = buffer[offset + 3], buffer[offset + 4]
            self.handle(kind, flags, stream, buffer, offset + 9, length)
            offset += 9 + length
        self.buffer = buffer[offset:]

    def handle(self, kind, flags, stream, buffer, start, length):
        if kind == h2.HEADERS:
            if self.decoder:
                self.read_status(stream, buffer[start : start + length])
            if flags & h2.END_STREAM:
                self.finish(stream)
        elif kind == h2.DATA:
            if flags & h2.END_STREAM:
                self.finish(stream)
            elif self.open.get(stream) == CANCEL_DURING:
                self.out += STAMPED_RESET(stream)
                self.finish(stream)
        elif kind == h2.RST_STREAM:
            self.finish(stream, reset=True)
        elif kind == h2.SETTINGS and not flags & h2.ACK:
            self.out += h2.frame(h2.SETTINGS, h2.ACK)
            for at in range(start, start + length, 6):
                identifier, value = struct.unpack_from(">HI", buffer, at)
                if identifier == h2.MAX_CONCURRENT_STREAMS:
                    self.streams_max = min(STREAMS_MAX, value)
        elif kind == h2.PING and not flags & h2.ACK:
            self.out += h2.frame(h2.PING, h2.ACK, 0, buffer[start : start + length])
        elif kind == h2.GOAWAY:
            self.end("connections ended by GOAWAY")

    def read_status(self, stream, block):
        for name, value in self.decoder.decode(block):
            if name == "grpc-status":
                self.statuses[stream] = value

    def finish(self, stream, reset=False):
        kind = self.open.pop(stream, None)
        status = self.statuses.pop(stream, None)
        if kind is None:
            return
        self.tally[KINDS[kind]] += 1
        if reset and kind != CANCEL_DURING:
            self.tally[f"wrong: {KINDS[kind]}, but reset"] += 1
        elif self.decoder and kind in (PLAIN, EXPIRE):
            self.tally["statuses seen"] += 1
            wanted = "0" if kind == PLAIN else "4"
            if status != wanted:
                self.tally[f"wrong: {KINDS[kind]}, with status {status}"] += 1

    @property
    def is_done(self):
        """Nothing more to start; a client that dies does so with calls in flight."""
        return self.over or not self.left and (self.dies and not self.out or not self.open)

    def end(self, reason):
        """Closes: with a TCP reset for a client that dies, in order for others."""
        if self.over:
            return
        self.over = True
        self.tally[reason] += 1
        self.tally["lost with their client"] += len(self.open)
        if self.dies:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def work(address, calls, connections, seed, deadline, results):
    """One process of load: keeps connections busy until its calls are made and have ended."""
    chance = random.Random(seed)
    tally = collections.Counter()
    poll = select.epoll()
    held = {}
    made = opened = 0
    try:
        while made < calls or held:
            if time.monotonic() > deadline:
                tally["wrong: time is up"] += 1
                break
            while made < calls and len(held) < connections:
                connection = Connection(address, chance, tally, opened % SAMPLED == 0)
                opened += 1
                held[connection.socket.fileno()] = connection
                poll.register(connection.socket.fileno(), select.EPOLLIN)
                made += connection.start_calls(calls - made)
                connection.flush()
            for descriptor, _ in poll.poll(0.02):
                held[descriptor].readable()
            for descriptor, connection in list(held.items()):
                if not connection.over:
                    made += connection.start_calls(calls - made)
                    if made >= calls:
                        connection.left = 0
                    connection.flush()
                if connection.is_done:
                    if not connection.over:
                        poll.unregister(descriptor)
                    connection.end("clients that died" if connection.dies else "clients that left in order")
                    del held[descriptor]
    except Exception as error:
        tally[f"wrong: {type(error).__name__}: {error}"] += 1
    tally["made"] = made
    results.put(tally)


def run_round(arguments, calls, seed):
    """Spreads calls over processes. Returns the sums of what became of them."""
    results = multiprocessing.SimpleQueue()
    deadline = time.monotonic() + arguments.time_limit
    shares = [calls // arguments.processes] * arguments.processes
    shares[0] += calls - sum(shares)
    address = (arguments.host, arguments.port)
    workers = [
        multiprocessing.Process(
            target=work, args=(address, share, arguments.connections, seed * 1000 + number, deadline, results))
        for number, share in enumerate(shares)
    ]
    for worker in workers:
        worker.start()
    tally = collections.Counter()
    for _ in workers:
        tally += results.get()
    for worker in workers:
        worker.join()
    return tally


def read_counters(arguments):
    if arguments.pid:
        status = pathlib.Path(f"/proc/{arguments.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return {"descriptors": len(os.listdir(f"/proc/{arguments.pid}/fd")), "rss_bytes": resident * 1024}
    url = f"http://{arguments.host}:{arguments.port}/debug/counters"
    with urllib.request.urlopen(url, timeout=10) as response:
        counters = json.load(response)
    missing = [name for name in COUNTERS if name not in counters]
    expect(not missing, f"{url} lacks {missing}")
    return {name: counters[name] for name in COUNTERS}


def settled(arguments, wanted=None):
    """Counters once the load has gone: equal to those wanted, or else unchanged for a second."""
    deadline = time.monotonic() + arguments.settle
    last, since = None, time.monotonic()
    while True:
        counters = read_counters(arguments)
        steady = {name: value for name, value in counters.items() if name != "rss_bytes"}
        if wanted is not None and all(steady[name] == wanted[name] for name in steady):
            return counters
        if steady != last:
            last, since = steady, time.monotonic()
        if wanted is None and time.monotonic() - since >= 1 or time.monotonic() > deadline:
            return counters
        time.sleep(0.1)


def resting_memory(arguments):
    """The least memory within some seconds: servers give back what a burst took only after a pause."""
    deadline = time.monotonic() + 8
    least = read_counters(arguments)["rss_bytes"]
    while time.monotonic() < deadline:
        time.sleep(0.5)
        least = min(least, read_counters(arguments)["rss_bytes"])
    return least


def show(counters):
    return ", ".join(
        f"{name} {value / 1048576:.1f} MB" if name == "rss_bytes" else f"{name} {value}"
        for name, value in counters.items())


def check(arguments, report):
    warm_up = run_round(arguments, max(2000, arguments.total // 50), arguments.seed)
    start = settled(arguments)
    print(f"# after {warm_up['made']} calls to warm up: {show(start)}", flush=True)
    total, memory, after = collections.Counter(), [], start
    for number in range(1, ROUNDS + 1):
        calls = arguments.total // ROUNDS + (arguments.total % ROUNDS if number == ROUNDS else 0)
        began = time.monotonic()
        tally = run_round(arguments, calls, arguments.seed + number)
        seconds = time.monotonic() - began
        total += tally
        after = settled(arguments, start)
        if number in (1, ROUNDS):
            after["rss_bytes"] = resting_memory(arguments)
            memory.append(after["rss_bytes"])
        rate = f"{calls} calls in {seconds:.1f} s ({calls / seconds:,.0f}/s)"
        print(f"# round {number}: {rate}; {show(after)}", flush=True)
    for name, count in sorted(total.items()):
        print(f"#   {count:>9,} {name}")

    def as_planned():
        wrong = {name: count for name, count in (warm_up + total).items() if name.startswith("wrong")}
        expect(not wrong, f"{wrong}")
        expect_equal(total["made"], arguments.total, "calls made")
        ended = sum(total[kind] for kind in KINDS) + total["lost with their client"]
        expect_equal(ended, arguments.total, "calls accounted for")

    def no_growth():
        growth = (memory[-1] - memory[0]) / 1048576
        expect(growth <= arguments.growth_megabytes, f"memory grew by {growth:.1f} MB from round 1 to {ROUNDS}")

    report.run("calls_end_as_planned", as_planned)
    for name in start:
        if name != "rss_bytes":
            report.run(f"{name}_return", expect_equal, after[name], start[name], name)
    report.run("memory_is_flat", no_growth)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="a server of grpc.testing.TestService, without TLS")
    parser.add_argument("--pid", type=int, help="read descriptors and memory of this process instead of the counters")
    parser.add_argument("--total", type=int, default=1_000_000, help="calls in all, besides the warm-up")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=20, help="connections of each process at once")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--settle", type=float, default=30, help="seconds in which counters have to return")
    parser.add_argument("--time-limit", type=float, default=900, help="seconds for each round")
    parser.add_argument("--growth-megabytes", type=float, default=8)
    arguments = parser.parse_args()
    print(f"# seed {arguments.seed}", flush=True)
    report = Report()
    try:
        check(arguments, report)
    except Exception as error:
        report.fail("churn", f"{type(error).__name__}: {error}")
    report.finish()


if __name__ == "__main__":
    main()
