"""Entry scripts, and whatever else predicts, that take tensors."""

import inspect

from . import _errors, _protobuf, _tensor_types as tensor
from ._errors import Refusal


def _description(name, specification):
    return (_protobuf.text(1, name) + _protobuf.number(2, specification.datatype)
            + _protobuf.packed(3, specification.shape) + _protobuf.number(4, specification.optional)
            + _protobuf.texts(5, specification.columns))


class TensorScript:
    flags = 0

    def __init__(self, declared, call, accept=None):
        self.inputs, self.outputs, self.batches = declared
        self.call = call
        self.tensors = tensor.make()
        # Datatypes that are taken besides the declared one.
        self.accept = accept or ()

    @classmethod
    def of(cls, run, declared, call):
        inputs = declared[0]
        parameters = inspect.signature(run).parameters
        names = [name for name in parameters if name != "request_headers"]
        any_name = any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values())
        if any_name or all(name in names for name in inputs):
            missing = [name for name in names if name not in inputs and not any_name
                       and parameters[name].default is inspect.Parameter.empty]
            if missing:
                raise Refusal(_errors.FAILED_PRECONDITION, f"run() takes {missing[0]!r}, which tensors() does not declare")
            required = {name for name in inputs if name in parameters
                        and parameters[name].default is inspect.Parameter.empty}

            def by_name(arrays):
                for name in required:
                    arrays.setdefault(name, None)
                return call(arrays)

            return cls(declared, by_name)
        if len(names) == 1:
            return cls(declared, lambda arrays: call({names[0]: arrays}))
        raise Refusal(_errors.FAILED_PRECONDITION, f"run() takes {', '.join(names) or 'nothing'}, and tensors() declares "
                      f"{', '.join(inputs)}: name its parameters alike, or take one, a dictionary")

    def describe(self):
        return (b"".join(_protobuf.message(4, _description(name, found)) for name, found in self.inputs.items())
                + b"".join(_protobuf.message(5, _description(name, found)) for name, found in self.outputs.items())
                + _protobuf.number(6, self.batches))

    def execute(self, channel, items, wanted, context):
        arrays = {}
        memory = channel.requests.memory
        for item in items:
            specification = self.inputs.get(item.name)
            if specification is None:
                raise Refusal(_errors.INVALID_ARGUMENT,
                              f"no input is named {item.name!r}; there are {', '.join(self.inputs)}")
            if item.name in arrays:
                raise Refusal(_errors.INVALID_ARGUMENT, f"the input {item.name!r} was given twice")
            if item.datatype != specification.datatype and item.datatype not in self.accept:
                raise Refusal(_errors.INVALID_ARGUMENT, f"the input {item.name!r} is {tensor.NAMES.get(item.datatype)}, "
                              f"and {tensor.NAMES[specification.datatype]} is expected")
            if not specification.fits(item.shape):
                raise Refusal(_errors.INVALID_ARGUMENT, f"the input {item.name!r} has the shape {list(item.shape)}, and "
                              f"{specification.shape} is expected")
            arrays[item.name] = self.tensors.read(item.datatype, item.shape, memory, item.offset, item.size)
        for name, specification in self.inputs.items():
            if name not in arrays and not specification.optional:
                raise Refusal(_errors.INVALID_ARGUMENT, f"the input {name!r} is missing")
        answer = self.call(arrays)
        return self._items(answer, wanted or list(self.outputs))

    def _items(self, answer, wanted):
        if not isinstance(answer, dict):
            values = answer if isinstance(answer, tuple) and len(self.outputs) > 1 else (answer,)
            if len(values) != len(self.outputs):
                raise TypeError(f"run() returned {len(values)} of {len(self.outputs)} outputs; return a dictionary, or a "
                                "tuple of all")
            answer = dict(zip(self.outputs, values))
        items = []
        for name in wanted:
            specification = self.outputs.get(name)
            if specification is None:
                raise Refusal(_errors.INVALID_ARGUMENT,
                              f"no output is named {name!r}; there are {', '.join(self.outputs)}")
            if name not in answer:
                raise TypeError(f"run() returned no {name!r}; it returned {', '.join(map(str, answer)) or 'nothing'}")
            shape, size, write = self.tensors.prepare(name, specification, answer[name])
            if not specification.fits(shape):
                raise TypeError(f"the output {name!r} has the shape {list(shape)}, and {specification.shape} was declared")
            items.append((specification.datatype, name, shape, size, write))
        return items
