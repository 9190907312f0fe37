"""Typed arguments: a script says what they are with a sample of each, and is given them converted.

The names are those of Azure's `inference-schema`, so that its scripts run as they are.
"""

import base64
import datetime
import inspect


class ParameterType:
    """What an argument, or an answer, looks like; known by a sample."""

    def __init__(self, sample_input):
        self.sample_input = sample_input

    def deserialize_input(self, value):
        """Makes the argument out of a JSON value. Raises ValueError that says what was expected."""
        raise NotImplementedError

    def schema(self):
        """The JSON schema of the argument's JSON value."""
        raise NotImplementedError

    def sample(self):
        """The sample, as a JSON value or as something that `run()` might return."""
        return self.sample_input


class NumpyParameterType(ParameterType):
    """An array of numpy, out of nested JSON arrays."""

    def __init__(self, sample_input, enforce_column_type=True, enforce_shape=True):
        import numpy
        if not isinstance(sample_input, numpy.ndarray):
            raise TypeError(f"NumpyParameterType takes a sample that is a numpy array, not {type(sample_input).__name__}")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, value):
        import numpy
        if isinstance(value, numpy.ndarray):
            array = value
        elif not isinstance(value, list):
            raise ValueError(f"a JSON array is expected, not {_json_name(value)}")
        else:
            names = self.sample_input.dtype.names
            if names:
                value = [tuple(_of_row(row, names)) for row in value]
            array = numpy.array(value, dtype=self.sample_input.dtype if self.enforce_column_type else None)
        if self.enforce_shape:
            wanted = self.sample_input.shape
            if array.ndim != len(wanted) or array.shape[1:] != wanted[1:]:
                raise ValueError(f"an array of shape {_shape(wanted)} is expected, not {list(array.shape)}")
        return array

    def schema(self):
        found = _of_dtype(self.sample_input.dtype, self.sample_input)
        for _ in self.sample_input.shape:
            found = {"type": "array", "items": found}
        return found

    def sample(self):
        if self.sample_input.dtype.names:
            return [dict(zip(self.sample_input.dtype.names, row)) for row in self.sample_input.tolist()]
        return self.sample_input.tolist()


class PandasParameterType(ParameterType):
    """A data frame: out of records, lists of rows, columns with their values, or `columns` and `data` (split)."""

    def __init__(self, sample_input, enforce_column_type=True, enforce_shape=True, apply_column_names=True,
                 orient="records"):
        import pandas
        if not isinstance(sample_input, pandas.DataFrame):
            raise TypeError(f"PandasParameterType takes a sample that is a DataFrame, not {type(sample_input).__name__}")
        if orient not in ("records", "split"):
            raise ValueError(f"PandasParameterType takes orient 'records' or 'split', not {orient!r}")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient

    def deserialize_input(self, value):
        import pandas
        if isinstance(value, pandas.DataFrame):
            return value
        if not isinstance(value, (list, dict)):
            raise ValueError(f"a JSON array or object is expected, not {_json_name(value)}")
        if isinstance(value, dict) and "data" in value and set(value) <= {"columns", "index", "data"}:
            frame = pandas.DataFrame(value["data"], columns=value.get("columns"), index=value.get("index"))
            unnamed = "columns" not in value
        else:
            frame = pandas.DataFrame(value)
            unnamed = isinstance(value, list) and bool(value) and not isinstance(value[0], dict)
        columns = list(self.sample_input.columns)
        if self.apply_column_names and unnamed and frame.shape[1] == len(columns):
            frame.columns = columns
        if self.enforce_shape and frame.shape[1] != len(columns):
            raise ValueError(f"{len(columns)} columns are expected ({_listed(columns)}), not {frame.shape[1]}")
        if self.enforce_column_type:
            types = self.sample_input.dtypes.to_dict()
            frame = frame.astype({name: types[name] for name in frame.columns if name in types})
        return frame

    def schema(self):
        columns = {str(name): _of_dtype(self.sample_input[name].dtype, self.sample_input[name])
                   for name in self.sample_input.columns}
        if self.orient == "split":
            return {"type": "object", "required": ["data"], "properties": {
                "columns": {"type": "array", "items": {"type": "string"}},
                "index": {"type": "array", "items": {}},
                "data": {"type": "array", "items": {"type": "array", "items": {}}}}}
        return {"type": "array", "items": {"type": "object", "properties": columns}}

    def sample(self):
        return self.sample_input.to_dict(orient=self.orient)


