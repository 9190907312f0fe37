"""What adapter-check says of adapters: ours and the templates, built outside of the package, pass; broken ones fail by
name."""

import json
import pathlib
import subprocess

import sample_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "Docs" / "templates"

# Each broken adapter with a check that has to find it out, and words that have to be in what is said of it.
BROKEN = {
    "Crashing": ("load", "SIGSEGV"),
    "Hanging": ("load", "it hung"),
    "Leaking": ("reload", "memory grows by 8"),
    "EmptyBatch": ("empty-batch", "SIGFPE"),
    "Overrunning": ("answer", "wrote past the end of output"),
    "Mixing": ("concurrent", "while others executed"),
    "NeverCompleting": ("answer", "never completed"),
    "TwiceCompleting": ("answer", "completed an execution twice"),
    "Wordless": ("wrong-rank", "without a text"),
    "Accepting": ("wrong-shape", "it answers shape"),
    "Promising": ("also-takes", "also takes INT32, it says, and refuses it"),
}


def build(folder, *arguments):
    done = subprocess.run(["make", "-s", "-C", str(folder), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def check(context, library, model, *arguments):
    """Runs adapter-check; gives its exit code and its checks by name."""
    command = [context.binaries / "adapter-check", library, "--model", model, "--output", "json", *arguments]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=1800, env=context.environment)
    assert done.returncode in (0, 1), done
    return done.returncode, {found["name"]: found for found in json.loads(done.stdout)["checks"]}


def passing(context, library, model, *arguments):
    # A thousand loads where there is time for them.
    limits = ["--loads", 1000] if context.is_full else ["--loads", 40, "--seconds", 15]
    code, checks = check(context, library, model, *limits, *arguments)
    failed = [f"{found['name']}: {found['text']}" for found in checks.values() if found["result"] == "failed"]
    assert code == 0 and not failed, f"exit code {code}; " + "; ".join(failed)
    return f"{len(checks)} checks"


def template(context, language, library):
    output = context.folder / language
    build(TEMPLATES / f"adapter-{language}", f"SLIPWAY={ROOT}", f"OUT={output}")
    return passing(context, output / library, TEMPLATES / f"adapter-{language}" / "model")


def case_template_in_c(context):
    """the template in C is built outside of the package and keeps its contract"""
    return template(context, "c", "libLinearAdapter.so")


def case_template_in_swift(context):
    """the template in Swift is built outside of the package and keeps its contract"""
    return template(context, "swift", "libLinearSwiftAdapter.so")


def case_onnxruntime(context):
    """ONNX Runtime's adapter keeps its contract"""
    sample_models.network(context.folder)
    return passing(context, context.binaries / "libOnnxRuntimeAdapter.so", context.folder)


def case_xgboost(context):
    """XGBoost's adapter keeps its contract"""
    sample_models.boosted(context.folder)
    return passing(context, context.binaries / "libXGBoostAdapter.so", context.folder)


def case_lightgbm(context):
    """LightGBM's adapter keeps its contract"""
    sample_models.leafwise(context.folder)
    return passing(context, context.binaries / "libLightGBMAdapter.so", context.folder)


def case_python(context):
    """Python's adapter keeps its contract with a script of tensors"""
    sample_models.script(context.folder)
    return passing(context, context.binaries / "libPythonAdapter.so", context.folder)


def case_python_documents(context):
    """Python's adapter keeps its contract with a script of documents"""
    sample_models.script(context.folder, "import json\ndef run(data):\n    return json.loads(data)\n")
    (context.folder.parent / "document.json").write_text('{"data": [1, 2]}')
    return passing(
        context, context.binaries / "libPythonAdapter.so", context.folder, "--input",
        context.folder.parent / "document.json")


def case_broken(context):
    """each adapter that breaks its contract is failed, with what it did"""
    build(ROOT / "Tests" / "BrokenAdapters", f"OUT={context.folder}")
    for name, (expected, words) in BROKEN.items():
        # What hangs is given most of a minute.
        if name == "Hanging" and not context.is_full:
            continue
        limits = ["--seconds", "9", "--check", expected, "--check", "load"]
        code, checks = check(
            context, context.folder / f"lib{name}Adapter.so", TEMPLATES / "adapter-c" / "model", *limits)
        text = checks[expected]["text"]
        assert code == 1, f"{name}: exit code {code}"
        assert expected == "load" or checks["load"]["result"] == "passed", f"{name}: does not load: {checks['load']}"
        assert checks[expected]["result"] == "failed" and words in text, f"{name}: {expected}: {text}"
    return f"{len(BROKEN) if context.is_full else len(BROKEN) - 1} adapters"


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
