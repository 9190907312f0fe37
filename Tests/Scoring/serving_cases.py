"""Serving: folders that change, loads that fail, models that are swapped under load, limits and stops."""

import json
import os
import shutil
import subprocess
import threading

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper

from scorer_program import Scorer, tensor


def linear(path, factor, columns=4):
    """A model that multiplies each row by a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])], "linear",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", columns])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", columns])],
        [onnx.numpy_helper.from_array(numpy.array([factor], dtype=numpy.float32), "factor")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    # Beside it and then in its place, as anybody should: a scan never sees half a file.
    beside = path.with_name("." + path.name)
    beside.write_bytes(model.SerializeToString())
    os.replace(beside, path)


def x(rows, columns=4):
    return tensor("x", "FP32", [rows, columns], [float(n) for n in range(rows * columns)])


def ask(scorer, model="m", rows=1, **more):
    status, answer = scorer.infer(model, x(rows), **more)
    assert status == 200, (status, answer)
    return answer["outputs"][0]["data"]


def case_path(context):
    """one file is served under its name, described, and its example answers"""
    linear(context.folder / "wine.onnx", 3)
    with context.scorer(context.folder / "wine.onnx") as scorer:
        scorer.wait()
        assert ask(scorer, "wine") == [0, 3, 6, 9]
        said = scorer.until(scorer.log.read_text, lambda text: "curl -s" in text)
        line = next(line for line in said.splitlines() if "curl -s" in line)
        command = line[line.index("curl"):]
        answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)
        assert answer["outputs"][0]["shape"] == [1, 4], answer
    text = context.run("describe", context.folder / "wine.onnx")
    assert "x  FP32 [-1,4]" in text and "execution: on the" in text, text


def case_predict(context):
    """predict answers a file of JSON and one of CSV without a server"""
    linear(context.folder / "m.onnx", 2)
    (context.folder / "v2.json").write_text(json.dumps({"inputs": [x(1)]}))
    (context.folder / "rows.csv").write_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    v2 = json.loads(context.run("predict", context.folder / "m.onnx", "--input", context.folder / "v2.json"))
    assert v2["outputs"][0]["data"] == [0, 2, 4, 6], v2
    rows = context.run("predict", context.folder / "m.onnx", "--input", context.folder / "rows.csv")
    assert [[2, 4, 6, 8], [10, 12, 14, 16]] == json.loads(rows)["predictions"], rows


def case_folder(context):
    """a watched folder adds, swaps and removes models while they answer"""
    linear(context.folder / "m" / "1" / "model.onnx", 1)
    with context.scorer("--models", context.folder, "--watch", "100ms") as scorer:
        scorer.wait()
        assert ask(scorer) == [0, 1, 2, 3]
        linear(context.folder / "m" / "2" / "model.onnx", 2)
        scorer.until(lambda: ask(scorer), lambda data: data == [0, 2, 4, 6])
        linear(context.folder / "n.onnx", 5)
        scorer.until(lambda: scorer.infer("n", x(1)), lambda answer: answer[0] == 200)
        shutil.rmtree(context.folder / "m")
        scorer.until(lambda: scorer.infer("m", x(1)), lambda answer: answer[0] != 200)
        assert ask(scorer, "n") == [0, 5, 10, 15]


def case_failed(context):
    """a damaged version keeps the old one in service, is listed with its reason, and loads when it is mended"""
    linear(context.folder / "m" / "1" / "model.onnx", 1)
    with context.scorer("--models", context.folder, "--watch", "100ms") as scorer:
        scorer.wait()
        (context.folder / "m" / "2").mkdir()
        (context.folder / "m" / "2" / "model.onnx").write_bytes(b"\x08\x08\x12\x04half")

        def index():
            return {entry["version"]: entry for entry in scorer.call("/v2/repository/index", {})[1]}

        failed = scorer.until(index, lambda versions: versions.get("2", {}).get("reason"))
        assert failed["1"]["state"] == "READY", failed
        assert ask(scorer) == [0, 1, 2, 3]
        linear(context.folder / "m" / "2" / "model.onnx", 4)
        scorer.until(lambda: ask(scorer), lambda data: data == [0, 4, 8, 12])


def case_golden(context):
    """a model that does not answer its golden sample is not served, and says what differs"""
    linear(context.folder / "m" / "model.onnx", 2)
    (context.folder / "m" / "warmup").mkdir()
    sample = {"inputs": [x(1)], "outputs": [tensor("y", "FP32", [1, 4], [0, 3, 6, 9])], "tolerance": 1e-6}
    (context.folder / "m" / "warmup" / "golden.json").write_text(json.dumps(sample))
    with context.scorer("--models", context.folder, "--watch", "100ms") as scorer:
        _, ready = scorer.until(lambda: scorer.call("/readyz"), lambda answer: "golden" in json.dumps(answer[1]))
        assert "output 'y' is 2.0 at element 1; expected is 3.0" in json.dumps(ready), ready
        linear(context.folder / "m" / "model.onnx", 3)
        scorer.wait()
        assert ask(scorer) == [0, 3, 6, 9]


def case_configuration(context):
    """a misspelled key of a model's configuration is an error that says what was meant"""
    linear(context.folder / "m" / "model.onnx", 2)
    (context.folder / "m" / "slipway.json").write_text('{"instnces": 2}')
    with context.scorer("--models", context.folder, "--watch", "100ms") as scorer:
        _, ready = scorer.until(lambda: scorer.call("/readyz"), lambda answer: "did you mean" in json.dumps(answer[1]))
        assert "instnces is unknown; did you mean instances?" in json.dumps(ready), ready


