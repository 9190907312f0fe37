"""KServe's model server with the three models behind gRPC."""

import sys

import numpy
import onnxruntime
import xgboost
from kserve import InferOutput, InferResponse, Model, ModelServer


class Served(Model):
    def __init__(self, name, answer):
        super().__init__(name)
        self.answer = answer
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None):
        y = self.answer(payload.inputs[0].as_numpy())
        output = InferOutput("y", list(y.shape), "FP32")
        output.set_data_from_numpy(y, binary_data=payload.from_grpc)
        return InferResponse(payload.id, self.name, [output])


def onnx_model(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["y"], {"x": x})[0]


def tree_model(path):
    booster = xgboost.Booster(model_file=path)
    booster.set_param({"nthread": 1})
    return lambda x: booster.inplace_predict(numpy.ascontiguousarray(x)).reshape(-1, 1)


def main(folder, grpc_port, http_port):
    models = [Served("mlp", onnx_model(f"{folder}/mlp/1/model.onnx")),
              Served("convnet", onnx_model(f"{folder}/convnet/1/model.onnx")),
              Served("trees", tree_model(f"{folder}/trees/1/model.json"))]
    ModelServer(http_port=int(http_port), grpc_port=int(grpc_port), workers=1, enable_grpc=True,
                access_log_format=None).start(models)


if __name__ == "__main__":
    folder, grpc_port, http_port = sys.argv[1:]
    sys.argv = sys.argv[:1]
    main(folder, grpc_port, http_port)
