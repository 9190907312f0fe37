#!/usr/bin/env python3
"""The adapters of XGBoost and LightGBM against the frameworks' own Python packages, to the last bit.

    .tools/scoring/bin/python Tests/Scoring/trees_adapter.py [-k NAME]

SLIPWAY_ADAPTERS is the folder of the adapters, .build/debug unless it is set; the libraries are those that
Scripts/frameworks fetched.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import unittest

# The frameworks' threads wait for each other busily, which on a machine that is busy itself takes very long.
os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm
import numpy
import xgboost

from adapter_driver import ROOT, Adapter, AdapterError

ADAPTERS = pathlib.Path(os.environ.get("SLIPWAY_ADAPTERS", ROOT / ".build/debug")).resolve()
FRAMEWORKS = ROOT / ".tools/frameworks"
SIZES = [1, 2, 7, 8, 9, 33, 1500]


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def rows(count=1500, features=12, missing=0.1, seed=7):
    """Rows with zeros, tiny and huge values, and some missing."""
    random = numpy.random.default_rng(seed)
    data = random.normal(size=(count, features))
    data[random.random(data.shape) < 0.1] = 0
    data[random.random(data.shape) < 0.02] = 1e-36
    data[random.random(data.shape) < 0.01] = 1e30
    if missing:
        data[random.random(data.shape) < missing] = numpy.nan
    return data.astype(numpy.float32)


def signal(data, seed=7):
    usual = numpy.clip(numpy.nan_to_num(data.astype(float)), -3, 3)
    noise = numpy.random.default_rng(seed).normal(size=len(data))
    return usual[:, 0] * usual[:, 1] + usual[:, 2] - 0.5 * usual[:, 3] + 0.3 * noise


def with_categories(data, seed=3):
    data = data.copy()
    random = numpy.random.default_rng(seed)
    data[:, 0] = random.integers(0, 70, len(data))
    data[:, 1] = random.integers(0, 5, len(data))
    data[random.random(len(data)) < 0.1, 1] = numpy.nan
    return data


class Case(unittest.TestCase):
    name = ""
    adapters = {}

    @classmethod
    def setUpClass(cls):
        if cls.name not in Case.adapters:
            # Each process opens an adapter once.
            library = {"XGBoost": "xgboost", "LightGBM": "lightgbm"}[cls.name]
            Case.adapters[cls.name] = Adapter(ADAPTERS / f"lib{cls.name}Adapter.so", library=str(FRAMEWORKS / library))
        cls.adapter = Case.adapters[cls.name]

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def tearDown(self):
        self.assertEqual(self.adapter.host.statuses, {}, "statuses were made and not returned")
        self.assertEqual(self.adapter.host.sinks, {})

    def refused(self, code, *words):
        return Refused(self, code, words)

    def equal(self, got, wanted):
        self.assertEqual(got.dtype, wanted.dtype)
        self.assertEqual(got.shape, wanted.shape)
        if got.tobytes() != wanted.tobytes():
            places = numpy.flatnonzero(got.ravel() != wanted.ravel())
            self.fail(f"{len(places)} of {got.size} differ, first {got.ravel()[places[:3]]} {wanted.ravel()[places[:3]]}")

    def answers_alike(self, model, data, wanted):
        """Each size of batch, and single rows."""
        for size in SIZES:
            self.equal(model.execute({"input": data[:size]})["predictions"], wanted[:size])
        for row in range(0, len(data), 37):
            self.equal(model.execute({"input": data[row:row + 1]})["predictions"], wanted[row:row + 1])

    def evaluators(self, data, wanted, own, options=None, **request):
        """What our own evaluator answers where it is expected to serve, and what the library does."""
        for evaluator in ("auto", "library"):
            with self.adapter.load(self.folder, options={**(options or {}), "evaluator": evaluator}, **request) as model:
                fact = model.describe().facts["evaluator"]
                if evaluator == "auto":
                    self.assertEqual(fact.startswith("own (bit-equal"), own, fact)
                self.answers_alike(model, data, wanted)
        if own:
            with self.adapter.load(self.folder, options={**(options or {}), "evaluator": "own"}, **request) as model:
                self.answers_alike(model, data, wanted)
        else:
            with self.refused("UNIMPLEMENTED", "evaluator"):
                self.adapter.load(self.folder, options={**(options or {}), "evaluator": "own"}, **request)

    def converts(self, described):
        """Each datatype of numbers is taken, once, and BYTES is not."""
        taken = [described.datatype, *described.also_takes]
        names = [type(described).DESCRIPTOR.fields_by_name["datatype"].enum_type.values_by_number[kind].name
                 for kind in taken]
        self.assertEqual(len(names), 13)
        self.assertEqual(len(set(names) - {"DATATYPE_BYTES", "DATATYPE_UNSPECIFIED"}), 13)

    def bad_inputs(self, model, good):
        for words, inputs, outputs in [
            (["takes one"], {}, ()), (["takes one"], {"input": good, "other": good}, ()),
            (["no input `other`"], {"other": good}, ()),
            (["[rows, ", str(good.shape[1])], {"input": good[:, :-1]}, ()),
            (["[rows, "], {"input": good.ravel()}, ()), (["[rows, "], {"input": good[None]}, ()),
            (["BYTES", "FP32"], {"input": numpy.full(good.shape, b"1", object)}, ()),
            (["no output `other`", "predictions"], {"input": good}, ("other",)),
        ]:
            with self.refused("INVALID_ARGUMENT", *words):
                model.execute(inputs, outputs)

    def loads_leave_nothing(self, folder, data):
        def once():
            with self.adapter.load(folder) as model:
                model.execute({"input": data})
        for _ in range(100):
            once()
        before = resident()
        for _ in range(1000):
            once()
        self.assertLess(resident() - before, 6 << 20)

    def survives(self, name, content, features, rounds):
        """Damages files in a process of its own, so that a crash is told as what it is."""
        (self.folder / name).write_bytes(content)
        library = FRAMEWORKS / self.name.lower()
        done = subprocess.run(
            [sys.executable, __file__, "--damage", self.name, str(library), str(self.folder), name, str(features),
             str(rounds)], capture_output=True, text=True, errors="replace")
        self.assertEqual(done.returncode, 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}")


class Refused:
    def __init__(self, case, code, words):
        self.case, self.code, self.words = case, code, words

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.case.assertIs(kind, AdapterError, "nothing was refused")
        self.case.assertEqual(error.code, self.code, error.message)
        for word in self.words:
            self.case.assertIn(word, error.message)
        return True


def damage(name, library, folder, file, features, rounds):
    """Loads a file again and again with bytes changed, cut and repeated, and executes what loads."""
    adapter = Adapter(ADAPTERS / f"lib{name}Adapter.so", library=library)
    path = pathlib.Path(folder) / file
    whole = path.read_bytes()
    random = numpy.random.default_rng(int(os.environ.get("SEED", 5)))
    data = rows(40, int(features))
    loaded = refused = 0
    for index in range(int(rounds)):
        content = bytearray(whole)
        kind = index % 5
        at = int(random.integers(len(content)))
        if kind == 0:
            del content[at:]
        elif kind == 1:
            for _ in range(int(random.integers(1, 4))):
                content[int(random.integers(len(content)))] = int(random.integers(256))
        elif kind == 2:
            digits = [place for place in range(at, min(at + 4000, len(content))) if 48 <= content[place] < 58]
            for place in digits[:int(random.integers(1, 4))]:
                content[place] = 48 + int(random.integers(10))
        elif kind == 3:
            del content[at:at + int(random.integers(1, 40))]
        else:
            size = int(random.integers(1, 40))
            content[at:at] = content[at:at + size]
        path.write_bytes(content)
        # Where it stopped can be read from the last file.
        try:
            with adapter.load(folder, file=file) as model:
                width = model.describe().inputs[0].shape[1]
                if width == int(features):
                    model.execute({"input": data})
                    model.execute({"input": data[:1]})
            loaded += 1
        except AdapterError as error:
            assert error.code in ("FAILED_PRECONDITION", "INVALID_ARGUMENT", "UNIMPLEMENTED", "NOT_FOUND"), error
            refused += 1
    print(f"{loaded} loaded, {refused} refused")


class XGBoost(Case):
    name = "XGBoost"

    def train(self, parameters, data, label, rounds=20, file="model.json", save=True, **matrix):
        booster = xgboost.train({"max_depth": 5, **parameters}, xgboost.DMatrix(data, label, **matrix), rounds)
        if save:
            booster.save_model(self.folder / file)
        return booster

    def labels(self, objective, data):
        label = signal(data)
        if objective.startswith(("binary", "reg:logistic")):
            return (label > 0).astype(int)
        if objective.startswith("multi"):
            return numpy.digitize(label, [-1, 0, 1])
        if objective.startswith(("count", "reg:gamma", "reg:tweedie", "reg:squaredlog", "survival")):
            return numpy.round(numpy.exp(numpy.clip(label, -2, 2))) + 1
        if objective.startswith("rank"):
            return numpy.clip(numpy.digitize(label, [-1, 0, 1]), 0, 1 if objective == "rank:map" else 3)
        return label

    OBJECTIVES = [
        "reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror",
        "reg:logistic", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "reg:gamma",
        "reg:tweedie", "survival:cox", "survival:aft", "multi:softmax", "multi:softprob", "rank:pairwise", "rank:ndcg",
        "rank:map"]

    def test_objectives(self):
        data = rows()
        for objective in self.OBJECTIVES:
            for file in ("model.json", "model.ubj"):
                for margin in (False, True):
                    if margin and file == "model.ubj":
                        continue
                    with self.subTest(objective=objective, file=file, margin=margin):
                        parameters = {"objective": objective}
                        more = {}
                        if objective.startswith("multi"):
                            parameters["num_class"] = 4
                        if objective == "reg:quantileerror":
                            parameters["quantile_alpha"] = [0.1, 0.5, 0.9]
                        if objective.startswith("rank"):
                            more["qid"] = numpy.arange(len(data)) // 30
                        label = self.labels(objective, data)
                        if objective == "survival:aft":
                            more = {"label_lower_bound": label, "label_upper_bound": label + 2}
                        booster = self.train(parameters, data, label, file=file, **more)
                        kind = "margin" if margin else "value"
                        wanted = booster.inplace_predict(data, predict_type=kind)
                        options = {"output_margin": "true"} if margin else {}
                        self.evaluators(data, wanted, True, options, file=file)

    def test_what_objectives_make_of_many_sums(self):
        """Functions that differ once in a thousand sums would pass with fewer rows."""
        data, asked = rows(), rows(60000, seed=21)
        for objective in ("binary:logistic", "count:poisson", "survival:aft", "multi:softprob"):
            with self.subTest(objective):
                label = self.labels(objective, data)
                more = {}
                if objective == "survival:aft":
                    more = {"label_lower_bound": label, "label_upper_bound": label + 2}
                booster = self.train(
                    {"objective": objective, "num_class": 4 if "multi" in objective else 0}, data, label, **more)
                with self.adapter.load(self.folder, options={"evaluator": "own"}) as model:
                    self.equal(model.execute({"input": asked})["predictions"], booster.inplace_predict(asked))

    def test_scores_that_models_start_from(self):
        data = rows()
        for objective, score in [
            ("reg:squarederror", 0.0), ("reg:squarederror", 1234.5678), ("binary:logistic", 0.001),
            ("count:poisson", 3.7), ("multi:softprob", 0.5)]:
            with self.subTest(objective=objective, score=score):
                booster = self.train(
                    {"objective": objective, "base_score": score, "num_class": 4 if "multi" in objective else 0}, data,
                    self.labels(objective, data))
                self.evaluators(data, booster.inplace_predict(data), True)

    def test_missing(self):
        for share, missing in [(0, None), (0.5, None), (0.1, 0.0), (0.1, -999.0), (0.1, 0.1)]:
            with self.subTest(share=share, missing=missing):
                data = rows(missing=share)
                if missing is not None:
                    data[numpy.random.default_rng(2).random(data.shape) < 0.2] = missing
                value = numpy.nan if missing is None else missing
                booster = self.train({}, data, signal(data), missing=value)
                wanted = booster.inplace_predict(data, missing=value)
                self.evaluators(data, wanted, True, {} if missing is None else {"missing": str(missing)})

    def test_categories(self):
        data = with_categories(rows())
        types = ["c", "c"] + ["float"] * (data.shape[1] - 2)
        for one_hot in (1, 100):
            with self.subTest(max_cat_to_onehot=one_hot):
                booster = self.train(
                    {"max_cat_to_onehot": one_hot, "tree_method": "hist"}, data, signal(data) + data[:, 0] % 7,
                    feature_types=types, enable_categorical=True)
                strange = data.copy()
                strange[::3, 0] = numpy.random.default_rng(1).choice([-1, -0.5, 2.5, 69, 70, 71, 1e6, 3e9], 500)
                self.evaluators(strange, booster.inplace_predict(strange), True)
                with self.adapter.load(self.folder) as model:
                    self.assertTrue(model.describe().facts["feature_types"].startswith("c c float"))

    def test_shapes_of_forests(self):
        data = rows()
        targets = numpy.stack([signal(data), signal(data, 8), -signal(data, 9)], 1)
        for name, parameters, label, rounds, own in [
            ("one round of a random forest", {"num_parallel_tree": 30, "subsample": 0.7, "eta": 1}, targets[:, 0], 1, True),
            ("parallel trees", {"num_parallel_tree": 3, "subsample": 0.7}, targets[:, 0], 5, True),
            ("targets", {}, targets, 10, True),
            ("leaves that are vectors", {"multi_strategy": "multi_output_tree"}, targets, 10, False),
            ("dart", {"booster": "dart", "rate_drop": 0.3}, targets[:, 0], 20, False),
            ("stumps", {"max_depth": 1}, targets[:, 0], 20, True),
            ("no split at all", {"gamma": 1e9}, targets[:, 0], 3, True),
            ("pruned", {"gamma": 3}, targets[:, 0], 20, True),
            ("lossguide", {"grow_policy": "lossguide", "max_leaves": 60, "max_depth": 0}, targets[:, 0], 20, True),
            ("deep", {"max_depth": 14}, targets[:, 0], 10, True),
            ("more trees than a chunk", {"max_depth": 3}, targets[:, 0], 300, True),
        ]:
            with self.subTest(name):
                booster = self.train(parameters, data, label, rounds)
                self.evaluators(data, booster.inplace_predict(data), own)

    def test_linear(self):
        data = rows(missing=0)
        booster = self.train({"booster": "gblinear"}, data, signal(data))
        wanted = booster.predict(xgboost.DMatrix(data))
        self.evaluators(data, wanted, False)

    def test_iterations(self):
        data = rows()
        booster = self.train({"objective": "multi:softprob", "num_class": 4}, data, self.labels("multi", data))
        for text, pair in [("3,9", (3, 9)), ("0,1", (0, 1)), ("19,20", (19, 20)), ("all", (0, 0)), ("auto", (0, 0))]:
            with self.subTest(text):
                wanted = booster.inplace_predict(data, iteration_range=pair)
                self.evaluators(data, wanted, True, {"iteration_range": text})
        for text in ("9,3", "0,21", "3", "1,2,3", " 1,2", "-1,2", "best"):
            with self.refused("INVALID_ARGUMENT", "iteration_range", text):
                self.adapter.load(self.folder, options={"iteration_range": text})

    def test_early_stopping(self):
        data = rows()
        label = (signal(data) > 0).astype(int)
        wrapper = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=5, learning_rate=1.0)
        wrapper.fit(data[:1000], label[:1000], eval_set=[(data[1000:], label[1000:])], verbose=False)
        wrapper.save_model(self.folder / "model.json")
        self.assertLess(wrapper.best_iteration + 1, wrapper.get_booster().num_boosted_rounds())
        self.evaluators(data, wrapper.predict_proba(data)[:, 1], True)
        self.evaluators(data, wrapper.get_booster().inplace_predict(data), True, {"iteration_range": "all"})

    def test_datatypes(self):
        data = numpy.random.default_rng(1).integers(0, 100, (1500, 6))
        booster = self.train({}, data, data[:, 0] * 0.1 + data[:, 1] * data[:, 2])
        wanted = booster.inplace_predict(data.astype(numpy.float32))
        with self.adapter.load(self.folder) as model:
            for kind in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
                with self.subTest(kind):
                    self.equal(model.execute({"input": data.astype(kind)})["predictions"], wanted)
            flags = data > 50
            self.equal(
                model.execute({"input": flags})["predictions"], booster.inplace_predict(flags.astype(numpy.float32)))
            wide = data + 1e-12
            self.equal(model.execute({"input": wide})["predictions"], booster.inplace_predict(wide))

    def test_infinities(self):
        data = rows()
        booster = self.train({}, data, signal(data))
        data[::5, 2] = numpy.inf
        data[1::5, 3] = -numpy.inf
        self.evaluators(data, booster.inplace_predict(data), True)

    def test_description(self):
        data = rows()
        names = [f"column {index}" for index in range(data.shape[1])]
        self.train({"objective": "multi:softprob", "num_class": 4}, data, self.labels("multi", data), feature_names=names)
        with self.adapter.load(self.folder) as model:
            description = model.describe()
            self.assertEqual(description.format, "xgboost-json")
            self.assertEqual(list(description.inputs[0].columns), names)
            self.converts(description.inputs[0])
            self.assertEqual(list(description.inputs[0].shape), [-1, 12])
            self.assertEqual(list(description.outputs[0].shape), [-1, 4])
            self.assertTrue(description.batches and description.concurrent_executions)
            self.assertEqual(model.execute({"input": data[:0]})["predictions"].shape, (0, 4))
            self.bad_inputs(model, data[:3])
        about = self.adapter.describe()
        self.assertEqual((about.name, about.framework_version), ("xgboost", xgboost.__version__))

    def test_many_threads(self):
        data = rows()
        booster = self.train({"objective": "binary:logistic"}, data, (signal(data) > 0).astype(int), 50)
        wanted = booster.inplace_predict(data)
        for evaluator in ("own", "library"):
            with self.adapter.load(self.folder, options={"evaluator": evaluator}) as model:
                def check(start, model=model):
                    for size in (1, 5, 64):
                        got = model.execute({"input": data[start:start + size]})["predictions"]
                        self.equal(got, wanted[start:start + size])
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    list(pool.map(check, range(0, 1400, 3)))

    def test_recognition(self):
        data = rows()
        self.train({}, data, signal(data), 2, file="some.json")
        (self.folder / "other.json").write_text('{"something": "else"}')
        (self.folder / "notes.txt").write_text("tree\nversion=v4\n")
        found = self.adapter.recognise(self.folder)
        self.assertEqual((found.format, found.file), ("xgboost-json", "some.json"))
        self.assertGreater(found.certainty, 90)
        (self.folder / "some.json").unlink()
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 0)
        with self.refused("NOT_FOUND", "XGBoost"):
            self.adapter.load(self.folder)

    def test_mlflow_folder(self):
        data = rows()
        (self.folder / "model.json").write_text("{}")
        booster = self.train({}, data, signal(data), file="data.ubj")
        (self.folder / "MLmodel").write_text(
            "flavors:\n  python_function:\n    data: model.json\n  xgboost:\n    code: null\n    data: data.ubj\n"
            "    model_class: xgboost.core.Booster\nmodel_uuid: 1\n")
        found = self.adapter.recognise(self.folder)
        self.assertEqual((found.format, found.file, found.certainty), ("xgboost-ubj", "data.ubj", 99))
        self.evaluators(data, booster.inplace_predict(data), True)

    def test_refusals(self):
        data = rows()
        self.train({}, data, signal(data), 3)
        good = json.loads((self.folder / "model.json").read_text())
        for options, words in [
            ({"ouput_margin": "true"}, ["ouput_margin", "did you mean `output_margin`"]), ({"x": "1"}, ["there are: "]),
            ({"output_margin": "yes"}, ["output_margin", "yes", "true or false"]),
            ({"missing": "none"}, ["missing", "none", "number"]), ({"threads": "0"}, ["threads", "from 1"]),
            ({"evaluator": "fast"}, ["auto, own, library"]),
        ]:
            with self.refused("INVALID_ARGUMENT", *words):
                self.adapter.load(self.folder, options=options)
        for file in ("../model.json", "/etc/passwd", "a/../../b"):
            with self.refused("INVALID_ARGUMENT", "folder"):
                self.adapter.load(self.folder, file=file)
        with self.refused("NOT_FOUND", "absent.json"):
            self.adapter.load(self.folder, file="absent.json")
        with self.refused("NOT_FOUND", "folder"):
            self.adapter.load(self.folder / "absent")
        tree = good["learner"]["gradient_booster"]["model"]["trees"][1]
        for name, index, number, words in [
            ("left_children", 0, 0, ["node 0 of tree 1", "ancestor"]), ("left_children", 0, 10**6, ["outside"]),
            ("right_children", 0, -7, ["outside"]), ("split_indices", 0, 12, ["feature"]),
        ]:
            kept = tree[name][index]
            tree[name][index] = number
            (self.folder / "bad.json").write_text(json.dumps(good))
            with self.refused("FAILED_PRECONDITION", "bad.json", *words):
                self.adapter.load(self.folder, file="bad.json")
            tree[name][index] = kept
        for content, words in [
            (b"", ["byte 0"]), (b"{", ["byte 1"]), (b"[" * 10**6, ["byte", "deep"]), (b'{"a":1}', ["learner"]),
            (b"\0" * 160 + b"\x0e\0\0\0\0\0\0\0reg:squareerror\x06\0\0\0\0\0\0\0gbtree", ["binary", ".ubj"]),
            (json.dumps(good).encode() + b"x", ["follows"]), (b"{L" + b"\xff" * 20, ["count"]),
        ]:
            (self.folder / "bad.json").write_bytes(content)
            with self.refused("FAILED_PRECONDITION", "bad.json", *words):
                self.adapter.load(self.folder, file="bad.json")

    def test_damaged_files(self):
        data = with_categories(rows(300))
        types = ["c", "c"] + ["float"] * (data.shape[1] - 2)
        booster = self.train({"max_depth": 3}, data, signal(data), 3, feature_types=types, enable_categorical=True)
        for kind in ("json", "ubj"):
            with self.subTest(kind):
                self.survives(f"model.{kind}", bytes(booster.save_raw(kind)), data.shape[1], 1500)

    def test_leaks(self):
        data = rows()
        self.train({}, data, signal(data), 5)
        self.loads_leave_nothing(self.folder, data[:4])


class LightGBM(Case):
    name = "LightGBM"

    def train(self, parameters, data, label, rounds=20, **more):
        booster = lightgbm.train(
            {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, **parameters},
            lightgbm.Dataset(data, label, **more), rounds)
        booster.save_model(self.folder / "model.txt")
        return booster

    def check(self, booster, data, own, options=None, **predict):
        for kind in (numpy.float64, numpy.float32):
            wanted = booster.predict(data.astype(kind), num_threads=1, **predict)
            self.evaluators(data.astype(kind), wanted, own, options)

    def labels(self, objective, data):
        label = signal(data)
        if objective in ("binary", "cross_entropy", "cross_entropy_lambda"):
            return (label > 0).astype(int)
        if objective.startswith("multiclass") or objective in ("lambdarank", "rank_xendcg"):
            return numpy.digitize(label, [-1, 0, 1])
        if objective in ("poisson", "gamma", "tweedie"):
            return numpy.exp(numpy.clip(label, -2, 2))
        return label

    OBJECTIVES = [
        ("regression", {}), ("regression", {"reg_sqrt": True}), ("regression_l1", {}), ("huber", {}), ("fair", {}),
        ("poisson", {}), ("quantile", {"alpha": 0.9}), ("mape", {}), ("gamma", {}), ("tweedie", {}), ("binary", {}),
        ("binary", {"sigmoid": 0.7}), ("multiclass", {"num_class": 4}), ("multiclassova", {"num_class": 4}),
        ("cross_entropy", {}), ("cross_entropy_lambda", {}), ("lambdarank", {}), ("rank_xendcg", {})]

    def test_objectives(self):
        data = rows()
        for objective, parameters in self.OBJECTIVES:
            more = {"group": [30] * (len(data) // 30)} if "rank" in objective else {}
            booster = self.train(
                {"objective": objective, **parameters}, data, self.labels(objective, data), **more)
            for raw in (False, True):
                with self.subTest(objective=objective, raw=raw, **parameters):
                    self.check(booster, data, True, {"raw_score": "true"} if raw else {}, raw_score=raw)

    def test_objectives_of_others(self):
        data = rows()
        label = signal(data)
        booster = self.train(
            {"objective": lambda predictions, dataset: (predictions - label, numpy.ones(len(label)))}, data, label)
        self.check(booster, data, True)

    def test_boosting(self):
        data = rows()
        label = signal(data)
        bagging = {"bagging_fraction": 0.7, "bagging_freq": 1}
        for name, parameters, rounds, own in [
            ("dart", {"boosting": "dart"}, 20, True), ("rf", {"boosting": "rf", **bagging}, 20, True),
            ("goss", {"data_sample_strategy": "goss"}, 20, True),
            ("rf of classes", {"boosting": "rf", "objective": "multiclass", "num_class": 4, **bagging}, 10, True),
            ("linear leaves", {"linear_tree": True}, 10, False), ("stumps", {"num_leaves": 2}, 20, True),
            ("no split at all", {"min_gain_to_split": 1e9}, 3, True), ("deep", {"num_leaves": 300}, 20, True),
            ("more trees than a chunk", {"num_leaves": 8}, 300, True),
        ]:
            with self.subTest(name):
                wanted = numpy.digitize(label, [-1, 0, 1]) if "num_class" in parameters else label
                self.check(self.train(parameters, data, wanted, rounds), data, own)

    def test_missing(self):
        for name, share, parameters in [
            ("none while training", 0, {}), ("half", 0.5, {}), ("NaN is zero", 0.1, {"use_missing": False}),
            ("zero is missing", 0.1, {"zero_as_missing": True}),
        ]:
            with self.subTest(name):
                data = rows(missing=share)
                booster = self.train(parameters, data, signal(data))
                asked = rows(missing=0.3, seed=11)
                self.check(booster, asked, True)

    def test_values_about_zero_and_thresholds(self):
        data = rows().astype(numpy.float64)
        booster = self.train({}, data, signal(data))
        thresholds = [
            float(number) for line in (self.folder / "model.txt").read_text().splitlines()
            if line.startswith("threshold=") for number in line[10:].split()]
        values = numpy.array(thresholds + [0.0, -0.0, 1e-35, -1e-35, 1.01e-35, 1e-36, 5e-324, 1e308, -1e308])
        values = numpy.concatenate([values, numpy.nextafter(values, 1e9), numpy.nextafter(values, -1e9)])
        asked = numpy.random.default_rng(1).choice(values, (3000, data.shape[1]))
        self.check(booster, asked, True)

    def test_categories(self):
        data = with_categories(rows())
        for parameters in ({}, {"max_cat_to_onehot": 100}, {"max_cat_threshold": 64, "cat_smooth": 1}):
            with self.subTest(**parameters):
                booster = self.train(
                    {"min_data_per_group": 5, **parameters}, data, signal(data) + data[:, 0] % 7,
                    categorical_feature=[0, 1])
                strange = data.copy()
                strange[::3, 0] = numpy.random.default_rng(1).choice([-1, -0.5, 2.5, 69, 70, 71, 1e6, 3e9], 500)
                strange[1::3, 0] = numpy.nan
                self.check(booster, strange, True)

    def test_iterations(self):
        data = rows()
        booster = self.train({"objective": "multiclass", "num_class": 4}, data, self.labels("multiclass", data))
        for start, count in [(0, 5), (3, 4), (19, 1), (5, -1), (0, 100)]:
            with self.subTest(start=start, count=count):
                self.check(
                    booster, data, True, {"start_iteration": str(start), "num_iteration": str(count)},
                    start_iteration=start, num_iteration=count)
        with self.refused("INVALID_ARGUMENT", "start_iteration", "from 0 to 19"):
            self.adapter.load(self.folder, options={"start_iteration": "20"})

    def test_datatypes(self):
        data = numpy.random.default_rng(1).integers(0, 100, (1500, 6))
        booster = self.train({}, data.astype(float), data[:, 0] * 0.1 + data[:, 1] * data[:, 2])
        with self.adapter.load(self.folder) as model:
            for kind in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
                with self.subTest(kind):
                    wanted = booster.predict(data.astype(kind), num_threads=1)
                    self.equal(model.execute({"input": data.astype(kind)})["predictions"], wanted)

    def test_description(self):
        data = rows()
        names = [f"column_{index}" for index in range(data.shape[1])]
        self.train({"objective": "multiclass", "num_class": 4}, data, self.labels("multiclass", data), feature_name=names)
        with self.adapter.load(self.folder) as model:
            description = model.describe()
            self.assertEqual((description.format, description.format_version), ("lightgbm-text", "v4"))
            self.assertEqual(list(description.inputs[0].columns), names)
            self.converts(description.inputs[0])
            self.assertEqual(list(description.outputs[0].shape), [-1, 4])
            self.assertEqual(model.execute({"input": data[:0]})["predictions"].shape, (0, 4))
            self.bad_inputs(model, data[:3])
        self.assertEqual(self.adapter.describe().name, "lightgbm")

    def test_many_threads(self):
        data = rows().astype(float)
        booster = self.train({"objective": "binary"}, data, (signal(data) > 0).astype(int), 50)
        wanted = booster.predict(data, num_threads=1)
        for evaluator in ("own", "library"):
            with self.adapter.load(self.folder, options={"evaluator": evaluator}) as model:
                def check(start, model=model):
                    for size in (1, 5, 64):
                        got = model.execute({"input": data[start:start + size]})["predictions"]
                        self.equal(got, wanted[start:start + size])
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    list(pool.map(check, range(0, 1400, 3)))

    def test_recognition(self):
        data = rows()
        booster = self.train({}, data, signal(data), 2)
        (self.folder / "model.json").write_text('{"learner": {}}')
        found = self.adapter.recognise(self.folder)
        self.assertEqual((found.format, found.file), ("lightgbm-text", "model.txt"))
        (self.folder / "model.txt").rename(self.folder / "model.lgb")
        (self.folder / "MLmodel").write_text("flavors:\n  lightgbm:\n    data: model.lgb\n    lgb_version: 4.7.0\n")
        self.assertEqual(self.adapter.recognise(self.folder).certainty, 99)
        self.check(booster, data, True)

    def test_refusals(self):
        data = rows()
        self.train({"objective": "multiclass", "num_class": 4}, data, self.labels("multiclass", data), 2)
        good = (self.folder / "model.txt").read_text()
        with self.refused("INVALID_ARGUMENT", "did you mean `raw_score`"):
            self.adapter.load(self.folder, options={"rawscore": "true"})
        lines = good.splitlines()
        left = next(line for line in lines if line.startswith("left_child="))
        for old, new, words in [
            ("tree\n", "trees\n", ["first line"]), ("end of trees", "end of tree", ["end of trees"]),
            ("max_feature_idx=11", "max_feature_idx=5", ["feature_names"]),
            ("max_feature_idx=11", "max_feature_idx=99999999", ["feature_names"]),
            ("num_class:4", "num_class:4000", ["objective"]), ("num_class=4", "num_class=5", ["num_class"]),
            ("tree_sizes=", "tree_sizes=1", ["tree_sizes"]), 
            ("split_gain=", "split_gain=+-", []), ("shrinkage=1", "shrinkage=x", []),
            (left, left[:11] + "0" + left[12:], []), ("split_feature=", "split_feature=99 ", []),
            ("num_leaves=", "num_leaves=9", ["leaf_value"]), ("left_child=", "left_child=1e", []),
            ("left_child=", "left_child=0\nleft_child=", ["twice"]), ("num_class=4", "num_class=4\nnum_class=4", ["twice"]),
        ]:
            with self.subTest(new):
                bad = good.replace(old, new, 1)
                if len(bad) != len(good) and not old.startswith("tree_sizes"):
                    bad = re.sub("tree_sizes=.*\n", "", bad)
                (self.folder / "bad.txt").write_text(bad)
                with self.refused("FAILED_PRECONDITION", "bad.txt", *words):
                    self.adapter.load(self.folder, file="bad.txt")

    def test_damaged_files(self):
        data = with_categories(rows(300))
        booster = self.train({"num_leaves": 8}, data, signal(data), 3, categorical_feature=[0, 1])
        self.survives("model.txt", booster.model_to_string().encode(), data.shape[1], 1500)
        booster = self.train({"num_leaves": 8, "linear_tree": True}, rows(300), signal(rows(300)), 3)
        self.survives("model.txt", booster.model_to_string().encode(), data.shape[1], 1500)

    def test_leaks(self):
        data = rows()
        self.train({}, data, signal(data), 5)
        self.loads_leave_nothing(self.folder, data[:4])


class Libraries(unittest.TestCase):
    """Each in a process of its own, in which nothing else has opened the framework."""

    def load(self, name, library, **environment):
        program = (
            "import sys, adapter_driver\n"
            "adapter = adapter_driver.Adapter(sys.argv[1], library=sys.argv[2])\n"
            "try:\n    adapter.load(sys.argv[3])\n"
            "except adapter_driver.AdapterError as error:\n    print(error)\n")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", program, ADAPTERS / f"lib{name}Adapter.so", library, folder],
                env={**os.environ, **environment}, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_library_is_opened_with_the_one_it_came_with(self):
        for name in ("XGBoost", "LightGBM"):
            with self.subTest(name):
                self.assertIn("NOT_FOUND", self.load(name, str(FRAMEWORKS / name.lower())))

    def test_the_environment_names_a_library(self):
        path = FRAMEWORKS / "xgboost/libxgboost.so"
        self.assertIn("NOT_FOUND", self.load("XGBoost", "", SLIPWAY_XGBOOST_LIBRARY=str(path)))

    def test_a_library_that_is_not_there_is_told_with_every_place(self):
        said = self.load("XGBoost", "")
        for words in ("UNAVAILABLE", "frameworks/xgboost", "SLIPWAY_XGBOOST_LIBRARY", "`library`", "libxgboost.so"):
            self.assertIn(words, said)
        self.assertIn("no/such/place", self.load("LightGBM", "/no/such/place"))

    def test_another_library_is_told_apart(self):
        said = self.load("XGBoost", str(FRAMEWORKS / "lightgbm/lib_lightgbm.so"))
        self.assertIn("UNAVAILABLE", said)
        self.assertIn("XGBoostVersion", said)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--damage"]:
        damage(*sys.argv[2:])
    else:
        unittest.main()
