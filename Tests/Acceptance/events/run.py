#!/usr/bin/env python3
"""Events as their users meet them: the real registry, the real events service and the real command line.

    .tools/events/bin/python Tests/Acceptance/events/run.py --bin .build/debug

What happened to models reaches a receiver in each mode, is read by CloudEvents' own SDK, follows the schema of its type and
is signed as Docs/events/webhooks.md says. Either handshake counts as consent. Private addresses are refused, also where the
answer of the DNS changes after the check: that case has a network and a name server of its own, which wants root.

Needs Scripts/bootstrap. Prints a line for each case, and ends with status 1 if one failed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from jsonschema import Draft202012Validator

from receiving import NameServer, Receiver, read
from registry import CommandLine, Registry, await_port, await_true, free_port

TYPES = HERE.parents[2] / "Docs/events/types"
# Belongs to nobody in the network of its own that the last case has.
PUBLIC = "93.184.216.34"


class Suite:
    def __init__(self, binaries, *flags):
        self.registry = Registry(binaries)
        self.binaries = binaries
        self.port = free_port()
        self.flags = flags
        self.events = None

    def __enter__(self):
        try:
            self.registry.start()
            with open(self.registry.folder / "events.log", "ab") as log:
                self.events = subprocess.Popen(
                    [self.binaries / "events", f"--host.data={self.registry.data}",
                     f"--host.listen=127.0.0.1:{self.port}", *self.flags], stdout=log, stderr=log)
            await_port(self.port)
            self.slipway = CommandLine(self.registry)
            self("login", "--server", self.registry.server, "--events-server", f"http://127.0.0.1:{self.port}",
                 "--token-file", self.registry.data / "first-token")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.events is not None:
            self.events.terminate()
            try:
                self.events.wait(30)
            except subprocess.TimeoutExpired:
                self.events.kill()
                self.events.wait()
        self.registry.stop()

    def __call__(self, *arguments, fails=False):
        answer = self.slipway(*arguments)
        assert (answer.returncode != 0) == fails, f"{arguments}: {answer.returncode} {answer.stdout} {answer.stderr}"
        return answer.stderr if fails else answer.stdout

    def register(self, name):
        file = self.registry.folder / "model.bin"
        file.write_bytes(b"a model")
        self("model", "register", file, "--name", name)


def modes(suite):
    """In each mode: the SDK reads it, the schema holds, the signature is right."""
    receivers, secrets = {}, {}
    for mode in ("structured", "binary", "batch"):
        receivers[mode] = Receiver(consent="options" if mode != "binary" else "echo")
        secrets[mode] = suite("subscription", "create", mode, "--url", receivers[mode].url, "--mode", mode,
                              "--header", "x-team=growth", "--filter", "subject LIKE 'models/%'").strip()
    for number in range(3):
        suite.register(f"churn-{number}")
    for mode, receiver in receivers.items():
        def registered():
            return [event for event in read(receiver.requests, mode, secrets[mode])
                    if event["type"] == "slipway.model.registered"]

        await_true(lambda: len(registered()) >= 3, f"{mode}: three registrations did not come")
        for event in read(receiver.requests, mode, secrets[mode]):
            schema = json.loads((TYPES / f"{event['type'].removeprefix('slipway.')}.json").read_text())
            Draft202012Validator(schema).validate(event["data"])
            assert event["source"] == "/slipway/workspaces/default", event
        assert all(headers.get("x-team") == "growth" for headers, _ in receiver.requests)
    assert "consent       echo" in suite("subscription", "show", "binary")
    assert "consent       options" in suite("subscription", "show", "batch")
    return f"{sum(len(receiver.requests) for receiver in receivers.values())} requests"


def unwilling(suite):
    """A receiver that does not consent gets no subscription."""
    said = suite("subscription", "create", "unwilling", "--url", Receiver(consent=None).url, fails=True)
    assert "does not consent" in said, said


def filters(suite):
    """A filter that does not parse is refused with the position."""
    said = suite("subscription", "create", "odd", "--url", Receiver().url, "--filter", "tpye = 'x'", fails=True)
    assert "position 1" in said and "did you mean 'type'" in said, said


def tail(suite):
    """Who tails sees what happens, of its filter alone."""
    with contextlib.ExitStack() as stack:
        process = suite.slipway.start("events", "tail", "--since", "1h", "--filter", "subject LIKE 'models/tailed%'",
                                      "-o", "json")
        stack.callback(process.wait)
        stack.callback(process.kill)
        suite.register("other")
        suite.register("tailed")
        text = ""
        decoder = json.JSONDecoder()
        while True:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
            with contextlib.suppress(json.JSONDecodeError):
                event, _ = decoder.raw_decode(text.lstrip())
                break
        assert event["subject"].startswith("models/tailed"), event


def activities(suite):
    """The operations of all services are listed, of which there are none yet."""
    suite("activity", "list")


def private(suite):
    """What is private is refused, however it is written."""
    receiver = Receiver()
    port = receiver.url.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "0x7f000001"):
        suite("subscription", "create", "private", "--url", f"http://{host}:{port}", fails=True)
    assert not receiver.asked, "it was asked all the same"


def changing(suite):
    """A name that was public when it was checked, and is private when an event goes out."""
    receiver = Receiver(host="0.0.0.0")
    port = receiver.url.rsplit(":", 1)[1]
    names = NameServer()
    names.address = PUBLIC
    suite("subscription", "create", "changing", "--url", f"http://receiver.example:{port}/",
          "--filter", "type = 'slipway.model.registered'")
    suite.register("first")
    await_true(lambda: receiver.requests, "nothing came over the public address")
    names.address = "127.0.0.1"

    def refused():
        # What the name was is kept for some seconds: until then events go where was checked, and nowhere else.
        receiver.hang_up()
        suite.register("later")
        return "127.0.0.1" in suite("subscription", "deliveries", "changing", "--failed", "-o", "json")

    await_true(refused, "no attempt was refused")
    assert set(receiver.places) <= {PUBLIC}, receiver.places


def cases(arguments):
    if arguments.inside:
        yield (), [changing]
        return
    yield ("--delivery.allowed_networks=127.0.0.0/8",), [modes, unwilling, filters, tail, activities]
    yield (), [private]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of registry, events and slipway")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    failed = 0
    for flags, every in cases(arguments):
        with Suite(arguments.bin.resolve(), *flags) as suite:
            for case in every:
                try:
                    note = case(suite)
                    print(f"ok: {case.__doc__}" + (f" {note}" if note else ""), flush=True)
                except Exception:
                    failed += 1
                    print(f"not ok: {case.__doc__}\n{traceback.format_exc()}", flush=True)
            if failed:
                print((suite.registry.folder / "events.log").read_text()[-2000:])
    if not arguments.inside and os.getuid() == 0:
        inside = f"""
            set -e
            ip link set lo up; ip address add {PUBLIC}/32 dev lo
            mount --make-rprivate /
            file=$(mktemp); echo 'nameserver 127.0.0.1' > $file; mount --bind $file /etc/resolv.conf
            exec {sys.executable} {pathlib.Path(__file__).resolve()} --inside --bin {arguments.bin.resolve()}
            """
        failed += subprocess.run(["unshare", "--net", "--mount", "sh", "-c", inside]).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
