"""The adapter of Python against real scripts, pickles and interpreters.

    .tools/scoring/bin/python Tests/Scoring/python_adapter.py [NAME…]

SLIPWAY_TEST_BUILD names the folder with the library (default .build/debug), SLIPWAY_TEST_LOADS how often a model is
loaded and unloaded (default 100).
"""

import contextlib
import json
import os
import pathlib
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

import numpy

from adapter_driver import Adapter, AdapterError, Bytes, Call, Model, Prepared, ROOT

BUILD = ROOT / os.environ.get("SLIPWAY_TEST_BUILD", ".build/debug")
LIBRARY = BUILD / "libPythonAdapter.so"
LOADS = int(os.environ.get("SLIPWAY_TEST_LOADS", "100"))
CANARY = "SLIPWAY_DATABASE_TOKEN_CANARY"
os.environ[CANARY] = "postgres://secret"
os.environ["AWS_SECRET_ACCESS_KEY"] = "secret"


class Running(Prepared):
    """An execution that is started, and waited for or cancelled later."""

    def __init__(self, model, inputs, outputs=(), context=b"", deadline=None):
        super().__init__(model, inputs, outputs, context)
        if deadline is not None:
            self.execution.deadline_ns = time.monotonic_ns() + int(deadline * 1e9)

    def start(self):
        host = self.model.host
        self.call = host.executions[self.address] = Call()
        host.check(self.model.table.execute(
            self.model.model, self.model.instance, self.execution, self.pending))
        assert self.pending.value == 1
        return self

    def cancel(self):
        self.model.table.cancel(self.model.model, self.model.instance, self.execution)

    def wait(self, seconds=60):
        if not self.call.done.wait(seconds):
            raise TimeoutError("an execution is pending for too long")
        del self.model.host.executions[self.address]
        self.model.host.check(self.call.status)
        return self.answers()


def document(text):
    array = numpy.empty(1, object)
    array[0] = text if isinstance(text, bytes) else text.encode()
    return {"body": array}


def elements(*values, shape=None):
    array = numpy.empty(len(values), object)
    array[:] = values
    return array.reshape(shape if shape is not None else [len(values)])


def until(condition, seconds=30):
    """Waits for what another process does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers():
    """Processes that this one has started, dead ones that nobody has taken included."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == os.getpid():
                found.append(int(entry.parent.name))
    return found


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not hasattr(Case, "adapter"):
            Case.adapter = Adapter(LIBRARY, options={"interpreter": sys.executable})

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-python-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.adapter.host.lines.clear()

    def write(self, script, name="score.py"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(script))
        return self.folder

    def load(self, script=None, **request):
        if script is not None:
            self.write(script)
        model = self.adapter.load(self.folder, **request)
        self.addCleanup(model.unload)
        return model

    def refused(self, code, *parts, call):
        with self.assertRaises(AdapterError) as caught:
            call()
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        for part in parts:
            self.assertIn(part, caught.exception.message)
        return caught.exception.message

    def load_refused(self, code, *parts, script=None, **request):
        if script is not None:
            self.write(script)
        return self.refused(code, *parts, call=lambda: self.adapter.load(self.folder, **request))

    def ask(self, model, text, **context):
        answers = model.execute(document(text), context=self.context(**context))
        return json.loads(answers["body"][0])

    def context(self, headers=(), **fields):
        message = self.adapter.messages["ExecutionContext"](**fields)
        for name, value in headers:
            message.headers.add(name=name, value=value)
        return message.SerializeToString()

    def metric(self, model, name):
        return next(metric.value for metric in model.metrics().metrics if metric.name == name)

    def logged(self, part, level=None):
        return any(part in line and level in (None, found) for found, line in list(self.adapter.host.lines))


