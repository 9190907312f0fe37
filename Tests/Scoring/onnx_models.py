"""Small ONNX models, made where they are needed."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Types of elements that cross, with numpy's. Texts and bfloat16 go their own way.
ELEMENTS = {
    "BOOL": (TensorProto.BOOL, numpy.bool_), "UINT8": (TensorProto.UINT8, numpy.uint8),
    "UINT16": (TensorProto.UINT16, numpy.uint16), "UINT32": (TensorProto.UINT32, numpy.uint32),
    "UINT64": (TensorProto.UINT64, numpy.uint64), "INT8": (TensorProto.INT8, numpy.int8),
    "INT16": (TensorProto.INT16, numpy.int16), "INT32": (TensorProto.INT32, numpy.int32),
    "INT64": (TensorProto.INT64, numpy.int64), "FP16": (TensorProto.FLOAT16, numpy.float16),
    "FP32": (TensorProto.FLOAT, numpy.float32), "FP64": (TensorProto.DOUBLE, numpy.float64),
}


def value(name, element=TensorProto.FLOAT, shape=("batch",)):
    return helper.make_tensor_value_info(name, element, shape)


def model(nodes, inputs, outputs, weights=(), domains=(("", 17),), ir_version=9):
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes], "graph", inputs,
        outputs, [numpy_helper.from_array(array, name) for name, array in weights])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*domain) for domain in domains], ir_version=ir_version,
        producer_name="the tests", producer_version="1")


def network(rows="batch"):
    """A small network of three layers, 10 to 1."""
    random = numpy.random.default_rng(7)
    sizes = [(10, 32), (32, 32), (32, 1)]
    weights = [(f"w{index}", random.normal(size=size).astype(numpy.float32)) for index, size in enumerate(sizes)]
    nodes = [
        ("MatMul", ["x", "w0"], ["a"]), ("Relu", ["a"], ["b"]), ("MatMul", ["b", "w1"], ["c"]),
        ("Relu", ["c"], ["d"]), ("MatMul", ["d", "w2"], ["y"])]
    return model(nodes, [value("x", shape=[rows, 10])], [value("y", shape=[rows, 1])], weights)


def identity(element, shape):
    return model([("Identity", ["x"], ["y"])], [value("x", element, shape)], [value("y", element, shape)])


def classifier(labels):
    """Scores of classes, as maps: what scikit-learn's classifiers turn into."""
    names = {"classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s": labels}
    key = TensorProto.STRING if isinstance(labels[0], str) else TensorProto.INT64
    scores = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    maps = helper.make_value_info("probabilities", helper.make_sequence_type_proto(scores))
    nodes = [("ZipMap", ["x"], ["probabilities"], {"domain": "ai.onnx.ml", **names})]
    return model(nodes, [value("x", shape=["rows", len(labels)])], [maps], domains=(("", 17), ("ai.onnx.ml", 3)))


def with_external_weights(location, size):
    """A model that keeps a vector of `size` floats in the file `location`."""
    proto = model(
        [("Add", ["x", "w"], ["y"])], [value("x", shape=["batch", size])], [value("y", shape=["batch", size])])
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[size])
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", "0"), ("length", str(size * 4))):
        tensor.external_data.add(key=key, value=text)
    proto.graph.initializer.append(tensor)
    return proto


def save(proto, folder, name="model.onnx"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(proto.SerializeToString())
    return folder
