"""Tensors: what a script that serves the V2 protocol's clients declares, and how they reach it.

    @slipway.tensors(inputs={"x": numpy.zeros((1, 4), "float32")}, outputs={"y": numpy.zeros((1,), "float32")})
    def run(x): return x.sum(axis=1)

An array declares its datatype and its shape, the first dimension of any size. `tensor("FP32", [-1, 4])` says the same
without numpy, and all else that a tensor may be.
"""

import array as _array
import struct
import sys

BYTES = 13
BF16 = 14

# Name, number, size of an element, format of struct and memoryview (None where there is none).
_DATATYPES = [("BOOL", 1, 1, "?"), ("UINT8", 2, 1, "B"), ("UINT16", 3, 2, "H"), ("UINT32", 4, 4, "I"),
              ("UINT64", 5, 8, "Q"), ("INT8", 6, 1, "b"), ("INT16", 7, 2, "h"), ("INT32", 8, 4, "i"),
              ("INT64", 9, 8, "q"), ("FP16", 10, 2, "e"), ("FP32", 11, 4, "f"), ("FP64", 12, 8, "d"),
              ("BYTES", 13, 0, None), ("BF16", 14, 2, "H")]
NUMBERS = {name: number for name, number, _, _ in _DATATYPES}
NAMES = {number: name for name, number, _, _ in _DATATYPES}
SIZES = {number: size for _, number, size, _ in _DATATYPES}
FORMATS = {number: form for _, number, _, form in _DATATYPES}
_NUMPY = {"bool": 1, "uint8": 2, "uint16": 3, "uint32": 4, "uint64": 5, "int8": 6, "int16": 7, "int32": 8, "int64": 9,
          "float16": 10, "float32": 11, "float64": 12, "bfloat16": 14}


class TensorSpecification:
    """An input or an output: its datatype, and its shape with -1 where any size will do."""

    def __init__(self, datatype, shape, optional=False, columns=()):
        if datatype not in NUMBERS:
            raise ValueError(f"{datatype!r} is no datatype; there are {', '.join(NUMBERS)}")
        self.datatype = NUMBERS[datatype]
        self.shape = [int(size) for size in shape]
        if any(size < -1 for size in self.shape):
            raise ValueError(f"a dimension is -1 (any size), 0 or more: {self.shape}")
        self.optional = optional
        self.columns = [str(name) for name in columns]

    def __str__(self):
        return f"{NAMES[self.datatype]} {self.shape}"

    def fits(self, shape):
        return len(shape) == len(self.shape) and all(
            wanted in (-1, size) for wanted, size in zip(self.shape, shape))


def tensor(datatype, shape, optional=False, columns=()):
    """An input or an output by datatype (`"FP32"`) and shape, with -1 where any size will do."""
    return TensorSpecification(datatype, shape, optional, columns)


def tensors(inputs, outputs, batches=False):
    """Says that `run()` takes and gives tensors.

    `run` gets each input under its name; one with a single parameter that names no input gets the dictionary of all.
    It returns a dictionary, a tuple in the order of `outputs`, or the one output itself. With `batches` the scorer may
    join requests along the first dimension: say so where each row's answer depends on that row alone."""
    declared_inputs = {str(name): _specification(name, value) for name, value in inputs.items()}
    declared_outputs = {str(name): _specification(name, value) for name, value in outputs.items()}
    if not declared_outputs:
        raise ValueError("tensors() declares no outputs")
    if batches:
        for name, found in {**declared_inputs, **declared_outputs}.items():
            if not found.shape or found.shape[0] != -1:
                raise ValueError(f"batches=True, and the first dimension of {name!r} is not -1 ({found})")

    def decorate(function):
        function.__slipway_tensors__ = (declared_inputs, declared_outputs, bool(batches))
        return function

    return decorate


def declared(function):
    return getattr(function, "__slipway_tensors__", None)


def _specification(name, value):
    if isinstance(value, TensorSpecification):
        return value
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        raise TypeError(f"{name!r} is declared by a {type(value).__name__}; declare it by a numpy array or tensor()")
    return TensorSpecification(datatype_of(dtype), [-1, *value.shape[1:]] if value.ndim else [])


def datatype_of(dtype):
    """The name of numpy's type. Raises TypeError where there is none."""
    if dtype.kind in "OSU":
        return "BYTES"
    number = _NUMPY.get(dtype.name)
    if number is None:
        raise TypeError(f"numpy's {dtype.name} is no datatype of tensors")
    return NAMES[number]


def _bfloat16():
    """numpy has no such type; a package that others bring along does."""
    try:
        import ml_dtypes
        return ml_dtypes.bfloat16
    except ImportError:
        return None


