"""What a script returned, as JSON."""

import dataclasses
import json
import math

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(", ", ": "),
                           default=lambda value: _known(value)).encode


def to_json(value):
    """JSON in UTF-8. What numpy and pandas hold becomes arrays and records; NaN and the infinities, which JSON has not,
    become null. Raises TypeError for a value that JSON can't carry."""
    try:
        return _encode(value).encode("utf-8", "surrogatepass")
    except (ValueError, TypeError):
        # NaN somewhere, keys that are no texts, or something unknown: walk through it and say where.
        return _encode(_plain(value, "")).encode("utf-8", "surrogatepass")


def _known(value):
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if module == "pandas":
        if kind.__name__ == "DataFrame":
            return value.to_dict(orient="records")
        if kind.__name__ in ("NAType", "NaTType"):
            return None
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8")
    raise TypeError(f"a {kind.__name__} has no form in JSON")


def _plain(value, where):
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_key(name): _plain(item, f"{where}[{name!r}]") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    try:
        return _plain(_known(value), where)
    except TypeError as error:
        raise TypeError(f"{error}{f' (at {where})' if where and ' (at ' not in str(error) else ''}") from None


def _key(name):
    if isinstance(name, str):
        return name
    if isinstance(name, bool) or name is None:
        return {True: "true", False: "false", None: "null"}[name]
    return str(name.item() if hasattr(name, "item") else name)
