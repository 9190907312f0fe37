#!/usr/bin/env python3
"""The registry as its users meet it: the real program on a fresh data folder, and the real command line.

    Tests/Acceptance/registry/run.py --bin .build/debug
    Tests/Acceptance/registry/run.py --bin .build/release --scale full --only shows

`cases.py` has what a person sees, `refusals.py` everything that is refused, `shows.py` what is promised of many clients,
large models and many files; `--scale full` runs those at the size that is promised, which takes some minutes and 16 GB of
room in /tmp, and wants a release build. `--only` takes parts of the cases' names, or of their files'.

Needs Scripts/bootstrap. Prints a line for each case, and ends with status 1 if one failed.
"""

import argparse
import functools
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cases  # noqa: E402
import refusals  # noqa: E402
import shows  # noqa: E402
from registry import CommandLine, Registry  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of registry and slipway")
    parser.add_argument("--scale", choices=shows.SCALES, default="short", help="how large the shows are")
    parser.add_argument("--only", nargs="+", default=[""], help="run only the cases with such names")
    arguments = parser.parse_args()
    scale = shows.SCALES[arguments.scale]
    every = [("cases", case.__name__, case) for case in cases.ALL]
    every += [("refusals", case.__name__, case) for case in refusals.ALL]
    every += [("shows", case.__name__, functools.partial(case, scale=scale)) for case in shows.ALL]
    chosen = [
        (name.replace("_", " "), case) for group, name, case in every
        if any(part.replace(" ", "_") in f"{group}/{name}" for part in arguments.only)]
    registry = Registry(arguments.bin.resolve())
    failed = 0
    try:
        registry.start()
        slipway = CommandLine(registry)
        if arguments.only != [""]:
            slipway("login", "--server", registry.server, "--token-file", registry.data / "first-token")
        for name, case in chosen:
            began = time.monotonic()
            try:
                note = case(registry, slipway)
                print(f"ok: {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
            except Exception:
                failed += 1
                print(f"not ok: {name}\n{traceback.format_exc()}", flush=True)
        if failed:
            print(f"the registry said last:\n{registry.log()}")
    finally:
        registry.stop()
    print(f"{len(chosen)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
