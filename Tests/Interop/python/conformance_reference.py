"""Calls the conformance server with clients that share nothing with ours: http.client, h2, grpcio.

What is compared here is the wire itself: HTTP status, headers, the JSON of errors, prefixes and trailers.
"""

import base64
import gzip
import http.client
import json
import queue
import socket
import ssl
import time
import urllib.parse

import stubs  # noqa: F401  (makes the contracts importable)
import grpc
from connectrpc.conformance.v1 import config_pb2, service_pb2, service_pb2_grpc
from google.protobuf import json_format
from google.rpc import status_pb2
from grpc_status import rpc_status

import conformance_cases as cases
import wire
from checks import Failure, expect, expect_equal

PREFIX = f"/{cases.SERVICE}/"
TIMEOUT = 10
END_STREAM = 2
INFO = service_pb2.ConformancePayload.RequestInfo
HTTP_STATUS = {
    "canceled": 499, "unknown": 500, "invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404,
    "already_exists": 409, "permission_denied": 403, "resource_exhausted": 429, "failed_precondition": 400,
    "aborted": 409, "out_of_range": 400, "unimplemented": 501, "internal": 500, "unavailable": 503, "data_loss": 500,
    "unauthenticated": 401,
}


class Answer:
    """An HTTP response. Header names are lower case; repeated ones stay apart."""

    def __init__(self, status, headers, body, trailers=()):
        self.status = status
        self.headers = headers
        self.trailers = list(trailers)
        self.body = body

    def all(self, name):
        """Every value of a header, comma-separated lists taken apart."""
        found = [value for key, value in self.headers if key == name]
        return [part.strip() for value in found for part in value.split(",")]

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    @property
    def content_type(self):
        return (self.header("content-type") or "").split(";")[0].strip()

    def plain(self):
        """The body without its content-encoding."""
        encoding = self.header("content-encoding") or "identity"
        expect(encoding in ("identity", "gzip"), f"content-encoding {encoding} was not asked for")
        return gzip.decompress(self.body) if encoding == "gzip" else self.body


class Target:
    """The server, and how to exchange HTTP with it."""

    def __init__(self, host, port, version):
        self.host, self.port, self.version = host, port, version

    def exchange(self, method, path, headers=(), body=b""):
        if self.version == cases.HTTP_1:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
            try:
                connection.putrequest(method, path, skip_accept_encoding=True)
                for name, value in headers:
                    connection.putheader(name, value)
                if body or method == "POST":
                    connection.putheader("content-length", str(len(body)))
                connection.endheaders(body or None)
                response = connection.getresponse()
                pairs = [(name.lower(), value) for name, value in response.getheaders()]
                return Answer(response.status, pairs, response.read())
            finally:
                connection.close()
        with self.http2() as connection:
            response = connection.request(method, path, headers, body, TIMEOUT)
            # A server that answers before the request is complete may stop it with NO_ERROR (RFC 9113, section 8.1).
            expect(response.reset in (None, 0), f"the stream was reset with code {response.reset}")
            return Answer(response.status, response.headers, response.body, response.trailers)

    def http2(self):
        return wire.Http2Client(wire.connect(self.host, self.port, timeout=TIMEOUT), f"{self.host}:{self.port}")

    def unary(self, request, codec="json", method="Unary", headers=()):
        """A unary Connect call by POST."""
        body = request if isinstance(request, bytes) else encode(request, codec)
        standard = [("content-type", f"application/{codec}"), ("connect-protocol-version", "1")]
        return self.exchange("POST", PREFIX + method, standard + list(headers), body)

    def stream(self, method, requests, codec="json", headers=(), body=None):
        """A streaming Connect call."""
        if body is None:
            body = b"".join(wire.envelope(encode(request, codec)) for request in requests)
        standard = [("content-type", f"application/connect+{codec}"), ("connect-protocol-version", "1")]
        return self.exchange("POST", PREFIX + method, standard + list(headers), body)

    def grpc(self, method, body, headers=(), content_type="application/grpc+proto", verb="POST"):
        standard = [("content-type", content_type), ("te", "trailers")]
        path = method if method.startswith("/") else PREFIX + method
        with self.http2() as connection:
            response = connection.request(verb, path, standard + list(headers), body, TIMEOUT)
            expect(response.reset in (None, 0), f"the stream was reset with code {response.reset}")
            return response


