#!/usr/bin/env python3
"""The adapter of ONNX Runtime against ONNX Runtime's own Python package.

    .tools/scoring/bin/python Tests/Scoring/onnx_adapter.py [-k NAME]

SLIPWAY_ADAPTERS is the folder of the adapters, .build/debug unless it is set; the runtime's library is that which
Scripts/frameworks fetched.
"""

import gc
import os
import pathlib
import resource
import tempfile
import threading
import unittest

import ml_dtypes
import numpy
import onnxruntime
from onnx import TensorProto, helper

import adapter_driver
import onnx_models
from adapter_driver import Adapter, AdapterError, Prepared
from onnx_models import model, save, value

ROOT = pathlib.Path(__file__).resolve().parents[2]
BF16 = numpy.dtype(ml_dtypes.bfloat16)
adapter_driver.DATATYPES[14] = BF16
adapter_driver.NUMBERS[BF16] = 14

ADAPTERS = pathlib.Path(os.environ.get("SLIPWAY_ADAPTERS", ROOT / ".build/debug"))
LIBRARY = ROOT / ".tools/frameworks/onnxruntime"

SOMEBODY_WAITS = adapter_driver.IS_CANCELLED(lambda context, execution: 0)
NOBODY_WAITS = adapter_driver.IS_CANCELLED(lambda context, execution: 1)


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Each process opens an adapter once.
        if not hasattr(Case, "adapter"):
            Case.adapter = Adapter(ADAPTERS / "libOnnxRuntimeAdapter.so", library=str(LIBRARY))

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name)

    def tearDown(self):
        self.scratch.cleanup()
        self.assertEqual(self.adapter.host.statuses, {}, "statuses were made and not returned")
        self.assertEqual(self.adapter.host.executions, {})

    def refused(self, code, *words):
        return Refused(self, code, words)

    def same(self, proto, inputs, outputs=()):
        """Executes in both, and compares to the last bit."""
        save(proto, self.folder)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = session.run(list(outputs) or None, {
            name: numpy.array([item.decode() for item in array.ravel()], object).reshape(array.shape)
            if array.dtype == object else array for name, array in inputs.items()})
        with self.adapter.load(self.folder) as loaded:
            answers = loaded.execute(inputs, outputs)
        names = list(outputs) or [output.name for output in session.get_outputs()]
        self.assertEqual(list(answers), names)
        for name, array in zip(names, expected):
            array = numpy.asarray(array)
            if array.dtype.kind in "OU":
                array = numpy.frompyfunc(lambda item: item.encode(), 1, 1)(array)
                self.assertEqual(answers[name].tolist(), numpy.asarray(array).tolist())
            else:
                self.assertEqual(answers[name].dtype, array.dtype)
                self.assertEqual(answers[name].tobytes(), array.tobytes())
            self.assertEqual(answers[name].shape, array.shape)
        return answers


class Refused:
    def __init__(self, case, code, words):
        self.case, self.code, self.words = case, code, words

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.case.assertIsInstance(error, AdapterError, "nothing was refused")
        self.case.assertEqual(error.code, self.code, error)
        for word in self.words:
            self.case.assertIn(word, error.message)
        self.message = error.message
        return True


