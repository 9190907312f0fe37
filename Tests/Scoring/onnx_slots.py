#!/usr/bin/env python3
"""The places in ONNX Runtime's table of functions that its adapter counts on, each called and looked at.

    .tools/scoring/bin/python Tests/Scoring/onnx_slots.py [LIBRARY]

The numbers are those of OrtFunctions.h. A number that is wrong by one calls a neighbour, which either gives something
else or ends this process; both fail. What can't be told from its neighbour here: DisableMemPattern, whose effect is
not seen from outside, releases whose neighbour frees the same, and in a build without a provider which of that
provider's own functions is which. The counting that the header explains has to do for those, and they stand between
others that are told.
"""

import ctypes
import os
import pathlib
import re
import resource
import sys
import tempfile
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p

import numpy
from onnx import TensorProto, helper

import onnx_models
from onnx_models import model, save, value

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = (ROOT / "Services/Scorer/Adapters/OnnxRuntime/OrtFunctions.h").read_text()
LOG = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p, c_char_p, c_char_p, c_char_p)


def declared():
    """Names and numbers of the header, and which of them give a status."""
    slots = {name: (int(number), "Status" in result) for number, result, name in re.findall(
        r"SLOT\((\d+), ([\w *]+?), (\w+),", HEADER)}
    for name, *numbers in re.findall(r"ORT_PROVIDER_FUNCTIONS\(SLOT, (\w+), (\d+), (\d+), (\d+), (\d+)\)", HEADER):
        append, create, update, release = map(int, numbers)
        slots |= {f"Append{name}": (append, True), f"Create{name}Options": (create, True),
                  f"Update{name}Options": (update, True), f"Release{name}Options": (release, False)}
    return slots


class Table:
    """Calls functions by name; a status that comes back is an error with the runtime's text."""

    def __init__(self, path):
        base = ctypes.CDLL(path).OrtGetApiBase
        base.restype = POINTER(c_void_p * 2)
        version = int(re.search(r"ORT_INTERFACE_VERSION (\d+)", HEADER)[1])
        get_table, get_version = base().contents
        self.version = ctypes.CFUNCTYPE(c_char_p)(get_version)().decode()
        table = ctypes.CFUNCTYPE(c_void_p, ctypes.c_uint32)(get_table)(version)
        self.slots, self.called = declared(), set()
        self.table = ctypes.cast(table, POINTER(c_void_p * (max(number for number, _ in self.slots.values()) + 1)))

    def __call__(self, name, *arguments, result=None):
        number, gives_status = self.slots[name]
        self.called.add(name)
        function = ctypes.CFUNCTYPE(c_void_p if gives_status else result)(self.table.contents[number])
        answer = function(*[a if hasattr(a, "_b_base_") or not isinstance(a, int) else c_void_p(a) for a in arguments])
        if not gives_status or name == "CreateStatus":
            return answer
        if answer:
            error = RuntimeError(self("GetErrorMessage", c_void_p(answer), result=c_char_p).decode())
            self("ReleaseStatus", c_void_p(answer))
            raise error
        return None

    def made(self, name, *arguments, kind=c_void_p):
        """What a function puts into its last parameter."""
        answer = kind()
        self(name, *arguments, byref(answer))
        return answer

    def fails(self, words, name, *arguments):
        try:
            self(name, *arguments)
        except RuntimeError as error:
            assert re.search(words, str(error)), f"{name}: {error}"
        else:
            raise AssertionError(f"{name} does not fail")


def numbers(*items):
    return (c_int64 * max(len(items), 1))(*items)


def check_statuses(call):
    status = c_void_p(call("CreateStatus", c_int(10), c_char_p(b"a text")))
    assert call("GetErrorCode", status, result=c_int) == 10
    assert call("GetErrorMessage", status, result=c_char_p) == b"a text"
    call("ReleaseStatus", status)


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def threads():
    return len(os.listdir("/proc/self/task"))