def encode(message, codec):
    return message.SerializeToString() if codec == "proto" else json_format.MessageToJson(message).encode()


def decode(data, kind, codec):
    return kind.FromString(data) if codec == "proto" else json_format.Parse(data, kind())


def unary_request(kind=service_pb2.UnaryRequest, **options):
    options.setdefault("response_headers", cases.headers("x-custom-header", "foo", "bar"))
    options.setdefault("trailers", cases.headers("x-custom-trailer", "bing", "quux"))
    return kind(response_definition=cases.definition(cases.UNARY, **options))


def stream_request(kind=service_pb2.ServerStreamRequest, **options):
    options.setdefault("response_headers", cases.headers("x-custom-header", "foo", "bar"))
    options.setdefault("trailers", cases.headers("x-custom-trailer", "bing", "quux"))
    options.setdefault("data", (cases.DATA, b"second"))
    return kind(response_definition=cases.definition(cases.SERVER_STREAM, **options))


def problem(code="NOT_FOUND", message="nothing ☺ here"):
    detail = service_pb2.Header(name="detail", value=["one"])
    return cases.error(config_pb2.Code.Value(f"CODE_{code}"), message, [detail])


def expect_error(answer, code, message=None):
    """An error of a unary Connect call: JSON whatever the codec, and the status that belongs to the code."""
    expect_equal(answer.status, HTTP_STATUS[code], f"HTTP status of {code}")
    expect_equal(answer.content_type, "application/json", "content-type of an error")
    return expect_error_json(json.loads(answer.plain()), code, message)


def expect_error_json(body, code, message=None):
    expect_equal(body.get("code"), code, f"code in {json.dumps(body)[:300]}")
    if message is not None:
        expect_equal(body.get("message", ""), message, "message")
    for detail in body.get("details", []):
        expect(isinstance(detail.get("type"), str) and "/" not in detail["type"], f"type of a detail: {detail}")
        expect(isinstance(detail.get("value"), str) and "=" not in detail["value"], f"padding of a detail: {detail}")
    return body


def detail(body, index, kind):
    given = body["details"][index]
    expect_equal(given["type"], kind.DESCRIPTOR.full_name, f"type of detail {index}")
    return kind.FromString(base64.b64decode(given["value"] + "=="))


def expect_metadata(answer):
    expect_equal(answer.all("x-custom-header"), ["foo", "bar"], "x-custom-header")


def expect_trailer_headers(answer):
    expect_equal(answer.all("trailer-x-custom-trailer"), ["bing", "quux"], "trailer-x-custom-trailer")


def unary_success(target, codec):
    answer = target.unary(unary_request(), codec, headers=[("x-sent", "one"), ("x-sent", "two")])
    expect_equal(answer.status, 200, "HTTP status")
    expect_equal(answer.content_type, f"application/{codec}", "content-type")
    expect_metadata(answer)
    expect_trailer_headers(answer)
    payload = decode(answer.plain(), service_pb2.UnaryResponse, codec).payload
    expect_equal(payload.data, cases.DATA, "data")
    seen = {header.name.lower(): list(header.value) for header in payload.request_info.request_headers}
    expect_equal([part.strip() for value in seen.get("x-sent", []) for part in value.split(",")], ["one", "two"],
                 "x-sent as the server saw it")
    expect(not payload.request_info.HasField("timeout_ms"), "the server saw a timeout, none was sent")


def unary_content_type_with_charset(target):
    body = encode(unary_request(), "json")
    answer = target.exchange("POST", PREFIX + "Unary", [("content-type", "application/json; charset=utf-8")], body)
    expect_equal(answer.status, 200, "HTTP status")


def unary_empty_proto(target):
    answer = target.unary(b"", "proto")
    expect_equal(answer.status, 200, "HTTP status")
    payload = service_pb2.UnaryResponse.FromString(answer.plain()).payload
    expect_equal(len(payload.request_info.requests), 1, "number of requests seen")


def unary_error(target, codec):
    answer = target.unary(unary_request(problem=problem()), codec)
    body = expect_error(answer, "not_found", "nothing ☺ here")
    expect_metadata(answer)
    expect_trailer_headers(answer)
    expect_equal(len(body["details"]), 2, "number of details")
    expect_equal(detail(body, 0, service_pb2.Header).name, "detail", "first detail")
    expect_equal(len(detail(body, 1, INFO).requests), 1, "requests in the RequestInfo")


