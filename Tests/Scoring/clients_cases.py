"""Clients of others against the scorer: Triton's over gRPC and HTTP, plain HTTP, and testers that read its document."""

import pickle

import ml_dtypes
import numpy
import onnxruntime

import sample_models
from sample_models import KINDS


def typed(kind):
    """Which type of the protocol an array's is."""
    return next(name for name, known in KINDS.items() if known == kind)


def compare(context, scorer, known):
    file = context.folder.parent / "known.pickle"
    file.write_bytes(pickle.dumps(known))
    return context.client("triton_answers.py", scorer.address, file)


def refusal(model, inputs, *words):
    return {"model": model, "inputs": inputs, "refused": words}


def numbers(rows, features, seed):
    """Rows of each datatype that a number can be, with the ends of its range, and what is no finite number."""
    random = numpy.random.default_rng(seed)
    for name, kind in [*KINDS.items(), ("BF16", ml_dtypes.bfloat16)]:
        data = (random.normal(size=(rows, features)) * 3).astype(kind)
        ends = []
        if name == "FP64":
            # Fractions that FP32 does not have, and what is infinite there.
            data *= 1.0000000001
            ends = [1e300, -1e300, 5e-324, numpy.nan]
        elif name in ("FP16", "FP32", "BF16"):
            limits = ml_dtypes.finfo(kind)
            ends = [limits.max, limits.min, limits.smallest_subnormal, -limits.tiny, numpy.nan, numpy.inf, -0.0]
        elif name != "BOOL":
            limits = numpy.iinfo(kind)
            # Of the wide ones also numbers that lie between two of FP32.
            ends = [limits.max, limits.min, limits.max - 1, limits.max // 3, min(limits.max, 2**24 + 1)]
        for place, value in enumerate(ends):
            data[random.integers(0, rows, 2), place % features] = value
        yield name, data


def each_number(model, predict):
    """What a model of trees answers for each datatype, in several sizes; texts are not numbers to it."""
    known = []
    for rows in (1, 5, 64):
        for name, data in numbers(rows, sample_models.FEATURES, seed=rows):
            known.append(entry(model, {"input": (name, data)}, {"predictions": predict(data)}))
    texts = numpy.full((2, sample_models.FEATURES), b"1", dtype=object)
    others = sorted(set(KINDS) | {"BF16"})
    return known + [refusal(model, {"input": ("BYTES", texts)}, "input 'input' is BYTES; the model takes FP", *others)]


def joining(folder):
    """Has requests of the model joined, so that those of several datatypes wait for each other."""
    (folder / "slipway.json").write_text(
        '{"execution": "pool", "concurrency": 1, "batching": {"largest": 64, "delay_us": 3000}}')


def joined(scorer, model):
    """How many requests were executed together with others."""
    stats = scorer.call(f"/v2/models/{model}/stats")[1]["model_stats"][0]
    requests, executions = int(stats["inference_stats"]["success"]["count"]), int(stats["execution_count"])
    assert 0 < executions < requests, stats
    return f"{requests} requests in {executions} executions"


def in_json(scorer, model, predict):
    """The same in the protocol's JSON, where the request's datatype says how its numbers are read."""
    for name, kind in [*KINDS.items(), ("BF16", ml_dtypes.bfloat16)]:
        data = numpy.arange(sample_models.FEATURES).reshape(1, -1).astype(kind)
        # JSON knows no bfloat16; its numbers are whole here.
        values = (data.astype(float) if name == "BF16" else data).tolist()
        body = {"inputs": [{"name": "input", "datatype": name, "shape": list(data.shape), "data": values}]}
        code, answer = scorer.call(f"/v2/models/{model}/infer", body)
        assert code == 200 and numpy.allclose(answer["outputs"][0]["data"], predict(data), 1e-7), (name, answer)


def each_datatype(context, model, predict):
    known = each_number(model, predict)
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        alone = compare(context, scorer, known)
        in_json(scorer, model, predict)
        described = scorer.call(f"/v2/models/{model}")[1]["inputs"][0]
        assert described["datatype"] in ("FP32", "FP64") and "also_takes" not in described, described
    joining(context.folder / model)
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        return f"{alone}; joined: {compare(context, scorer, known)}, {joined(scorer, model)}"


def answered(context, known):
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        return compare(context, scorer, known)


def entry(model, inputs, outputs, tolerance=0):
    return {
        "model": model,
        "inputs": {name: value if isinstance(value, tuple) else (typed(value.dtype.type), value)
                   for name, value in inputs.items()},
        "outputs": {name: (value, tolerance) for name, value in outputs.items()}}


def case_echoes(context):
    """Triton's clients get each datatype back from ONNX models, and precise refusals"""
    sample_models.echoes(context.folder)
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        brain = numpy.linspace(-5, 5, 8).astype(ml_dtypes.bfloat16).reshape(2, 4)
        compare(context, scorer, [entry("echo-bf16", {"x": ("BF16", brain)}, {"y": brain})])
        return context.client("triton_clients.py", scorer.address)


def case_onnx(context):
    """Triton's clients get from an ONNX network what ONNX Runtime's package answers, within 1e-6"""
    file = sample_models.network(context.folder / "network") / "model.onnx"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    known = []
    for rows in (1, 2, 7, 64, 500):
        x = numpy.random.default_rng(rows).normal(size=(rows, 10)).astype(numpy.float32)
        known.append(entry("network", {"x": x}, {"y": session.run(None, {"x": x})[0]}, 1e-6))
    return answered(context, known)


def case_xgboost(context):
    """Triton's clients get from XGBoost's model what its package answers, to the last bit"""
    booster = sample_models.boosted(context.folder / "boosted")
    known = []
    for rows in (1, 2, 7, 8, 33, 400):
        data = sample_models.measurements(rows, seed=rows, missing=0.2)
        known.append(entry("boosted", {"input": data}, {"predictions": booster.inplace_predict(data)}))
    return answered(context, known)


def case_lightgbm(context):
    """Triton's clients get from LightGBM's model what its package answers, to the last bit"""
    booster = sample_models.leafwise(context.folder / "leafwise")
    known = []
    for rows in (1, 2, 7, 8, 33, 400):
        # Fractions that FP32 does not have.
        data = sample_models.measurements(rows, seed=rows, missing=0.2).astype(float) * 1.0000001
        known.append(entry("leafwise", {"input": data}, {"predictions": booster.predict(data, num_threads=1)}))
    return answered(context, known)


def case_xgboost_datatypes(context):
    """XGBoost's model takes each datatype of numbers and answers as its package for such an array, to the last bit"""
    booster = sample_models.boosted(context.folder / "boosted")

    def predict(data):
        # The package does not know bfloat16; nothing of it is lost in float32.
        return booster.inplace_predict(data.astype(numpy.float32) if data.dtype == ml_dtypes.bfloat16 else data)

    return each_datatype(context, "boosted", predict)


def case_lightgbm_datatypes(context):
    """LightGBM's model takes each datatype of numbers and answers as its package for such an array, to the last bit"""
    booster = sample_models.leafwise(context.folder / "leafwise")
    return each_datatype(context, "leafwise", lambda data: booster.predict(data, num_threads=1))


def case_python(context):
    """Triton's clients get each datatype back from a script, all of them in one request"""
    sample_models.mirror(context.folder / "mirror")
    inputs, outputs = {}, {}
    random = numpy.random.default_rng(9)
    for name, kind in KINDS.items():
        array = random.integers(0, 2 if name == "BOOL" else 100, (3, 4)).astype(kind)
        if name in ("FP16", "FP32", "FP64"):
            array.flat[:3] = numpy.nan, numpy.inf, 0.1
        inputs[f"in_{name}"], outputs[f"out_{name}"] = (name, array), array
    texts = numpy.array([f"text {index} é".encode() for index in range(11)] + [b""], dtype=object).reshape(3, 4)
    inputs["in_BYTES"], outputs["out_BYTES"] = ("BYTES", texts), texts
    brain = numpy.linspace(-5, 5, 12).astype(ml_dtypes.bfloat16).reshape(3, 4)
    inputs["in_BF16"], outputs["out_BF16"] = ("BF16", brain), brain
    return answered(context, [entry("mirror", inputs, outputs)])


def case_each_model(context):
    """Triton's two clients agree on what models of all four adapters are, and on their answers"""
    names = all_four(context)
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        return ", ".join(f"{name}: {context.client('triton_clients.py', scorer.address, name)}" for name in names)


def case_plain(context):
    """plain HTTP reaches models of all four adapters in every dialect, refusals included, and the documents validate"""
    names = all_four(context)
    told = []
    for name in names:
        with context.scorer("--models", context.folder, "--watch", "0s", "--scoring.model", name) as scorer:
            scorer.wait()
            told.append(f"{name}: " + context.client("dialects.py", scorer.address, "--model", name))
    return ", ".join(told)


def case_made_up(context):
    """requests that schemathesis makes up from the document find no answer of 5xx"""
    all_four(context)
    examples = 200 if context.is_full else 15
    with context.scorer("--models", context.folder, "--watch", "0s", "--scoring.model", "boosted") as scorer:
        scorer.wait()
        told = context.client("dialects.py", scorer.address, "--model", "boosted", "--probe", examples)
        # What was made up may have unloaded some; the server itself goes on.
        assert scorer.call("/healthz")[0] == 200
    return told.splitlines()[-1]


def all_four(context):
    """One model of each adapter, that takes numbers."""
    sample_models.network(context.folder / "network")
    sample_models.boosted(context.folder / "boosted")
    sample_models.leafwise(context.folder / "leafwise")
    sample_models.script(context.folder / "script")
    return ["network", "boosted", "leafwise", "script"]


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
