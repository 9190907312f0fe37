#!/usr/bin/env python3
"""The scorer as its users meet it: the real program with real adapters and frameworks.

    Tests/Scoring/run.py --bin .build/debug [--scale full] [AREA…]

Areas are the files `…_cases.py` beside this one: each has a list `CASES` of functions that take a context, and whose
first line of text says what they prove. Needs Scripts/bootstrap. Ends with status 1 if a case failed.
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from scorer_program import Scorer  # noqa: E402


class Context:
    """What a case works with: programs, frameworks, and a folder of its own."""

    def __init__(self, binaries, scale, folder):
        self.binaries, self.is_full = binaries.resolve(), scale == "full"
        self.log, self.folder = folder / "scorer.log", folder / "models"
        self.folder.mkdir()
        frameworks = ROOT / ".tools" / "frameworks"
        self.environment = dict(os.environ)
        self.environment["SLIPWAY_ADAPTERS"] = str(self.binaries)
        # Scripts import what is installed for these cases, and so does what judges the adapters.
        self.environment["SLIPWAY_PYTHON"] = sys.executable
        # The frameworks' threads wait for each other busily, which on a machine that is busy itself takes very long.
        self.environment["OMP_NUM_THREADS"] = "1"
        for variable, pattern in [
            ("SLIPWAY_ONNXRUNTIME_LIBRARY", "onnxruntime/libonnxruntime.so.*"),
            ("SLIPWAY_XGBOOST_LIBRARY", "xgboost/libxgboost.so"),
            ("SLIPWAY_LIGHTGBM_LIBRARY", "lightgbm/lib_lightgbm.so"),
        ]:
            found = sorted(frameworks.glob(pattern))
            if found:
                self.environment.setdefault(variable, str(found[0]))

    def scorer(self, *arguments):
        return Scorer(self.binaries, *arguments, environment=self.environment, log=self.log)

    def run(self, *arguments):
        done = subprocess.run(
            [self.binaries / "scorer", *map(str, arguments)], capture_output=True, text=True, timeout=120,
            env=self.environment)
        assert done.returncode == 0, done
        return done.stdout

    def client(self, program, *arguments):
        """Runs a program beside this one with the dialects' clients, which want older packages than the frameworks."""
        done = subprocess.run(
            [ROOT / ".tools" / "clients" / "bin" / "python", HERE / program, *map(str, arguments)],
            capture_output=True, text=True, timeout=1800, cwd=self.log.parent)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--scale", choices=["short", "full"], default="short")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("areas", nargs="*")
    arguments = parser.parse_args()
    areas = arguments.areas or sorted(path.stem.removesuffix("_cases") for path in HERE.glob("*_cases.py"))
    failed = count = 0
    for area in areas:
        for case in importlib.import_module(f"{area}_cases").CASES:
            if arguments.only not in case.__name__:
                continue
            count += 1
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="slipway-scoring-") as folder:
                try:
                    more = case(Context(arguments.bin, arguments.scale, pathlib.Path(folder)))
                    verdict = "passed" + (f" ({more})" if more else "")
                except Exception:
                    failed += 1
                    verdict = "FAILED\n" + traceback.format_exc()
            what = (case.__doc__ or case.__name__).splitlines()[0]
            print(f"{area}: {what}: {verdict} [{time.monotonic() - began:.1f} s]", flush=True)
    print(f"{count} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