class StandardPythonParameterType(ParameterType):
    """A value of Python's own types; dictionaries and lists may hold other parameter types."""

    def deserialize_input(self, value):
        return _converted(self.sample_input, value, "")

    def schema(self):
        return _of_value(self.sample_input)

    def sample(self):
        return _sample_of(self.sample_input)


def input_schema(param_name, param_type, convert_to_provided_type=True, optional=False):
    """Says what an argument of `run()` is. The request's JSON object has it under its name."""
    if not callable(getattr(param_type, "deserialize_input", None)):
        raise TypeError("input_schema takes a parameter type, such as NumpyParameterType(sample)")

    def decorate(function):
        _declaration(function)["inputs"][param_name] = (param_type, convert_to_provided_type, optional)
        return function

    return decorate


def output_schema(output_type):
    """Says what `run()` returns."""
    if not callable(getattr(output_type, "schema", None)):
        raise TypeError("output_schema takes a parameter type, such as NumpyParameterType(sample)")

    def decorate(function):
        _declaration(function)["output"] = output_type
        return function

    return decorate


def declared(function):
    """What decorators have said of a function; nothing if none has."""
    return getattr(function, "__slipway_schema__", None)


def _declaration(function):
    found = declared(function)
    if found is None:
        found = function.__slipway_schema__ = {"inputs": {}, "output": None}
    return found


def arguments(function, body):
    """The keyword arguments that a request's JSON value stands for. Raises ValueError that blames the caller."""
    inputs = declared(function)["inputs"]
    if not isinstance(body, dict):
        raise ValueError(f"a JSON object with {_listed(inputs)} is expected, not {_json_name(body)}")
    parameters = inspect.signature(function).parameters
    unknown = [name for name in body if name not in parameters or name == "request_headers"]
    if unknown:
        raise ValueError(f"no argument is named {unknown[0]!r}; run() takes {_listed(inputs)}")
    missing = [name for name, parameter in parameters.items() if name not in body and name != "request_headers"
               and parameter.default is parameter.empty and not inputs.get(name, (None, None, False))[2]]
    if missing:
        raise ValueError(f"the argument {missing[0]!r} is missing; run() takes {_listed(inputs)}")
    made = {}
    for name, value in body.items():
        kind, convert, _ = inputs.get(name, (None, False, True))
        if convert:
            try:
                value = kind.deserialize_input(value)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                raise ValueError(f"the argument {name!r}: {error}") from None
        made[name] = value
    for name, (_, _, optional) in inputs.items():
        if optional and name not in made and name in parameters \
                and parameters[name].default is inspect.Parameter.empty:
            made[name] = None
    return made


def describe(function):
    """The JSON schemas of a function's input and output, and a sample of each; None for what is not said."""
    declaration = declared(function)
    parameters = inspect.signature(function).parameters
    for name in declaration["inputs"]:
        if name not in parameters:
            raise TypeError(f"input_schema names {name!r}, which is no argument of run({', '.join(parameters)})")
    input_json = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    sample = {}
    for name, parameter in parameters.items():
        if name == "request_headers":
            continue
        kind, _, optional = declaration["inputs"].get(name, (None, False, False))
        input_json["properties"][name] = kind.schema() if kind else {}
        if kind:
            sample[name] = kind.sample()
        if parameter.default is parameter.empty and not optional:
            input_json["required"].append(name)
    if not input_json["required"]:
        del input_json["required"]
    output = declaration["output"]
    inputs = declaration["inputs"]
    return (input_json if inputs else None, sample if inputs else None,
            output.schema() if output else None, output.sample() if output else None)


