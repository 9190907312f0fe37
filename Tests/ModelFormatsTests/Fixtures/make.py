#!/usr/bin/env python3
"""Makes the model files that the tests read, with the libraries that people use.

The results are committed; this is how to make them again:

    python3 -m venv /tmp/a && /tmp/a/bin/pip install -r requirements.txt && /tmp/a/bin/python make.py
    python3 -m venv /tmp/b && /tmp/b/bin/pip install -r requirements-torch.txt && /tmp/b/bin/python make.py torch
"""

import pathlib
import pickle
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent


def with_torch():
    import torch

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(4, 3)
            self.second = torch.nn.Linear(3, 2)

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    torch.manual_seed(1)
    model = Small()
    torch.save(model.state_dict(), HERE / "state.pt")
    torch.save(model.state_dict(), HERE / "state-legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(model), HERE / "script.pt")


def with_the_others():
    import joblib
    import lightgbm
    import numpy
    import onnx
    import pandas
    import skl2onnx
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.pipeline
    import sklearn.preprocessing
    import xgboost
    from safetensors.numpy import save_file

    random = numpy.random.default_rng(1)
    columns = ["age", "income", "visits", "score"]
    table = pandas.DataFrame(random.normal(size=(60, 4)), columns=columns)
    two, three = (table["age"] > 0).astype(int), (random.integers(0, 3, 60))

    # scikit-learn by pickle in every protocol, and by joblib in its wrappers.
    pipeline = sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(), sklearn.linear_model.LogisticRegression()).fit(table, two)
    for protocol in range(6):
        (HERE / f"pipeline-{protocol}.pkl").write_bytes(pickle.dumps(pipeline, protocol=protocol))
    joblib.dump(pipeline, HERE / "pipeline.joblib")
    joblib.dump(pipeline, HERE / "pipeline-zlib.joblib", compress=("zlib", 3))
    joblib.dump(pipeline, HERE / "pipeline-gzip.joblib", compress=("gzip", 3))
    joblib.dump(pipeline, HERE / "pipeline-xz.joblib", compress=("xz", 3))
    forest = sklearn.ensemble.RandomForestClassifier(n_estimators=2, max_depth=2).fit(table, two)
    joblib.dump(forest, HERE / "forest.joblib")
    (HERE / "forest.pkl").write_bytes(pickle.dumps(forest))

    # ONNX: from scikit-learn, and by hand with what that one does not have.
    (HERE / "pipeline.onnx").write_bytes(skl2onnx.to_onnx(
        sklearn.linear_model.LogisticRegression().fit(table.to_numpy(), two), table.to_numpy().astype(numpy.float32),
        target_opset=17).SerializeToString())
    by_hand(onnx, numpy)

    # Boosted trees.
    matrix = xgboost.DMatrix(table, label=three)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "max_depth": 2}, matrix, num_boost_round=2)
    booster.save_model(HERE / "trees.json")
    booster.save_model(HERE / "trees.ubj")
    boosted = xgboost.XGBClassifier(n_estimators=2, max_depth=2).fit(table, two)
    (HERE / "xgboost.pkl").write_bytes(pickle.dumps(boosted))
    lightgbm.train(
        {"objective": "multiclass", "num_class": 3, "num_leaves": 4, "verbose": -1, "min_data_in_leaf": 2},
        lightgbm.Dataset(table, label=three), num_boost_round=2).save_model(HERE / "trees.txt")

    save_file({"first.weight": numpy.zeros((3, 4), numpy.float32), "first.bias": numpy.zeros(3, numpy.float16)},
              HERE / "weights.safetensors", metadata={"format": "np"})
    with_mlflow(pipeline, booster, table, two)


def by_hand(onnx, numpy):
    from onnx import TensorProto, helper
    text = helper.make_tensor_value_info("words", TensorProto.STRING, ["batch", 2, None])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"])
    out = helper.make_tensor_value_info("sum", TensorProto.INT64, ["batch"])
    scores = helper.make_value_info("scores", helper.make_sequence_type_proto(helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))))
    offset = onnx.numpy_helper.from_array(numpy.array([3], numpy.int64), "offset")
    outside = onnx.numpy_helper.from_array(numpy.zeros(4, numpy.float32), "outside")
    onnx.external_data_helper.set_external_data(outside, "weights.bin")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    given = helper.make_tensor_value_info("offset", TensorProto.INT64, [1])
    graph = helper.make_graph(
        [helper.make_node("Add", ["ids", "offset"], ["sum"])], "g", [text, ids, given], [out, scores], [offset, outside])
    model = helper.make_model(
        graph, producer_name="by hand", producer_version="1.2", ir_version=9,
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)])
    helper.set_model_props(model, {"author": "someone"})
    (HERE / "by-hand.onnx").write_bytes(model.SerializeToString())


def with_mlflow(pipeline, booster, table, target):
    import mlflow.models
    import mlflow.pyfunc
    import mlflow.sklearn
    import mlflow.xgboost

    def fresh(name):
        shutil.rmtree(HERE / name, ignore_errors=True)
        return HERE / name

    signature = mlflow.models.infer_signature(table, target)
    mlflow.sklearn.save_model(
        pipeline, fresh("mlflow-sklearn"), signature=signature, input_example=table.head(2),
        serialization_format="cloudpickle", pip_requirements=["scikit-learn", "cloudpickle"],
        metadata={"mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567"})
    from mlflow.types import Schema, TensorSpec
    import numpy
    tensors = mlflow.models.ModelSignature(
        inputs=Schema([TensorSpec(numpy.dtype("float32"), (-1, 4), "rows")]),
        outputs=Schema([TensorSpec(numpy.dtype("float32"), (-1, 3))]))
    mlflow.xgboost.save_model(
        booster, fresh("mlflow-xgboost"), signature=tensors, model_format="json", pip_requirements=["xgboost"])


if __name__ == "__main__":
    with_torch() if sys.argv[1:] == ["torch"] else with_the_others()
