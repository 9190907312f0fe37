"""What is promised of images: the same everywhere, taken and run by the tools of others, with what a script needs."""

import contextlib
import json
import os
import pathlib
import shutil
import sys

import numpy

from checks import expect
from containers import docker_daemon, docker_registry, tool
from machine import Container
from workshop import FRAMEWORKS, ROOT, Workshop

sys.path.insert(0, str(ROOT / "Tests/Scoring"))
import sample_models  # noqa: E402

CLOCK = "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1"


def wine(workshop):
    """A version of an ONNX model; the same one every time."""
    folder = workshop.place("model")
    sample_models.network(folder)
    return workshop.register("wine", folder / "model.onnx")


@contextlib.contextmanager
def running(workshop, reference, *login):
    """skopeo takes an image from a registry, umoci unpacks it, runc runs it."""
    folder = workshop.place("taken")
    tool("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", *login, f"docker://{reference}",
         f"oci:{folder}/layout:image")
    tool("umoci", "unpack", "--image", f"{folder}/layout:image", str(folder / "bundle"))
    container = Container(folder, folder / "bundle", {})
    try:
        container.start()
        yield container
    except Exception as error:
        raise AssertionError(f"{error!r}\n{container.words()}") from error
    finally:
        container.stop()


def answers(container):
    found = container.infer("wine", "x", numpy.ones((3, 10), "float32"))
    assert len(found) == 3 and numpy.isfinite(found).all(), found