def check_releases(call, allocator, session):
    """What is released again and again leaves nothing."""
    def repeat(count, work):
        for _ in range(count // 10):
            work()
        before = resident()
        for _ in range(count):
            work()
        assert resident() - before < 400_000, (work, resident() - before)

    for make, release, arguments in (
            ("CreateCpuMemoryInfo", "ReleaseMemoryInfo", (c_int(0), c_int(0))),
            ("CreateRunOptions", "ReleaseRunOptions", ()), ("CreateSessionOptions", "ReleaseSessionOptions", ()),
            ("CreateThreadingOptions", "ReleaseThreadingOptions", ())):
        repeat(10000, lambda: call(release, call.made(make, *arguments)))
    repeat(20000, lambda: name_of(call, "SessionGetInputName", session, 0, allocator))
    repeat(10000, lambda: call("ReleaseStatus", c_void_p(call("CreateStatus", c_int(1), c_char_p(b"x" * 100)))))


def check_threads(call, environment):
    """Threads of a session's own: three for an operator are two more than the caller's."""
    found = []
    for intra, inter in ((1, 1), (3, 1), (1, 4)):
        options = call.made("CreateSessionOptions")
        call("SetSessionExecutionMode", options, c_int(1))
        call("SetIntraOpNumThreads", options, c_int(intra))
        call("SetInterOpNumThreads", options, c_int(inter))
        before = threads()
        session = session_of(call, environment, options, onnx_models.network())
        found.append(threads() - before)
        call("ReleaseSession", session)
        assert threads() == before
        call("ReleaseSessionOptions", options)
    assert found[1] - found[0] == 2 and found[2] - found[0] == 3, found


def check_arena(call, environment, memory):
    """Without an arena the memory of an execution is given back."""
    kept = []
    data = numpy.ones(16 << 20, numpy.float32)
    for has_arena in (True, False):
        options = call.made("CreateSessionOptions")
        call("SetIntraOpNumThreads", options, c_int(1))
        if not has_arena:
            call("DisableCpuMemArena", options)
        session = session_of(call, environment, options, model([("Neg", ["x"], ["y"])], [value("x")], [value("y")]))
        given = call.made(
            "CreateTensorWithDataAsOrtValue", memory, c_void_p(data.ctypes.data), c_size_t(data.nbytes),
            numbers(data.size), c_size_t(1), c_int(1))
        before, result = resident(), c_void_p()
        call("Run", session, c_void_p(), (c_char_p * 1)(b"x"), byref(given), c_size_t(1), (c_char_p * 1)(b"y"),
             c_size_t(1), byref(result))
        call("ReleaseValue", result)
        kept.append(resident() - before)
        call("ReleaseValue", given)
        call("ReleaseSession", session)
        call("ReleaseSessionOptions", options)
    assert kept[0] > 32 << 20 > kept[1], kept


def check_shared_threads(call, log):
    """Threads that all sessions share: how many more there are for each number asked for."""
    found = []
    # The first environment of a process starts a thread that stays.
    for intra, inter in ((2, 1), (2, 1), (5, 1), (2, 4)):
        threading = call.made("CreateThreadingOptions")
        call("SetGlobalIntraOpNumThreads", threading, c_int(intra))
        call("SetGlobalInterOpNumThreads", threading, c_int(inter))
        call("SetGlobalSpinControl", threading, c_int(0))
        call.fails("allow_spinning", "SetGlobalSpinControl", threading, c_int(7))
        before = threads()
        environment = call.made(
            "CreateEnvWithCustomLoggerAndGlobalThreadPools", log, c_void_p(), c_int(2), c_char_p(b"slots"), threading)
        found.append(threads() - before)
        call("ReleaseThreadingOptions", threading)
        call("ReleaseEnv", environment)
    assert found[1:] == [1, 4, 4], found


def check_environment(call, log):
    check_shared_threads(call, log)
    count, names = c_int(), POINTER(c_char_p)()
    call("GetAvailableProviders", byref(names), byref(count))
    assert b"CPUExecutionProvider" in [names[index] for index in range(count.value)]
    call("ReleaseAvailableProviders", names, count)
    return call.made("CreateEnvWithCustomLogger", log, c_void_p(), c_int(2), c_char_p(b"slots"))


def check_options(call, options):
    """What an option does shows in a session or in how nonsense is refused."""
    call("SetIntraOpNumThreads", options, c_int(1))
    call("SetInterOpNumThreads", options, c_int(1))
    call("SetSessionExecutionMode", options, c_int(0))
    call.fails("execution_mode|not valid|invalid", "SetSessionExecutionMode", options, c_int(77))
    call("SetSessionGraphOptimizationLevel", options, c_int(99))
    call.fails("optimization_level|not valid|invalid", "SetSessionGraphOptimizationLevel", options, c_int(77))
    call("DisableMemPattern", options)
    call("DisableCpuMemArena", options)
    call("AddSessionConfigEntry", options, c_char_p(b"session.set_denormal_as_zero"), c_char_p(b"1"))
    call.fails("key", "AddSessionConfigEntry", options, c_char_p(b""), c_char_p(b"1"))
    call("AddFreeDimensionOverrideByName", options, c_char_p(b"fixed"), c_int64(6))
    call("SetDeterministicCompute", options, ctypes.c_bool(True))


def check_providers(call, options):
    nothing = (c_char_p * 1)()
    call.fails("(?i)provider", "SessionOptionsAppendExecutionProvider", options, c_char_p(b"Nonsense"), nothing,
               nothing, c_size_t(0))
    # Stands for options that could not be made; nobody fills it in.
    own = ctypes.create_string_buffer(1 << 16)
    for name in ("CUDA", "TensorRT", "CANN", "Dnnl"):
        itself = "(?i)dnn" if name == "Dnnl" else f"(?i){name}"
        call.fails(itself, f"Create{name}Options", byref(c_void_p()))
        call.fails(itself, f"Update{name}Options", own, nothing, nothing, c_size_t(0))
        call.fails(itself, f"Append{name}", options, own)
        call(f"Release{name}Options", c_void_p())


def session_of(call, environment, options, proto):
    with tempfile.TemporaryDirectory() as folder:
        path = save(proto, pathlib.Path(folder)) / "model.onnx"
        return call.made("CreateSession", environment, c_char_p(str(path).encode()), options)


def name_of(call, name, session, index, allocator):
    text = call.made(name, session, c_size_t(index), allocator)
    found = ctypes.string_at(text.value).decode()
    call("AllocatorFree", allocator, text)
    return found


def shape_of(call, info):
    rank = call.made("GetDimensionsCount", info, kind=c_size_t).value
    sizes, symbols = numbers(*[0] * rank), (c_char_p * max(rank, 1))()
    call("GetDimensions", info, sizes, c_size_t(rank))
    call("GetSymbolicDimensions", info, symbols, c_size_t(rank))
    element = call.made("GetTensorElementType", info, kind=c_int).value
    return element, list(sizes)[:rank], [symbol.decode() for symbol in symbols[:rank]]


def check_description(call, environment, options, allocator):
    proto = model(
        [("Mul", ["x", "factor"], ["y"]), ("Neg", ["x"], ["z"]), ("Shape", ["x"], ["s"])],
        [value("x", shape=["rows", "fixed"]), value("factor", shape=[1, 1])],
        [value("s", TensorProto.INT64, [2]), value("y", shape=["rows", "fixed"]),
         value("z", shape=["rows", "fixed"])],
        [("factor", numpy.array([[2]], numpy.float32))])
    session = session_of(call, environment, options, proto)
    assert call.made("SessionGetInputCount", session, kind=c_size_t).value == 1
    assert call.made("SessionGetOutputCount", session, kind=c_size_t).value == 3
    assert call.made("SessionGetOverridableInitializerCount", session, kind=c_size_t).value == 1
    assert name_of(call, "SessionGetInputName", session, 0, allocator) == "x"
    assert name_of(call, "SessionGetOutputName", session, 2, allocator) == "z"
    assert name_of(call, "SessionGetOverridableInitializerName", session, 0, allocator) == "factor"
    for name, index, sizes in (
            ("SessionGetInputTypeInfo", 0, [-1, 6]), ("SessionGetOutputTypeInfo", 1, [-1, 6]),
            ("SessionGetOverridableInitializerTypeInfo", 0, [1, 1])):
        kind = call.made(name, session, c_size_t(index))
        assert call.made("GetOnnxTypeFromTypeInfo", kind, kind=c_int).value == 1
        element, found, symbols = shape_of(call, call.made("CastTypeInfoToTensorInfo", kind))
        assert (element, found, symbols[0]) == (1, sizes, "rows" if sizes[0] < 0 else ""), (name, found, symbols)
        call("ReleaseTypeInfo", kind)
    return session


def check_execution(call, session, memory, quietly):
    data = numpy.arange(12, dtype=numpy.float32).reshape(2, 6)
    given = call.made(
        "CreateTensorWithDataAsOrtValue", memory, c_void_p(data.ctypes.data), c_size_t(data.nbytes), numbers(2, 6),
        c_size_t(2), c_int(1))
    assert call.made("GetValueType", given, kind=c_int).value == 1
    results = (c_void_p * 2)()
    call("Run", session, quietly, (c_char_p * 1)(b"x"), byref(given), c_size_t(1), (c_char_p * 2)(b"z", b"y"),
         c_size_t(2), results)
    for result, expected in zip(results, (-data, 2 * data)):
        result = c_void_p(result)
        info = call.made("GetTensorTypeAndShape", result)
        assert shape_of(call, info)[:2] == (1, [2, 6])
        call("ReleaseTensorTypeAndShapeInfo", info)
        found = ctypes.string_at(call.made("GetTensorMutableData", result).value, data.nbytes)
        assert found == expected.tobytes()
        assert call.made("HasValue", result, kind=c_int).value == 1
        call("ReleaseValue", result)
    call("ReleaseValue", given)


def check_texts(call, allocator):
    texts = [b"one", b"", b"three\0"]
    tensor = call.made("CreateTensorAsOrtValue", allocator, numbers(3), c_size_t(1), c_int(8))
    for index, text in enumerate(texts):
        room = call.made("GetResizedStringTensorElementBuffer", tensor, c_size_t(index), c_size_t(len(text)))
        ctypes.memmove(room.value, text, len(text))
    size = call.made("GetStringTensorDataLength", tensor, kind=c_size_t).value
    assert size == 9
    room, offsets = ctypes.create_string_buffer(size), (c_size_t * 3)()
    call("GetStringTensorContent", tensor, room, c_size_t(size), offsets, c_size_t(3))
    assert (room.raw, list(offsets)) == (b"".join(texts), [0, 3, 3])
    call("ReleaseValue", tensor)


def check_maps(call, environment, options, memory, allocator):
    session = session_of(call, environment, options, onnx_models.classifier([7, 9]))
    kind = call.made("SessionGetOutputTypeInfo", session, c_size_t(0))
    assert call.made("GetOnnxTypeFromTypeInfo", kind, kind=c_int).value == 2
    element = call.made("GetSequenceElementType", call.made("CastTypeInfoToSequenceTypeInfo", kind))
    assert call.made("GetOnnxTypeFromTypeInfo", element, kind=c_int).value == 3
    info = call.made("CastTypeInfoToMapTypeInfo", element)
    assert call.made("GetMapKeyType", info, kind=c_int).value == 7
    scores = call.made("GetMapValueType", info)
    assert shape_of(call, call.made("CastTypeInfoToTensorInfo", scores))[0] == 1
    for made in (scores, element, kind):
        call("ReleaseTypeInfo", made)
    data = numpy.array([[0.25, 0.75]], numpy.float32)
    given = call.made(
        "CreateTensorWithDataAsOrtValue", memory, c_void_p(data.ctypes.data), c_size_t(data.nbytes), numbers(1, 2),
        c_size_t(2), c_int(1))
    result = c_void_p()
    call("Run", session, c_void_p(), (c_char_p * 1)(b"x"), byref(given), c_size_t(1), (c_char_p * 1)(b"probabilities"),
         c_size_t(1), byref(result))
    assert call.made("GetValueType", result, kind=c_int).value == 2
    assert call.made("GetValueCount", result, kind=c_size_t).value == 1
    row = call.made("GetValue", result, c_int(0), allocator)
    keys, found = (call.made("GetValue", row, c_int(index), allocator) for index in (0, 1))
    assert ctypes.string_at(call.made("GetTensorMutableData", keys).value, 16) == numpy.array([7, 9]).tobytes()
    assert ctypes.string_at(call.made("GetTensorMutableData", found).value, 8) == data.tobytes()
    for made in (keys, found, row, result, given):
        call("ReleaseValue", made)
    call("ReleaseSession", session)


def check_optional(call, environment, options):
    optional = helper.make_value_info(
        "y", helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.DOUBLE, ["n"])))
    proto = model([("Optional", ["x"], ["y"])], [value("x", TensorProto.DOUBLE, ["n"])], [optional])
    session = session_of(call, environment, options, proto)
    kind = call.made("SessionGetOutputTypeInfo", session, c_size_t(0))
    assert call.made("GetOnnxTypeFromTypeInfo", kind, kind=c_int).value == 6
    contained = call.made("GetOptionalContainedTypeInfo", call.made("CastTypeInfoToOptionalTypeInfo", kind))
    assert shape_of(call, call.made("CastTypeInfoToTensorInfo", contained))[0] == 11
    call("ReleaseTypeInfo", contained)
    call("ReleaseTypeInfo", kind)
    call("ReleaseSession", session)


