"""Loads an entry script."""

import inspect
import os
import sys
import types

from . import _errors, _shims, _tensor_types as tensor, schema
from ._document import DocumentScript
from ._errors import Refusal
from ._tensors import TensorScript


def load(path, folder):
    """Runs a script and its `init()`. Raises Refusal."""
    shown = os.path.relpath(path, folder)
    _shims.install()
    sys.path.insert(0, os.path.dirname(path))
    if os.path.dirname(path) != folder:
        sys.path.insert(1, folder)
    with open(path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = f": {error.text.strip()}" if error.text else ""
        raise Refusal(_errors.FAILED_PRECONDITION, f"{shown}, line {error.lineno or 0}, column {error.offset or 0}: "
                      f"{type(error).__name__}: {error.msg}{text}") from None
    except ValueError as error:
        raise Refusal(_errors.FAILED_PRECONDITION, f"{shown} is no Python source: {error}") from None
    module = types.ModuleType("entry_module")
    module.__file__ = path
    sys.modules["entry_module"] = module
    _guarded(lambda: exec(code, module.__dict__), shown, folder)
    driver = getattr(module, "driver_module", None)
    run = getattr(driver, "run", None) if isinstance(driver, types.ModuleType) else None
    run = run or getattr(module, "run", None)
    if not callable(run):
        raise Refusal(_errors.FAILED_PRECONDITION, f"{shown} defines no run(); it is called with each request's data")
    init = getattr(module, "init", None)
    if init is not None:
        _guarded(init, f"{shown}: init()", folder)
    return _guarded(lambda: _model(run), shown, folder)


def _model(run):
    if inspect.iscoroutinefunction(run):
        # Not at the top: it takes longer to import than all the rest.
        import asyncio
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)

        def call(arguments):
            return loop.run_until_complete(run(**arguments))
    else:
        def call(arguments):
            return run(**arguments)

    declared = tensor.declared(run)
    if declared:
        if schema.declared(run):
            raise Refusal(_errors.FAILED_PRECONDITION, "run() is decorated with both tensors() and @input_schema")
        return TensorScript.of(run, declared, call)
    return DocumentScript(run, call)


def _guarded(work, what, folder):
    try:
        return work()
    except Refusal:
        raise
    except MemoryError as error:
        raise Refusal(_errors.RESOURCE_EXHAUSTED, f"{what} needs more memory than its limit allows"
                      f"{_errors.where(error, folder)}") from error
    except ImportError as error:
        raise Refusal(_errors.FAILED_PRECONDITION, f"{what}: {_errors.in_a_line(error)}"
                      f"{_errors.where(error, folder)}; the interpreter is {_errors.interpreter()}") from error
    except BaseException as error:
        raise Refusal(_errors.FAILED_PRECONDITION,
                      f"{what}: {_errors.in_a_line(error)}{_errors.where(error, folder)}") from error
