"""Images of every kind, each built, unpacked, run and asked."""

import os
import pathlib
import shutil
import sys

import numpy

import bases
from machine import FRAMEWORKS, ROOT

sys.path.insert(0, str(ROOT / "Tests/Scoring"))
import sample_models  # noqa: E402


def onnx(folder, name="wine", version=1):
    sample_models.network(folder)
    return {
        "name": name, "version": version, "adapter": "onnxruntime", "format": "onnx", "main_path": "model.onnx",
        "folder": str(folder)}


def asks_onnx(container, name="wine"):
    answer = container.infer(name, "x", numpy.ones((3, 10), "float32"))
    assert len(answer) == 3 and numpy.isfinite(answer).all(), answer


def an_onnx_image_on_nothing_is_small_and_answers(machine):
    built = machine.build(machine.recipe(models=[onnx(machine.folder / "model")], times=2))
    assert built.size < 60_000_000, f"the image has {built.size} bytes"
    with machine.running(built) as container:
        asks_onnx(container)
        ready = container.run("/slipway/bin/scorer", "ready")
        assert ready.returncode == 0, f"ready: {ready.stdout}{ready.stderr}"
        other = container.run("/slipway/bin/scorer", "ready", "--listen=127.0.0.1:1")
        assert other.returncode == 1 and "not ready" in other.stderr, f"{other.returncode}: {other.stderr}"
    return f"{built.size / 1e6:.1f} MB, {built.times[0]:.2f} s, and {built.times[1] * 1000:.0f} ms when built again"


def a_container_that_others_reach_wants_to_know_who_may_call(machine):
    built = machine.build(machine.recipe(models=[onnx(machine.folder / "model")]))
    try:
        with machine.running(built, SCORER_LISTEN="0.0.0.0:0"):
            raise RuntimeError("it serves everybody")
    except AssertionError as error:
        assert "the container ended" in str(error), error
    assert "access.open" in machine.words(), machine.words()


def all_frameworks_live_in_one_image(machine):
    folder = machine.folder
    sample_models.boosted(folder / "boosted")
    sample_models.leafwise(folder / "lightened")
    built = machine.build(machine.recipe(models=[
        onnx(folder / "onnx"), onnx(folder / "onnx", version=2),
        {"name": "boosted", "adapter": "xgboost", "main_path": "model.json", "folder": str(folder / "boosted")},
        {"name": "lightened", "adapter": "lightgbm", "main_path": "model.txt", "folder": str(folder / "lightened")}]))
    with machine.running(built) as container:
        asks_onnx(container)
        assert container.get("/v2/models/wine/versions/1")[0] == 200
        assert container.get("/v2/models/wine/versions/2")[0] == 200
        row = sample_models.measurements(1)
        for name in ["boosted", "lightened"]:
            status, about = container.get(f"/v2/models/{name}")
            assert status == 200, about
            tensor = about["inputs"][0]
            container.infer(name, tensor["name"], row, tensor["datatype"])


def a_base_of_another_kind_is_not_touched_by_ours(machine):
    bases.layout(machine.folder / "layouts/hostile", bases.hostile)
    built = machine.build(machine.recipe(models=[onnx(machine.folder / "model")], base="oci:hostile"))
    with machine.running(built) as container:
        asks_onnx(container)


SCRIPT = """
import json, os, sys

def init():
    global number
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "number.txt")) as file:
        number = int(file.read())

def run(data):
    import helper
    with open("/proc/self/maps") as maps:
        leaked = sorted({line.split()[-1] for line in maps if "/slipway/lib/" in line})
    return {"sum": sum(json.loads(data)["data"]) + number, "level": os.environ.get("LEVEL"), "leaked": leaked,
            "late": os.environ.get("LATE"), "paths": os.environ.get("LD_LIBRARY_PATH"), "user": os.getuid(),
            "help": helper.word(), "asset": open("/opt/data/greeting.txt").read(), "copy": os.path.exists("/srv/note.txt"),
            "version": os.environ["SLIPWAY_MODEL_VERSION"], "zone": os.environ.get("ZONE")}
"""


