#!/usr/bin/env python3
"""Image builders that are killed, crowded and starved, on a registry, a database and a store of their own:

    Tests/Faults/images/run.py --bin .build/debug                  short: a minute or two, for every change
    Tests/Faults/images/run.py --bin .build/debug --scale full     100 kills; 40 builds for four builders
    Tests/Faults/images/run.py --bin .build/debug --only kills --seed 4711

Needs Scripts/bootstrap and docker-registry and skopeo of Debian, and root for the small disk. Says what it saw of each case
with the time that it took, and ends with status 1 if one failed; the seed that it prints makes it draw the same again.
"""

import argparse
import pathlib
import random
import signal
import sys
import time
import traceback

import crowd
import kills
import troubles
from suite import Suite

SCALES = {"short": {"kills": 8, "crowd": 10}, "full": {"kills": 100, "crowd": 40}}


def cases(scale, seed, say):
    yield "kills", lambda suite: kills.case(suite, scale["kills"], seed, say)
    yield "crowd", lambda suite: crowd.case(suite, scale["crowd"], seed, say)
    for case in troubles.ALL:
        yield f"troubles/{case.__name__}", lambda suite, case=case: case(suite, seed, say)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--bin", type=pathlib.Path, required=True, help="the folder of image-builder, registry and slipway")
    parser.add_argument("--scale", choices=SCALES, default="short")
    parser.add_argument("--only", nargs="+", default=[""], help="only cases with such names")
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)), help="as a failed run printed it")
    parser.add_argument("--keep", action="store_true", help="leaves the folder of a case that failed")
    arguments = parser.parse_args()
    # Services and databases would outlive us otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {arguments.seed}", flush=True)
    outcomes = []
    for name, case in cases(SCALES[arguments.scale], arguments.seed, lambda text: print(f"  {text}", flush=True)):
        if not any(part in name for part in arguments.only):
            continue
        print(f"{name}:", flush=True)
        began = time.monotonic()
        suite = Suite(arguments.bin.resolve())
        failed = False
        try:
            suite.start()
            case(suite)
        except Exception:
            failed = True
            print(traceback.format_exc())
            for program in [suite.registry, *suite.builders]:
                print(f"{program.name} said last:\n{program.last_words()}")
        finally:
            if failed and arguments.keep:
                print(f"its folder: {suite.folder}")
            for trouble in suite.stop(keeps_folder=failed and arguments.keep):
                failed = True
                print(trouble)
        outcomes.append((failed, f"{name} in {time.monotonic() - began:.0f} s"))
    for failed, text in outcomes:
        print(("failed: " if failed else "passed: ") + text)
    if any(failed for failed, _ in outcomes):
        print(f"seed {arguments.seed}")
    return any(failed for failed, _ in outcomes)


if __name__ == "__main__":
    sys.exit(main())