class Execution(Case):
    def test_each_type_of_elements_goes_in_and_out_unchanged(self):
        random = numpy.random.default_rng(3)
        for name, (element, kind) in onnx_models.ELEMENTS.items():
            with self.subTest(name):
                array = random.integers(0, 2 if name == "BOOL" else 100, (3, 5)).astype(kind)
                self.same(onnx_models.identity(element, ["batch", 5]), {"x": array})
                with self.adapter.load(self.folder) as loaded:
                    described = loaded.describe()
                    self.assertEqual(described.inputs[0].datatype, adapter_driver.NUMBERS[numpy.dtype(kind)])
                    self.assertEqual(list(described.inputs[0].shape), [-1, 5])

    def test_brain_floats_go_in_and_out_unchanged(self):
        save(onnx_models.identity(TensorProto.BFLOAT16, ["batch"]), self.folder)
        array = numpy.array([1.5, -2, 1e30], BF16)
        with self.adapter.load(self.folder) as loaded:
            self.assertEqual(loaded.execute({"x": array})["y"].tobytes(), array.tobytes())

    def test_texts_go_in_and_out_unchanged(self):
        texts = numpy.array([[b"", b"a"], ["größer".encode(), b"x" * 1000], [b"\n", b"\"'"]], object)
        self.same(onnx_models.identity(TensorProto.STRING, ["batch", 2]), {"x": texts})

    def test_texts_may_hold_zeros_and_be_very_many(self):
        save(onnx_models.identity(TensorProto.STRING, ["batch"]), self.folder)
        texts = numpy.array([b"a\0b", b"\0", b""] + [str(number).encode() for number in range(10000)], object)
        with self.adapter.load(self.folder) as loaded:
            self.assertEqual(loaded.execute({"x": texts})["y"].tolist(), texts.tolist())

    def test_a_network_answers_as_in_the_package_for_any_batch(self):
        random = numpy.random.default_rng(5)
        for rows in (1, 2, 7, 64, 1000):
            self.same(onnx_models.network(), {"x": random.normal(size=(rows, 10)).astype(numpy.float32)})

    def test_a_scalar_is_one_element_without_dimensions(self):
        self.same(onnx_models.identity(TensorProto.FLOAT, []), {"x": numpy.array(3.5, numpy.float32)})

    def test_tensors_without_elements_keep_their_shape(self):
        for element, kind in ((TensorProto.FLOAT, numpy.float32), (TensorProto.STRING, object)):
            answers = self.same(onnx_models.identity(element, ["a", "b"]), {"x": numpy.zeros((0, 4), kind)})
            self.assertEqual(answers["y"].shape, (0, 4))
        self.same(onnx_models.network(), {"x": numpy.zeros((0, 10), numpy.float32)})

    def test_outputs_whose_size_depends_on_values_are_as_large_as_they_come_out(self):
        proto = model(
            [("NonZero", ["x"], ["y"])], [value("x", shape=["n"])], [value("y", TensorProto.INT64, [1, "found"])])
        self.same(proto, {"x": numpy.array([0, 1, 0, 2, 3], numpy.float32)})
        self.same(proto, {"x": numpy.zeros(5, numpy.float32)})

    def test_a_model_that_is_wrong_about_its_output_is_believed_by_what_comes_out(self):
        proto = model(
            [("Reshape", ["x", "shape"], ["y"])], [value("x", shape=["batch", 2])], [value("y", shape=["batch", 1])],
            [("shape", numpy.array([-1, 1], numpy.int64))])
        answers = self.same(proto, {"x": numpy.ones((3, 2), numpy.float32)})
        self.assertEqual(answers["y"].shape, (6, 1))

    def test_large_answers_are_right_however_they_are_written(self):
        # The first executions are copied; after one that tells, the runtime writes into the answer itself.
        random = numpy.random.default_rng(11)
        proto = model(
            [("Neg", ["x"], ["y"]), ("Add", ["x", "x"], ["z"])], [value("x", shape=["rows", "columns"])],
            [value("y", shape=["rows", "columns"]), value("z", shape=[None, "columns"])])
        save(proto, self.folder)
        with self.adapter.load(self.folder) as loaded:
            for rows, columns in ((1, 40000), (200, 200), (200, 300), (200, 300), (1, 50000), (7, 3), (300, 200)):
                x = random.normal(size=(rows, columns)).astype(numpy.float32)
                answers = loaded.execute({"x": x})
                self.assertEqual(answers["y"].tobytes(), (-x).tobytes())
                self.assertEqual(answers["z"].tobytes(), (x + x).tobytes())
                self.assertEqual(list(loaded.execute({"x": x}, ["z"])), ["z"])

    def test_a_model_that_was_believed_and_lies_costs_one_answer(self):
        proto = model(
            [("Reshape", ["x", "shape"], ["y"])], [value("x", shape=["n"]), value("shape", TensorProto.INT64, [2])],
            [value("y", shape=["n", 1])])
        save(proto, self.folder)
        x = numpy.arange(1 << 16, dtype=numpy.float32)
        with self.adapter.load(self.folder) as loaded:
            for _ in range(3):
                answer = loaded.execute({"x": x, "shape": numpy.array([-1, 1])})["y"]
                self.assertEqual((answer.shape, answer.tobytes()), ((1 << 16, 1), x.tobytes()))
            with self.refused("INVALID_ARGUMENT", "reshaped"):
                loaded.execute({"x": x, "shape": numpy.array([3, 5])})
            self.assertEqual(loaded.execute({"x": x, "shape": numpy.array([-1, 1])})["y"].shape, (1 << 16, 1))
            with self.refused("INTERNAL", "another shape"):
                loaded.execute({"x": x, "shape": numpy.array([-1, 2])})
            answer = loaded.execute({"x": x, "shape": numpy.array([-1, 2])})["y"]
            self.assertEqual((answer.shape, answer.tobytes()), ((1 << 15, 2), x.tobytes()))

    def test_several_inputs_come_in_any_order_and_outputs_as_asked(self):
        proto = model(
            [("Add", ["a", "b"], ["sum"]), ("Sub", ["a", "b"], ["difference"])],
            [value("a"), value("b")], [value("sum"), value("difference")])
        one, two = numpy.array([1, 2], numpy.float32), numpy.array([10, 20], numpy.float32)
        self.same(proto, {"b": two, "a": one})
        self.same(proto, {"a": one, "b": two}, ["difference"])
        self.same(proto, {"a": one, "b": two}, ["difference", "sum"])

    def test_a_model_of_a_hundred_inputs_and_outputs_works(self):
        names = [f"x{number}" for number in range(100)]
        proto = model(
            [("Neg", [name], [f"y_{name}"]) for name in names], [value(name) for name in names],
            [value(f"y_{name}") for name in names])
        self.same(proto, {name: numpy.full(3, number, numpy.float32) for number, name in enumerate(reversed(names))})

    def test_an_input_with_a_default_may_be_left_out(self):
        proto = model(
            [("Mul", ["x", "factor"], ["y"])], [value("x"), value("factor", shape=[1])], [value("y")],
            [("factor", numpy.array([2], numpy.float32))])
        x = numpy.array([1, 2], numpy.float32)
        self.same(proto, {"x": x})
        self.same(proto, {"x": x, "factor": numpy.array([5], numpy.float32)})
        with self.adapter.load(self.folder) as loaded:
            described = loaded.describe()
            self.assertEqual([(i.name, i.may_be_absent) for i in described.inputs], [("x", False), ("factor", True)])
            self.assertFalse(described.batches)
            self.assertIn("model: ONNX Runtime: Initializer factor", self.adapter.host.lines[-1][1])
        with self.adapter.load(self.folder, options={"optional_inputs": "false"}) as loaded:
            self.assertTrue(loaded.describe().batches)
            with self.refused("INVALID_ARGUMENT", "no input `factor`"):
                loaded.execute({"x": x, "factor": x})

    def test_maps_of_scores_come_out_as_a_matrix_with_named_columns(self):
        scores = numpy.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], numpy.float32)
        for labels in (["setosa", "versicolor", "ärgste"], ["c", "b", "a"], [0, 1, 2], [30, -1, 7]):
            save(onnx_models.classifier(labels), self.folder)
            with self.adapter.load(self.folder) as loaded:
                described = loaded.describe().outputs[0]
                self.assertEqual(list(described.columns), [str(label) for label in labels])
                self.assertEqual((list(described.shape), described.datatype), ([-1, 3], 11))
                self.assertTrue(loaded.describe().batches)
                numpy.testing.assert_array_equal(loaded.execute({"x": scores})["probabilities"], scores)
                empty = loaded.execute({"x": scores[:0]})["probabilities"]
                self.assertEqual(empty.shape, (0, 3))

    def test_an_output_that_no_answer_can_carry_is_left_out(self):
        sequence = helper.make_value_info(
            "parts", helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None)))
        nodes = [("SplitToSequence", ["x"], ["parts"]), ("Neg", ["x"], ["y"])]
        save(model(nodes, [value("x")], [sequence, value("y")]), self.folder)
        with self.adapter.load(self.folder) as loaded:
            self.assertEqual(loaded.describe().facts["left_out"], "parts")
            self.assertEqual(list(loaded.execute({"x": numpy.ones(2, numpy.float32)})), ["y"])
        save(model(nodes[:1], [value("x")], [sequence]), self.folder)
        with self.refused("UNIMPLEMENTED", "parts"):
            self.adapter.load(self.folder)

    def test_optional_outputs_come_only_where_they_are_something(self):
        optional = helper.make_value_info(
            "y", helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["n"])))
        save(model([("Optional", ["x"], ["y"])], [value("x", shape=["n"])], [optional]), self.folder)
        with self.adapter.load(self.folder) as loaded:
            answer = loaded.execute({"x": numpy.ones(2, numpy.float32)})
            numpy.testing.assert_array_equal(answer["y"], numpy.ones(2, numpy.float32))

    def test_many_threads_may_execute_one_model_at_once(self):
        save(onnx_models.network(), self.folder)
        problems = []
        with self.adapter.load(self.folder) as loaded:
            inputs = [numpy.full((rows, 10), rows, numpy.float32) for rows in range(1, 9)]
            expected = [loaded.execute({"x": array})["y"] for array in inputs]

            def work(array, answer):
                for _ in range(200):
                    if loaded.execute({"x": array})["y"].tobytes() != answer.tobytes():
                        problems.append(array.shape)

            threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, expected)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(problems, [])

    def test_memory_stays_flat_over_a_hundred_thousand_executions(self):
        save(onnx_models.network(), self.folder)
        texts = self.folder / "texts"
        save(onnx_models.identity(TensorProto.STRING, ["batch"]), texts)
        with self.adapter.load(self.folder) as loaded, self.adapter.load(texts) as other:
            prepared = Prepared(loaded, {"x": numpy.ones((4, 10), numpy.float32)})
            wrong = Prepared(loaded, {"x": numpy.ones((4, 11), numpy.float32)})
            words = Prepared(other, {"x": numpy.array([b"a longer text than fits in place"] * 4, object)})

            def rounds(count):
                for index in range(count):
                    prepared.run()
                    if index % 10 == 0:
                        words.run()
                        with self.assertRaises(AdapterError):
                            wrong.run()

            rounds(5000)
            gc.collect()
            before = resident()
            rounds(100000)
            gc.collect()
            self.assertLess(resident() - before, 2 << 20)