class NumpyTensors:
    """Arrays of numpy over the region that the request lies in."""

    def __init__(self, numpy):
        self.numpy = numpy
        self.types = {NUMBERS[NAMES[number]]: numpy.dtype(name) for name, number in _NUMPY.items() if number != BF16}
        brain = _bfloat16()
        self.types[BF16] = numpy.dtype(brain) if brain else numpy.dtype("uint16")
        self.types[BYTES] = numpy.dtype(object)

    def read(self, datatype, shape, region, offset, size):
        if datatype == BYTES:
            elements = read_elements(region, offset, size)
            made = self.numpy.empty(len(elements), dtype=object)
            made[:] = elements
            return made.reshape(shape)
        if size == 0:
            return self.numpy.empty(shape, dtype=self.types[datatype])
        return self.numpy.ndarray(shape, self.types[datatype], region, offset)

    def prepare(self, name, specification, value):
        """The answer's shape, its size and a function that writes it into a region."""
        datatype = specification.datatype
        made = self.numpy.asarray(value)
        if datatype == BYTES:
            if made.dtype.kind not in "OSU":
                raise TypeError(f"the output {name!r} is {made.dtype.name}; BYTES takes texts or bytes")
            content = write_elements(name, made.ravel().tolist())
            return made.shape, len(content), lambda region, offset: _put(region, offset, content)
        wanted = self.types[datatype]
        if made.dtype != wanted:
            exact = isinstance(value, (list, tuple, int, float, bool))
            if not self.numpy.can_cast(made.dtype, wanted, "unsafe" if exact and made.dtype.kind in "biuf" else "same_kind"):
                raise TypeError(f"the output {name!r} is {made.dtype.name}, and {NAMES[datatype]} was declared")

        def write(region, offset):
            if made.size:
                self.numpy.copyto(self.numpy.ndarray(made.shape, wanted, region, offset), made, casting="unsafe")

        return made.shape, made.size * wanted.itemsize, write


class PlainTensors:
    """Memory views, where the interpreter has no numpy; BYTES and FP16 included as Python knows them."""

    def read(self, datatype, shape, region, offset, size):
        if datatype == BYTES:
            return _nested(read_elements(region, offset, size), shape)
        view = memoryview(region)[offset:offset + size]
        form = FORMATS[datatype]
        if size == 0 or 0 in shape:
            return _nested([], shape)
        if form == "e":
            return _nested([item[0] for item in struct.iter_unpack("<e", view)], shape)
        return view.cast(form, shape) if shape else view.cast(form)

    def prepare(self, name, specification, value):
        datatype = specification.datatype
        if datatype == BYTES:
            elements, shape = _flat(value)
            content = write_elements(name, elements)
            return shape, len(content), lambda region, offset: _put(region, offset, content)
        try:
            view = memoryview(value)
            elements, shape = (view.tolist(), list(view.shape)) if view.ndim < 2 else _flat(view.tolist())
        except TypeError:
            elements, shape = _flat(value)
        try:
            content = struct.pack(f"<{len(elements)}{FORMATS[datatype]}", *elements)
        except struct.error as error:
            raise TypeError(f"the output {name!r} is no {NAMES[datatype]}: {error}") from None
        return shape, len(content), lambda region, offset: _put(region, offset, content)


def make():
    """Ways of reading and writing tensors that this interpreter has."""
    try:
        import numpy
    except ImportError:
        return PlainTensors()
    return NumpyTensors(numpy)


def _put(region, offset, content):
    region[offset:offset + len(content)] = content


def read_elements(region, offset, size):
    elements = []
    end = offset + size
    unpack = struct.Struct("<I").unpack_from
    while offset < end:
        length = unpack(region, offset)[0]
        offset += 4
        elements.append(region[offset:offset + length])
        offset += length
    return elements


def write_elements(name, elements):
    parts = []
    for element in elements:
        if isinstance(element, str):
            element = element.encode("utf-8")
        elif not isinstance(element, (bytes, bytearray, memoryview)):
            raise TypeError(f"the output {name!r} holds a {type(element).__name__}; BYTES takes texts or bytes")
        parts.append(len(element).to_bytes(4, "little"))
        parts.append(element)
    return b"".join(parts)


def _nested(flat, shape):
    if not shape:
        return flat[0] if flat else None
    for size in reversed(list(shape)[1:]):
        flat = [flat[start:start + size] for start in range(0, len(flat), size)] if size else []
    return flat


def _flat(value):
    """Elements of nested lists, and their shape. Raises TypeError where they are ragged."""
    shape = []
    level = value
    while isinstance(level, (list, tuple, _array.array)):
        shape.append(len(level))
        if not len(level):
            break
        level = level[0]
    flat = [value] if not shape else list(value)
    for size in shape[1:]:
        if any(not isinstance(row, (list, tuple, _array.array)) or len(row) != size for row in flat):
            raise TypeError("nested lists of unequal length are no tensor")
        flat = [item for row in flat for item in row]
    return flat, shape


if sys.byteorder != "little":
    raise ImportError("tensors are little-endian, and so must be the machine")