def scripts_run_with_the_python_of_their_base(machine):
    folder = machine.folder
    for path, content in {
        "model/number.txt": "40", "source/score.py": SCRIPT, "source/helper.py": "def word(): return 'helped'",
        "source/note.txt": "note", "assets/greeting.txt": "hello",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    bases.layout(folder / "layouts/python", bases.with_python, Env=["PATH=/usr/bin", "ZONE=north"])
    built = machine.build(machine.recipe(
        models=[{"name": "adder", "version": 4, "adapter": "python", "folder": str(folder / "model")}],
        base="oci:python", source=str(folder / "source"), entry="score.py", variables={"LEVEL": "7"},
        assets=[{"folder": str(folder / "assets"), "path": "/opt/data"}],
        steps=[["COPY", "note.txt", "/srv/"], ["ENV", "LATE", "built"]]))
    with machine.running(built, LATE="started") as container:
        status, answer = container.post("/score", {"data": [1, 1]})
        assert status == 200, answer
        expected = {
            "sum": 42, "level": "7", "late": "started", "leaked": [], "paths": None, "user": 65532, "help": "helped",
            "asset": "hello", "copy": True, "version": "4", "zone": "north"}
        assert answer == expected, answer


FOREST = """
import json, os, pickle, sys

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)

def run(data):
    with open("/proc/self/maps") as maps:
        leaked = sorted({line.split()[-1] for line in maps if "/slipway/lib/" in line})
    import sklearn
    return {"rows": model.predict(json.loads(data)["data"]).tolist(), "leaked": leaked, "version": sklearn.__version__}
"""


def forest(machine):
    """A pickle of scikit-learn with a script and a conda file."""
    import pickle
    import sklearn
    from sklearn.linear_model import LinearRegression
    folder = machine.folder
    (folder / "model").mkdir()
    (folder / "source").mkdir()
    data = sample_models.measurements(50)
    (folder / "model/model.pkl").write_bytes(pickle.dumps(LinearRegression().fit(data, data.sum(axis=1))))
    (folder / "source/score.py").write_text(FOREST)
    (folder / "source/environment.yml").write_text(
        f"dependencies:\n  - python=3.11\n  - pip:\n    - scikit-learn=={sklearn.__version__}\n"
        f"    - numpy=={numpy.__version__}\n")
    return machine.recipe(
        models=[{"name": "linear", "version": 1, "adapter": "python", "folder": str(folder / "model")}],
        source=str(folder / "source"), entry="score.py", dependencies="environment.yml", scratch=str(folder),
        times=2)


def asks_forest(container):
    status, answer = container.post("/score", {"data": [[1, 2, 3, 4, 5, 6]]})
    assert status == 200, answer
    assert abs(answer["rows"][0] - 21) < 1e-3 and answer["leaked"] == [], answer


def scripts_with_a_conda_file_need_no_base(machine):
    built = machine.build(forest(machine))
    with machine.running(built) as container:
        asks_forest(container)
    return f"{built.size / 1e6:.1f} MB, {built.times[0]:.1f} s, and {built.times[1] * 1000:.0f} ms when built again"


def scripts_with_a_conda_file_run_on_a_base_of_another_kind(machine):
    bases.layout(machine.folder / "layouts/hostile", bases.hostile)
    built = machine.build({**forest(machine), "base": "oci:hostile"})
    with machine.running(built) as container:
        asks_forest(container)


def the_same_build_gives_one_digest_whoever_does_it_and_wherever(machine):
    folder = machine.folder
    model = onnx(folder / "model")
    first = machine.build(machine.recipe(models=[model]))
    away = folder / "elsewhere"
    (away / "store").mkdir(parents=True)
    for name in ["scorer", "libOnnxRuntimeAdapter.so"]:
        shutil.copy(machine.programs / name, away / name)
    shutil.copytree(FRAMEWORKS / "onnxruntime", away / "frameworks/onnxruntime")
    shutil.copytree(folder / "model", away / "model")
    os.utime(away / "scorer", (1, 1))
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    second = machine.build(
        {"scorer": str(away / "scorer"), "adapters": str(away), "frameworks": str(away / "frameworks"),
         "store": str(away / "store"), "models": [{**model, "folder": str(away / "model")}]},
        before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", 'umask 077; exec "$0" "$@"'],
        environment={"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "HOME": "/", "USER": "nobody"})
    assert first.digest == second.digest, (first.layers, second.layers)


def a_new_model_costs_its_own_layers(machine):
    recipe = machine.recipe(models=[onnx(machine.folder / "model")])
    first = machine.build(recipe)
    (machine.folder / "model/notes.txt").write_text("another")
    second = machine.build(recipe)
    same = [layer for layer in first.layers if layer in second.layers]
    assert len(first.layers) - len(same) <= 2, (first.layers, second.layers)


ALL = [
    an_onnx_image_on_nothing_is_small_and_answers, a_container_that_others_reach_wants_to_know_who_may_call,
    all_frameworks_live_in_one_image, a_base_of_another_kind_is_not_touched_by_ours,
    scripts_run_with_the_python_of_their_base, scripts_with_a_conda_file_need_no_base,
    scripts_with_a_conda_file_run_on_a_base_of_another_kind, the_same_build_gives_one_digest_whoever_does_it_and_wherever,
    a_new_model_costs_its_own_layers]
