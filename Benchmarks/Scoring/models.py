"""Makes the models that are measured, with fixed seeds: a small perceptron, a hundred trees, a convolutional network of
ResNet-18's size. Weights are random: what they answer means nothing, what they cost does."""

import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

GENERATOR = numpy.random.default_rng(20)


def weight(name, *shape):
    fan_in = int(numpy.prod(shape[1:])) or 1
    return numpy_helper.from_array(
        (GENERATOR.standard_normal(shape) / numpy.sqrt(fan_in)).astype(numpy.float32), name)


def save(path, nodes, inputs, outputs, weights):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def perceptron(path):
    """10 numbers in, two hidden layers of 64, one number out."""
    sizes, nodes, weights, flow = [10, 64, 64, 1], [], [], "x"
    for layer, (rows, columns) in enumerate(zip(sizes, sizes[1:])):
        last = layer == len(sizes) - 2
        weights += [weight(f"w{layer}", columns, rows), weight(f"b{layer}", columns)]
        out = "y" if last else f"h{layer}"
        nodes.append(helper.make_node("Gemm", [flow, f"w{layer}", f"b{layer}"], [out], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"r{layer}"]))
            flow = f"r{layer}"
    save(path, nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 10])],
         [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])], weights)


def convnet(path):
    """ResNet-18: 3 x 224 x 224 in, 1,000 classes out; batch normalisation folded into the convolutions' biases."""
    nodes, weights, count = [], [], 0

    def convolution(flow, rows, columns, kernel, stride, relu, add=None):
        nonlocal count
        name = f"c{count}"
        count += 1
        weights.extend([weight(name + "w", columns, rows, kernel, kernel), weight(name + "b", columns)])
        nodes.append(helper.make_node(
            "Conv", [flow, name + "w", name + "b"], [name], kernel_shape=[kernel] * 2, strides=[stride] * 2,
            pads=[kernel // 2] * 4))
        out = name
        if add:
            nodes.append(helper.make_node("Add", [out, add], [name + "s"]))
            out = name + "s"
        if relu:
            nodes.append(helper.make_node("Relu", [out], [name + "r"]))
            out = name + "r"
        return out

    flow = convolution("x", 3, 64, 7, 2, True)
    nodes.append(helper.make_node("MaxPool", [flow], ["pool"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    flow, rows = "pool", 64
    for columns, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        beside = flow if stride == 1 and rows == columns else convolution(flow, rows, columns, 1, stride, False)
        first = convolution(flow, rows, columns, 3, stride, True)
        flow, rows = convolution(first, columns, columns, 3, 1, True, add=beside), columns
    weights += [weight("fw", 1000, 512), weight("fb", 1000)]
    nodes.append(helper.make_node("GlobalAveragePool", [flow], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "fw", "fb"], ["y"], transB=1))
    save(path, nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
         [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1000])], weights)


def trees(path):
    """100 boosted trees of depth 6 over 28 columns, trained on made-up data."""
    import xgboost
    rows = GENERATOR.standard_normal((20000, 28)).astype(numpy.float32)
    label = (rows[:, 0] * rows[:, 1] + numpy.sin(rows[:, 2] * 3) + rows[:, 3] > 0.3).astype(numpy.float32)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 6, "eta": 0.2, "seed": 20, "nthread": 1},
        xgboost.DMatrix(rows, label), num_boost_round=100)
    path.parent.mkdir(parents=True, exist_ok=True)
    booster.save_model(path)


def main(folder):
    folder = pathlib.Path(folder)
    for name, make in [("mlp/1/model.onnx", perceptron), ("convnet/1/model.onnx", convnet), ("trees/1/model.json", trees)]:
        if not (folder / name).exists():
            make(folder / name)


if __name__ == "__main__":
    main(sys.argv[1])
