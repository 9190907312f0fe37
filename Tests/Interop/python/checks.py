"""Runs named checks and prints `ok NAME` or `not ok NAME: reason`, then `N passed, N failed`."""

import re
import sys
import time
import traceback


class Failure(Exception):
    """A check that did not hold. Its text is the reason."""


def expect(condition, reason):
    if not condition:
        raise Failure(reason)


def expect_equal(actual, wanted, what):
    if actual != wanted:
        raise Failure(f"{what}: wanted {shorten(wanted)}, got {shorten(actual)}")


def shorten(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


class Report:
    """Counts what passed and what failed. Each check runs to its end or to its first failure."""

    def __init__(self, verbose=False, pattern=""):
        self.pattern = re.compile(pattern)
        self.passed = 0
        self.failed = []
        self.verbose = verbose

    def run(self, name, check, *arguments):
        """Runs one check, if its name matches. Anything it raises is its failure, so that the others still run."""
        if not self.pattern.search(name):
            return
        start = time.monotonic()
        try:
            check(*arguments)
        except Failure as failure:
            self.fail(name, str(failure))
        except Exception as error:
            if self.verbose:
                traceback.print_exc()
            self.fail(name, f"{type(error).__name__}: {shorten(str(error))}")
        else:
            took = f" ({time.monotonic() - start:.2f} s)" if self.verbose else ""
            self.succeed(name, took)

    def succeed(self, name, note=""):
        self.passed += 1
        print(f"ok {name}{note}", flush=True)

    def fail(self, name, reason):
        self.failed.append(name)
        print(f"not ok {name}: {reason}", flush=True)

    def finish(self):
        """Prints the sums and ends the program, with status 1 if anything failed or nothing ran."""
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        sys.exit(0 if self.passed and not self.failed else 1)


def boolean(text):
    """Reads the boolean flags of the public interop programs: `--use_tls`, `--use_tls=true`, `--use_tls false`."""
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise ValueError(f"neither true nor false: {text}")