def case_swaps(context):
    """versions are swapped under load: no failed answer and no mixed one

    Without trials, each of which is a process of its own: they are proved elsewhere, and would be most of the time.
    """
    swaps, clients = (1000, 64) if context.is_full else (30, 8)
    path = context.folder / "m" / "model.onnx"
    linear(path, 1)
    failures, answered, over = [], [0] * clients, threading.Event()
    with context.scorer("--models", context.folder, "--watch", "0s", "--trial", "never") as scorer:
        scorer.wait()

        def client(number):
            while not over.is_set():
                try:
                    rows = 1 + number % 3
                    data = numpy.array(ask(scorer, rows=rows))
                    wanted = numpy.arange(rows * 4)
                    factor = data[1]
                    assert numpy.array_equal(data, wanted * factor), (data, factor)
                    answered[number] += 1
                except Exception as error:
                    failures.append(repr(error))
                    return

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for factor in range(2, swaps + 2):
            linear(path, factor)
            status, answer = scorer.call("/v2/repository/models/m/load", {})
            assert status == 200, answer
        over.set()
        for thread in threads:
            thread.join()
        assert not failures, failures[:3]
        assert ask(scorer)[1] == swaps + 1
    return f"{swaps} swaps, {sum(answered)} answers"


def case_idle(context):
    """a scorer at rest keeps little resident: under 15 MB without a framework, in a release build"""
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        # Without a model it is alive and never ready.
        scorer.until(lambda: scorer.call("/healthz"), lambda answer: answer[0] == 200)
        # Full scale is that of release builds; others have code that is three times as large. It listens a moment before
        # it has given back what the start took.
        most = 15_000_000 if context.is_full else 60_000_000
        size = scorer.until(scorer.resident, lambda size: size < most, seconds=10)
    return f"{size / 1e6:.1f} MB"


def case_missing(context):
    """what cannot be served is said at once: no path, a path that is not there, no adapters"""
    for arguments, wanted in [
        ((), "nothing to serve"), ((context.folder / "nope.onnx",), "does not exist"),
        (("--modles", "x"), "did you mean models?"),
    ]:
        done = subprocess.run(
            [context.binaries / "scorer", "serve", *arguments, "--port", "0"], capture_output=True, text=True,
            timeout=120, env=context.environment)
        assert done.returncode != 0 and wanted in done.stdout + done.stderr, (arguments, done)


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
