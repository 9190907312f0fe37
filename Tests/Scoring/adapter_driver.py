"""An adapter's host in Python, for tests that compare an adapter with its framework's own Python package.

    adapter = Adapter(".build/debug/libXGBoostAdapter.so", library=".tools/frameworks/xgboost")
    with adapter.load("folder of the model", options={"output_margin": "true"}) as model:
        answer = model.execute({"input": rows})["predictions"]

An error of the adapter is an AdapterError with the status' code. Everything may be used by several threads. Each process
opens an adapter once.
"""

import ctypes
import os
import pathlib
import subprocess
import tempfile
import threading

import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]

CODES = {
    1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND",
    8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE"}

# Numbers of slipway_datatype with numpy's types. BYTES goes as an array of objects.
DATATYPES = {
    1: numpy.bool_, 2: numpy.uint8, 3: numpy.uint16, 4: numpy.uint32, 5: numpy.uint64, 6: numpy.int8, 7: numpy.int16,
    8: numpy.int32, 9: numpy.int64, 10: numpy.float16, 11: numpy.float32, 12: numpy.float64}
NUMBERS = {numpy.dtype(kind): number for number, kind in DATATYPES.items()}
BYTES = 13


class AdapterError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint64)]

    @classmethod
    def of(cls, content):
        """The result keeps the content alive."""
        kept = ctypes.create_string_buffer(content, len(content))
        result = cls(ctypes.cast(kept, ctypes.c_void_p), len(content))
        result.kept = kept
        return result


class Tensor(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("datatype", ctypes.c_int32), ("name", Bytes),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
        ("data", ctypes.c_void_p), ("size", ctypes.c_uint64)]


class Execution(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("input_count", ctypes.c_uint32), ("inputs", ctypes.POINTER(Tensor)),
        ("output_names", ctypes.POINTER(Bytes)), ("output_count", ctypes.c_uint32), ("request_count", ctypes.c_uint32),
        ("deadline_ns", ctypes.c_int64), ("context", Bytes), ("adapter_data", ctypes.c_void_p)]


POINTER = ctypes.c_void_p
STATUS = ctypes.CFUNCTYPE(POINTER, POINTER, ctypes.c_int32, POINTER, ctypes.c_uint64)
LOG = ctypes.CFUNCTYPE(None, POINTER, ctypes.c_int32, POINTER, ctypes.c_uint64)
WRITE = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER, ctypes.c_uint64)
OUTPUT = ctypes.CFUNCTYPE(
    POINTER, POINTER, POINTER, Bytes, ctypes.c_int32, ctypes.POINTER(ctypes.c_int64), ctypes.c_uint32,
    ctypes.c_uint64, ctypes.POINTER(POINTER))
COMPLETE = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER)
IS_CANCELLED = ctypes.CFUNCTYPE(ctypes.c_int32, POINTER, POINTER)


class HostTable(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32), ("context", POINTER), ("status", STATUS), ("log", LOG), ("write", WRITE),
        ("output", OUTPUT), ("complete", COMPLETE), ("is_cancelled", IS_CANCELLED)]


class AdapterTable(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("open", ctypes.CFUNCTYPE(POINTER, ctypes.POINTER(HostTable), Bytes, ctypes.POINTER(POINTER))),
        ("close", ctypes.CFUNCTYPE(None, POINTER)),
        ("describe", ctypes.CFUNCTYPE(POINTER, POINTER, POINTER)),
        ("recognise", ctypes.CFUNCTYPE(POINTER, POINTER, Bytes, POINTER)),
        ("estimate", ctypes.CFUNCTYPE(POINTER, POINTER, Bytes, POINTER)),
        ("load", ctypes.CFUNCTYPE(POINTER, POINTER, Bytes, ctypes.POINTER(POINTER))),
        ("unload", ctypes.CFUNCTYPE(None, POINTER)),
        ("describe_model", ctypes.CFUNCTYPE(POINTER, POINTER, POINTER)),
        ("create_instance", ctypes.CFUNCTYPE(POINTER, POINTER, Bytes, ctypes.POINTER(POINTER))),
        ("destroy_instance", ctypes.CFUNCTYPE(None, POINTER)),
        ("execute", ctypes.CFUNCTYPE(
            POINTER, POINTER, POINTER, ctypes.POINTER(Execution), ctypes.POINTER(ctypes.c_int32))),
        ("cancel", ctypes.CFUNCTYPE(None, POINTER, POINTER, ctypes.POINTER(Execution))),
        ("metrics", ctypes.CFUNCTYPE(POINTER, POINTER, POINTER))]