class Documents(Case):
    def test_a_script_that_declares_nothing_gets_the_raw_text(self):
        model = self.load("""
            import json
            def init():
                global factor
                factor = 3
            def run(data):
                assert isinstance(data, str)
                return {"sum": factor * sum(json.loads(data)["data"])}
        """)
        self.assertEqual(self.ask(model, '{"data": [1, 2, 3.5]}'), {"sum": 19.5})

    def test_what_a_script_returns_becomes_json(self):
        model = self.load("""
            import numpy, datetime, dataclasses
            @dataclasses.dataclass
            class Point:
                x: int
            def run(data):
                return eval(data)
        """)
        for given, expected in [
                ("'text'", "text"), ("None", None), ("[1, 'ä']", [1, "ä"]), ("numpy.arange(4).reshape(2, 2)", [[0, 1], [2, 3]]),
                ("{'a': numpy.float32(0.5), 'b': numpy.int64(7)}", {"a": 0.5, "b": 7}), ("Point(3)", {"x": 3}),
                ("datetime.date(2024, 2, 29)", "2024-02-29"), ("{numpy.int64(1): 2}", {"1": 2}),
                ("[float('nan'), float('inf'), 1.0]", [None, None, 1.0]), ("{'k': numpy.array([1.0, numpy.nan])}", {"k": [1, None]}),
                ("b'{\"as\": \"it is\"}'", {"as": "it is"}), ("{1, 1}", [1])]:
            with self.subTest(given):
                self.assertEqual(self.ask(model, given), expected)
        self.refused("UNKNOWN", "TypeError: a object has no form in JSON (at ['deep'][1])",
                     call=lambda: self.ask(model, "{'deep': [1, object()]}"))

    def test_samples_make_typed_arguments_and_schemas(self):
        model = self.load("""
            import numpy
            from inference_schema.schema_decorators import input_schema, output_schema
            from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
            from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
            @input_schema("data", NumpyParameterType(numpy.array([[1.0, 2.0]], dtype="float32")))
            @input_schema("scale", StandardPythonParameterType(2.0))
            @output_schema(NumpyParameterType(numpy.array([1.0])))
            def run(data, scale=1.0):
                assert data.dtype == numpy.float32, data.dtype
                return (data.sum(axis=1) * scale).tolist()
        """)
        self.assertEqual(self.ask(model, '{"data": [[1, 2], [3, 4]], "scale": 10}'), [30, 70])
        self.assertEqual(self.ask(model, '{"data": [[1, 2]]}'), [3])
        description = model.describe()
        schema = json.loads(description.input_schema)
        self.assertEqual(schema["required"], ["data"])
        self.assertEqual(schema["properties"]["data"]["items"]["items"], {"type": "number", "format": "float"})
        self.assertEqual(json.loads(description.input_sample), {"data": [[1, 2]], "scale": 2.0})
        self.assertEqual(json.loads(description.output_schema)["items"]["type"], "number")
        self.assertEqual(json.loads(description.output_sample), [1])
        for body, *parts in [('{"data": [[1, 2, 3]]}', "'data'", "[-1, 2]"), ('{"scale": 1}', "'data' is missing"),
                             ('{"data": [[1, 2]], "more": 1}', "'more'"), ("[1]", "a JSON object"),
                             ('{"data": [[1, 2]', "no JSON", "column"), ('{"data": "x"}', "'data'"),
                             ('{"data": [["x", 2]]}', "'data'"), ('{"data": [[1, 2]], "scale": "x"}', "'scale'")]:
            with self.subTest(body):
                self.refused("INVALID_ARGUMENT", *parts, call=lambda: self.ask(model, body))

    def test_nested_standard_types_are_converted(self):
        model = self.load("""
            import datetime, slipway
            sample = {"when": slipway.StandardPythonParameterType(datetime.date(2024, 1, 1)), "rows": [1, 2]}
            @slipway.input_schema("data", slipway.StandardPythonParameterType(sample))
            def run(data):
                return [data["when"].year, sum(data["rows"])]
        """)
        self.assertEqual(self.ask(model, '{"data": {"when": "2031-05-06", "rows": [3, 4]}}'), [2031, 7])
        self.refused("INVALID_ARGUMENT", "an object is expected", call=lambda: self.ask(model, '{"data": 3}'))

    def test_data_frames_come_out_of_records_rows_and_splits(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("no pandas")
        model = self.load("""
            import pandas, slipway
            sample = pandas.DataFrame({"age": [30], "city": ["Bern"]})
            @slipway.input_schema("data", slipway.PandasParameterType(sample))
            def run(data):
                assert list(data.columns) == ["age", "city"]
                return data
        """)
        expected = [{"age": 41, "city": "Rom"}]
        for data in ([{"age": 41, "city": "Rom"}], [[41, "Rom"]], {"columns": ["age", "city"], "data": [[41, "Rom"]]},
                     {"age": [41], "city": ["Rom"]}):
            with self.subTest(data):
                self.assertEqual(self.ask(model, json.dumps({"data": data})), expected)
        self.refused("INVALID_ARGUMENT", "2 columns", call=lambda: self.ask(model, '{"data": [[1, 2, 3]]}'))

    def test_headers_reach_a_script_that_asks(self):
        model = self.load("""
            def run(data, request_headers):
                return [request_headers["x-ms-client-request-id"], request_headers.get("X-TRACE"), sorted(request_headers)]
        """)
        headers = [("x-ms-client-request-id", "42"), ("x-trace", "abc")]
        self.assertEqual(self.ask(model, "{}", headers=headers), ["42", "abc", ["X-Ms-Client-Request-Id", "X-Trace"]])

    def test_a_response_says_its_status_and_headers(self):
        model = self.load("""
            from azureml.contrib.services.aml_request import AMLRequest, rawhttp
            from azureml.contrib.services.aml_response import AMLResponse
            @rawhttp
            def run(request):
                if request.method == "GET":
                    return AMLResponse({"args": request.args}, 200, json_str=True)
                return AMLResponse(request.get_data()[::-1], 418, {"Content-Type": "text/plain", "X-Kind": "tea"})
        """)
        answers = model.execute(document(b"\xff\x00ab"), context=self.context(method="POST", path="/score"))
        self.assertEqual(answers["body"][0], b"ba\x00\xff")
        self.assertEqual(answers["status"].tolist(), [418])
        self.assertEqual(dict(answers["headers"].tolist()), {b"Content-Type": b"text/plain", b"X-Kind": b"tea"})
        answers = model.execute(document(b""), context=self.context(method="GET", path="/score?a=1&b=x"))
        self.assertEqual(json.loads(answers["body"][0]), {"args": {"a": "1", "b": "x"}})

    def test_an_asynchronous_run_is_awaited(self):
        model = self.load("""
            import asyncio
            async def run(data):
                await asyncio.sleep(0)
                return data.upper()
        """)
        self.assertEqual(self.ask(model, "abc"), "ABC")

    def test_a_script_that_raises_fails_with_its_words_and_the_log_has_the_traceback(self):
        model = self.load("""
            import slipway
            def run(data):
                if data == "mine": raise slipway.InvalidInput("give me more")
                if data == "exit": raise SystemExit(3)
                return deeper(data)
            def deeper(data):
                raise ValueError("no such\\nthing: " + data)
        """)
        self.refused("UNKNOWN", "ValueError: no such thing: ü (score.py, line 8)", call=lambda: self.ask(model, "ü"))
        self.assertTrue(self.logged('in deeper', level=4))
        self.refused("INVALID_ARGUMENT", "give me more", call=lambda: self.ask(model, "mine"))
        self.refused("UNKNOWN", "SystemExit: 3", call=lambda: self.ask(model, "exit"))
        self.refused("INVALID_ARGUMENT", "not UTF-8", call=lambda: self.ask(model, b"\xff"))
        self.assertEqual(self.metric(model, "worker_restarts_total"), 0)
        self.assertEqual(self.metric(model, "script_failures_total"), 2)


class Tensors(Case):
    ECHO = """
        import numpy, slipway
        @slipway.tensors(inputs={{"x": {0}}}, outputs={{"y": {0}}})
        def run(x):
            return x
    """

    def test_every_datatype_comes_back_as_it_went(self):
        random = numpy.random.default_rng(7)
        for name in ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
                     "float32", "float64"):
            with self.subTest(name):
                self.write(self.ECHO.format(f"numpy.zeros((1, 3), '{name}')"))
                rows = random.integers(0, 2, (5, 3)) if name == "bool" else random.integers(0, 120, (5, 3))
                rows = rows.astype(name)
                with self.adapter.load(self.folder) as model:
                    self.assertEqual(list(model.describe().inputs[0].shape), [-1, 3])
                    for given in (rows, rows[:0], rows[:1]):
                        answer = model.execute({"x": given})["y"]
                        self.assertEqual((answer.dtype, answer.shape), (given.dtype, given.shape))
                        self.assertEqual(answer.tobytes(), given.tobytes())

    def test_bytes_and_brain_floats_come_back_as_they_went(self):
        model = self.load(self.ECHO.format("slipway.tensor('BYTES', [-1, 2])"))
        given = elements(b"", b"a\x00b", "ü".encode(), bytes(70000), shape=[2, 2])
        self.assertEqual(model.execute({"x": given})["y"].tolist(), given.tolist())
        self.assertEqual(model.execute({"x": given[:0]})["y"].shape, (0, 2))
        brain = self.load(self.ECHO.format("slipway.tensor('BF16', [-1])"))
        prepared = Prepared(brain, {"x": numpy.array([1, 0x3F80, 0xFFFF], "uint16")})
        prepared.execution.inputs[0].datatype = 14
        prepared.run()
        datatype, shape, room = prepared.call.outputs["y"]
        self.assertEqual((datatype, shape, room.tobytes()), (14, [3], b"\x01\x00\x80\x3f\xff\xff"))

    def test_an_interpreter_without_numpy_serves_tensors_too(self):
        bare = self.interpreter('exec "%s" -I -S "$@"' % os.path.realpath(sys.executable))
        for name, values in [("FP32", numpy.array([[1.5, -2], [0, 3]], "float32")), ("INT64", numpy.array([[1, -2], [0, 3]])),
                             ("FP16", numpy.array([[1.5, -2], [0, 3]], "float16")), ("BOOL", numpy.array([[True, False]])),
                             ("BYTES", elements(b"a", b"bc", shape=[1, 2]))]:
            with self.subTest(name):
                self.write(f"""
                    import sys, slipway
                    assert "numpy" not in sys.modules
                    @slipway.tensors(inputs={{"x": slipway.tensor("{name}", [-1, 2])}}, outputs={{"y": slipway.tensor("{name}", [-1, 2])}})
                    def run(x):
                        return x
                """)
                with self.adapter.load(self.folder, options={"interpreter": bare}) as model:
                    self.assertEqual(model.execute({"x": values})["y"].tolist(), values.tolist())

    def interpreter(self, command, name="interpreter"):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{command}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def test_several_inputs_and_outputs_go_by_name(self):
        model = self.load("""
            import numpy, slipway
            @slipway.tensors(
                inputs={"a": numpy.zeros((1, 2), "float32"), "b": slipway.tensor("INT64", [-1], optional=True)},
                outputs={"sum": numpy.zeros((1,), "float32"), "text": slipway.tensor("BYTES", [1]), "scalar": slipway.tensor("FP64", [])},
                batches=False)
            def run(a, b=None):
                return a.sum(axis=1), ["none" if b is None else "some"], 1.25
        """)
        a = numpy.array([[1, 2], [3, 4]], "float32")
        answers = model.execute({"a": a, "b": numpy.array([5])})
        self.assertEqual(answers["sum"].tolist(), [3, 7])
        self.assertEqual(answers["text"].tolist(), [b"some"])
        self.assertEqual((answers["scalar"].shape, float(answers["scalar"])), ((), 1.25))
        self.assertEqual(list(model.execute({"a": a}, outputs=["text"])), ["text"])
        described = model.describe()
        self.assertEqual([tensor.may_be_absent for tensor in described.inputs], [False, True])
        self.assertFalse(described.batches)
        for inputs, outputs, *parts in [
                ({"b": numpy.array([1])}, (), "'a' is missing"), ({"a": a, "c": a}, (), "'c'", "a, b"),
                ({"a": a.astype("float64")}, (), "FP64", "FP32"), ({"a": a[:, :1]}, (), "[2, 1]", "[-1, 2]"),
                ({"a": a}, ["other"], "'other'")]:
            with self.subTest(parts):
                self.refused("INVALID_ARGUMENT", *parts, call=lambda: model.execute(inputs, outputs))

    def test_an_output_that_is_not_as_declared_is_the_scripts_fault(self):
        model = self.load("""
            import numpy, slipway
            @slipway.tensors(inputs={"x": slipway.tensor("INT32", [1])}, outputs={"y": slipway.tensor("INT32", [-1, 2])})
            def run(x):
                return [numpy.zeros((3, 2)), numpy.zeros((3, 3), "int32"), {"z": 1}, [[1, 2]], None][int(x[0])]
        """)
        for index, part in [(0, "float64, and INT32"), (1, "[3, 3]"), (2, "no 'y'"), (4, "'y'")]:
            with self.subTest(index):
                self.refused("UNKNOWN", "TypeError", part, call=lambda: model.execute({"x": numpy.array([index], "int32")}))
        self.assertEqual(model.execute({"x": numpy.array([3], "int32")})["y"].tolist(), [[1, 2]])

    def test_arrays_that_a_script_keeps_do_not_change(self):
        model = self.load("""
            import numpy, slipway
            kept = []
            @slipway.tensors(inputs={"x": numpy.zeros((1,))}, outputs={"y": numpy.zeros((1,))})
            def run(x):
                kept.append(x[1:])
                return [part[0] for part in kept]
        """)
        for count in range(1, 6):
            answer = model.execute({"x": numpy.array([0.0, float(count)])})["y"]
            self.assertEqual(answer.tolist(), [float(value) for value in range(1, count + 1)])

    def test_arrays_may_be_written_to(self):
        model = self.load("""
            import numpy, slipway
            @slipway.tensors(inputs={"x": numpy.zeros((1,))}, outputs={"y": numpy.zeros((1,))})
            def run(x):
                x += 1
                return x[::-1]
        """)
        self.assertEqual(model.execute({"x": numpy.array([1.0, 2.0])})["y"].tolist(), [3, 2])

    def test_large_tensors_cross_both_ways(self):
        model = self.load(self.ECHO.format("numpy.zeros((1, 1024), 'float32')"))
        rows = numpy.random.default_rng(1).random((16384, 1024), dtype="float32")
        self.assertTrue(numpy.array_equal(model.execute({"x": rows})["y"], rows))
        self.assertTrue(numpy.array_equal(model.execute({"x": rows[:3]})["y"], rows[:3]))

    def test_a_dictionary_takes_inputs_whose_names_are_no_parameters(self):
        model = self.load("""
            import numpy, slipway
            @slipway.tensors(inputs={"input-1": numpy.zeros((1,))}, outputs={"output:0": numpy.zeros((1,))}, batches=True)
            def run(tensors):
                return {"output:0": tensors["input-1"] * 2}
        """)
        self.assertEqual(model.execute({"input-1": numpy.array([4.0])})["output:0"].tolist(), [8])
        self.assertTrue(model.describe().batches)


