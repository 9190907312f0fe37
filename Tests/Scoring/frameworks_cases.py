"""Each adapter through the C contract alone, against its framework's own Python package: the modules `…_adapter.py`."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def module(context, name, **variables):
    """Runs a module of unit tests in a process of its own, since each process opens an adapter once."""
    # They name the libraries themselves, and look at what happens without.
    environment = {key: value for key, value in context.environment.items()
                   if not (key.startswith("SLIPWAY_") and key.endswith("_LIBRARY"))}
    done = subprocess.run(
        [sys.executable, HERE / f"{name}.py"], capture_output=True, text=True, timeout=3000,
        env=environment | variables)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    ran = re.search(r"^Ran (\d+) tests?", done.stderr, re.MULTILINE)
    assert ran and int(ran[1]) > 0, done.stderr[-2000:]
    return f"{ran[1]} tests"


def case_onnx_slots(context):
    """the functions of ONNX Runtime are where its table is expected to have them"""
    done = subprocess.run(
        [sys.executable, HERE / "onnx_slots.py"], capture_output=True, text=True, timeout=600, env=context.environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return re.search(r"\d+ functions", done.stdout)[0]


def case_onnx(context):
    """ONNX Runtime's adapter answers as its package does"""
    return module(context, "onnx_adapter")


def case_trees(context):
    """XGBoost's and LightGBM's adapters answer as their packages do, to the last bit"""
    return module(context, "trees_adapter")


def case_python(context):
    """Python's adapter runs scripts, pickles and interpreters, and survives their ends"""
    return module(
        context, "python_adapter", SLIPWAY_TEST_BUILD=str(context.binaries),
        SLIPWAY_TEST_LOADS="100" if context.is_full else "20")


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