def contract():
    """The messages of adapter.proto, by their short names."""
    with tempfile.NamedTemporaryFile() as compiled:
        subprocess.run(
            ["protoc", f"--descriptor_set_out={compiled.name}", f"-I{ROOT}/Protos", "--include_imports",
             "slipway/adapter/v1/adapter.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(compiled.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    names = [f"slipway.adapter.v1.{message.name}" for message in files.file[-1].message_type]
    return {
        name.rsplit(".", 1)[1]: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


class Host:
    """The table of functions, and what they made that is not released yet."""

    def __init__(self):
        self.lock = threading.Lock()
        self.statuses, self.sinks, self.executions, self.lines = {}, {}, {}, []
        self.next = 1
        self.table = HostTable(
            ctypes.sizeof(HostTable), 1, 0, 0, None, STATUS(self.status), LOG(self.log), WRITE(self.write),
            OUTPUT(self.output), COMPLETE(self.complete), IS_CANCELLED(lambda context, execution: 0))

    def handle(self, table, value):
        with self.lock:
            self.next += 1
            table[self.next] = value
            return self.next

    def status(self, context, code, message, size):
        text = ctypes.string_at(message, size).decode()
        return self.handle(self.statuses, AdapterError(CODES.get(code, str(code)), text))

    def log(self, context, level, message, size):
        with self.lock:
            self.lines.append((level, ctypes.string_at(message, size).decode()))

    def write(self, context, sink, data, size):
        self.sinks[sink] += ctypes.string_at(data, size)

    def output(self, context, execution, name, datatype, shape, rank, size, refusal):
        call = self.executions[execution]
        dimensions = [shape[index] for index in range(rank)]
        label = ctypes.string_at(name.data, name.size).decode()
        if label in call.outputs or min(dimensions, default=0) < 0 or size > 1 << 34:
            refusal[0] = self.handle(
                self.statuses, AdapterError("INTERNAL", f"the host refuses {label} {dimensions} {size}"))
            return None
        room = numpy.empty(size + 64, numpy.uint8)
        start = -room.ctypes.data % 64
        # What the adapter leaves unwritten shows.
        room[:] = 0xA5
        call.outputs[label] = (datatype, dimensions, room[start:start + size])
        return room.ctypes.data + start

    def complete(self, context, execution, status):
        call = self.executions[execution]
        call.status = status
        call.done.set()

    def check(self, status):
        if status:
            with self.lock:
                error = self.statuses.pop(status)
            raise error

    def written(self, function, *arguments):
        """Calls a function that takes a sink last, and gives what it wrote."""
        sink = self.handle(self.sinks, b"")
        try:
            self.check(function(*arguments, sink))
            return self.sinks[sink]
        finally:
            del self.sinks[sink]


class Call:
    def __init__(self):
        self.outputs, self.done, self.status = {}, threading.Event(), None


class Adapter:
    def __init__(self, path, library="", options=None):
        self.messages = contract()
        self.host = Host()
        self.library = ctypes.CDLL(os.path.abspath(path), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        entry = self.library.slipway_adapter_entry
        entry.restype, entry.argtypes = ctypes.POINTER(AdapterTable), [ctypes.c_uint32]
        assert not entry(99), "an adapter gives a table of a major version that it does not know"
        self.table = entry(1).contents
        message = self.messages["AdapterOptions"](
            folder=str(pathlib.Path(path).resolve().parent), library=library, options=options or {})
        state = POINTER()
        self.host.check(
            self.table.open(ctypes.byref(self.host.table), Bytes.of(message.SerializeToString()), ctypes.byref(state)))
        self.state = state

    def close(self):
        self.table.close(self.state)

    def describe(self):
        return self.messages["AdapterDescription"].FromString(self.host.written(self.table.describe, self.state))

    def request(self, folder, file="", options=None, threads=0, name="model"):
        message = self.messages["LoadRequest"](
            name=name, version=1, folder=str(folder), file=file, options=options or {}, threads=threads, instances=1)
        return Bytes.of(message.SerializeToString())

    def recognise(self, folder, **request):
        written = self.host.written(self.table.recognise, self.state, self.request(folder, **request))
        return self.messages["Recognition"].FromString(written)

    def estimate(self, folder, **request):
        written = self.host.written(self.table.estimate, self.state, self.request(folder, **request))
        return self.messages["MemoryEstimate"].FromString(written)

    def load(self, folder, **request):
        model = POINTER()
        self.host.check(self.table.load(self.state, self.request(folder, **request), ctypes.byref(model)))
        return Model(self, model)


class Model:
    def __init__(self, adapter, model):
        self.adapter, self.host, self.table, self.model = adapter, adapter.host, adapter.table, model
        self.instance = POINTER()
        if self.table.create_instance:
            options = adapter.messages["InstanceOptions"](index=0)
            self.host.check(self.table.create_instance(
                model, Bytes.of(options.SerializeToString()), ctypes.byref(self.instance)))

    def unload(self):
        if self.table.create_instance:
            self.table.destroy_instance(self.instance)
        self.table.unload(self.model)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.unload()

    def describe(self):
        written = self.host.written(self.table.describe_model, self.model)
        return self.adapter.messages["ModelDescription"].FromString(written)

    def metrics(self):
        written = self.host.written(self.table.metrics, self.model)
        return self.adapter.messages["AdapterMetrics"].FromString(written)

    def execute(self, inputs, outputs=(), context=b""):
        """Executes and waits; `inputs` maps names to arrays, of any numeric type or of bytes objects."""
        prepared = Prepared(self, inputs, outputs, context)
        prepared.run()
        return prepared.answers()


class Prepared:
    """An execution whose tensors are laid out, so that running it again costs little of Python."""

    def __init__(self, model, inputs, outputs=(), context=b""):
        self.model, self.kept = model, []
        tensors = (Tensor * max(len(inputs), 1))()
        for tensor, (name, array) in zip(tensors, inputs.items()):
            self.fill(tensor, name, array)
        names = (Bytes * max(len(outputs), 1))(*[Bytes.of(name.encode()) for name in outputs])
        self.kept += [tensors, names, Bytes.of(context)]
        self.execution = Execution(
            ctypes.sizeof(Execution), len(inputs), tensors, names, len(outputs), 1, 0, self.kept[-1], None)
        self.address = ctypes.addressof(self.execution)
        self.pending = ctypes.c_int32()

    def fill(self, tensor, name, array):
        if array.dtype == object:
            content = b"".join(len(item).to_bytes(4, "little") + item for item in array.ravel())
            buffer = numpy.frombuffer(content or b"\0", numpy.uint8)
            number, size = BYTES, len(content)
        else:
            buffer = numpy.ascontiguousarray(array)
            number, size = NUMBERS[buffer.dtype], buffer.nbytes
        shape = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
        label = Bytes.of(name.encode())
        self.kept += [buffer, shape, label]
        tensor.struct_size, tensor.datatype, tensor.name = ctypes.sizeof(Tensor), number, label
        tensor.shape, tensor.rank, tensor.data, tensor.size = shape, array.ndim, buffer.ctypes.data, size

    def run(self):
        host = self.model.host
        self.call = host.executions[self.address] = Call()
        self.pending.value = 0
        try:
            host.check(self.model.table.execute(
                self.model.model, self.model.instance, ctypes.byref(self.execution), ctypes.byref(self.pending)))
            if self.pending.value:
                if not self.call.done.wait(60):
                    raise TimeoutError("an execution is pending for a minute")
                host.check(self.call.status)
        finally:
            del host.executions[self.address]

    def answers(self):
        answers = {}
        for name, (datatype, shape, room) in self.call.outputs.items():
            if datatype == BYTES:
                answers[name] = split(room.tobytes(), shape)
            else:
                answers[name] = room.view(DATATYPES[datatype]).reshape(shape)
        return answers


def split(content, shape):
    """Elements of a BYTES tensor."""
    elements, offset = [], 0
    while offset < len(content):
        size = int.from_bytes(content[offset:offset + 4], "little")
        elements.append(content[offset + 4:offset + 4 + size])
        offset += 4 + size
    array = numpy.empty(len(elements), object)
    array[:] = elements
    return array.reshape(shape)
