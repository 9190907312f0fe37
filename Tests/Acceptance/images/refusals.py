"""Bad input, all of it: what is said, with which exit code, and that nothing of it stays."""

import contextlib
import socket
import subprocess

import bases
from checks import expect
from hostile import hostile
from registry import await_true
from shows import wine

GOOD = "def run(data):\n    return 1\n"
# What scripts hold, and what is said of them before anything is built.
SCRIPTS = [
    ("def run(data:\n    pass\n", "score.py, line 1, column 8: '(' was never closed"),
    ("x = 1\n\nif x:\nprint(x)\n", "score.py, line 4, column 1: expected an indented block"),
    ("def init():\n    pass\n", "score.py defines no run()"),
    ("run = 7\n", "score.py, line 1, column 1: run is a value, and no function"),
    ("def run():\n    return 1\n", "run() takes no argument for the request's data"),
    ("def run(data):\n    return '\udc80'\n", "score.py is no text in UTF-8"),
]
# Flags, exit code, what is said; before anything is built as well.
REQUESTS = [
    (["nothing:1"], 3, 'there is no model "nothing"'),
    (["wine:99"], 3, "there is no version wine:99"),
    (["wine@nobody"], 3, "there is no version wine@nobody"),
    (["wine:1", "--adapter", "wine=xgboost"], 2, "wine:1 is onnx, which xgboost does not load; onnxruntime loads it"),
    (["odd:1"], 2, "odd:1 is"),
    (["wine:1", "wine:1"], 2, "twice"),
    (["wine:1", "--name", "Wrong Name"], 2, "name"),
    (["wine:1", "--step", "RUN ls"], 2, "nothing is run while an image is built"),
    (["wine:1", "--base", "not a reference"], 2, "base"),
    (["wine:1", "--entry", "/nowhere/score.py"], 3, "--entry /nowhere/score.py: there is no such file"),
]
# A dependency file, exit code, what is said.
DEPENDENCIES = [
    ("requirements.txt", "no-such-package-of-slipway\n", 1, "there is no no-such-package-of-slipway for Python"),
    ("requirements.txt", "six>=999\n", 1, "there is no six>=999 for Python"),
    ("requirements.txt", "scipy==1.11.4\nnumpy==2.2.0\n", 1, "scipy 1.11.4 depends on numpy"),
    ("requirements.txt", "-r other.txt\n", 2, "line 1"),
    ("environment.yml", "dependencies:\n  - mkl-devel\n", 2, "pip can't install: mkl-devel"),
    ("environment.yml", "dependencies:\n  - python=3.9\n", 2, "3.9"),
    ("environment.yml", "dependencies: [\n", 2, "line"),
]
# How a registry answers, and what is said of the base that was to come from it.
MOODS = [
    ("401", "wants a user and a password"), ("403", "not today"), ("404", "not"), ("429", "429"),
    ("500", "500"), ("503", "503"), ("lying header", "digest"), ("lying", "other bytes than sha256:"), ("short", "bytes"),
]


@contextlib.contextmanager
def nothing_is_registered(workshop):
    """Images are what they were, and the registry hears that nothing is built of its models any more."""
    before = workshop.images()
    yield
    assert workshop.images() == before, workshop.images()

    def withdrawn():
        return workshop.rows("SELECT count(*) FROM registry.uses WHERE \"user\" LIKE '%:build-%'") == [["0"]]

    await_true(withdrawn, "the registry believes that something is built")


def refused(workshop, code, said, *words):
    done = workshop.image("build", *words)
    expect(done, code=code, err=said)
    assert done.stdout == "" and "Traceback" not in done.stderr and str(workshop.data) not in done.stderr, done.stderr


def scripts_are_read_before_anything_is_built(workshop):
    wine(workshop)
    with nothing_is_registered(workshop):
        for text, said in SCRIPTS:
            folder = workshop.place("script")
            (folder / "score.py").write_bytes(text.encode(errors="surrogateescape"))
            refused(workshop, 2, said, "wine:1", "--entry", folder / "score.py")


def requests_that_can_not_be_are_refused(workshop):
    wine(workshop)
    odd = workshop.write("odd", {"model.bin": "who knows"})
    workshop.register("odd", odd / "model.bin")
    with nothing_is_registered(workshop):
        for words, code, said in REQUESTS:
            refused(workshop, code, said, *words)
        many = workshop.write("many", {f"{number}.py": GOOD for number in range(2001)})
        said = ["there are more than 2000 files", "a file .slipwayignore"]
        refused(workshop, 2, said, "wine:1", "--entry", many / "1.py")


def packages_that_can_not_be_had_are_named(workshop):
    wine(workshop)
    with nothing_is_registered(workshop):
        for file, text, code, said in DEPENDENCIES:
            folder = workshop.write("dependencies", {"score.py": GOOD, file: text})
            refused(workshop, code, said, "wine:1", "--entry", folder / "score.py", "--deps", folder / file)
        assert not list((workshop.data / "images/python").glob("work-*")), "something was left behind"


