"""Entry scripts that take a document: raw text, typed arguments, or the request itself."""

import inspect
import json
import struct
import urllib.parse

from . import _answers, _channel, _errors, _protobuf, _tensor_types as tensor, http, schema
from ._errors import Refusal


def _tensor_description(name):
    return _protobuf.text(1, name) + _protobuf.number(2, tensor.BYTES) + _protobuf.packed(3, [1])


class DocumentScript:
    flags = _channel.IS_DOCUMENT

    def __init__(self, run, call):
        self.run = run
        self.call = call
        parameters = inspect.signature(run).parameters
        for parameter in parameters.values():
            if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                raise Refusal(_errors.FAILED_PRECONDITION,
                              f"run() takes *{parameter.name}; its arguments must have names")
        names = [name for name in parameters if name != "request_headers"]
        if not names:
            raise Refusal(_errors.FAILED_PRECONDITION, "run() takes no argument for the request's data")
        self.first = names[0]
        self.headers = "request_headers" in parameters
        self.raw_http = getattr(run, "__slipway_rawhttp__", False)
        self.azure = None
        self.typed = schema.declared(run) is not None and bool(schema.declared(run)["inputs"])
        if not self.typed:
            self._look_for_azure(run)
        if self.raw_http and (self.typed or self.azure):
            raise Refusal(_errors.FAILED_PRECONDITION, "run() is decorated with both @rawhttp and @input_schema")
        if not self.typed and not self.azure and len(names) > 1:
            more = [name for name in names[1:] if parameters[name].default is inspect.Parameter.empty]
            if more:
                raise Refusal(_errors.FAILED_PRECONDITION, f"run() takes {', '.join(names)}, and nothing says what "
                              f"{more[0]} is: declare each with @input_schema, or take one argument")
        if self.headers or self.raw_http:
            self.flags |= _channel.WANTS_CONTEXT

    def _look_for_azure(self, run):
        """A script decorated by Azure's own package, where the interpreter has it."""
        import sys
        util = sys.modules.get("inference_schema.schema_util")
        if util is not None and hasattr(util, "is_schema_decorated") and util.is_schema_decorated(run):
            self.azure = util

    def describe(self):
        described = b"".join(_protobuf.message(field, _tensor_description("body")) for field in (4, 5))
        schemas = (None, None, None, None)
        if self.azure:
            schemas = self._azure_schemas()
        elif schema.declared(self.run):
            schemas = schema.describe(self.run)
        input_schema, input_sample, output_schema, output_sample = (
            None if value is None else _answers.to_json(value) for value in schemas)
        return (_protobuf.number(3, 1) + described + _protobuf.text(10, input_schema or b"")
                + _protobuf.text(11, output_schema or b"") + _protobuf.text(12, input_sample or b"")
                + _protobuf.text(13, output_sample or b""))

    def _azure_schemas(self):
        found = []
        for read in (self.azure.get_input_schema, self.azure.get_output_schema):
            try:
                described = dict(read(self.run))
            except Exception:
                described = None
            sample = described.pop("example", None) if described else None
            found += [described, sample]
        return found

    def execute(self, channel, items, wanted, context):
        body = None
        for item in items:
            if item.name == "body" and item.datatype == tensor.BYTES and item.size >= 4:
                body = channel.requests.memory[item.offset + 4:item.offset + item.size]
        if body is None:
            raise Refusal(_errors.INVALID_ARGUMENT, "the model takes one document: an input `body`, BYTES [1]")
        fields = _Context(context) if context else _NOTHING
        arguments = self._arguments(body, fields)
        if self.headers:
            arguments["request_headers"] = fields.headers
        answer = self.call(arguments)
        return _items_of(answer)

    def _arguments(self, body, context):
        if self.raw_http:
            return {self.first: http.Request(body, context.method, context.path, context.headers, context.media_type)}
        if not body and context.method == "GET":
            body = json.dumps(_of_query(context.path)).encode()
        try:
            text = str(body, "utf-8")
        except UnicodeDecodeError as error:
            raise Refusal(_errors.INVALID_ARGUMENT,
                          f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
        if not self.typed and not self.azure:
            return {self.first: text}
        try:
            value = json.loads(text)
        except ValueError as error:
            raise Refusal(_errors.INVALID_ARGUMENT, f"the body is no JSON: {error}") from None
        if self.azure:
            if not isinstance(value, dict):
                raise Refusal(_errors.INVALID_ARGUMENT, "a JSON object with run()'s arguments is expected")
            return value
        try:
            return schema.arguments(self.run, value)
        except ValueError as error:
            raise Refusal(_errors.INVALID_ARGUMENT, str(error)) from None


class _Nothing:
    method = path = media_type = ""
    headers = http.Headers()


_NOTHING = _Nothing()


class _Context:
    """What an ExecutionContext message says."""

    def __init__(self, content):
        texts = {}
        pairs = []
        for field, value in _protobuf.read(content):
            if field == 2:
                header = _protobuf.read_texts(value)
                pairs.append((header.get(1, ""), header.get(2, "")))
            elif field != 7:
                texts[field] = value.decode("utf-8", "replace")
        self.headers = http.Headers(pairs)
        self.method = texts.get(4, "")
        self.path = texts.get(5, "")
        self.media_type = texts.get(6, "")


def _of_query(path):
    """A query's parameters, each read as JSON where it is some; several of a name are a list."""
    made = {}
    for name, values in urllib.parse.parse_qs(path.partition("?")[2], keep_blank_values=True).items():
        read = []
        for value in values:
            try:
                read.append(json.loads(value))
            except ValueError:
                read.append(value)
        made[name] = read if len(read) > 1 else read[0]
    return made


def _items_of(answer):
    items = []
    message = answer
    as_json = True
    kind = type(answer)
    if isinstance(answer, http.Response):
        message, as_json = answer.message, answer.json_str
        pairs = list(answer.headers.items())
        items.append(_status(answer.status_code))
    elif hasattr(answer, "status_code") and hasattr(answer, "get_data") and hasattr(answer, "headers"):
        # A Flask response, or Azure's own class over it.
        message, as_json = answer.get_data(), False
        pairs = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-length"]
        items.append(_status(int(answer.status_code)))
    else:
        pairs = []
        as_json = kind not in (bytes, bytearray, memoryview)
    if as_json:
        content = _answers.to_json(message)
    elif isinstance(message, str):
        content = message.encode("utf-8")
    elif isinstance(message, (bytes, bytearray, memoryview)):
        content = bytes(message)
    else:
        content = _answers.to_json(message)
    content = struct.pack("<I", len(content)) + content
    items.append((tensor.BYTES, "body", (1,), len(content),
                  lambda memory, offset: memory.__setitem__(slice(offset, offset + len(content)), content)))
    if pairs:
        fields = tensor.write_elements("headers", [part for pair in pairs for part in pair])
        items.append((tensor.BYTES, "headers", (len(pairs), 2), len(fields),
                      lambda memory, offset: memory.__setitem__(slice(offset, offset + len(fields)), fields)))
    return items


def _status(code):
    packed = struct.pack("<i", code)
    return (tensor.NUMBERS["INT32"], "status", (1,), 4,
            lambda memory, offset: memory.__setitem__(slice(offset, offset + 4), packed))