def main():
    fetched = sorted((ROOT / ".tools/frameworks/onnxruntime").glob("libonnxruntime.so*"))
    call = Table(sys.argv[1] if len(sys.argv) > 1 else str(fetched[0]))
    lines = []
    log = LOG(lambda context, severity, category, logger, location, message: lines.append(message))
    check_statuses(call)
    environment = check_environment(call, log)
    memory = call.made("CreateCpuMemoryInfo", c_int(0), c_int(0))
    assert call.made("MemoryInfoGetName", memory, kind=c_char_p).value == b"Cpu"
    allocator = call.made("GetAllocatorWithDefaultOptions")
    quietly = call.made("CreateRunOptions")
    call("RunOptionsSetRunLogSeverityLevel", quietly, c_int(4))
    options = call.made("CreateSessionOptions")
    check_options(call, options)
    check_providers(call, options)
    session = check_description(call, environment, options, allocator)
    lines.clear()
    call.fails("x", "Run", session, quietly, (c_char_p * 1)(b"x"), byref(c_void_p()), c_size_t(0), (c_char_p * 1)(b"y"),
               c_size_t(1), byref(c_void_p()))
    assert lines == [], lines
    check_execution(call, session, memory, quietly)
    check_releases(call, allocator, session)
    check_threads(call, environment)
    check_arena(call, environment, memory)
    call("ReleaseSession", session)
    check_texts(call, allocator)
    check_maps(call, environment, options, memory, allocator)
    check_optional(call, environment, options)
    # A session on the environment's threads needs an environment that has some.
    call("DisablePerSessionThreads", options)
    call.fails("(?i)thread", "CreateSession", environment, c_char_p(b"/dev/null"), options, byref(c_void_p()))
    call("ReleaseSessionOptions", options)
    call("ReleaseRunOptions", quietly)
    call("ReleaseMemoryInfo", memory)
    call("ReleaseEnv", environment)
    assert call.called == set(call.slots), f"never called: {sorted(set(call.slots) - call.called)}"
    print(f"onnx_slots: {len(call.slots)} functions of ONNX Runtime {call.version} are where they are expected")


if __name__ == "__main__":
    main()