def unary_code(target, code):
    expect_error(target.unary(unary_request(problem=problem(code.upper(), code))), code, code)


def unary_timeout_seen(target):
    answer = target.unary(unary_request(), headers=[("connect-timeout-ms", "20000")])
    seen = decode(answer.plain(), service_pb2.UnaryResponse, "json").payload.request_info
    expect(19_000 <= seen.timeout_ms <= 20_000, f"the server saw a timeout of {seen.timeout_ms} ms, sent were 20000")


def unary_timeout_passed(target):
    start = time.monotonic()
    answer = target.unary(unary_request(delay=5000), headers=[("connect-timeout-ms", "200")])
    expect_error(answer, "deadline_exceeded")
    expect(time.monotonic() - start < 2, "the answer came long after the deadline")


def unary_timeout_wrong(target):
    for value in ("abc", "-5", "12345678901", "1.5", "0x10"):
        expect_error(target.unary(unary_request(), headers=[("connect-timeout-ms", value)]), "invalid_argument")


def unary_version_unknown(target):
    body = encode(unary_request(), "json")
    headers = [("content-type", "application/json"), ("connect-protocol-version", "2")]
    expect_error(target.exchange("POST", PREFIX + "Unary", headers, body), "invalid_argument")


def unary_broken(target):
    for codec, body in (("json", b"{"), ("json", b"{}x"), ("json", b"[]"), ("json", b'{"requestData": 1}'),
                        ("proto", b"\x0a\xff"), ("proto", b"\x07")):
        expect_error(target.unary(body, codec), "invalid_argument")


def unary_too_large(target):
    request = cases.padded(service_pb2.UnaryRequest(), cases.SERVER_LIMIT + 1)
    expect_error(target.unary(request, "proto"), "resource_exhausted")


def unary_too_large_when_unpacked(target):
    """Five megabytes that travel as five kilobytes."""
    body = gzip.compress(service_pb2.UnaryRequest(request_data=bytes(5 << 20)).SerializeToString())
    answer = target.unary(body, "proto", headers=[("content-encoding", "gzip")])
    expect_error(answer, "resource_exhausted")


def unary_gzip(target):
    request = unary_request(data=(bytes(10_000),))
    body = gzip.compress(encode(request, "proto"))
    headers = [("content-encoding", "gzip"), ("accept-encoding", "gzip")]
    answer = target.unary(body, "proto", headers=headers)
    expect_equal(answer.status, 200, "HTTP status")
    expect_equal(service_pb2.UnaryResponse.FromString(answer.plain()).payload.data, bytes(10_000), "data")


def unary_gzip_not_accepted(target):
    answer = target.unary(unary_request(data=(bytes(10_000),)), "proto", headers=[("accept-encoding", "identity")])
    expect_equal(answer.header("content-encoding") or "identity", "identity", "content-encoding")


def unary_gzip_broken(target):
    answer = target.unary(b"this is not gzip", "proto", headers=[("content-encoding", "gzip")])
    expect_error(answer, "invalid_argument")


def unary_unknown_compression(target):
    expect_error(target.unary(unary_request(), headers=[("content-encoding", "foo")]), "unimplemented")


def unary_unknown_content_type(target):
    for content_type in ("image/jpeg", "application/foo"):
        answer = target.exchange("POST", PREFIX + "Unary", [("content-type", content_type)], b"12345678")
        expect_equal(answer.status, 415, f"HTTP status of {content_type}")


def unary_unknown_method(target):
    for path in (PREFIX + "NoSuchMethod", "/no.such.Service/Method"):
        answer = target.exchange("POST", path, [("content-type", "application/json")], b"{}")
        expect_equal(answer.status, 404, f"HTTP status of {path}")


def unary_unimplemented(target):
    expect_error(target.unary(b"{}", method="Unimplemented"), "unimplemented")


def unary_wrong_verb(target):
    for verb in ("PUT", "DELETE"):
        answer = target.exchange(verb, PREFIX + "Unary", [("content-type", "application/json")], b"{}")
        expect_equal(answer.status, 405, f"HTTP status of {verb}")
        expect("POST" in answer.all("allow"), f"allow of {verb}: {answer.all('allow')}")


