#!/usr/bin/env python3
"""What adapter-check says of adapters: templates built outside of the package pass, and broken ones fail by name.

    Tests/Scoring/adapters.py --bin FOLDER [--adapter LIBRARY --model FOLDER [--input FILE]] [--without-swift]

FOLDER has `adapter-check`. With --adapter that one has to pass as well; may be repeated, each with its --model.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "Docs" / "templates"

# Each broken adapter with a check that has to find it out, and words that have to be in what is said of it.
BROKEN = {
    "Leaking": ("reload", "memory grows by 8"),
    "EmptyBatch": ("empty-batch", "SIGFPE"),
    "Overrunning": ("answer", "wrote past the end of output"),
    "Mixing": ("concurrent", "while others executed"),
    "NeverCompleting": ("answer", "never completed"),
    "TwiceCompleting": ("answer", "completed an execution twice"),
    "Wordless": ("wrong-rank", "without a text"),
    "Accepting": ("wrong-shape", "it answers shape"),
}


def build(folder, *arguments):
    subprocess.run(["make", "-s", "-C", str(folder), *arguments], check=True, stdout=subprocess.DEVNULL)


def check(program, library, model, *arguments):
    """Runs adapter-check; gives its exit code and its checks by name."""
    command = [program, library, "--model", model, "--output", "json", *arguments]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=1800)
    report = json.loads(result.stdout)
    return result.returncode, {found["name"]: found for found in report["checks"]}


def passing(program, name, library, model, *arguments):
    code, checks = check(program, library, model, *arguments)
    failed = [f"{found['name']}: {found['text']}" for found in checks.values() if found["result"] == "failed"]
    assert code == 0 and not failed, f"{name}: exit code {code}; " + "; ".join(failed)
    print(f"ok   {name}: {len(checks)} checks")


def failing(program, name, library, expected, words):
    limits = ["--seconds", "9"] + ["--check", expected, "--check", "load"]
    code, checks = check(program, library, TEMPLATES / "adapter-c" / "model", *limits)
    text = checks[expected]["text"]
    assert code == 1, f"{name}: exit code {code}"
    assert checks["load"]["result"] == "passed", f"{name}: does not load: {checks['load']['text']}"
    assert checks[expected]["result"] == "failed" and words in text, f"{name}: {expected}: {text}"
    print(f"ok   {name}: {expected}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--adapter", action="append", default=[])
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--input", action="append", default=[])
    parser.add_argument("--without-swift", action="store_true", help="leave the template in Swift out: it builds long")
    options = parser.parse_args()
    program = options.bin / "adapter-check"
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="slipway-adapters-") as scratch:
        scratch = pathlib.Path(scratch)
        cases = []

        def template(language, library):
            def run():
                build(TEMPLATES / f"adapter-{language}", f"SLIPWAY={ROOT}", f"OUT={scratch}/{language}")
                passing(
                    program, f"the template in {language}", scratch / language / library,
                    TEMPLATES / f"adapter-{language}" / "model")
            return run

        def broken(name, expected, words):
            return lambda: failing(program, name, scratch / "broken" / f"lib{name}Adapter.so", expected, words)

        def given(library, model, index):
            more = ["--input", options.input[index]] if index < len(options.input) else []
            return lambda: passing(program, library, library, model, *more)

        build(ROOT / "Tests" / "BrokenAdapters", f"OUT={scratch}/broken")
        cases.append(template("c", "libLinearAdapter.so"))
        if not options.without_swift:
            cases.append(template("swift", "libLinearSwiftAdapter.so"))
        cases += [broken(name, *finding) for name, finding in BROKEN.items()]
        cases += [given(library, model, index)
                  for index, (library, model) in enumerate(zip(options.adapter, options.model, strict=True))]
        for case in cases:
            try:
                case()
            except (AssertionError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                wrong += 1
                print(f"FAIL {error}")
    print(f"{len(cases)} adapters, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
