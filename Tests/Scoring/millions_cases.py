"""Millions: requests of every kind and caller's fault, and memory that stays where it was after the first of them."""

import subprocess

import lightgbm
import numpy
import onnx
import onnx.helper
import onnx.numpy_helper
import xgboost

GROWTH, GROWTH_BYTES = 1.1, 8 << 20


def perceptron(path, random):
    helper, sizes, nodes, weights, flow = onnx.helper, [10, 64, 64, 1], [], [], "x"
    for layer, (rows, columns) in enumerate(zip(sizes, sizes[1:])):
        for name, shape in [("w", (columns, rows)), ("b", (columns,))]:
            values = (random.standard_normal(shape) / numpy.sqrt(rows)).astype(numpy.float32)
            weights.append(onnx.numpy_helper.from_array(values, f"{name}{layer}"))
        last = layer == len(sizes) - 2
        nodes.append(helper.make_node(
            "Gemm", [flow, f"w{layer}", f"b{layer}"], ["y" if last else f"h{layer}"], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [f"h{layer}"], [f"r{layer}"]))
            flow = f"r{layer}"
    graph = helper.make_graph(
        nodes, "mlp", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 10])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 1])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def make_models(folder):
    random = numpy.random.default_rng(20)
    perceptron(folder / "mlp.onnx", random)
    rows = random.standard_normal((5000, 28)).astype(numpy.float32)
    label = (rows[:, 0] * rows[:, 1] + numpy.sin(rows[:, 2] * 3) + rows[:, 3]).astype(numpy.float32)
    for name, train in [
        ("trees.json", lambda: xgboost.train({"max_depth": 6, "nthread": 1}, xgboost.DMatrix(rows, label), 100)),
        ("boost/1/model.txt", lambda: lightgbm.train(
            {"num_leaves": 31, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(rows, label), 100)),
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        train().save_model(str(folder / name))


def case_millions(context):
    """requests of every dialect, bad, cancelled and broken off: every answer is its input's, and memory stays flat"""
    count = int(context.environment.get("SLIPWAY_REQUESTS", 0)) or (10_000_000 if context.is_full else 100_000)
    # The first tenth, and no less than what fills every pool and buffer once.
    warm, every = max(count // 10, 50_000), max(count // 100, 10_000)
    make_models(context.folder)
    sizes = []
    with context.scorer("--models", context.folder, "--scoring.model", "mlp", "--watch", "0s") as scorer:
        scorer.wait()
        load = subprocess.Popen(
            [context.binaries / "bench-scoring-load", "--port", str(scorer.port), "--models", "mlp,trees,boost",
             "--count", str(count), "--clients", "64", "--report", str(every)], stdout=subprocess.PIPE, text=True)
        said = []
        for line in load.stdout:
            said.append(line.strip())
            words = line.split()
            if words[1:2] == ["done,"]:
                sizes.append((int(words[0]), scorer.resident()))
        assert load.wait() == 0, said[-25:]
    base = max(size for done, size in sizes if done <= warm)
    allowed = max(base * GROWTH, base + GROWTH_BYTES)
    text = ", ".join(f"{done:,}: {size >> 10:,} KiB" for done, size in sizes[::max(1, len(sizes) // 10)] + sizes[-1:])
    assert sizes[-1][1] <= allowed, f"memory grew from {base >> 10} KiB: {text}"
    return f"{said[-3]}; {said[-2]}; {said[-1]}; resident {text}"


CASES = [case_millions]