def get(target, method="IdempotentUnary", **query):
    headers = query.pop("headers", [])
    return target.exchange("GET", f"{PREFIX}{method}?{urllib.parse.urlencode(query)}", headers)


def get_success(target):
    request = unary_request(service_pb2.IdempotentUnaryRequest)
    binary = encode(request, "proto")
    padded = base64.urlsafe_b64encode(binary).decode()
    packed = base64.urlsafe_b64encode(gzip.compress(binary)).decode()
    queries = [
        ("json", dict(connect="v1", encoding="json", message=encode(request, "json").decode())),
        ("json", dict(message=encode(request, "json").decode(), unknown="1", encoding="json")),
        ("proto", dict(connect="v1", base64="1", encoding="proto", message=padded)),
        ("proto", dict(connect="v1", base64="1", encoding="proto", message=padded.rstrip("="))),
        ("proto", dict(connect="v1", base64="1", compression="gzip", encoding="proto", message=packed)),
    ]
    for codec, query in queries:
        answer = get(target, **query)
        expect_equal(answer.status, 200, f"HTTP status of {sorted(query)}")
        expect_equal(answer.content_type, f"application/{codec}", "content-type")
        expect_trailer_headers(answer)
        payload = decode(answer.plain(), service_pb2.IdempotentUnaryResponse, codec).payload
        expect_equal(payload.data, cases.DATA, "data")
        expect(payload.request_info.HasField("connect_get_info"), "no connect_get_info")


def get_error(target):
    request = unary_request(service_pb2.IdempotentUnaryRequest, problem=problem())
    answer = get(target, connect="v1", encoding="json", message=encode(request, "json").decode())
    expect_error(answer, "not_found", "nothing ☺ here")


def get_not_allowed(target):
    """Only methods without side effects are called by GET."""
    answer = get(target, "Unary", connect="v1", encoding="json", message="{}")
    expect_equal(answer.status, 405, "HTTP status")
    expect("POST" in answer.all("allow"), f"allow: {answer.all('allow')}")


def get_wrong(target):
    expect_equal(get(target, connect="v1", encoding="foo", message="{}").status, 415, "HTTP status of encoding=foo")
    expect_error(get(target, connect="v1", encoding="json", message="{"), "invalid_argument")
    expect_error(get(target, connect="v2", encoding="json", message="{}"), "invalid_argument")
    wrong = get(target, connect="v1", encoding="proto", base64="1", message="%%%")
    expect_error(wrong, "invalid_argument")
    packed = get(target, connect="v1", encoding="json", compression="foo", message="{}")
    expect_error(packed, "unimplemented")


def split(answer, codec):
    """Messages and the JSON that ends a Connect stream."""
    expect_equal(answer.status, 200, "HTTP status of a stream")
    expect_equal(answer.content_type, f"application/connect+{codec}", "content-type of a stream")
    frames = wire.split_envelopes(answer.body)
    expect(frames, "the stream has no end message")
    unpack = lambda flags, data: gzip.decompress(data) if flags & 1 else data  # noqa: E731
    for flags, _ in frames[:-1]:
        expect(flags in (0, 1), f"flags {flags} on a message before the last")
    flags, last = frames[-1]
    expect(flags & END_STREAM, f"flags {flags} on the last message")
    return [unpack(*frame) for frame in frames[:-1]], json.loads(unpack(flags, last))


def expect_stream_metadata(end):
    metadata = {name.lower(): values for name, values in end.get("metadata", {}).items()}
    expect_equal(metadata.get("x-custom-trailer"), ["bing", "quux"], "x-custom-trailer in the end message")


def stream_success(target, codec):
    answer = target.stream("ServerStream", [stream_request()], codec)
    messages, end = split(answer, codec)
    payloads = [decode(data, service_pb2.ServerStreamResponse, codec).payload for data in messages]
    expect_equal([payload.data for payload in payloads], [cases.DATA, b"second"], "data")
    expect(payloads[0].HasField("request_info"), "the first response lacks the RequestInfo")
    expect_metadata(answer)
    expect("error" not in end, f"an error came: {end}")
    expect_stream_metadata(end)