class Requests(Case):
    def setUp(self):
        super().setUp()
        save(onnx_models.network(), self.folder)
        self.loaded = self.adapter.load(self.folder)

    def tearDown(self):
        self.loaded.unload()
        super().tearDown()

    def test_a_wrong_shape_is_refused_with_what_would_be_right(self):
        with self.refused("INVALID_ARGUMENT", "`x` is FP32 of shape [3, 11]", "takes FP32 of shape [batch, 10]"):
            self.loaded.execute({"x": numpy.ones((3, 11), numpy.float32)})
        with self.refused("INVALID_ARGUMENT", "shape [10]", "[batch, 10]"):
            self.loaded.execute({"x": numpy.ones(10, numpy.float32)})

    def test_a_wrong_type_is_refused_with_what_would_be_right(self):
        with self.refused("INVALID_ARGUMENT", "`x` is FP64", "takes FP32"):
            self.loaded.execute({"x": numpy.ones((3, 10))})
        with self.refused("INVALID_ARGUMENT", "`x` is BYTES", "takes FP32"):
            self.loaded.execute({"x": numpy.array([[b""] * 10], object)})

    def test_an_unknown_a_missing_and_a_repeated_name_are_refused(self):
        x = numpy.ones((1, 10), numpy.float32)
        with self.refused("INVALID_ARGUMENT", "no input `z`; it has: x"):
            self.loaded.execute({"x": x, "z": x})
        with self.refused("INVALID_ARGUMENT", "needs the input `x`"):
            self.loaded.execute({})
        with self.refused("INVALID_ARGUMENT", "no output `z`; it has: y"):
            self.loaded.execute({"x": x}, ["z"])
        with self.refused("INVALID_ARGUMENT", "`y`", "twice"):
            self.loaded.execute({"x": x}, ["y", "y"])
        twice = Prepared(self.loaded, {"x": x, "X": x})
        twice.execution.inputs[1].name = twice.execution.inputs[0].name
        with self.refused("INVALID_ARGUMENT", "`x` was given twice"):
            twice.run()

    def test_a_bool_that_is_neither_is_refused(self):
        save(onnx_models.identity(TensorProto.BOOL, ["n"]), self.folder / "bools")
        with self.adapter.load(self.folder / "bools") as loaded:
            prepared = Prepared(loaded, {"x": numpy.array([1, 2], numpy.uint8)})
            prepared.execution.inputs[0].datatype = 1
            with self.refused("INVALID_ARGUMENT", "other than 0 and 1"):
                prepared.run()

    def test_what_an_operator_refuses_is_the_callers_mistake(self):
        proto = model(
            [("Add", ["a", "b"], ["y"])], [value("a", shape=["n"]), value("b", shape=["m"])],
            [value("y", shape=["k"])])
        save(proto, self.folder / "add")
        with self.adapter.load(self.folder / "add") as loaded:
            self.adapter.host.lines.clear()
            with self.refused("INVALID_ARGUMENT", "can't compute this") as refusal:
                loaded.execute({"a": numpy.ones(2, numpy.float32), "b": numpy.ones(3, numpy.float32)})
            self.assertNotIn("onnxruntime_src", refusal.message)
            self.assertEqual(self.adapter.host.lines, [])

    def test_nothing_is_executed_for_nobody(self):
        host = self.adapter.host
        host.table.is_cancelled = NOBODY_WAITS
        try:
            with self.refused("CANCELLED"):
                self.loaded.execute({"x": numpy.ones((1, 10), numpy.float32)})
        finally:
            host.table.is_cancelled = SOMEBODY_WAITS