_SIMPLE = {bool: {"type": "boolean"}, int: {"type": "integer", "format": "int64"},
           float: {"type": "number", "format": "double"}, str: {"type": "string"},
           bytes: {"type": "string", "format": "byte"}, bytearray: {"type": "string", "format": "byte"},
           datetime.datetime: {"type": "string", "format": "date-time"},
           datetime.date: {"type": "string", "format": "date"}, datetime.time: {"type": "string", "format": "time"}}


def _of_value(value):
    if isinstance(value, ParameterType):
        return value.schema()
    simple = _SIMPLE.get(type(value))
    if simple:
        return dict(simple)
    if isinstance(value, dict):
        return {"type": "object", "properties": {str(name): _of_value(item) for name, item in value.items()}}
    if isinstance(value, (list, tuple, range)):
        kinds = [_of_value(item) for item in value]
        alike = bool(kinds) and all(kind == kinds[0] for kind in kinds)
        return {"type": "array", "items": kinds[0] if alike else {}}
    return {}


def _sample_of(value):
    if isinstance(value, ParameterType):
        return value.sample()
    if isinstance(value, dict):
        return {str(name): _sample_of(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_sample_of(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return value


def _converted(sample, value, where):
    """A JSON value made into what the sample is. Raises ValueError."""
    place = f"{where}: " if where else ""
    if isinstance(sample, ParameterType) or callable(getattr(sample, "deserialize_input", None)):
        try:
            return sample.deserialize_input(value)
        except ValueError as error:
            raise ValueError(f"{place}{error}") from None
    kind = type(sample)
    if kind in (bytes, bytearray) and isinstance(value, str):
        return kind(base64.b64decode(value, validate=True))
    if kind in (datetime.date, datetime.datetime, datetime.time) and isinstance(value, str):
        return kind.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
    if kind is float and type(value) is int:
        return float(value)
    if kind in (tuple, range) and isinstance(value, list):
        return tuple(value)
    if sample is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise ValueError(f"{place}{_json_name_of_type(kind)} is expected, not {_json_name(value)}")
    if isinstance(value, dict):
        return {name: _converted(sample[name], item, f"{where}.{name}" if where else name)
                if isinstance(sample.get(name), (ParameterType, dict)) else item for name, item in value.items()}
    return value


def _of_dtype(dtype, values):
    names = getattr(dtype, "names", None)
    if names:
        return {"type": "object", "properties": {name: _of_dtype(dtype[name], values[name]) for name in names}}
    kind = getattr(dtype, "kind", "O")
    if kind == "b":
        return {"type": "boolean"}
    if kind in "iu":
        return {"type": "integer", "format": "int64" if dtype.itemsize > 4 else "int32"}
    if kind == "f":
        return {"type": "number", "format": "double" if dtype.itemsize > 4 else "float"}
    if kind == "M":
        return {"type": "string", "format": "date-time"}
    if kind in "US":
        return {"type": "string"}
    first = next(iter(getattr(values, "ravel", lambda: values)()), None)
    return _of_value(first) if isinstance(first, (str, bool, int, float)) else {}


def _of_row(row, names):
    return [row[name] for name in names] if isinstance(row, dict) else row


def _shape(wanted):
    return [-1, *wanted[1:]] if wanted else []


def _json_name(value):
    return "null" if value is None else _json_name_of_type(type(value))


def _json_name_of_type(kind):
    for known, name in ((bool, "a boolean"), ((int, float), "a number"), (str, "a string"), (dict, "an object"),
                        ((list, tuple, range), "an array")):
        if issubclass(kind, known):
            return name
    return f"a {kind.__name__}"


def _listed(names):
    return ", ".join(repr(str(name)) for name in names) or "nothing"