def stream_error(target):
    messages, end = split(target.stream("ServerStream", [stream_request(problem=problem(), data=())]), "json")
    expect_equal(messages, [], "messages")
    body = expect_error_json(end.get("error", {}), "not_found", "nothing ☺ here")
    expect_equal(len(detail(body, 1, INFO).requests), 1, "requests in the RequestInfo")
    expect_stream_metadata(end)


def stream_error_after_messages(target):
    messages, end = split(target.stream("ServerStream", [stream_request(problem=problem())]), "json")
    expect_equal(len(messages), 2, "number of messages")
    body = expect_error_json(end.get("error", {}), "not_found", "nothing ☺ here")
    expect_equal(len(body["details"]), 1, "number of details")


def stream_timeout(target):
    request = stream_request(delay=5000)
    start = time.monotonic()
    _, end = split(target.stream("ServerStream", [request], headers=[("connect-timeout-ms", "200")]), "json")
    expect_error_json(end.get("error", {}), "deadline_exceeded")
    expect(time.monotonic() - start < 2, "the answer came long after the deadline")


def stream_gzip(target):
    body = wire.compressed_envelope(encode(stream_request(data=(bytes(10_000),)), "proto"))
    headers = [("connect-content-encoding", "gzip"), ("connect-accept-encoding", "gzip")]
    answer = target.stream("ServerStream", None, "proto", headers, body)
    messages, _ = split(answer, "proto")
    expect_equal(service_pb2.ServerStreamResponse.FromString(messages[0]).payload.data, bytes(10_000), "data")


def stream_refused(target):
    """Streams that are broken in themselves. The answer is still a stream with an end message."""
    message = encode(stream_request(), "proto")
    gzipped = [("connect-content-encoding", "identity")]
    broken = [
        ("no request", b"", (), ("unimplemented", "invalid_argument", "internal")),
        ("two requests", wire.envelope(message) * 2, (), ("unimplemented", "invalid_argument", "internal")),
        ("compressed without encoding", wire.envelope(gzip.compress(message), 1), gzipped,
         ("internal", "invalid_argument")),
        ("unknown encoding", wire.envelope(message), [("connect-content-encoding", "foo")], ("unimplemented",)),
        ("cut off message", wire.envelope(message)[:-1], (), ("invalid_argument", "internal")),
        ("cut off prefix", b"\0\0\0", (), ("invalid_argument", "internal")),
        ("not a message", wire.envelope(b"\x0a\xff"), (), ("invalid_argument",)),
        ("too large", wire.envelope(bytes(cases.SERVER_LIMIT + 1)), (), ("resource_exhausted",)),
        ("lying length", b"\0\xff\xff\xff\xff", (), ("resource_exhausted", "invalid_argument", "internal")),
    ]
    for name, body, headers, codes in broken:
        _, end = split(target.stream("ServerStream", None, "proto", headers, body), "proto")
        code = end.get("error", {}).get("code")
        expect(code in codes, f"{name}: the code should be one of {codes}, is {code}")


def stream_content_types(target):
    for method, content_type in (("ServerStream", "application/json"), ("Unary", "application/connect+json"),
                                 ("ServerStream", "application/connect+foo")):
        answer = target.exchange("POST", PREFIX + method, [("content-type", content_type)], b"{}")
        expect_equal(answer.status, 415, f"HTTP status of {content_type} for {method}")


def client_stream(target):
    first = unary_request(service_pb2.ClientStreamRequest)
    requests = [first, service_pb2.ClientStreamRequest(request_data=b"more")]
    messages, end = split(target.stream("ClientStream", requests), "json")
    expect_equal(len(messages), 1, "number of messages")
    payload = json_format.Parse(messages[0], service_pb2.ClientStreamResponse()).payload
    expect_equal(payload.data, cases.DATA, "data")
    expect_equal(len(payload.request_info.requests), 2, "requests seen")
    expect_stream_metadata(end)


def grpc_messages(response, kind):
    expect_equal(response.status, 200, "HTTP status")
    content_type = response.header("content-type") or ""
    expect(content_type.startswith("application/grpc"), f"content-type {content_type}")
    return [kind.FromString(gzip.decompress(data) if flags else data)
            for flags, data in wire.split_envelopes(response.body)]


