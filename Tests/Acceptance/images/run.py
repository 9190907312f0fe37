#!/usr/bin/env python3
"""Images as their users meet them: built with the real programs, taken, unpacked and run by the tools of others.

    Tests/Acceptance/images/run.py --bin .build/debug
    Tests/Acceptance/images/run.py --bin .build/release --only makers/scripts shows

`makers.py` has images of every kind, made without a service (`machine.py`); the others start a registry and an image builder
(`workshop.py`) and use `slipway`: `shows.py` has what is promised, `uses.py` the command line, `refusals.py` whatever goes
wrong. `--only` takes parts of the cases' names, or of their files'.

Needs Scripts/bootstrap, and root for runc and docker. Run it with .tools/scoring/bin/python, which has the frameworks that
models are made with. Prints a line for each case, and ends with status 1 if one failed.
"""

import argparse
import pathlib
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import makers  # noqa: E402
import refusals  # noqa: E402
import shows  # noqa: E402
import uses  # noqa: E402
from machine import Machine  # noqa: E402
from workshop import Workshop  # noqa: E402


def try_case(case, group, surroundings):
    """Whether it went well."""
    name = case.__name__.replace("_", " ")
    began = time.monotonic()
    try:
        note = case(surroundings)
        print(f"ok: {group}: {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
        return True
    except Exception:
        print(f"not ok: {group}: {name}\n{traceback.format_exc()}{surroundings.words()}", flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of all programs and adapters")
    parser.add_argument("--only", nargs="+", default=[""], help="run only the cases with such names")
    arguments = parser.parse_args()
    binaries = arguments.bin.resolve()
    # Whoever ends it leaves no database behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def chosen(group, cases):
        return [
            case for case in cases
            if any(part.replace(" ", "_") in f"{group}/{case.__name__}" for part in arguments.only)]

    results = []
    for case in chosen("makers", makers.ALL):
        with tempfile.TemporaryDirectory(prefix="slipway-images-") as folder:
            machine = Machine(binaries, pathlib.Path(folder))
            try:
                results.append(try_case(case, "makers", machine))
            finally:
                machine.end()
    groups = [("shows", shows.ALL), ("uses", uses.ALL), ("refusals", refusals.ALL)]
    served = [(group, case) for group, cases in groups for case in chosen(group, cases)]
    if served:
        workshop = Workshop(binaries)
        try:
            workshop.start()
            for group, case in served:
                results.append(try_case(case, group, workshop))
        finally:
            workshop.stop()
    print(f"{len(results)} cases, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
