"""Serves a pickle, a joblib file or an MLflow folder without any script: whatever has a `predict`."""

import os
import pickle
import re

from . import _errors, _tensor_types as tensor
from ._errors import Refusal
from ._script import _guarded
from ._tensors import TensorScript


def load(path, folder, datatype):
    """Loads a file, or the folder of an MLflow model. Raises Refusal."""
    shown = os.path.relpath(path, folder)
    if os.path.basename(path) == "MLmodel":
        model = _guarded(lambda: _of_mlflow(path), shown, folder)
    else:
        model = _guarded(lambda: _unpickled(path), shown, folder)
    if not callable(getattr(model, "predict", None)):
        raise Refusal(_errors.FAILED_PRECONDITION, f"{shown} holds a {type(model).__name__}, which has no predict()")
    return _guarded(lambda: _served(model, datatype), f"{shown}: predict()", folder)


def _unpickled(path):
    try:
        import joblib
    except ImportError:
        with open(path, "rb") as file:
            return pickle.load(file)
    return joblib.load(path)


def _of_mlflow(path):
    """The model of an MLmodel file; where MLflow itself is not installed, that of its scikit-learn flavour."""
    folder = os.path.dirname(path)
    try:
        import mlflow.pyfunc
    except ImportError:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = re.search(r"^\s+(?:pickled_model|model_path)\s*:\s*['\"]?([^'\"\n]+?)['\"]?\s*$", text, re.M)
        if "mlflow.sklearn" not in text or found is None:
            raise Refusal(_errors.FAILED_PRECONDITION, "the MLmodel's flavour needs the package mlflow, which the "
                          f"interpreter ({_errors.interpreter()}) does not have") from None
        inside = os.path.realpath(os.path.join(folder, found[1]))
        if not inside.startswith(os.path.realpath(folder) + os.sep):
            raise Refusal(_errors.FAILED_PRECONDITION, f"the MLmodel points outside of its folder: {found[1]}")
        return _unpickled(inside)
    return _PythonFunction(mlflow.pyfunc.load_model(folder))


class _PythonFunction:
    """An MLflow model, which takes a data frame with the columns of its signature."""

    def __init__(self, model):
        self.model = model
        schema = model.metadata.get_input_schema()
        names = schema.input_names() if schema is not None and not schema.is_tensor_spec() else []
        self.columns = list(names)
        self.plain = not self.columns
        if self.columns:
            self.n_features_in_ = len(self.columns)
            self.feature_names_in_ = self.columns

    def predict(self, rows):
        if self.plain:
            return self.model.predict(rows)
        import pandas
        return self.model.predict(pandas.DataFrame(rows, columns=self.columns))


def _served(model, datatype):
    try:
        import numpy
    except ImportError:
        raise Refusal(_errors.FAILED_PRECONDITION,
                      f"the interpreter ({_errors.interpreter()}) has no numpy, which models in pickles need") from None
    features = int(getattr(model, "n_features_in_", -1))
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    dtype = numpy.float32 if datatype == "FP32" else numpy.float64
    inputs = {"input": tensor.tensor(datatype, [-1, features], columns=names if len(names) == features else ())}
    functions = {"predict": model.predict}
    probabilities = getattr(model, "predict_proba", None)
    if callable(probabilities):
        functions["predict_proba"] = probabilities
    outputs = {"predict": tensor.tensor("FP64", [-1])}
    if features > 0:
        # One row tells what comes out.
        row = numpy.zeros((1, features), dtype=dtype)
        outputs = {}
        for name in list(functions):
            answer = functions[name](row)
            if isinstance(answer, list):
                # One array for each of several outputs: no single tensor.
                del functions[name]
                continue
            answer = numpy.asarray(answer)
            outputs[name] = tensor.tensor(tensor.datatype_of(answer.dtype), [-1, *answer.shape[1:]])
    else:
        functions.pop("predict_proba", None)

    def call(arrays):
        rows = arrays["input"]
        if rows.dtype != dtype:
            rows = rows.astype(dtype)
        return {name: numpy.asarray(function(rows)) for name, function in functions.items()}

    accepted = [tensor.NUMBERS[name] for name in ("FP32", "FP64", "INT32", "INT64")]
    return TensorScript((inputs, outputs, True), call, accept=accepted)
