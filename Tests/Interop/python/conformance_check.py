"""Compares what a client reported with what a case expects, and tells every difference."""

import difflib

import stubs  # noqa: F401  (makes the contracts importable)
from connectrpc.conformance.v1 import config_pb2, service_pb2
from google.protobuf import json_format, symbol_database, text_format

# How much less than the requested timeout a server may see, in milliseconds: some passes on the way.
TIMEOUT_TOLERANCE_MS = 500
REQUEST_INFO = service_pb2.ConformancePayload.RequestInfo


def show(message):
    return text_format.MessageToString(message, as_utf8=True)


def difference(what, expected, actual):
    lines = difflib.unified_diff(
        show(expected).splitlines(), show(actual).splitlines(), "expected", "actual", lineterm="", n=2)
    text = "\n".join(line if len(line) < 300 else line[:300] + "…" for line in lines)
    return f"{what} differs:\n{text}"


def unpacked(packed):
    kind = symbol_database.Default().GetSymbol(packed.TypeName())
    return kind.FromString(packed.value)


def values(headers):
    """Header values by lower-case name. Several entries and comma-separated lists mean the same."""
    found = {}
    for header in headers:
        for value in header.value:
            found.setdefault(header.name.lower(), []).extend(part.strip(" ") for part in value.split(","))
    return found


def header_problems(what, expected, actual):
    """Expected headers have to be there; others may."""
    seen = values(actual)
    for name, wanted in values(expected).items():
        if name not in seen:
            yield f"{what} lack {name}"
        elif seen[name] != wanted:
            yield f"{what}: {name} should be {wanted}, is {seen[name]}"


def metadata_problems(expected, actual):
    problems = list(header_problems("response headers", expected.response_headers, actual.response_headers))
    problems += header_problems("response trailers", expected.response_trailers, actual.response_trailers)
    if problems and not expected.payloads:
        # Without a message, a server may send headers and trailers as one block, and a client may call it either.
        wanted = list(expected.response_headers) + list(expected.response_trailers)
        for together in (actual.response_headers, actual.response_trailers):
            if not list(header_problems("response metadata", wanted, together)):
                return []
    return problems


def info_problems(what, expected, actual, first):
    if first:
        yield from header_problems(f"{what}: request headers", expected.request_headers, actual.request_headers)
        if expected.HasField("timeout_ms"):
            most, least = expected.timeout_ms, max(0, expected.timeout_ms - TIMEOUT_TOLERANCE_MS)
            if not actual.HasField("timeout_ms"):
                yield f"{what}: the server saw no timeout, {most} ms were sent"
            elif not least <= actual.timeout_ms <= most:
                yield f"{what}: the server saw a timeout of {actual.timeout_ms} ms, {most} ms were sent"
        elif actual.HasField("timeout_ms"):
            yield f"{what}: the server saw a timeout of {actual.timeout_ms} ms, none was sent"
        if expected.HasField("connect_get_info") != actual.HasField("connect_get_info"):
            sent = "GET" if expected.HasField("connect_get_info") else "POST"
            yield f"{what}: sent by {sent}, but connect_get_info says otherwise"
        if actual.connect_get_info.query_params:
            names = {parameter.name for parameter in actual.connect_get_info.query_params}
            for name in {"message", "encoding"} - names:
                yield f"{what}: the query lacks {name}: {sorted(names)}"
    if len(expected.requests) != len(actual.requests):
        yield f"{what}: {len(expected.requests)} requests should be echoed, not {len(actual.requests)}"
    for number, (wanted, seen) in enumerate(zip(expected.requests, actual.requests), 1):
        try:
            if unpacked(wanted) != unpacked(seen):
                yield difference(f"{what}: request {number}", unpacked(wanted), unpacked(seen))
        except Exception as error:
            yield f"{what}: request {number} cannot be read: {error}"


def payload_problems(expected, actual):
    if len(expected) != len(actual):
        yield f"{len(expected)} responses should come, not {len(actual)}"
    for number, (wanted, seen) in enumerate(zip(expected, actual), 1):
        if wanted.data != seen.data:
            yield f"response {number}: data should be {wanted.data[:40]!r} ({len(wanted.data)} bytes), " \
                  f"is {seen.data[:40]!r} ({len(seen.data)} bytes)"
        yield from info_problems(f"response {number}", wanted.request_info, seen.request_info, number == 1)


def error_problems(expected, actual, other_codes):
    if not expected.HasField("error"):
        if actual.HasField("error"):
            yield f"an error came: {show(actual.error)}"
        return
    if not actual.HasField("error"):
        yield f"no error came, {config_pb2.Code.Name(expected.error.code)} should"
        return
    wanted, seen = expected.error, actual.error
    if seen.code != wanted.code and seen.code not in other_codes:
        yield f"the code should be {config_pb2.Code.Name(wanted.code)}, is {config_pb2.Code.Name(seen.code)} " \
              f"({seen.message!r})"
    if not wanted.HasField("message"):
        return
    if wanted.message != seen.message:
        yield f"the message should be {wanted.message!r}, is {seen.message!r}"
    if len(wanted.details) != len(seen.details):
        yield f"{len(wanted.details)} details should come, not {len(seen.details)}: " \
              f"{[detail.TypeName() for detail in seen.details]}"
    for number, (one, other) in enumerate(zip(wanted.details, seen.details), 1):
        if one.TypeName() != other.TypeName():
            yield f"detail {number} should be a {one.TypeName()}, is a {other.TypeName()}"
        elif one.Is(REQUEST_INFO.DESCRIPTOR):
            yield from info_problems(f"detail {number}", unpacked(one), unpacked(other), True)
        elif unpacked(one) != unpacked(other):
            yield difference(f"detail {number}", unpacked(one), unpacked(other))


def problems(case, actual):
    """Every difference between a ClientResponseResult and what the case expects."""
    found = metadata_problems(case.expected, actual)
    found += payload_problems(case.expected.payloads, actual.payloads)
    found += error_problems(case.expected, actual, case.other_codes)
    found += [f"feedback of the client: {line}" for line in actual.feedback]
    return found


def describe(message, limit=2000):
    text = json_format.MessageToJson(message)
    return text if len(text) <= limit else text[:limit] + "…"
