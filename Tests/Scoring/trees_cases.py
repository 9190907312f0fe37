"""The adapters of trees against the frameworks' own packages, in a process of their own."""

import os
import pathlib
import subprocess
import sys


def answers_of_trees_are_the_frameworks_own(context):
    """XGBoost and LightGBM through their adapters answer as their Python packages do, to the last bit"""
    done = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("trees_adapter.py")], capture_output=True, text=True,
        errors="replace", env={**os.environ, "SLIPWAY_ADAPTERS": str(context.binaries)})
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr.strip().splitlines()[-3]


CASES = [answers_of_trees_are_the_frameworks_own]
