"""Models that can't be loaded: damaged files, other formats, scripts and adapters that crash or hang."""

import json
import shutil
import threading

import sample_models
from adapters_cases import ROOT, TEMPLATES, build


def damaged(context):
    """Folders of models that can't be loaded; by name what has to be in the reason that is told."""
    models = context.folder
    fine = context.folder.parent / "fine"
    network = (sample_models.network(fine / "network") / "model.onnx").read_bytes()
    sample_models.boosted(fine / "boosted")
    trees = (fine / "boosted" / "model.json").read_bytes()
    sample_models.leafwise(fine / "leafwise")
    leaves = (fine / "leafwise" / "model.txt").read_bytes()
    files = {
        "onnx-corrupt": ("model.onnx", bytes(range(256)) * 20, "model.onnx"),
        "onnx-truncated": ("model.onnx", network[:len(network) // 2], "model.onnx"),
        "onnx-empty": ("model.onnx", b"", "empty"),
        "onnx-other": ("model.onnx", trees, "model.onnx"),
        "xgboost-truncated": ("model.json", trees[:len(trees) // 2], "model.json"),
        "xgboost-corrupt": ("model.ubj", b"{L\0\0\0\0\0\0\0\x07learner{" + bytes(200), "model.ubj"),
        "xgboost-other": ("model.json", b'{"some": "document"}', "no file with a `learner`"),
        "lightgbm-truncated": ("model.txt", leaves[:len(leaves) // 2], "model.txt"),
        "lightgbm-corrupt": ("model.txt", leaves.replace(b"left_child=", b"left_child=77777 "), "model.txt"),
        "pickle-alone": ("model.pkl", b"\x80\x04N.", "allow_pickle"),
        "script-syntax": ("score.py", b"def run(data)\n    return 1\n", "line 1"),
        "script-init": ("score.py", b"def init():\n    raise ValueError('no weights today')\ndef run(data): pass\n",
                        "no weights today"),
        "script-exit": ("score.py", b"import os\ndef init(): os._exit(7)\ndef run(data): pass\n", "7"),
        "nothing": ("readme.txt", b"no model here", "no adapter takes"),
    }
    wanted = {}
    for name, (file, content, words) in files.items():
        (models / name).mkdir(parents=True)
        (models / name / file).write_bytes(content)
        if name == "onnx-other":
            # XGBoost's adapter knows its own by what is in it, whatever the name.
            (models / name / "slipway.json").write_text(json.dumps({"adapter": "onnxruntime"}))
        wanted[name] = words
    for name, configuration, words in [
        ("adapter-crashing", {"adapter": "crashing"}, "SIGSEGV"),
        ("adapter-hanging", {"adapter": "hanging", "load_timeout_ms": 3000}, "3"),
        ("adapter-unknown", {"adapter": "nobodys"}, "nobodys"),
    ]:
        shutil.copytree(TEMPLATES / "adapter-c" / "model", models / name)
        (models / name / "slipway.json").write_text(json.dumps(configuration))
        wanted[name] = words
    return wanted


def case_damaged(context):
    """each model that can't be loaded is listed with its reason, and the others serve all the while"""
    broken = context.folder.parent / "adapters"
    build(ROOT / "Tests" / "BrokenAdapters", f"OUT={broken}", "FAULTS=Crashing Hanging")
    context.environment["SLIPWAY_ADAPTERS"] += f":{broken}"
    sample_models.network(context.folder / "network")
    x = {"name": "x", "datatype": "FP32", "shape": [1, 10], "data": list(range(10))}
    over, answers = threading.Event(), []
    with context.scorer("--models", context.folder, "--watch", "100ms") as scorer:
        scorer.wait()

        def caller():
            while not over.is_set():
                answers.append(scorer.infer("network", x))

        callers = [threading.Thread(target=caller) for _ in range(2)]
        for thread in callers:
            thread.start()
        try:
            wanted = damaged(context)

            def failures():
                index = scorer.call("/v2/repository/index", {})[1]
                return {entry["name"]: entry for entry in index if entry.get("reason")}

            scorer.until(lambda: wanted.keys() - failures().keys(), lambda left: not left, seconds=60)
            found = failures()
            for name, words in wanted.items():
                assert words in found[name]["reason"], (name, found[name])
                assert found[name]["state"] != "READY", found[name]
                precise(scorer, name, found[name]["reason"])
            _, ready = scorer.call("/readyz")
            assert all(name in json.dumps(ready) for name in wanted), ready
        finally:
            over.set()
            for thread in callers:
                thread.join()
        assert len(answers) > 10
        assert all(answer[0] == 200 and answer[1]["outputs"] == answers[0][1]["outputs"] for answer in answers), next(
            answer for answer in answers if answer[0] != 200)
    return f"{len(wanted)} models, {len(answers)} answers of another meanwhile"


def precise(scorer, name, reason):
    """What callers of such a model are told."""
    status, answer = scorer.infer(name)
    assert status == 503 and reason[:40] in answer["error"], (name, status, answer)
    assert len(reason) < 500 and "\n" not in reason, (name, reason)


def case_mended(context):
    """a load that was asked for and failed says why, and the model serves once it is mended"""
    folder = sample_models.network(context.folder / "network")
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[:100])
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait(503)
        status, answer = scorer.call("/v2/repository/models/network/load", {})
        assert status == 422 and "model.onnx" in answer["error"], (status, answer)
        (folder / "model.onnx").write_bytes(whole)
        status, answer = scorer.call("/v2/repository/models/network/load", {})
        assert status == 200, (status, answer)
        scorer.wait()


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
