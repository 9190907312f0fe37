"""MLServer with a model of ONNX's: its packages bring no runtime for them."""

import numpy
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Served(MLModel):
    async def load(self):
        session = onnxruntime.InferenceSession(self.settings.parameters.uri, providers=["CPUExecutionProvider"])
        self.answer = lambda x: session.run(["y"], {"x": x})[0]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        y = self.answer(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", y.astype(numpy.float32))])