def expect_status(response, codes, what):
    """The gRPC status; of a response that is not gRPC at all, the code its HTTP status stands for."""
    status = response.trailer("grpc-status")
    if status is None:
        by_http = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
        status = by_http.get(response.status, 2)
    expect(int(status) in codes, f"{what}: status {status} ({response.trailer('grpc-message')}), not one of {codes}")


def grpc_success(target):
    body = wire.envelope(encode(unary_request(), "proto"))
    for content_type in ("application/grpc", "application/grpc+proto"):
        response = target.grpc("Unary", body, content_type=content_type)
        (message,) = grpc_messages(response, service_pb2.UnaryResponse)
        expect_equal(message.payload.data, cases.DATA, "data")
        expect_equal(response.trailer("grpc-status"), "0", "grpc-status")
        expect_equal(dict(response.headers).get("grpc-status"), None, "grpc-status among headers beside a message")
        values = [part.strip() for name, value in response.headers if name == "x-custom-header"
                  for part in value.split(",")]
        expect_equal(values, ["foo", "bar"], "x-custom-header")
        values = [part.strip() for name, value in response.trailers if name == "x-custom-trailer"
                  for part in value.split(",")]
        expect_equal(values, ["bing", "quux"], "x-custom-trailer")


def grpc_json(target):
    response = target.grpc("Unary", wire.envelope(encode(unary_request(), "json")),
                           content_type="application/grpc+json")
    expect_equal(response.trailer("grpc-status"), "0", "grpc-status")
    ((_, data),) = wire.split_envelopes(response.body)
    expect_equal(json_format.Parse(data, service_pb2.UnaryResponse()).payload.data, cases.DATA, "data")


def grpc_error(target):
    response = target.grpc("Unary", wire.envelope(encode(unary_request(problem=problem()), "proto")))
    expect_equal(response.status, 200, "HTTP status")
    expect_equal(response.trailer("grpc-status"), "5", "grpc-status")
    expect_equal(response.trailer("grpc-message"), "nothing %E2%98%BA here", "grpc-message")
    details = response.trailer("grpc-status-details-bin")
    expect(details, "no grpc-status-details-bin")
    status = status_pb2.Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    expect_equal((status.code, status.message), (5, "nothing ☺ here"), "status in grpc-status-details-bin")
    expect_equal([packed.TypeName() for packed in status.details],
                 [service_pb2.Header.DESCRIPTOR.full_name, INFO.DESCRIPTOR.full_name], "types of the details")


