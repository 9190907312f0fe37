"""What an entry script of Slipway's scorer may use.

A script needs nothing of this: `init()` and `run(data)` are enough. With it a script says what its arguments are:

    @slipway.input_schema("data", slipway.NumpyParameterType(sample))     typed arguments out of JSON
    @slipway.tensors(inputs={...}, outputs={...})                         tensors, for clients of the V2 protocol
    @slipway.rawhttp                                                      the request as it came
"""

from .http import AMLRequest, AMLResponse, Request, Response, rawhttp
from .schema import (
    NumpyParameterType,
    PandasParameterType,
    ParameterType,
    StandardPythonParameterType,
    input_schema,
    output_schema,
)
from ._tensor_types import TensorSpecification, tensor, tensors


class Cancelled(BaseException):
    """Raised inside `run()` when nobody waits for its answer any more.

    No `Exception`, so that a script's own `except Exception` lets it pass, as with KeyboardInterrupt."""


class InvalidInput(ValueError):
    """To be raised by a script whose caller is to blame: answered as a bad request, not as a failure of the script."""


__all__ = [
    "AMLRequest", "AMLResponse", "Cancelled", "InvalidInput", "NumpyParameterType", "PandasParameterType",
    "ParameterType", "Request", "Response", "StandardPythonParameterType", "TensorSpecification", "input_schema",
    "output_schema", "rawhttp", "tensor", "tensors",
]