class Loading(Case):
    def test_a_folder_with_one_model_needs_no_file_name(self):
        save(onnx_models.network(), self.folder, "only.ONNX")
        self.adapter.load(self.folder).unload()
        save(onnx_models.network(), self.folder, "second.onnx")
        with self.refused("FAILED_PRECONDITION", "only.ONNX, second.onnx"):
            self.adapter.load(self.folder)
        self.adapter.load(self.folder, file="second.onnx").unload()
        save(onnx_models.network(), self.folder)
        self.adapter.load(self.folder).unload()

    def test_mlflows_folder_says_where_the_model_is(self):
        save(onnx_models.network(), self.folder / "data", "weights.bin")
        (self.folder / "MLmodel").write_text(
            "artifact_path: model\nflavors:\n  python_function:\n    data: other.onnx\n    loader_module: mlflow.onnx\n"
            "  onnx:\n    data: data/weights.bin\n    onnx_version: 1.23.2\nmodel_uuid: 1\n")
        recognition = self.adapter.recognise(self.folder)
        self.assertEqual((recognition.certainty, recognition.file), (100, "data/weights.bin"))
        self.adapter.load(self.folder).unload()

    def test_a_model_is_recognised_by_name_and_structure(self):
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 0)
        (self.folder / "text.onnx").write_text("not a model")
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 20)
        self.assertEqual(self.adapter.recognise(self.folder).file, "text.onnx")
        self.assertEqual(self.adapter.recognise(self.folder, file="text.onnx").certainty, 20)
        save(onnx_models.network(), self.folder, "model.bin")
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 80)
        save(onnx_models.network(), self.folder, "net.onnx")
        recognition = self.adapter.recognise(self.folder)
        self.assertEqual((recognition.certainty, recognition.file, recognition.format), (100, "net.onnx", "onnx"))

    def test_a_path_out_of_the_folder_is_refused(self):
        for file in ("../model.onnx", "/etc/passwd"):
            with self.refused("INVALID_ARGUMENT", file):
                self.adapter.load(self.folder, file=file)

    def test_what_is_not_there_is_not_found(self):
        with self.refused("NOT_FOUND", "no file that ends in .onnx"):
            self.adapter.load(self.folder)
        with self.refused("NOT_FOUND", "gone.onnx"):
            self.adapter.load(self.folder, file="gone.onnx")

    def test_damaged_models_are_refused(self):
        whole = onnx_models.network().SerializeToString()
        samples = {
            "empty": b"", "text": b"this is no model at all", "zip": b"PK\x03\x04" + bytes(100), "zeros": bytes(1000),
            "twisted": whole[:4] + b"\xff" * 50 + whole[54:]}
        samples |= {f"cut at {size}": whole[:size] for size in range(1, len(whole), 97)}
        for name, content in samples.items():
            with self.subTest(name):
                (self.folder / "model.onnx").write_bytes(content)
                with self.refused("FAILED_PRECONDITION", "model.onnx"):
                    self.adapter.load(self.folder)

    def test_a_model_whose_graph_makes_no_sense_is_refused_in_few_words(self):
        save(model([("MatMul", ["x", "nowhere"], ["y"])], [value("x")], [value("y")]), self.folder)
        with self.refused("FAILED_PRECONDITION", "nowhere") as refusal:
            self.adapter.load(self.folder)
        self.assertLess(len(refusal.message), 900)
        self.assertNotIn("onnxruntime_src", refusal.message)

    def test_a_model_of_tomorrow_is_more_than_the_runtime_can_do(self):
        save(model([("Neg", ["x"], ["y"])], [value("x")], [value("y")], ir_version=99), self.folder)
        with self.refused("UNIMPLEMENTED", "IR version"):
            self.adapter.load(self.folder)
        proto = model([("Magic", ["x"], ["y"], {"domain": "elsewhere"})], [value("x")], [value("y")],
                      domains=(("", 17), ("elsewhere", 1)))
        save(proto, self.folder)
        with self.refused("UNIMPLEMENTED", "Magic"):
            self.adapter.load(self.folder)

    def test_names_that_are_no_text_are_shown_repaired_and_never_asked_for(self):
        proto = model([("Neg", ["inp"], ["out"])], [value("inp", shape=["rows"])], [value("out", shape=["rows"])])
        whole = proto.SerializeToString()
        path = self.folder / "model.onnx"
        path.write_bytes(whole.replace(b"the tests", b"the t\xffsts").replace(b"rows", b"r\xc3ws"))
        with self.adapter.load(self.folder) as loaded:
            described = loaded.describe()
            self.assertEqual(described.facts["producer"], "the t?sts 1")
            self.assertEqual(list(described.inputs[0].dimension_names), ["r?ws"])
        path.write_bytes(whole.replace(b"inp", b"i\xffp"))
        with self.refused("UNIMPLEMENTED", "`i?p`", "UTF-8"):
            self.adapter.load(self.folder)
        path.write_bytes(whole.replace(b"Neg", b"N\xffg"))
        with self.refused("UNIMPLEMENTED", "N?g"):
            self.adapter.load(self.folder)

    def test_graphs_nested_without_end_are_refused(self):
        def field(number, content):
            size, length = len(content), b""
            while size > 127:
                length += bytes([size & 127 | 128])
                size >>= 7
            return bytes([number << 3 | 2]) + length + bytes([size]) + content

        graph = b""
        for _ in range(10000):
            # A graph with a node with an attribute with a graph.
            graph = field(1, field(5, field(6, graph)))
        (self.folder / "model.onnx").write_bytes(b"\x08\x09" + field(7, graph))
        with self.refused("FAILED_PRECONDITION", "nests graphs"):
            self.adapter.load(self.folder)

    def test_input_of_a_type_that_no_request_can_carry_is_refused(self):
        proto = model([("Cast", ["x"], ["y"], {"to": TensorProto.FLOAT})],
                      [value("x", TensorProto.FLOAT8E4M3FN)], [value("y")], domains=(("", 19),))
        save(proto, self.folder)
        with self.refused("UNIMPLEMENTED", "`x`", "float8e4m3fn"):
            self.adapter.load(self.folder)

    def test_a_tensor_without_a_declared_rank_takes_any_shape(self):
        proto = model([("Neg", ["x"], ["y"])], [value("x", shape=None)], [value("y", shape=None)])
        save(proto, self.folder)
        with self.adapter.load(self.folder) as loaded:
            self.assertEqual(loaded.describe().facts["any_shape"], "x, y")
            for shape in ((), (2,), (2, 3, 4)):
                array = numpy.ones(shape, numpy.float32)
                self.assertEqual(loaded.execute({"x": array})["y"].shape, shape)

    def test_requests_are_joined_only_where_all_first_dimensions_are_one(self):
        def batches(inputs, outputs):
            proto = model(
                [("Concat", ["a", "b"], ["y"], {"axis": 1})],
                [value("a", shape=inputs[0]), value("b", shape=inputs[1])], [value("y", shape=outputs)])
            save(proto, self.folder)
            with self.adapter.load(self.folder) as loaded:
                return loaded.describe().batches
        self.assertTrue(batches((["n", 2], ["n", 3]), ["n", 5]))
        self.assertTrue(batches(([None, 2], ["n", 3]), [None, 5]))
        self.assertFalse(batches((["n", 2], [1, 3]), ["n", 5]))
        self.assertFalse(batches((["n", 2], ["m", 3]), ["n", 5]))

    def test_options_are_refused_with_what_would_be_right(self):
        save(onnx_models.network(), self.folder)
        cases = [
            ({"providr": "CPU"}, "INVALID_ARGUMENT", "did you mean `provider`"),
            ({"graph_optimization_level": "most"}, "INVALID_ARGUMENT", "disable, basic, extended, all"),
            ({"intra_op_threads": "many"}, "INVALID_ARGUMENT", "whole number"),
            ({"execution_mode": "fast"}, "INVALID_ARGUMENT", "sequential, parallel"),
            ({"allow_spinning": "yes"}, "INVALID_ARGUMENT", "true or false"),
            ({"dimension.batch": "-3"}, "INVALID_ARGUMENT", "above 0"),
            ({"provider": "CUDA"}, "UNAVAILABLE", "CPU"),
            ({"provider": "TensorRT,CUDA"}, "UNAVAILABLE", "TensorRT"),
            ({"provider.CUDA.device_id": "0"}, "INVALID_ARGUMENT", "provider.CUDA.device_id"),
        ]
        for options, code, words in cases:
            with self.subTest(options), self.refused(code, words):
                self.adapter.load(self.folder, options=options)

    def test_options_are_followed_and_shown(self):
        save(onnx_models.network(), self.folder)
        every = {
            "intra_op_threads": "2", "inter_op_threads": "2", "execution_mode": "parallel",
            "graph_optimization_level": "basic", "allow_spinning": "false", "memory_arena": "false",
            "memory_pattern": "false", "denormal_as_zero": "true", "deterministic": "true", "provider": "azure, cpu"}
        with self.adapter.load(self.folder, options=every) as loaded:
            facts = loaded.describe().facts
            self.assertEqual(facts["threads"], "2, operators side by side")
            self.assertEqual(facts["graph_optimization_level"], "basic")
            self.assertEqual(facts["providers"], "Azure, CPU")
            self.assertEqual(loaded.execute({"x": numpy.ones((2, 10), numpy.float32)})["y"].shape, (2, 1))
        with self.adapter.load(self.folder, options={"dimension.batch": "4"}) as loaded:
            self.assertEqual(list(loaded.describe().inputs[0].shape), [4, 10])
        with self.adapter.load(self.folder, threads=2) as loaded:
            self.assertEqual(loaded.describe().facts["threads"], "2")
        with self.adapter.load(self.folder) as loaded:
            facts = loaded.describe().facts
            self.assertEqual(facts["threads"], "1")
            self.assertEqual(facts["opsets"], "ai.onnx 17")
            self.assertEqual(facts["producer"], "the tests 1")
        self.assertIn("CPUExecutionProvider", self.adapter.describe().providers)
        self.assertEqual(self.adapter.describe().framework_version, onnxruntime.__version__)

    def test_loading_and_unloading_again_and_again_leaves_nothing(self):
        save(onnx_models.network(), self.folder)
        for _ in range(100):
            self.adapter.load(self.folder).unload()
        gc.collect()
        before = resident()
        for _ in range(300):
            self.adapter.load(self.folder).unload()
        gc.collect()
        self.assertLess(resident() - before, 4 << 20)


