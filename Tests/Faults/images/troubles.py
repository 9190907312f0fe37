"""Databases that stand still, full disks, clients and registries that go away in the middle."""

import contextlib
import os
import signal
import subprocess
import time

from kills import (
    await_reports, collect, keeper_of, outside_registry, pull_everything, verify_ends, verify_pushes, verify_versions)
from suite import Refused, archive, await_true, chance_of, in_pieces, upload_source


def build(builder, model, name="churn", **recipe):
    return builder.call(
        "images.v1.Images/Build", {"name": name, "recipe": {"models": [model]} | recipe})["id"]


def end_of(suite, activity, seconds=180):
    found = []

    def ended():
        found[:] = suite.rows(
            "SELECT state, coalesce(error_code, ''), replace(coalesce(error_message, ''), E'\\n', ' ') "
            f"FROM activities.activities WHERE id = '{activity}'")[0]
        return found[0] in ("succeeded", "failed", "cancelled") or str(found)

    await_true(ended, f"{activity} has not ended", seconds)
    return tuple(found)


def collected(suite):
    """A keeper that keeps nothing is let at it."""
    await_reports(suite)
    for builder in suite.builders:
        builder.stop()
    keeper = keeper_of(suite)
    removed = collect(suite, keeper)
    pull_everything(suite, keeper)
    assert not suite.damaged()
    return removed


def a_database_that_stands_still_during_builds(suite, seed, say):
    chance = chance_of(seed, "database")
    models = [suite.register("churn", chance, chance.randint(200_000, 2_000_000)) for _ in range(6)]
    builder = suite.builder("--builds.at_once", "3")
    builder.start()
    builder.await_ready()
    asked = [build(builder, model) for model in models]
    for _ in range(2):
        time.sleep(chance.uniform(0.2, 1.5))
        os.kill(suite.postmaster, signal.SIGSTOP)
        # The sessions are processes of their own.
        sessions = [int(line) for line in subprocess.run(
            ["ps", "--no-headers", "-o", "pid", "--ppid", str(suite.postmaster)], capture_output=True,
            text=True).stdout.split()]
        try:
            for session in sessions:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(session, signal.SIGSTOP)
            # Longer than the leases last.
            time.sleep(5)
        finally:
            for process in [*sessions, suite.postmaster]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)
    began = time.monotonic()
    for activity in asked:
        assert end_of(suite, activity)[0] == "succeeded", end_of(suite, activity)
    took = time.monotonic() - began
    verify_ends(suite)
    assert verify_versions(suite) == len(models)
    assert builder.process.poll() is None, "the builder ended"
    removed = collected(suite)
    say(f"stood still twice for 5 s: {len(models)} builds done {took:.0f} s later; {removed} blobs collected")


def a_disk_that_is_full_in_the_middle_of_a_layer(suite, seed, say):
    chance = chance_of(seed, "disk")
    small, large = suite.register("churn", chance, 100_000), suite.register("churn", chance, 8_000_000)
    disk = suite.data / "images"
    disk.mkdir(mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=755", "tmpfs", disk], check=True)
    try:
        builder = suite.builder()
        builder.start()
        builder.await_ready()
        assert end_of(suite, build(builder, small))[0] == "succeeded"

        def fill(leave):
            free = os.statvfs(disk)
            with open(disk / "ballast", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - leave)

        # The model's file has room, and its layer has not.
        fill(10_000_000)
        failed = end_of(suite, build(builder, large))
        assert failed[:2] == ("failed", "store.full"), failed
        assert suite.number("SELECT count(*) FROM images.images") == 1 and not suite.damaged(), suite.damaged()
        (disk / "ballast").unlink()
        fill(1_000_000)
        try:
            upload_source(builder, in_pieces(archive({"large": chance.randbytes(3_000_000)})))
            raise AssertionError("a tree was taken that has no room")
        except Refused as error:
            assert error.code == "resource_exhausted", error
            refused = str(error)
        assert "/tmp/" not in refused, f"the answer tells of the machine's folders: {refused}"
        (disk / "ballast").unlink()
        assert end_of(suite, build(builder, large))[0] == "succeeded"
        source = upload_source(builder, in_pieces(archive({"large": chance.randbytes(3_000_000)})))
        asset = {"assets": [{"source": source, "path": "/srv"}]}
        assert end_of(suite, build(builder, large, **asset))[0] == "succeeded"
        assert suite.number("SELECT max(version) FROM images.images") == 3, "the failed build took a number"
        assert verify_versions(suite) == 3
        assert not suite.uploads(), suite.uploads()
        removed = collected(suite)
        say(f"failed with {failed[1]} ({failed[2]}), and built once there was room; {removed} blobs collected")
    finally:
        for program in suite.builders:
            program.stop()
        subprocess.run(["umount", disk], check=True)


def a_client_that_breaks_off_a_source_tree(suite, seed, say):
    chance = chance_of(seed, "client")
    model = suite.register("churn", chance, 100_000)
    builder = suite.builder()
    builder.start()
    builder.await_ready()
    for _ in range(20):
        tree = {f"file-{number}": chance.randbytes(chance.randint(1, 400_000)) for number in range(5)}
        pieces = in_pieces(archive(tree | {"large": chance.randbytes(3_000_000)}), 100_000)
        upload_source(builder, pieces[:chance.randint(0, len(pieces) - 1)], breaks_off=True)

    def abandoned():
        return not suite.uploads() or f"uploads {suite.uploads()}"

    # Without any collection.
    await_true(abandoned, "uploads are left", 60)
    assert suite.number("SELECT count(*) FROM images.sources") == 0, "half a tree was taken"
    source = upload_source(builder, in_pieces(archive({"file": b"whole"})))
    asset = {"assets": [{"source": source, "path": "/srv"}]}
    assert end_of(suite, build(builder, model, **asset))[0] == "succeeded"
    left = len(suite.blobs() - suite.referenced())
    say(f"20 trees broken off left no upload and no tree; {collected(suite)} of {left} orphans collected")


def a_registry_that_is_killed_during_a_push(suite, seed, say):
    chance = chance_of(seed, "registry")
    models = [suite.register("churn", chance, chance.randint(2_000_000, 6_000_000)) for _ in range(2)]
    builder = suite.builder()
    builder.start()
    builder.await_ready()
    for model in models:
        assert end_of(suite, build(builder, model))[0] == "succeeded"
    with outside_registry(suite.folder / "outside") as (address, start, kill):
        ends = []
        for number in range(1, len(models) + 1):
            order = {"image": f"churn:{number}", "destination": f"{address}/team/churn-{number}:1"}
            first = builder.call("images.v1.Images/Push", order)["id"]
            # The runtime's layer alone takes longer.
            time.sleep(chance.uniform(0, 0.4))
            kill()
            ends.append(end_of(suite, first))
            assert ends[-1][0] == "succeeded" or ends[-1][1] == "push.unavailable", ends
            start()
            again = builder.call("images.v1.Images/Push", order)["id"]
            assert end_of(suite, again)[0] == "succeeded", end_of(suite, again)
        pushed = verify_pushes(suite, address)
    failed = sum(state == "failed" for state, _, _ in ends)
    say(f"{failed} of {len(ends)} pushes failed with push.unavailable, and went through when it was back; {pushed} there")


ALL = [
    a_database_that_stands_still_during_builds, a_disk_that_is_full_in_the_middle_of_a_layer,
    a_client_that_breaks_off_a_source_tree, a_registry_that_is_killed_during_a_push,
]
