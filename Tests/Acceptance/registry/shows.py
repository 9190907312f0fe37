"""What the registry promises of many clients, large models and many files, at a small scale with every test run and at the
full one with `run.py --scale full`."""

import filecmp
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from checks import expect
from cutting_proxy import CuttingProxy

REGISTERING = pathlib.Path(__file__).with_name("registering.py")
MEMORY_MAX = 100_000_000
# A version of 100,000 files is one request and one answer of 10 MB each, and what is made of them.
MEMORY_OF_MANY_FILES_MAX = 130_000_000

SCALES = {
    "short": {"processes": 4, "registrations": 15, "kills": 2, "model_bytes": 60_000_000, "cut_bytes": 10_000_000,
              "files": 2000},
    "full": {"processes": 50, "registrations": 200, "kills": 10, "model_bytes": 5_000_000_000,
             "cut_bytes": 200_000_000, "files": 100_000},
}


class Registering:
    """Processes that register one name, again and again until each registration is confirmed."""

    def __init__(self, registry, name, processes, each):
        self.confirmed = {}
        self.changed = threading.Condition()
        self.failure = None
        self.processes = [
            subprocess.Popen(
                [sys.executable, REGISTERING, f"127.0.0.1:{registry.port}", name, str(number), str(each)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for number in range(processes)]
        for process in self.processes:
            process.stdin.write(registry.token() + "\n")
            process.stdin.close()
        self.readers = [threading.Thread(target=self.read, args=(process,)) for process in self.processes]
        for reader in self.readers:
            reader.start()

    def read(self, process):
        for line in process.stdout:
            request, version = line.split()
            with self.changed:
                self.confirmed[request] = int(version)
                self.changed.notify_all()
        status = process.wait()
        with self.changed:
            if status != 0:
                self.failure = f"a process ended with {status}"
            self.changed.notify_all()

    def await_count(self, count):
        with self.changed:
            reached = self.changed.wait_for(lambda: self.failure or len(self.confirmed) >= count, timeout=1800)
            assert reached and not self.failure, (self.failure, len(self.confirmed), count)

    def end(self):
        for reader in self.readers:
            reader.join()

    def kill(self):
        for process in self.processes:
            process.kill()


def many_processes_register_one_name_while_the_registry_is_killed(registry, slipway, scale):
    total = scale["processes"] * scale["registrations"]
    (slipway.home / "contended.bin").write_bytes(b"contended")
    # The bytes are there; what the processes contend for is the number.
    expect(slipway("model", "register", "contended.bin", "--name", "bytes"), 0, "bytes:1\n")
    began = time.monotonic()
    work = Registering(registry, "contended", scale["processes"], scale["registrations"])
    try:
        for kill in range(1, scale["kills"] + 1):
            work.await_count(total * kill // (scale["kills"] + 1))
            registry.kill_and_start()
        work.await_count(total)
        work.end()
    finally:
        work.kill()
    seconds = time.monotonic() - began
    registry.kill_and_start()
    assert sorted(work.confirmed.values()) == list(range(1, total + 1)), "versions were given twice, or left out"
    found = json.loads(expect(slipway(
        "model", "search", "name = 'contended'", "--limit", str(total + 1), "-o", "json")).stdout)["versions"]
    assert sorted(version["version"] for version in found) == list(range(1, total + 1)), len(found)
    return (f"{scale['processes']} processes x {scale['registrations']}: versions 1 to {total}, each once, "
            f"{scale['kills']} kills, {seconds:.0f} s")


def a_large_model_arrives_over_a_connection_that_is_cut(registry, slipway, scale):
    registry.kill_and_start()
    original = slipway.home / "huge.bin"
    with open(original, "wb") as file:
        left = scale["model_bytes"]
        while left > 0:
            piece = os.urandom(min(left, 1 << 24))
            file.write(piece)
            left -= len(piece)
    proxy = CuttingProxy(registry.port, scale["cut_bytes"])
    elsewhere = ("--server", f"http://127.0.0.1:{proxy.port}", "--token-file", registry.data / "first-token")
    began = time.monotonic()
    expect(slipway("model", "register", "huge.bin", "--name", "huge", *elsewhere, seconds=1800), 0, "huge:1\n")
    registered, uploads = time.monotonic(), proxy.connections
    expect(slipway("model", "download", "huge:1", *elsewhere, seconds=1800), 0, "huge-1\n")
    downloaded, downloads = time.monotonic(), proxy.connections - uploads
    proxy.close()
    got = slipway.home / "huge-1" / "huge.bin"
    assert filecmp.cmp(original, got, shallow=False)
    needed = scale["model_bytes"] // scale["cut_bytes"]
    assert uploads >= needed and downloads >= needed, (uploads, downloads)
    original.unlink()
    got.unlink()
    peak = registry.peak_memory()
    assert peak < MEMORY_MAX, f"the registry had {peak / 1e6:.0f} MB"
    return (f"{scale['model_bytes'] / 1e9:g} GB, cut every {scale['cut_bytes'] / 1e6:g} MB: up over {uploads} connections "
            f"in {registered - began:.0f} s, down over {downloads} in {downloaded - registered:.0f} s, "
            f"the registry's peak {peak / 1e6:.0f} MB")


def a_model_of_many_small_files_is_registered_and_comes_back(registry, slipway, scale):
    registry.kill_and_start()
    folder = slipway.home / "small"
    for number in range(scale["files"]):
        if number % 1000 == 0:
            (folder / f"{number // 1000:03}").mkdir(parents=True)
        (folder / f"{number // 1000:03}" / f"{number:06}").write_bytes((f"{number:06}" * 17)[:100].encode())
    began = time.monotonic()
    result = expect(slipway("model", "register", "small", "--name", "small", seconds=600), 0, "small:1\n")
    seconds = time.monotonic() - began
    assert f"uploaded, from {scale['files']} files" in result.stderr, result.stderr
    assert seconds < 120, seconds
    peak = registry.peak_memory()
    assert peak < MEMORY_OF_MANY_FILES_MAX, f"the registry had {peak / 1e6:.0f} MB"
    expect(slipway("model", "register", "small", "--name", "small", seconds=600), 0, "small:2\n", "0 bytes uploaded")
    expect(slipway("model", "download", "small:1", seconds=600), 0, "small-1\n")
    assert subprocess.run(["diff", "-r", folder, slipway.home / "small-1"]).returncode == 0
    return f"{scale['files']} files of 100 bytes in {seconds:.1f} s, the registry's peak {peak / 1e6:.0f} MB"


ALL = [
    many_processes_register_one_name_while_the_registry_is_killed, a_large_model_arrives_over_a_connection_that_is_cut,
    a_model_of_many_small_files_is_registered_and_comes_back,
]