class ExternalWeights(Case):
    def weights(self, path, size=64):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numpy.arange(size, dtype=numpy.float32).tobytes())

    def test_weights_beside_the_model_are_read_and_counted(self):
        for location in ("weights.bin", "deeper/weights.bin", "./weights.bin"):
            self.weights(self.folder / location)
            save(onnx_models.with_external_weights(location, 64), self.folder)
            with self.adapter.load(self.folder) as loaded:
                answer = loaded.execute({"x": numpy.zeros((1, 64), numpy.float32)})["y"]
                numpy.testing.assert_array_equal(answer[0], numpy.arange(64, dtype=numpy.float32))
                self.assertEqual(loaded.describe().facts["weights_beside"], "256 bytes in 1 files")
        self.assertGreater(self.adapter.estimate(self.folder).loaded_bytes, 256)

    def test_weights_outside_of_the_folder_are_refused(self):
        inside = self.folder / "model"
        self.weights(self.folder / "weights.bin")
        for location in (
                "../weights.bin", "deeper/../../weights.bin", str(self.folder / "weights.bin"), "/etc/passwd", "..",
                "../model/../weights.bin", ""):
            with self.subTest(location):
                save(onnx_models.with_external_weights(location, 64), inside)
                with self.refused("FAILED_PRECONDITION", "outside of its folder"):
                    self.adapter.load(inside)
                with self.refused("FAILED_PRECONDITION", "outside of its folder"):
                    self.adapter.estimate(inside)

    def test_weights_in_the_memory_of_the_process_are_refused(self):
        save(onnx_models.with_external_weights("*/_ORT_MEM_ADDR_/*", 64), self.folder)
        with self.refused("FAILED_PRECONDITION", "memory of the process"):
            self.adapter.load(self.folder)

    def test_weights_outside_are_found_wherever_a_model_names_them(self):
        tensor = onnx_models.with_external_weights("../weights.bin", 4).graph.initializer[0]
        inner = helper.make_graph([helper.make_node("Constant", [], ["k"], value=tensor)], "inner", [], [value("k")])
        nested = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
        function = helper.make_function(
            "f", "f", ["x"], ["y"], [helper.make_node("Constant", [], ["y"], value=tensor)],
            [helper.make_opsetid("", 17)])
        protos = {
            "a constant": model([("Constant", [], ["y"], {"value": tensor})], [value("x")], [value("y")]),
            "a branch": helper.make_model(
                helper.make_graph([nested], "g", [value("c", TensorProto.BOOL)], [value("y")])),
            "a function": helper.make_model(helper.make_graph([], "g", [value("x")], []), functions=[function]),
        }
        for name, proto in protos.items():
            with self.subTest(name):
                save(proto, self.folder)
                with self.refused("FAILED_PRECONDITION", "outside of its folder"):
                    self.adapter.load(self.folder)

    def test_weights_that_are_missing_or_too_few_are_refused(self):
        save(onnx_models.with_external_weights("gone.bin", 64), self.folder)
        with self.refused("NOT_FOUND", "gone.bin"):
            self.adapter.load(self.folder)
        self.weights(self.folder / "gone.bin", 3)
        with self.refused("FAILED_PRECONDITION"):
            self.adapter.load(self.folder)


if __name__ == "__main__":
    unittest.main(verbosity=1)
