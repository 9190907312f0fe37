#!/usr/bin/env python3
"""Deployments as their users meet them: the real registry, image builder, deployer, router and command line.

    .tools/clients/bin/python Tests/Acceptance/deployments/run.py --bin .build/debug
    .tools/clients/bin/python Tests/Acceptance/deployments/run.py --bin .build/debug --only canary zero

`cases.py` has what a deployment promises, under load from requests over REST and from Triton's client over gRPC;
`local.py` needs no service but the scorer. `--only` takes parts of the cases' names; cases build on the deployment `churn`
that the first one makes.

Needs Scripts/bootstrap, and the folder of all programs and adapters. Prints a line for each case, and ends with status 1 if
one failed.
"""

import argparse
import pathlib
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import local  # noqa: E402


def try_case(case, surroundings, words):
    """Whether it went well."""
    name = case.__name__.replace("_", " ")
    began = time.monotonic()
    try:
        note = case(surroundings)
        print(f"ok: {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
        return True
    except Exception:
        print(f"not ok: {name}\n{traceback.format_exc()}{words()}", flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of all programs and adapters")
    parser.add_argument("--only", nargs="+", default=[""], help="run only the cases with such names")
    arguments = parser.parse_args()
    binaries = arguments.bin.resolve()
    # Whoever ends it leaves no database and no replica behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def chosen(cases):
        return [case for case in cases
                if any(part.replace(" ", "_") in case.__name__ for part in arguments.only)]

    results = []
    with local.Place(binaries) as place:
        results += [try_case(case, place, lambda: "") for case in chosen(local.ALL)]
    # Imported late: it wants clients that the local cases do without.
    import cases
    wanted = chosen(cases.ALL)
    if wanted:
        from suite import Suite
        if cases.ALL[0] not in wanted:
            wanted.insert(0, cases.ALL[0])
        with Suite(binaries) as suite:
            results += [try_case(case, suite, suite.words) for case in wanted]
    print(f"{len(results)} cases, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