class Pickles(Case):
    def classifier(self, classes=("no", "yes"), kind="logistic"):
        from sklearn.linear_model import LinearRegression, LogisticRegression
        random = numpy.random.default_rng(3)
        rows = random.normal(size=(60, 4))
        target = rows[:, 0] > 0
        if kind == "linear":
            return LinearRegression().fit(rows, rows[:, 1]), rows
        return LogisticRegression().fit(rows, numpy.array(classes)[target.astype(int)]), rows

    def test_a_pickle_is_refused_unless_it_is_allowed(self):
        marker = self.folder / "executed"

        class Malicious:
            def __reduce__(self):
                return (open, (str(marker), "w"))

        (self.folder / "model.pkl").write_bytes(pickle.dumps(Malicious()))
        self.load_refused("FAILED_PRECONDITION", "allow_pickle", "executes")
        self.adapter.recognise(self.folder)
        self.assertFalse(marker.exists())

    def test_an_allowed_pickle_predicts_as_scikit_learn_does(self):
        model, rows = self.classifier()
        (self.folder / "model.pkl").write_bytes(pickle.dumps(model))
        served = self.load(options={"allow_pickle": "true"})
        answers = served.execute({"input": rows})
        self.assertEqual([text.decode() for text in answers["predict"]], model.predict(rows).tolist())
        self.assertEqual(answers["predict_proba"].tobytes(), model.predict_proba(rows).tobytes())
        described = served.describe()
        self.assertEqual((list(described.inputs[0].shape), described.batches, described.format), ([-1, 4], True, "pickle"))
        single = served.execute({"input": rows.astype("float32")}, outputs=["predict_proba"])
        self.assertEqual(list(single), ["predict_proba"])
        self.refused("INVALID_ARGUMENT", "[-1, 4]", call=lambda: served.execute({"input": rows[:, :2]}))

    def test_joblib_and_mlflow_folders_load(self):
        import joblib
        model, rows = self.classifier(kind="linear")
        joblib.dump(model, self.folder / "model.joblib")
        served = self.load(options={"allow_pickle": "true", "datatype": "FP32"})
        narrow = rows.astype("float32")
        self.assertTrue(numpy.allclose(served.execute({"input": narrow})["predict"], model.predict(narrow)))
        (self.folder / "model.joblib").rename(self.folder / "model.pkl")
        (self.folder / "MLmodel").write_text(textwrap.dedent("""
            flavors:
              python_function:
                loader_module: mlflow.sklearn
                model_path: model.pkl
              sklearn:
                pickled_model: model.pkl
        """))
        found = self.adapter.recognise(self.folder)
        self.assertEqual((found.format, found.certainty), ("mlflow", 55))
        served = self.load(options={"allow_pickle": "true"})
        self.assertEqual(served.execute({"input": rows})["predict"].tobytes(), model.predict(rows).tobytes())

    def test_what_can_not_predict_is_refused(self):
        (self.folder / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
        self.load_refused("FAILED_PRECONDITION", "model.pkl holds a dict, which has no predict()", options={"allow_pickle": "true"})
        (self.folder / "model.pkl").write_bytes(b"\x80\x04garbage")
        self.load_refused("FAILED_PRECONDITION", "model.pkl", options={"allow_pickle": "true"})
        (self.folder / "other.pkl").write_bytes(b"")
        self.load_refused("FAILED_PRECONDITION", "2 pickles (model.pkl, other.pkl)", options={"allow_pickle": "true"})

    def test_a_script_serves_a_pickle_of_its_folder(self):
        model, rows = self.classifier()
        (self.folder / "model.pkl").write_bytes(pickle.dumps(model))
        served = self.load("""
            import json, os, pickle
            def init():
                global model
                with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
                    model = pickle.load(file)
            def run(data):
                return model.predict(json.loads(data)["data"])
        """)
        self.assertEqual(self.ask(served, json.dumps({"data": rows[:5].tolist()})), model.predict(rows[:5]).tolist())


class Ends(Case):
    SLEEPY = """
        import os, time
        def init():
            print("pid", os.getpid())
        def run(data):
            if data == "sleep":
                print("sleeping", flush=True)
                time.sleep(600)
            return os.getpid()
    """

    def test_killing_the_worker_costs_that_request_only(self):
        model = self.load(self.SLEEPY)
        process = self.ask(model, "")
        running = Running(model, document("sleep")).start()
        until(lambda: self.logged("sleeping"))
        os.kill(process, signal.SIGKILL)
        self.refused("INTERNAL", "killed by SIGKILL", "being restarted", call=running.wait)
        other = self.ask(model, "")
        self.assertNotEqual(other, process)
        self.assertEqual(self.metric(model, "worker_restarts_total"), 1)
        self.assertTrue(self.logged("the worker was killed by SIGKILL", level=3))

    def test_a_worker_that_dies_idle_is_replaced_before_anybody_notices(self):
        model = self.load(self.SLEEPY)
        for _ in range(5):
            process = self.ask(model, "")
            os.kill(process, signal.SIGKILL)
            until(lambda: not alive(process))
            self.assertNotEqual(self.ask(model, ""), process)

    def test_a_crash_in_a_library_says_where_in_the_log(self):
        model = self.load("""
            import ctypes, os
            def run(data):
                if data == "crash": ctypes.string_at(0)
                if data == "exit": os._exit(7)
                if data == "close": os.closerange(3, 100)
                return "fine"
        """)
        self.refused("INTERNAL", "killed by SIGSEGV", call=lambda: self.ask(model, "crash"))
        self.assertEqual(self.ask(model, ""), "fine")
        until(lambda: self.logged("Fatal Python error: Segmentation fault"))
        self.refused("INTERNAL", "ended with status 7", call=lambda: self.ask(model, "exit"))
        self.assertEqual(self.ask(model, ""), "fine")
        self.refused("INTERNAL", "", call=lambda: self.ask(model, "close"))
        self.assertEqual(self.ask(model, ""), "fine")

    def test_a_worker_over_its_memory_limit_costs_that_request_only(self):
        model = self.load("""
            import os
            def run(data):
                return [len(bytearray(int(data) << 20)), os.getpid()]
        """, options={"memory_limit": "512M"})
        size, process = self.ask(model, "10")
        self.refused("RESOURCE_EXHAUSTED", "MemoryError", call=lambda: self.ask(model, "2000"))
        size, other = self.ask(model, "10")
        self.assertEqual(size, 10 << 20)
        self.assertNotEqual(process, other)

    def test_a_cancelled_script_is_interrupted_and_its_worker_goes_on(self):
        model = self.load(self.SLEEPY)
        process = self.ask(model, "")
        for _ in range(3):
            running = Running(model, document("sleep")).start()
            running.cancel()
            self.refused("CANCELLED", call=running.wait)
        running = Running(model, document("sleep")).start()
        until(lambda: self.logged("sleeping"))
        running.cancel()
        self.refused("CANCELLED", call=running.wait)
        self.assertEqual(self.ask(model, ""), process)

    def test_a_script_that_can_not_be_interrupted_is_killed_when_cancelled(self):
        model = self.load("""
            import os, signal
            def run(data):
                if data == "hang":
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    print("hanging", flush=True)
                    while True: pass
                return os.getpid()
        """, options={"cancel_grace": "0.2"})
        process = self.ask(model, "")
        running = Running(model, document("hang")).start()
        until(lambda: self.logged("hanging"))
        running.cancel()
        self.refused("CANCELLED", call=running.wait)
        self.assertNotEqual(self.ask(model, ""), process)

    def test_a_script_over_its_time_is_ended(self):
        model = self.load(self.SLEEPY, options={"execution_timeout": "0.3"})
        self.refused("DEADLINE_EXCEEDED", "execution_timeout", call=lambda: self.ask(model, "sleep"))
        self.ask(model, "")
        model = self.load(self.SLEEPY)
        running = Running(model, document("sleep"), deadline=0.3).start()
        self.refused("DEADLINE_EXCEEDED", "deadline", call=running.wait)
        self.ask(model, "")

    def test_a_worker_that_does_not_start_again_is_tried_later_and_later(self):
        marker = self.folder / "broken"
        model = self.load(f"""
            import os
            def init():
                if os.path.exists({str(marker)!r}): raise RuntimeError("the disk is gone")
            def run(data):
                os._exit(1) if data else None
                return "fine"
        """)
        marker.touch()
        self.refused("INTERNAL", "status 1", call=lambda: self.ask(model, "x"))
        message = self.refused("UNAVAILABLE", "the disk is gone", call=lambda: self.ask(model, ""))
        self.refused("UNAVAILABLE", "the disk is gone", call=lambda: [self.ask(model, "") for _ in range(3)])
        marker.unlink()

        def works():
            try:
                return self.ask(model, "") == "fine"
            except AdapterError as error:
                self.assertEqual(error.code, "UNAVAILABLE")
                return False

        until(works)
        self.assertIn("does not start", message)

    def test_what_a_worker_started_ends_with_it(self):
        model = self.load("""
            import subprocess
            def run(data):
                return subprocess.Popen(["sleep", "600"]).pid
        """)
        child = self.ask(model, "")
        self.assertTrue(alive(child))
        worker = int(pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(worker, signal.SIGKILL)
        until(lambda: not alive(child))

    def test_workers_end_with_their_scorer(self):
        self.write("""
            import os, time
            def run(data):
                print("busy", os.getpid(), flush=True)
                while True: pass
        """)
        program = textwrap.dedent(f"""
            import sys, time
            sys.path.insert(0, {str(ROOT / 'Tests/Scoring')!r})
            import python_adapter as tests
            adapter = tests.Adapter(tests.LIBRARY, options={{"interpreter": sys.executable}})
            model = adapter.load({str(self.folder)!r})
            tests.Running(model, tests.document("")).start()
            tests.until(lambda: any("busy" in line for _, line in adapter.host.lines))
            print([line for _, line in adapter.host.lines if "busy" in line][0].split()[-1], flush=True)
            time.sleep(600)
        """)
        host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        worker = int(host.stdout.readline())
        self.assertTrue(alive(worker))
        host.kill()
        host.wait()
        host.stdout.close()
        until(lambda: not alive(worker))

    def test_instances_run_beside_each_other(self):
        model = self.load("""
            import os, time
            def run(data):
                time.sleep(0.3)
                return os.getpid()
        """)
        other = Model(self.adapter, model.model)
        self.addCleanup(self.adapter.table.destroy_instance, other.instance)
        both = [Running(one, document("")).start() for one in (model, other)]
        processes = {json.loads(one.wait()["body"][0]) for one in both}
        self.assertEqual(len(processes), 2)
        self.assertEqual(self.metric(model, "workers"), 2)
        self.assertGreater(self.metric(model, "worker_memory_bytes"), 10 << 20)
        busy = Running(model, document("")).start()
        self.refused("INTERNAL", "one at a time", call=lambda: Running(model, document("")).start())
        busy.wait()

    def test_requests_from_many_threads_get_their_own_answers(self):
        self.write("def run(data): return data")
        models = [self.load() for _ in range(2)]
        wrong = []

        def client(model, lock, number):
            for count in range(200):
                text = f"{number}-{count}"
                with lock:
                    answer = json.loads(model.execute(document(text))["body"][0])
                if answer != text:
                    wrong.append((text, answer))

        threads = []
        for model in models:
            lock = threading.Lock()
            threads += [threading.Thread(target=client, args=(model, lock, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Surroundings(Case):
    def test_a_worker_sees_nothing_of_its_scorers_secrets(self):
        options = {"env.LEVEL": "7", "env.LANG": "C.UTF-8"}
        self.write("""
            import os, sys, resource, signal
            def run(data):
                files = {}
                for name in os.listdir("/proc/self/fd"):
                    try:
                        files[name] = os.readlink("/proc/self/fd/" + name)
                    except OSError:
                        pass  # That of the listing itself.
                return {"environment": dict(os.environ), "files": files,
                        "input": sys.stdin.read(), "folder": os.getcwd(), "group": os.getpgid(0) == os.getpid(),
                        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
                        "blocked": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])]}
        """)
        with open(self.folder / "secret", "w") as secret:
            os.set_inheritable(secret.fileno(), True)
            seen = self.ask(self.load(options=options, threads=3), "")
        environment = seen["environment"]
        self.assertNotIn(CANARY, environment)
        self.assertNotIn("secret", json.dumps(environment))
        self.assertEqual(environment["AZUREML_MODEL_DIR"], str(self.folder))
        self.assertEqual(environment["SLIPWAY_MODEL_DIR"], str(self.folder))
        self.assertEqual((environment["SLIPWAY_MODEL_NAME"], environment["SLIPWAY_MODEL_VERSION"]), ("model", "1"))
        self.assertEqual((environment["LEVEL"], environment["LANG"], environment["OMP_NUM_THREADS"]), ("7", "C.UTF-8", "3"))
        known = ("PATH", "LANG", "LC_", "HOME", "TZ", "TMPDIR", "PYTHON", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "OMP_", "MKL_",
                 "OPENBLAS_", "CUDA_", "NVIDIA_", "AZUREML_", "SLIPWAY_MODEL_", "LEVEL")
        self.assertEqual([name for name in environment if not name.startswith(known)], [])
        self.assertNotIn("secret", json.dumps(seen["files"]))
        self.assertLess(len(seen["files"]), 12, seen["files"])
        self.assertEqual((seen["input"], seen["folder"], seen["group"], seen["core"], seen["blocked"]),
                         ("", str(self.folder), True, 0, []))
        self.assertEqual(sorted(os.listdir(self.folder)), ["score.py", "secret"])

    def test_what_a_script_prints_is_in_the_log_line_by_line(self):
        model = self.load("""
            import sys, os
            def run(data):
                print("one\\ntwo"); print("three", file=sys.stderr)
                sys.stdout.buffer.write(b"\\xff\\xfe bad\\n"); print("x" * 20000)
                print("without an end", end="")
                return None
        """)
        self.ask(model, "")
        model.unload()
        lines = [line for _, line in self.adapter.host.lines]
        for part in ("worker 0: one", "worker 0: two", "worker 0: three", "worker 0: ?? bad", "worker 0: without an end"):
            self.assertTrue(any(line == f"model model, {part}" for line in lines), part)
        self.assertEqual(sum(line.count("x") for line in lines if set(line.split()[-1]) == {"x"}), 20000)

    def load(self, script=None, **request):
        if script is not None:
            self.write(script)
        model = self.adapter.load(self.folder, **request)
        once = threading.Lock()
        unload = model.unload

        def unload_once():
            if once.acquire(blocking=False):
                unload()

        model.unload = unload_once
        self.addCleanup(unload_once)
        return model

    def test_loading_again_and_again_leaves_nothing_behind(self):
        self.write("def run(data): return data")

        def state():
            maps = pathlib.Path("/proc/self/maps").read_text().count("slipway-")
            return len(os.listdir("/proc/self/fd")), len(workers()), maps, threading.active_count()

        with self.adapter.load(self.folder) as model:
            self.ask(model, "")
        before = state()
        for _ in range(LOADS):
            with self.adapter.load(self.folder) as model:
                self.ask(model, "x")
        self.write("raise RuntimeError()")
        for _ in range(LOADS // 10):
            self.load_refused("FAILED_PRECONDITION", "RuntimeError")
        self.assertEqual(state(), before)


class Loading(Case):
    def test_recognition_reads_and_executes_nothing(self):
        marker = self.folder / "executed"
        self.write(f"open({str(marker)!r}, 'w')\ndef run(data): pass")
        found = self.adapter.recognise(self.folder)
        self.assertEqual((found.certainty, found.format, found.file), (95, "python", "score.py"))
        self.assertFalse(marker.exists())
        self.write("x = 1")
        self.assertLess(self.adapter.recognise(self.folder).certainty, 50)
        (self.folder / "score.py").unlink()
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 0)
        self.assertGreater(self.adapter.estimate(self.folder).instance_bytes, 1 << 20)

    def test_what_is_wrong_with_a_script_is_said_precisely(self):
        self.load_refused("NOT_FOUND", "no entry script", "`entry`")
        self.load_refused("NOT_FOUND", "other.py", options={"entry": "other.py"})
        self.load_refused("INVALID_ARGUMENT", "leads out", options={"entry": "../score.py"})
        self.load_refused("FAILED_PRECONDITION", "score.py, line 3, column 5: SyntaxError", script="x = 1\n\ndef run(:\n    pass\n"
                          .replace("def run(:", "y = = 2"))
        self.load_refused("FAILED_PRECONDITION", "defines no run()", script="def init(): pass")
        self.load_refused("FAILED_PRECONDITION", "score.py: init(): ValueError: no weights (score.py, line 4)", script="""
            def run(data): pass
            def init():
                raise ValueError("no weights")
        """)
        self.assertTrue(self.logged("in init", level=4))
        self.load_refused("FAILED_PRECONDITION", "ModuleNotFoundError: No module named 'no_such_module'", "line 1", sys.executable,
                          script="import no_such_module")
        self.load_refused("FAILED_PRECONDITION", "run() takes no argument", script="def run(): pass")
        self.load_refused("FAILED_PRECONDITION", "*args", script="def run(*args): pass")
        self.load_refused("FAILED_PRECONDITION", "nothing says what b is", script="def run(a, b): pass")
        self.load_refused("FAILED_PRECONDITION", "ended with status 5 before it was ready: goodbye",
                          script="import os\nprint('goodbye', flush=True)\nos._exit(5)")
        self.load_refused("FAILED_PRECONDITION", "null bytes", script="x = '\0'")

    def test_a_start_that_takes_too_long_is_given_up(self):
        self.load_refused("DEADLINE_EXCEEDED", "init_timeout", options={"init_timeout": "0.4"}, script="""
            import time
            def init(): time.sleep(600)
            def run(data): pass
        """)

    def test_options_that_do_not_exist_or_make_no_sense_are_refused(self):
        self.write("def run(data): pass")
        self.load_refused("INVALID_ARGUMENT", "memory_limt", "did you mean `memory_limit`", options={"memory_limt": "1G"})
        self.load_refused("INVALID_ARGUMENT", "memory_limit", "512M", options={"memory_limit": "lots"})
        self.load_refused("INVALID_ARGUMENT", "64M", options={"memory_limit": "1M"})
        self.load_refused("INVALID_ARGUMENT", "init_timeout", options={"init_timeout": "-1"})

    def test_an_interpreter_that_is_missing_broken_or_too_old_is_named(self):
        self.write("def run(data): pass")
        self.load_refused("UNAVAILABLE", "/no/such/python", options={"interpreter": "/no/such/python"})
        self.load_refused("UNAVAILABLE", "no-such-python", "PATH", "SLIPWAY_PYTHON", options={"interpreter": "no-such-python"})
        broken = Tensors.interpreter(self, "echo it is broken; exit 9")
        self.load_refused("FAILED_PRECONDITION", "status 9", "it is broken", options={"interpreter": broken})
        old = Tensors.interpreter(self, 'exec "%s" -c "import sys; sys.version_info = (3, 6, 1); $2" "$3"' % sys.executable, "old")
        self.load_refused("UNAVAILABLE", "is Python 3.6", "need 3.8", options={"interpreter": old})

    def test_a_script_elsewhere_in_the_folder_finds_its_neighbours(self):
        self.write("VALUE = 5", name="code/helper.py")
        self.write("from helper import VALUE\ndef run(data): return VALUE", name="code/main.py")
        self.assertEqual(self.ask(self.load(options={"entry": "code/main.py"}), ""), 5)
        self.assertEqual(self.ask(self.load(file="code/main.py"), ""), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
