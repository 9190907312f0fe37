"""Models of each framework, small and made where they are needed, in folders that a scorer serves."""

import json
import os
import pickle
import textwrap

# The frameworks' threads wait for each other busily, which on a machine that is busy itself takes very long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import lightgbm
import numpy
import sklearn.linear_model
import xgboost
from onnx import TensorProto

import onnx_models

FEATURES = 6

# What the scorer's protocol calls a type, and numpy. BYTES and BF16 go their own way.
KINDS = {
    "BOOL": numpy.bool_, "UINT8": numpy.uint8, "UINT16": numpy.uint16, "UINT32": numpy.uint32, "UINT64": numpy.uint64,
    "INT8": numpy.int8, "INT16": numpy.int16, "INT32": numpy.int32, "INT64": numpy.int64, "FP16": numpy.float16,
    "FP32": numpy.float32, "FP64": numpy.float64}

SCRIPT = """
    import numpy, slipway

    @slipway.tensors(inputs={"x": numpy.zeros((1, 6), "float32")}, outputs={"y": numpy.zeros((1,), "float32")},
                     batches=True)
    def run(x):
        return (x * 2 + 1).sum(axis=1)
"""


def measurements(rows, seed=7, missing=0.0):
    random = numpy.random.default_rng(seed)
    data = random.normal(size=(rows, FEATURES))
    data[random.random(data.shape) < missing] = numpy.nan
    return data.astype(numpy.float32)


def outcome(data):
    data = numpy.nan_to_num(data.astype(float))
    return data[:, 0] * data[:, 1] + data[:, 2] - 0.5 * data[:, 3]


def network(folder):
    """ONNX: `x` [-1, 10] to `y` [-1, 1]."""
    return onnx_models.save(onnx_models.network(), folder)


def boosted(folder, rounds=20):
    """XGBoost: `input` [-1, FEATURES] to `predictions`."""
    data = measurements(800, missing=0.1)
    booster = xgboost.train({"max_depth": 5, "nthread": 1}, xgboost.DMatrix(data, outcome(data)), rounds)
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.json")
    return booster


def leafwise(folder, rounds=20):
    """LightGBM: the same."""
    data = measurements(800, missing=0.1).astype(float)
    booster = lightgbm.train(
        {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}, lightgbm.Dataset(data, outcome(data)), rounds)
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.txt")
    return booster


def script(folder, text=SCRIPT, **configuration):
    """An entry script."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "score.py").write_text(textwrap.dedent(text))
    if configuration:
        (folder / "slipway.json").write_text(json.dumps(configuration))
    return folder


def pickled(folder):
    """scikit-learn in a pickle, for a script to load."""
    data = measurements(300)
    model = sklearn.linear_model.LogisticRegression().fit(data, outcome(data) > 0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    return model


def echoes(folder):
    """ONNX: a model `echo-TYPE` of each type that gives back its rows of four."""
    elements = {name: element for name, (element, _) in onnx_models.ELEMENTS.items()}
    elements |= {"BYTES": TensorProto.STRING, "BF16": TensorProto.BFLOAT16}
    for name, element in elements.items():
        onnx_models.save(onnx_models.identity(element, ["batch", 4]), folder / f"echo-{name.lower()}")


def mirror(folder):
    """A script that gives back each of its inputs, `in_TYPE` as `out_TYPE`: one of each type."""
    names = [*KINDS, "BYTES", "BF16"]
    declared = ", ".join(f'"{{0}}_{name}": slipway.tensor("{name}", [-1, 4])' for name in names)
    text = (
        "import slipway\n\n"
        f"@slipway.tensors(inputs={{{declared.replace('{0}', 'in')}}}, outputs={{{declared.replace('{0}', 'out')}}})\n"
        'def run(inputs):\n    return {name.replace("in_", "out_"): array for name, array in inputs.items()}\n')
    return script(folder, text)