def grpc_gzip(target):
    body = wire.compressed_envelope(encode(unary_request(data=(bytes(10_000),)), "proto"))
    response = target.grpc("Unary", body, [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip")])
    (message,) = grpc_messages(response, service_pb2.UnaryResponse)
    expect_equal(message.payload.data, bytes(10_000), "data")


def grpc_timeout(target):
    body = wire.envelope(encode(unary_request(), "proto"))
    for value, least, most in (("20S", 19_000, 20_000), ("20000m", 19_000, 20_000), ("2M", 119_000, 120_000),
                               ("20000000u", 19_000, 20_000), ("1H", 3_599_000, 3_600_000)):
        (message,) = grpc_messages(target.grpc("Unary", body, [("grpc-timeout", value)]), service_pb2.UnaryResponse)
        seen = message.payload.request_info.timeout_ms
        expect(least <= seen <= most, f"grpc-timeout {value}: the server saw {seen} ms")
    start = time.monotonic()
    slow = wire.envelope(encode(unary_request(delay=5000), "proto"))
    expect_status(target.grpc("Unary", slow, [("grpc-timeout", "200m")]), (4,), "a deadline that passed")
    expect(time.monotonic() - start < 2, "the answer came long after the deadline")


def grpc_refused(target):
    """What a server refuses, with the codes that the public suite allows."""
    message = wire.envelope(b"")
    large = wire.envelope(encode(cases.padded(service_pb2.UnaryRequest(), cases.SERVER_LIMIT + 1), "proto"))
    refused = [
        ("no request", "Unary", b"", (), (12, 13, 3)),
        ("two requests", "Unary", message * 2, (), (12, 13, 3)),
        ("no request of a server stream", "ServerStream", b"", (), (12, 13, 3)),
        ("two requests of a server stream", "ServerStream", message * 2, (), (12, 13, 3)),
        ("unknown method", "NoSuchMethod", message, (), (12,)),
        ("unknown service", "/no.such.Service/Method", message, (), (12,)),
        ("method that is declared only", "Unimplemented", message, (), (12,)),
        ("unknown compression", "Unary", message, [("grpc-encoding", "foo")], (12,)),
        ("compressed without encoding", "Unary", wire.compressed_envelope(b""), [("grpc-encoding", "identity")], (13,)),
        ("broken gzip", "Unary", wire.envelope(b"not gzip", 1), [("grpc-encoding", "gzip")], (13, 3)),
        ("cut off message", "ClientStream", b"\0\0\0\0\x0aAAAA", (), (13, 3)),
        ("cut off prefix", "ClientStream", b"\0\0\0", (), (13, 3)),
        ("not a message", "Unary", wire.envelope(b"\x0a\xff"), (), (13, 3)),
        ("too large", "Unary", large, (), (8,)),
        ("too large when unpacked", "Unary", wire.compressed_envelope(bytes(5 << 20)), [("grpc-encoding", "gzip")],
         (8,)),
        ("lying length", "Unary", b"\0\xff\xff\xff\xff", (), (8, 13, 3)),
    ]
    for name, method, body, headers, codes in refused:
        expect_status(target.grpc(method, body, headers), codes, name)
    wrong = target.grpc("Unary", message, content_type="application/grpc+foo")
    expect_status(wrong, (2, 12, 13), "unknown codec")
    expect_status(target.grpc("Unary", message, verb="DELETE"), (2, 12, 13), "wrong verb")


def grpc_names_compressions(target):
    """A client that used an unknown compression has to learn the known ones."""
    response = target.grpc("Unary", wire.envelope(b""), [("grpc-encoding", "foo")])
    known = response.trailer("grpc-accept-encoding") or response.header("grpc-accept-encoding") or ""
    expect("gzip" in known.split(","), f"grpc-accept-encoding is '{known}'")


def with_stub(target, check):
    with grpc.insecure_channel(f"{target.host}:{target.port}") as channel:
        check(service_pb2_grpc.ConformanceServiceStub(channel))


def grpcio_unary(stub):
    response, call = stub.Unary.with_call(unary_request(), timeout=TIMEOUT, metadata=(("x-sent", "one"),))
    expect_equal(response.payload.data, cases.DATA, "data")
    expect("x-sent" in {header.name for header in response.payload.request_info.request_headers}, "x-sent is lost")
    headers = [value for name, value in call.initial_metadata() if name == "x-custom-header"]
    trailers = [value for name, value in call.trailing_metadata() if name == "x-custom-trailer"]
    expect_equal((headers, trailers), (["foo", "bar"], ["bing", "quux"]), "metadata")
    # grpcio sends somewhat more than it was given.
    seen = stub.Unary(unary_request(), timeout=20).payload.request_info.timeout_ms
    expect(19_000 < seen <= 20_200, f"the server saw a timeout of {seen} ms, 20000 were given")


def grpcio_error(stub):
    try:
        stub.Unary(unary_request(problem=problem()), timeout=TIMEOUT)
    except grpc.RpcError as failure:
        expect_equal(failure.code(), grpc.StatusCode.NOT_FOUND, "code")
        expect_equal(failure.details(), "nothing ☺ here", "message")
        status = rpc_status.from_call(failure)
        expect(status is not None and len(status.details) == 2, f"details: {status}")
        info = INFO()
        expect(status.details[1].Unpack(info) and len(info.requests) == 1, "no RequestInfo among the details")
    else:
        raise Failure("no error came")


def grpcio_streams(stub):
    payloads = [response.payload for response in stub.ServerStream(stream_request(), timeout=TIMEOUT)]
    expect_equal([payload.data for payload in payloads], [cases.DATA, b"second"], "data of the server stream")
    requests = [unary_request(service_pb2.ClientStreamRequest), service_pb2.ClientStreamRequest(request_data=b"x")]
    response = stub.ClientStream(iter(requests), timeout=TIMEOUT)
    expect_equal(len(response.payload.request_info.requests), 2, "requests seen of the client stream")


def grpcio_full_duplex(stub):
    """Each response is awaited before the next request goes out."""
    requests = queue.SimpleQueue()
    call = stub.BidiStream(iter(requests.get, None), timeout=TIMEOUT)
    answer = cases.definition(cases.FULL_DUPLEX, (b"0", b"1", b"2"))
    for number in range(3):
        first = service_pb2.BidiStreamRequest(response_definition=answer, full_duplex=True)
        requests.put(first if number == 0 else service_pb2.BidiStreamRequest(request_data=b"next"))
        payload = next(call).payload
        expect_equal(payload.data, b"%d" % number, "data")
        expect_equal(len(payload.request_info.requests), 1, f"requests echoed in response {number}")
    requests.put(None)
    expect_equal(list(call), [], "responses after the last request")


def with_certificate(server, certificate):
    """A unary call over TLS, with a client certificate or without: the HTTP status."""
    context = ssl.create_default_context(cadata=server.certificate.decode())
    if certificate:
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=TIMEOUT, context=context)
    try:
        connection.request("POST", PREFIX + "Unary", b"{}", {"content-type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def certificate_trusted(server, folder):
    expect_equal(with_certificate(server, folder / "lone-client"), 200, "HTTP status with the trusted certificate")


def certificate_refused(server, certificate):
    """With TLS 1.3 the client learns of the refusal only when it reads."""
    try:
        status = with_certificate(server, certificate)
    except (OSError, http.client.HTTPException):
        return
    raise Failure(f"the server answered {status}")


def certificate_protocols(server, folder):
    """The server picks HTTP/2 when it is offered, and HTTP/1.1 when it alone is."""
    for offered, wanted in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
        context = ssl.create_default_context(cadata=server.certificate.decode())
        context.load_cert_chain(folder / "lone-client.pem", folder / "lone-client.key")
        context.set_alpn_protocols(offered)
        with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                expect_equal(secure.selected_alpn_protocol(), wanted, f"protocol of those offered {offered}")


def certificate_checks():
    yield "reference/certificates/trusted", certificate_trusted
    yield "reference/certificates/none", lambda server, folder: certificate_refused(server, None)
    yield "reference/certificates/stranger", lambda server, folder: certificate_refused(server, folder / "stranger")
    yield "reference/certificates/alpn", certificate_protocols


def connect_checks():
    for codec in ("json", "proto"):
        yield f"unary_success_{codec}", lambda target, codec=codec: unary_success(target, codec)
        yield f"unary_error_{codec}", lambda target, codec=codec: unary_error(target, codec)
        yield f"stream_success_{codec}", lambda target, codec=codec: stream_success(target, codec)
    for code in HTTP_STATUS:
        yield f"unary_code_{code}", lambda target, code=code: unary_code(target, code)
    for check in (
        unary_content_type_with_charset, unary_empty_proto, unary_timeout_seen, unary_timeout_passed,
        unary_timeout_wrong, unary_version_unknown, unary_broken, unary_too_large, unary_too_large_when_unpacked,
        unary_gzip, unary_gzip_not_accepted, unary_gzip_broken, unary_unknown_compression, unary_unknown_content_type,
        unary_unknown_method, unary_unimplemented, unary_wrong_verb, get_success, get_error, get_not_allowed,
        get_wrong, stream_error, stream_error_after_messages, stream_timeout, stream_gzip, stream_refused,
        stream_content_types, client_stream,
    ):
        yield check.__name__, check


def grpc_checks():
    for check in (grpc_success, grpc_json, grpc_error, grpc_gzip, grpc_timeout, grpc_refused,
                  grpc_names_compressions):
        yield check.__name__.removeprefix("grpc_"), check
    for check in (grpcio_unary, grpcio_error, grpcio_streams, grpcio_full_duplex):
        yield check.__name__, lambda target, check=check: with_stub(target, check)


def checks(version, protocol):
    """(name, check) for one HTTP version and protocol."""
    label = "connect" if protocol == cases.CONNECT else "grpc"
    for name, check in connect_checks() if protocol == cases.CONNECT else grpc_checks():
        yield f"reference/{label}/http{version}/{name}", check


def names():
    for version, protocol in ((cases.HTTP_1, cases.CONNECT), (cases.HTTP_2, cases.CONNECT), (cases.HTTP_2, cases.GRPC)):
        for name, _ in checks(version, protocol):
            yield name
    for name, _ in certificate_checks():
        yield name


def run(report, host, port, version, protocol):
    target = Target(host, port, version)
    for name, check in checks(version, protocol):
        report.run(name, check, target)
