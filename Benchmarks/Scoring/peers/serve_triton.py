"""NVIDIA's Triton with its Python backend, as its package `nvidia-pytriton` brings it: the three models behind gRPC."""

import sys

import numpy
import onnxruntime
import xgboost
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def onnx_model(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @batch
    def infer(x):
        return session.run(["y"], {"x": x})
    return infer


def tree_model(path):
    booster = xgboost.Booster(model_file=path)
    booster.set_param({"nthread": 1})

    @batch
    def infer(x):
        return [booster.inplace_predict(x).reshape(-1, 1)]
    return infer


def main(folder, grpc_port, http_port):
    configuration = TritonConfig(
        grpc_port=int(grpc_port), http_port=int(http_port), allow_metrics=False, log_verbose=0)
    with Triton(config=configuration) as triton:
        for name, make, file, shape, output in [
                ("mlp", onnx_model, "mlp/1/model.onnx", (10,), (1,)),
                ("convnet", onnx_model, "convnet/1/model.onnx", (3, 224, 224), (1000,)),
                ("trees", tree_model, "trees/1/model.json", (28,), (1,))]:
            triton.bind(
                model_name=name, infer_func=make(f"{folder}/{file}"),
                inputs=[Tensor(name="x", dtype=numpy.float32, shape=shape)],
                outputs=[Tensor(name="y", dtype=numpy.float32, shape=output)],
                config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher(max_queue_delay_microseconds=0)))
        triton.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