def two_machines_build_one_digest(workshop):
    model = wine(workshop)
    here = workshop.build(model, "--name", "reproduced")
    # Other folders, times and masks of the same programs; another user, host, clock, time zone and language.
    away = workshop.place("away")
    for name in ["registry", "image-builder", "slipway", "scorer", "libOnnxRuntimeAdapter.so"]:
        shutil.copy(workshop.binaries / name, away / name)
    shutil.copytree(FRAMEWORKS / "onnxruntime", away / "frameworks/onnxruntime")
    os.utime(away / "scorer", (1, 1))
    for path in [away, *away.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    other = Workshop(
        away, away / "frameworks", owner=65534, before=[
            "unshare", "--mount", "--uts", "sh", "-c",
            'hostname elsewhere; umask 077; exec setpriv --reuid=65534 --regid=65534 --clear-groups env "$0" "$@"',
            "TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "HOME=/", "USER=nobody", "FAKETIME=+400d",
            "DONT_FAKE_MONOTONIC=1", f"LD_PRELOAD={CLOCK.format(os.uname().machine)}"])
    try:
        other.start()
        there = other.build(wine(other), "--name", "reproduced")
        assert here["digest"] == there["digest"], (here["layers"], there["layers"])
        assert here["createdAt"][:4] < there["createdAt"][:4], "the other machine's clock is the same"
    finally:
        other.stop()
    return here["digest"][:19]


def what_is_verified_is_the_same_or_is_said_not_to_be(workshop):
    model = wine(workshop)
    workshop.build(model, "--name", "verified")
    done = expect(workshop.image("verify", "verified:1", "-o", "json"))
    found = json.loads(done.stdout)
    assert found["same"] is True and found["digest"] == found["found"], found
    # Somebody who can write to the database says that the model's layer is another one.
    other = workshop.place("other")
    sample_models.network(other)
    (other / "notes.txt").write_text("nothing")
    second = workshop.register("wine", other)
    wrong = next(
        layer["digest"] for layer in workshop.build(second, "--name", "verified")["layers"]
        if layer.get("description") == second.replace("/", ":"))
    right = next(
        layer["digest"] for layer in workshop.show("verified:1")["layers"]
        if layer.get("description") == model.replace("/", ":"))
    workshop.rows(
        f"UPDATE images.layers AS a SET digest = b.digest, size = b.size, contents = b.contents FROM images.layers AS b "
        f"WHERE a.digest = '\\x{right[7:]}' AND b.digest = '\\x{wrong[7:]}'")
    workshop.build(model, "--name", "verified")
    done = expect(workshop.image("verify", "verified:3", "-o", "json"), code=1, err="is not what comes of its recipe")
    found = json.loads(done.stdout)
    assert found["same"] is False, found
    assert [(layer["kind"], layer["digest"], layer["found"]) for layer in found["layers"]] == [
        ("models", wrong, right)], found
    assert any(
        file["path"].endswith("notes.txt") and file["change"] == "removed" for file in found["files"]), found
    workshop.rows(f"DELETE FROM images.layers WHERE digest = '\\x{wrong[7:]}'")


def others_take_and_run_it_from_us_and_from_a_registry_that_we_pushed_to(workshop):
    built = workshop.build(wine(workshop), "--name", "travels")
    login = ["--src-creds", f"x:{workshop.token}"]
    ours = f"{workshop.host}/default/travels:1"
    with running(workshop, ours, *login) as container:
        answers(container)
    with docker_registry() as address:
        theirs = f"{address}/team/travels:1"
        expect(workshop.image("push", "travels:1", theirs), err="is at")
        assert json.loads(tool("skopeo", "inspect", "--tls-verify=false", f"docker://{theirs}"))["Digest"] == (
            built["digest"])
        with running(workshop, theirs) as container:
            answers(container)
        with docker_daemon() as docker:
            docker.say("login", "-u", "x", "--password-stdin", workshop.host, input=workshop.token)
            for place in [ours, theirs]:
                docker.say("pull", "-q", place)
                with docker.running(place) as container:
                    answers(container)
            archive = workshop.place("archive") / "travels.tar"
            expect(workshop.image("export", "travels:1", "-o", archive))
            assert "Loaded image" in docker.say("load", "-i", archive)


SCORE = """
import json, os, pickle

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)

def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
"""


def a_pickle_with_a_conda_file_and_a_script_scores(workshop):
    import pickle
    import sklearn
    from sklearn.linear_model import LinearRegression
    data = sample_models.measurements(50)
    folder = workshop.place("forest")
    (folder / "model.pkl").write_bytes(pickle.dumps(LinearRegression().fit(data, data.sum(axis=1))))
    version = workshop.register("linear", folder / "model.pkl")
    source = workshop.write("service", {
        "score.py": SCORE,
        "environment.yml": f"name: scoring\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip:\n"
        f"    - scikit-learn=={sklearn.__version__}\n    - numpy=={numpy.__version__}\n"})
    built = workshop.build(
        version, "--name", "linear-svc", "--entry", source / "score.py", "--deps", source / "environment.yml")
    packages = {package["name"]: package for package in built["environment"]["packages"]}
    assert packages["scikit-learn"]["version"] == sklearn.__version__ and packages["scikit-learn"]["askedFor"]
    assert {"numpy", "scipy", "joblib", "threadpoolctl"} <= packages.keys(), packages.keys()
    assert all(package["hash"].startswith("sha256:") for package in packages.values()), packages
    shown = expect(workshop.image("show", "linear-svc:1")).stdout
    assert "PYTHON 3.11" in shown and "scikit-learn" in shown, shown
    with running(workshop, f"{workshop.host}/default/linear-svc:1", "--src-creds", f"x:{workshop.token}") as container:
        status, answer = container.post("/score", {"data": [[1, 2, 3, 4, 5, 6]]})
        assert status == 200 and abs(answer[0] - 21) < 1e-3, answer
    return f"{int(built['sizeBytes']) / 1e6:.0f} MB, {len(packages)} packages"


ALL = [
    two_machines_build_one_digest, what_is_verified_is_the_same_or_is_said_not_to_be,
    others_take_and_run_it_from_us_and_from_a_registry_that_we_pushed_to, a_pickle_with_a_conda_file_and_a_script_scores,
]
