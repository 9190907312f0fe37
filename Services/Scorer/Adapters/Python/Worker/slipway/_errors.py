"""What a worker answers when something is wrong: a code, a line for the caller, a traceback for the log."""

import sys
import traceback

CANCELLED, UNKNOWN, INVALID_ARGUMENT, NOT_FOUND = 1, 2, 3, 5
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL = 8, 9, 12, 13

_LONGEST_MESSAGE = 2000
_LONGEST_TRACEBACK = 64 * 1024


class Refusal(Exception):
    """An error whose code and text are already those of the answer."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def in_a_line(error):
    """`ValueError: what was said`, of an error's first lines."""
    try:
        said = str(error)
    except Exception:
        said = ""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()][:3]
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "entry_module", "__main__") else kind.__module__ + "."
    name = f"{module}{kind.__qualname__}"
    return f"{name}: {' '.join(lines)}"[:_LONGEST_MESSAGE] if lines else name


def _of_script(error):
    """The part of an error's traceback that is not ours."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename.startswith(("slipway/", "<frozen importlib")):
        step = step.tb_next
    return step


def where(error, folder):
    """Where in the model's own files an error came from: ` (score.py, line 12)`."""
    place = ""
    step = _of_script(error)
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name.startswith(folder + "/"):
            place = f" ({name[len(folder) + 1:]}, line {step.tb_lineno})"
        step = step.tb_next
    return place


def whole(error):
    """The traceback, for the log."""
    try:
        text = "".join(traceback.format_exception(type(error), error, _of_script(error)))
    except Exception:
        text = in_a_line(error)
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = text[:half] + "\n  ...\n" + text[-half:]
    return text


def interpreter():
    return f"{sys.executable}, Python {sys.version.split()[0]}"
