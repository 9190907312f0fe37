#!/usr/bin/env python3
"""Kills workers in the middle of activities, and counts what they did.

Two workers share activities of many steps on one PostgreSQL. At random points one of them is killed with SIGKILL, or
stopped for longer than its leases last and let go on, and another one started in its place. In the end every resumable
activity has succeeded with each step made exactly once; every other one has succeeded so as well, or failed cleanly; no
holder made a step after a later one; the journal has one start and one finish of each, and verifies.

    Tests/Faults/activities.py --bin .build/debug/activity-worker [--kills 200] [--seed N]
"""

import argparse
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time


class Worker:
    """A worker's process; its lines are counted by a thread so that it never waits for us."""

    def __init__(self, binary, folder, name):
        self.process = subprocess.Popen(
            [binary, "work", folder, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.name = name
        self.steps = 0
        self.failure = None
        self.holds_signals = threading.Event()
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line == "holds signals\n":
                self.holds_signals.set()
            with self.changed:
                if line.startswith("step "):
                    self.steps += 1
                elif "failed:" in line:
                    self.failure = line.strip()
                self.changed.notify()

    def await_steps(self, count, seconds):
        """Waits for so many more steps. One that gets no work is as good a victim as any."""
        with self.changed:
            end = self.steps + count
            self.changed.wait_for(lambda: self.steps >= end, timeout=seconds)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()


class Control:
    def __init__(self, binary, folder):
        self.process = subprocess.Popen(
            [binary, "control", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise SystemExit(f"not ok: no database: {line!r}")

    def ask(self, command, last=None):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        lines = []
        while not lines or (last and not lines[-1].startswith(last)):
            line = self.process.stdout.readline()
            if not line or line.startswith("failed:"):
                raise SystemExit(f"not ok: {command}: {lines} {line!r}")
            lines.append(line.strip())
        return lines


def run(arguments, folder, chance):
    control = Control(arguments.bin, folder)
    counter = 0

    def hire():
        nonlocal counter
        counter += 1
        return Worker(arguments.bin, folder, f"worker-{counter}")

    workers = [hire(), hire()]
    stopped = 0
    failures = []
    try:
        for _ in range(arguments.kills):
            # Always enough to do, and a little of each kind.
            while int(control.ask("live")[0]) < 6:
                kind = "fragile" if chance.random() < 0.3 else "resumable"
                control.ask(f"start {kind} {chance.randint(5, 60)}")
            index = chance.randrange(2)
            victim = workers[index]
            victim.await_steps(chance.randint(0, 25), 5)
            time.sleep(chance.random() * 0.02)
            if chance.random() < 0.1:
                # Longer than its leases last: it wakes up believing that it still holds them.
                stopped += 1
                victim.process.send_signal(signal.SIGSTOP)
                workers[1 - index].await_steps(10, 3)
                time.sleep(1.6)
                victim.process.send_signal(signal.SIGCONT)
                victim.await_steps(chance.randint(0, 5), 2)
            if victim.process.poll() is not None:
                failures.append(f"{victim.name} ended by itself: {victim.failure}")
            victim.kill()
            workers[index] = hire()
        end = time.monotonic() + 120
        while int(control.ask("live")[0]) > 0 and time.monotonic() < end:
            time.sleep(0.1)
        for worker in workers:
            # The last one may have been hired just now.
            worker.holds_signals.wait(60)
            worker.process.terminate()
        for worker in workers:
            if worker.process.wait(timeout=60) != 0:
                failures.append(f"{worker.name} did not stop in order: {worker.failure}")
        *findings, summary = control.ask("verify", last="verified")
        failures += findings
        _, activities, effects, resumed, failed = summary.split()
        print(f"{arguments.kills} kills, {stopped} stops: {activities} activities with {effects} steps; {resumed} taken "
              f"over, {failed} not resumable and cleanly failed")
        if int(resumed) == 0 or (arguments.kills >= 50 and int(failed) == 0):
            failures.append("the kills hit nothing")
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.kill()
        control.ask("stop")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the program activity-worker")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="as a failed run printed it")
    arguments = parser.parse_args()
    # The database would outlive us otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    print(f"seed {seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="slipway-activities-")
    # The server's own user has to pass through it.
    pathlib.Path(folder).chmod(0o755)
    try:
        failures = run(arguments, f"{folder}/data", random.Random(seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for failure in failures:
        print(f"not ok: {failure} (seed {seed})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