def bases_that_can_not_be_had_are_named_with_why(workshop):
    wine(workshop)
    with workshop.builder_with("--outside.retries=1"), nothing_is_registered(workshop):
        for mood, said in MOODS:
            with hostile() as (registry, reference):
                registry.mood = mood
                refused(workshop, 1, [reference, said], "wine:1", "--base", reference)
        refused(workshop, 1, "localhost:1/x/y:1", "wine:1", "--base", "localhost:1/x/y:1")
        with hostile(architecture="s390x") as (registry, reference):
            refused(workshop, 1, "s390x", "wine:1", "--base", reference)
        refused(workshop, 1, "leads out of the folder of layouts", "wine:1", "--base", "oci:../../etc")
        refused(workshop, 1, "is not there", "wine:1", "--base", "oci:nothing")
        bases.layout(workshop.layouts / "bent", bases.hostile)
        for blob in (workshop.layouts / "bent/blobs/sha256").iterdir():
            if blob.read_bytes()[:2] == b"\x1f\x8b":
                blob.write_bytes(blob.read_bytes()[:-1] + b"!")
        refused(workshop, 1, "other bytes than its name says", "wine:1", "--base", "oci:bent")


def a_full_disk_is_told_and_leaves_nothing(workshop):
    model = wine(workshop)
    blobs = workshop.data / "images/blobs"
    with nothing_is_registered(workshop):
        workshop.stop_builder()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=755", "tmpfs", blobs], check=True)
        try:
            workshop.start_builder()
            refused(workshop, 1, "the builder's disk is full", model)
            left = [path for path in blobs.glob("uploads/*")]
            assert not left, left
        finally:
            workshop.stop_builder()
            subprocess.run(["umount", blobs], check=True)
            workshop.start_builder()
    workshop.build(model, "--name", "roomy")


@contextlib.contextmanager
def hanging_build(workshop, name):
    """A build that waits for an index of packages that never answers; its activity.

    The version is one that no build had before: what was resolved once is remembered.
    """
    model = wine(workshop)
    source = workshop.write("hanging", {"score.py": GOOD, "requirements.txt": f"six=={name}\n"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        workshop.stop_builder()
        workshop.start_builder(f"--python.index=http://127.0.0.1:{silent.getsockname()[1]}/simple", "--python.links=")
        done = workshop.image(
            "build", model, "--name", "hanging", "--entry", source / "score.py", "--deps", source / "requirements.txt",
            "--detach")
        activity = expect(done).stdout.strip()
        # The resolver asks: the build is in the middle.
        silent.settimeout(60)
        connection, _ = silent.accept()
        try:
            yield activity
        finally:
            connection.close()


def a_build_is_cancelled_in_the_middle(workshop):
    try:
        with nothing_is_registered(workshop):
            with hanging_build(workshop, "1.15.0") as activity:
                expect(workshop.slipway("activity", "cancel", activity))
                expect(workshop.slipway("activity", "wait", activity), code=7, err="cancelled")
            await_true(
                lambda: not list((workshop.data / "images/python").glob("work-*")), "the resolver's folder stays")
    finally:
        workshop.stop_builder()
        workshop.start_builder()


def a_build_whose_builder_is_killed_goes_on_with_the_next(workshop):
    before = workshop.images()
    try:
        with hanging_build(workshop, "1.14.0") as activity:
            workshop.process.kill()
            workshop.process.wait()
    finally:
        workshop.process = None
        workshop.start_builder()
    assert workshop.images() == before
    expect(workshop.slipway("activity", "wait", activity))
    assert len(workshop.images()) == len(before) + 1
    expect(workshop.image("verify", "hanging/latest"))


def what_nobody_needs_any_more_is_collected_to_the_last_byte(workshop):
    for name, version in workshop.images():
        workshop.image("delete", f"{name}:{version}")
    blobs = workshop.data / "images/blobs"

    def left():
        folders = [blobs / name for name in ["blobs", "uploads", "damaged"]]
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    assert left()
    keep = [f"--keep.{what}=1s" for what in ["images", "layers", "sources", "blobs", "interval"]]
    with workshop.builder_with(*keep):
        try:
            await_true(lambda: not left(), "there are blobs that nobody needs")
        except AssertionError as error:
            raise AssertionError(f"{error}: {[str(path) for path in left()]}")
    assert not workshop.images()
    workshop.build(wine(workshop), "--name", "anew")


ALL = [
    scripts_are_read_before_anything_is_built, requests_that_can_not_be_are_refused,
    packages_that_can_not_be_had_are_named, bases_that_can_not_be_had_are_named_with_why,
    a_full_disk_is_told_and_leaves_nothing, a_build_is_cancelled_in_the_middle,
    a_build_whose_builder_is_killed_goes_on_with_the_next, what_nobody_needs_any_more_is_collected_to_the_last_byte,
]
