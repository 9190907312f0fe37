"""MLServer with the three models: one runtime of ours for ONNX and trees, since its packages bring none for ONNX."""

import numpy
import onnxruntime
import xgboost
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Served(MLModel):
    async def load(self):
        path = self.settings.parameters.uri
        if path.endswith(".onnx"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            self.answer = lambda x: session.run(["y"], {"x": x})[0]
        else:
            booster = xgboost.Booster(model_file=path)
            booster.set_param({"nthread": 1})
            self.answer = lambda x: booster.inplace_predict(x).reshape(-1, 1)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        y = self.answer(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", y.astype(numpy.float32))])
