#!/usr/bin/env python3
"""The registry as its users meet it: the real program on a fresh data folder, and the real command line.

    Tests/Acceptance/registry/run.py --bin .build/debug

Needs Scripts/bootstrap. Prints a line for each case, and ends with status 1 if one failed.
"""

import argparse
import pathlib
import sys
import time
import traceback

import cases
from registry import CommandLine, Registry


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of registry and slipway")
    arguments = parser.parse_args()
    registry = Registry(arguments.bin.resolve())
    failed = 0
    try:
        registry.start()
        slipway = CommandLine(registry)
        for case in cases.ALL:
            began = time.monotonic()
            name = case.__name__.replace("_", " ")
            try:
                case(registry, slipway)
                print(f"ok: {name} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"not ok: {name}\n{traceback.format_exc()}", flush=True)
        if failed:
            print(f"the registry said last:\n{registry.log()}")
    finally:
        registry.stop()
    print(f"{len(cases.ALL)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
