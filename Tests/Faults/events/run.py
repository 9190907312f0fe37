#!/usr/bin/env python3
"""No event is lost: PostgreSQL, two instances of `events` and the receiver are killed and started again, at random,
while things happen; then everything that was committed is looked for in what the receiver accepted.

    Tests/Faults/events/run.py --bin .build/debug                               5,000 events, one seed
    Tests/Faults/events/run.py --bin .build/release --scale full                100,000 events, three seeds

Some events are made by the real registry through the command line, most by transactions that write to the journal as
services do. Each subscription (unordered, ordered by subject, in batches, in batches and ordered, with a filter) gets each
event of its filter at least once, under the event's id; where order was asked for, no event of a subject is accepted for the
first time before an earlier one was. The receiver refuses some requests by itself.

Needs Scripts/bootstrap, and the programs registry, events and slipway. Prints the seed, and ends with status 1 where
something was lost, doubled under another id, or out of order.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Acceptance" / "support"))

from checker import check
from database import Database, Writer
from registry import CommandLine, Registry, free_port

SCALES = {"short": {"events": 5_000, "kills": 14, "seeds": 1, "registered": 10, "patience": 150},
          "full": {"events": 100_000, "kills": 150, "seeds": 3, "registered": 200, "patience": 900}}
REFUSALS = 0.01


class Subscription:
    def __init__(self, prefix="models/", ordered=False, flags=()):
        self.prefix, self.ordered, self.flags = prefix, ordered, list(flags)

    def wants(self, number, subject):
        return subject.startswith(self.prefix)

    def arguments(self, name, receiver):
        return ["subscription", "create", name, "--url", f"http://127.0.0.1:{receiver}/{name}", "--ordered",
                "yes" if self.ordered else "no", "--filter",
                f"type = 'slipway.model.registered' AND subject LIKE '{self.prefix}%'", *self.flags]


SUBSCRIPTIONS = {
    "plain": Subscription(),
    "ordered": Subscription(ordered=True),
    "batch": Subscription(flags=["--mode", "batch", "--batch-events", "50"]),
    "ordered-batch": Subscription(ordered=True, flags=["--mode", "batch", "--batch-events", "20"]),
    "some": Subscription(prefix="models/m1"),
}


class House:
    """All processes of one run."""

    def __init__(self, binaries, seed, say):
        self.say = say
        self.chance = random.Random(seed)
        self.seed = seed
        self.registry = Registry(binaries)
        self.binaries = binaries
        self.database = Database(self.registry.data)
        self.receiver_port = free_port()
        self.accepted = self.registry.folder / "accepted"
        self.accepted.touch()
        self.receivers = 0
        self.receiver = None
        self.instances = [None, None]
        self.ports = [free_port(), free_port()]
        self.log_starts = [0, 0]
        self.counts = collections.Counter()
        self.trouble = []

    def start(self):
        self.registry.start()
        self.start_receiver()
        for index in range(2):
            self.start_instance(index)
        self.slipway = CommandLine(self.registry)
        self.command("login", "--server", self.registry.server, "--token-file", self.registry.data / "first-token")
        for name, subscription in SUBSCRIPTIONS.items():
            self.command(*subscription.arguments(name, self.receiver_port), seconds=90)

    def command(self, *arguments, seconds=60):
        """Asked of either instance until it is done."""
        deadline = time.monotonic() + seconds
        while True:
            port = self.chance.choice(self.ports)
            with contextlib.suppress(subprocess.TimeoutExpired):
                answer = self.slipway(*arguments, seconds=30, SLIPWAY_EVENTS_SERVER=f"http://127.0.0.1:{port}")
                if answer.returncode == 0 or "already" in answer.stderr:
                    return True
                if time.monotonic() > deadline:
                    raise AssertionError(f"{arguments}: {answer.stderr}")
            time.sleep(0.2)

    def start_receiver(self):
        self.receivers += 1
        self.receiver = subprocess.Popen(
            [sys.executable, HERE / "receiver.py", str(self.receiver_port), self.accepted,
             f"{self.seed} {self.receivers}", str(REFUSALS)], stdout=subprocess.DEVNULL)

    def start_instance(self, index):
        with open(self.registry.folder / f"events-{index}.log", "ab") as log:
            self.log_starts[index] = log.tell()
            self.instances[index] = subprocess.Popen(
                [self.binaries / "events", f"--host.data={self.registry.data}",
                 f"--host.listen=127.0.0.1:{self.ports[index]}", "--delivery.allowed_networks=127.0.0.0/8",
                 "--relay.lease_duration=3s"], stdout=log, stderr=log)

    def kill_something(self):
        what = self.chance.choices(
            ["receiver", "instance", "both instances", "frozen instance", "server", "session", "server and instance"],
            [6, 6, 1, 2, 3, 3, 1])[0]
        self.counts[what] += 1
        pause = self.chance.random() * 1.5
        index = self.chance.randrange(2)
        if what == "receiver":
            self.receiver.kill()
            self.receiver.wait()
            time.sleep(pause)
            self.start_receiver()
        if what in ("instance", "both instances", "server and instance"):
            for each in range(2) if what == "both instances" else [index]:
                self.check(each)
                self.instances[each].kill()
                self.instances[each].wait()
        if what == "frozen instance":
            # Longer than its leases last: it wakes up in the belief that it still holds them.
            self.instances[index].send_signal(signal.SIGSTOP)
            time.sleep(4.5)
            self.instances[index].send_signal(signal.SIGCONT)
        if what in ("server", "server and instance"):
            self.database.kill()
            time.sleep(pause)
            self.database.start()
        if what == "session":
            self.database.kill_session(self.chance)
        for each in range(2):
            if self.instances[each].returncode is not None:
                self.start_instance(each)

    def check(self, index):
        """One that finds no database when it starts may give up; one that was at work may not end by itself."""
        if self.instances[index].poll() is None:
            return
        log = self.registry.folder / f"events-{index}.log"
        said = log.read_bytes()[self.log_starts[index]:].decode(errors="replace")
        if '"listening"' in said:
            self.trouble.append(
                f"instance {index} ended by itself with {self.instances[index].returncode}: {said[-800:]}")
        else:
            self.counts["found no database at its start"] += 1

    def resume(self):
        """As an operator does who knows that the receiver is back: the pauses of the schedule are hours."""
        for name in SUBSCRIPTIONS:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.slipway("subscription", "resume", name, seconds=30,
                             SLIPWAY_EVENTS_SERVER=f"http://127.0.0.1:{self.chance.choice(self.ports)}")

    def stop(self):
        for process in [*self.instances, self.receiver]:
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    self.trouble.append("a process did not stop within half a minute")
                    process.kill()
                    process.wait()
        self.registry.stop()


def lines_of(path):
    for line in path.read_text().splitlines():
        yield tuple(line.split(" ", 3))


def register(house, count, stop):
    """Real versions of real models, now and then, whatever happens."""
    file = house.registry.folder / "model.bin"
    file.write_bytes(b"a model")
    for number in range(count):
        if stop.is_set():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            house.slipway("model", "register", file, "--name", f"m1-real-{number % 7}", seconds=20)
        stop.wait(0.3)


def run(arguments, scale, seed, say):
    house = House(arguments.bin.resolve(), seed, say)
    stop = threading.Event()
    try:
        house.start()
        began = time.monotonic()
        count = arguments.events or scale["events"]
        writers = [Writer(house.database, random.Random(f"{seed} {number}"), count // 4, f"w{number}", 40)
                   for number in range(4)]
        for writer in writers:
            # All along, not at once: what is killed is in the middle of something.
            writer.pace = arguments.pace
        registering = threading.Thread(target=register, args=(house, scale["registered"], stop), daemon=True)
        for thread in [*writers, registering]:
            thread.start()
        kills = 0
        last_resume = time.monotonic()
        while kills < scale["kills"] or any(writer.is_alive() for writer in writers):
            time.sleep(house.chance.random() * arguments.between)
            house.kill_something()
            kills += 1
            if time.monotonic() - last_resume > 4:
                last_resume = time.monotonic()
                threading.Thread(target=house.resume, daemon=True).start()
        stop.set()
        registering.join()
        happened = time.monotonic() - began
        failures = [f"a writer failed: {writer.failure}" for writer in writers if writer.failure]

        journal = [tuple(row) for row in house.database.ask(
            "SELECT id, action, subject FROM journal.entries WHERE workspace = 'default' AND "
            "action = 'model.registered' ORDER BY transaction, id")]
        confirmed = sum(writer.confirmed for writer in writers)
        if confirmed > len(journal):
            failures.append(f"{confirmed} entries were confirmed, the journal has {len(journal)}")
        wanted = {name: sum(subscription.wants(*row[::2]) for row in journal)
                  for name, subscription in SUBSCRIPTIONS.items()}
        deadline = time.monotonic() + scale["patience"]
        while time.monotonic() < deadline:
            house.resume()
            seen = collections.defaultdict(set)
            for letter, name, number, _ in lines_of(house.accepted):
                if letter == "a":
                    seen[name].add(number)
            missing = {name: wanted[name] - len(seen[name]) for name in wanted}
            waiting = int(house.database.ask("SELECT count(*) FROM events.waiting")[0][0])
            if not any(missing.values()) and waiting == 0:
                break
            say(f"after {time.monotonic() - began:.0f} s: to come {missing}, {waiting} rows wait")
            time.sleep(3)
        waiting = house.database.ask("SELECT subscription, event, subject, due, outcome FROM events.waiting LIMIT 3")
        failures += [f"a row waits still: {row}" for row in waiting]
        dead = house.database.ask("SELECT event, reason, outcome FROM events.dead_letters LIMIT 5")
        failures += [f"a dead letter: {row}" for row in dead]
        findings, summary = check(journal, lines_of(house.accepted), SUBSCRIPTIONS)
        failures += findings + house.trouble
        real = sum(subject.startswith("models/m1-real-") for _, _, subject in journal)
        say(f"{len(journal)} events committed in {happened:.0f} s, {real} by the registry, "
            f"{sum(writer.unanswered for writer in writers)} without an answer; all delivered after "
            f"{time.monotonic() - began:.0f} s")
        say(f"killed: {dict(house.counts)}")
        for name, (events, lost, again, turned) in summary.items():
            say(f"{name}: {events} events, {lost} lost, {again} delivered again, {turned} out of order")
        if failures:
            for path in sorted(house.registry.folder.glob("events-*.log")):
                say(f"{path.name}: " + path.read_text()[-1500:])
            if arguments.keep:
                (house.registry.folder / "accepted").rename(arguments.keep)
        return failures
    finally:
        stop.set()
        house.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of registry, events and slipway")
    parser.add_argument("--scale", choices=SCALES, default="short")
    parser.add_argument("--events", type=int, help="another number of events")
    parser.add_argument("--seed", type=int, help="one run, of the kills that a failed run printed")
    parser.add_argument("--pace", type=float, default=0.01, help="seconds between a writer's transactions")
    parser.add_argument("--between", type=float, default=2.0, help="the most seconds between two kills")
    parser.add_argument("--keep", type=pathlib.Path, help="where a failed run leaves what the receiver wrote")
    arguments = parser.parse_args()
    # What is started outlives us otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scale = SCALES[arguments.scale]
    seeds = [arguments.seed] if arguments.seed is not None else [
        random.randrange(1_000_000) for _ in range(scale["seeds"])]
    failed = False
    for seed in seeds:
        def say(text, seed=seed):
            print(f"seed {seed}: {text}", flush=True)

        failures = run(arguments, scale, seed, say)
        for failure in failures:
            print(f"not ok: {failure} (seed {seed})", flush=True)
        if not failures:
            say("ok: nothing was lost")
        failed = failed or bool(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
