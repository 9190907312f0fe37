#!/usr/bin/env python3
"""Images as other programs take them: skopeo copies, umoci unpacks, runc runs them, and they answer scoring requests.

    Tests/Acceptance/images/run.py --bin .build/debug
    Tests/Acceptance/images/run.py --bin .build/release --only scripts

`cases.py` has the images; `machine.py` what they are made with and run by. `--only` takes parts of the cases' names.

Needs Scripts/bootstrap, and root for runc. Run it with .tools/scoring/bin/python, which has the frameworks that models are
made with. Prints a line for each case, and ends with status 1 if one failed.
"""

import argparse
import pathlib
import sys
import tempfile
import time
import traceback

import cases
from machine import Machine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of image-maker, scorer and adapters")
    parser.add_argument("--only", nargs="+", default=[""], help="run only the cases with such names")
    arguments = parser.parse_args()
    chosen = [case for case in cases.ALL if any(part.replace(" ", "_") in case.__name__ for part in arguments.only)]
    failed = 0
    for case in chosen:
        name = case.__name__.replace("_", " ")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="slipway-images-") as folder:
            machine = Machine(arguments.bin.resolve(), pathlib.Path(folder))
            try:
                note = case(machine)
                print(f"ok: {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
            except Exception:
                failed += 1
                print(f"not ok: {name}\n{traceback.format_exc()}{machine.words()}", flush=True)
            finally:
                machine.end()
    print(f"{len(chosen)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
