"""Makes what goes into the images: a perceptron of 4 MB for ONNX, and scikit-learn's linear regression with its script."""

import pickle

import numpy
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LinearRegression

SCRIPT = """
import json, os, pickle

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)

def run(data):
    return model.predict(json.loads(data)["data"]).tolist()  # %d
"""


def perceptron(path, seed):
    """10 numbers in, two hidden layers of 1,000, one number out; random weights."""
    random = numpy.random.default_rng(seed)
    sizes, nodes, weights, flow = [10, 1000, 1000, 1], [], [], "x"
    for layer, (rows, columns) in enumerate(zip(sizes, sizes[1:])):
        last = layer == len(sizes) - 2
        for name, shape in [(f"w{layer}", (columns, rows)), (f"b{layer}", (columns,))]:
            values = random.standard_normal(shape) / numpy.sqrt(rows)
            weights.append(numpy_helper.from_array(values.astype(numpy.float32), name))
        out = "y" if last else f"h{layer}"
        nodes.append(helper.make_node("Gemm", [flow, f"w{layer}", f"b{layer}"], [out], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"r{layer}"]))
            flow = f"r{layer}"
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def regression(path):
    rows = numpy.random.default_rng(1).standard_normal((200, 6))
    path.write_bytes(pickle.dumps(LinearRegression().fit(rows, rows.sum(axis=1))))


def packages():
    """What the regression needs, in the versions that it was trained with."""
    return [f"scikit-learn=={sklearn.__version__}", f"numpy=={numpy.__version__}"]
