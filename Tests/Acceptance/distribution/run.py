#!/usr/bin/env python3
"""Images as the tools of others meet them: docker, podman, skopeo and containerd pull from our endpoint, and
Debian's docker-registry takes what we push.

    Tests/Acceptance/distribution/run.py --bin .build/debug
    Tests/Acceptance/distribution/run.py --bin .build/debug --only podman delta

Needs Scripts/bootstrap, and root for docker and containerd: their daemons run on sockets and folders of their own. Prints
a line for each case, and ends with status 1 if one failed.
"""

import argparse
import pathlib
import sys
import time
import traceback

import pulls
import pushes
from distribution import Distribution


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of distribution-server")
    parser.add_argument("--only", nargs="+", default=[""], help="run only the cases with such names")
    arguments = parser.parse_args()
    every = [("pulls", case) for case in pulls.ALL] + [("pushes", case) for case in pushes.ALL]
    chosen = [
        case for group, case in every
        if any(part.replace(" ", "_") in f"{group}/{case.__name__}" for part in arguments.only)]
    server = Distribution(arguments.bin.resolve())
    failed = 0
    try:
        server.start()
        for case in chosen:
            began = time.monotonic()
            name = case.__name__.replace("_", " ")
            try:
                note = case(server)
                print(f"ok: {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
            except Exception:
                failed += 1
                print(f"not ok: {name}\n{traceback.format_exc()}", flush=True)
        if failed:
            print(f"the server said last:\n{server.log()}")
    finally:
        server.stop()
    print(f"{len(chosen)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
