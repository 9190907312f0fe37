"""Writes the models that the cases deploy into a folder: `twice.onnx`, `thrice.onnx`. Runs where ONNX is installed."""

import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def times(factor):
    """What comes in, times the factor: so that an answer says which version gave it."""
    rows = ["rows", 2]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])], "times",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, rows)],
        [numpy_helper.from_array(numpy.array([factor], numpy.float32), "factor")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


folder = pathlib.Path(sys.argv[1])
for name, factor in [("twice", 2), ("thrice", 3)]:
    onnx.save(times(factor), folder / f"{name}.onnx")
