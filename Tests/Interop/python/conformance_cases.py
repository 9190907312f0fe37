"""The cases of the conformance run, and what each has to yield by the contract of the service.

A case is written once and runs in every variant its suite allows: HTTP version, protocol, codec, compression, TLS. The
expected result is computed from the request: the service echoes what it saw, so the request says everything.
"""

import copy
import dataclasses

import stubs  # noqa: F401  (makes the contracts importable)
from connectrpc.conformance.v1 import client_compat_pb2, config_pb2, service_pb2
from google.protobuf import any_pb2

HTTP_1, HTTP_2 = config_pb2.HTTP_VERSION_1, config_pb2.HTTP_VERSION_2
CONNECT, GRPC, GRPC_WEB = config_pb2.PROTOCOL_CONNECT, config_pb2.PROTOCOL_GRPC, config_pb2.PROTOCOL_GRPC_WEB
PROTO, JSON = config_pb2.CODEC_PROTO, config_pb2.CODEC_JSON
IDENTITY, GZIP = config_pb2.COMPRESSION_IDENTITY, config_pb2.COMPRESSION_GZIP
UNARY, CLIENT_STREAM = config_pb2.STREAM_TYPE_UNARY, config_pb2.STREAM_TYPE_CLIENT_STREAM
SERVER_STREAM = config_pb2.STREAM_TYPE_SERVER_STREAM
HALF_DUPLEX = config_pb2.STREAM_TYPE_HALF_DUPLEX_BIDI_STREAM
FULL_DUPLEX = config_pb2.STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM

SERVICE = "connectrpc.conformance.v1.ConformanceService"
# The client's limit is larger, so that a response that echoes a request at the server's limit still fits.
SERVER_LIMIT = 200 * 1024
CLIENT_LIMIT = 1024 * 1024
DATA = b"test response"
SHAPES = {
    UNARY: ("unary", "Unary", service_pb2.UnaryRequest),
    CLIENT_STREAM: ("client-stream", "ClientStream", service_pb2.ClientStreamRequest),
    SERVER_STREAM: ("server-stream", "ServerStream", service_pb2.ServerStreamRequest),
    HALF_DUPLEX: ("half-duplex", "BidiStream", service_pb2.BidiStreamRequest),
    FULL_DUPLEX: ("full-duplex", "BidiStream", service_pb2.BidiStreamRequest),
}
MANY_RESPONSES = (SERVER_STREAM, HALF_DUPLEX, FULL_DUPLEX)
MANY_REQUESTS = (CLIENT_STREAM, HALF_DUPLEX, FULL_DUPLEX)
REQUEST_HEADERS = [service_pb2.Header(name="X-Conformance-Test", value=["Value1", "Value2"])]


@dataclasses.dataclass
class Case:
    """One call and its expected result, still without a transport."""

    name: str
    request: client_compat_pb2.ClientCompatRequest
    expected: client_compat_pb2.ClientResponseResult
    other_codes: tuple = ()
    protocols: tuple = (CONNECT, GRPC, GRPC_WEB)
    codecs: tuple = (PROTO, JSON)
    compressions: tuple = (IDENTITY, GZIP)
    # Runs with TLS and client certificates too; one good case a shape is enough there.
    with_tls: bool = False


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a case travels."""

    http: int
    protocol: int
    codec: int
    compression: int
    tls: str

    @property
    def name(self):
        protocol = {CONNECT: "connect", GRPC: "grpc", GRPC_WEB: "grpc-web"}[self.protocol]
        codec = {PROTO: "proto", JSON: "json"}[self.codec]
        compression = {IDENTITY: "identity", GZIP: "gzip"}[self.compression]
        return f"http{self.http}/{protocol}/{codec}/{compression}/{self.tls}"


def headers(name, *values):
    return [service_pb2.Header(name=name, value=values)]


def error(code, message=None, details=()):
    problem = service_pb2.Error(code=code, details=[pack(detail) for detail in details])
    if message is not None:
        problem.message = message
    return problem


def pack(message):
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def definition(shape, data=(DATA,), problem=None, response_headers=(), trailers=(), delay=0):
    """How the server shall answer a call of a shape. `data` of None: no definition at all."""
    common = dict(response_headers=response_headers, response_trailers=trailers, response_delay_ms=delay)
    if shape in MANY_RESPONSES:
        return service_pb2.StreamResponseDefinition(response_data=data, error=problem, **common)
    if problem is not None:
        return service_pb2.UnaryResponseDefinition(error=problem, **common)
    if data:
        return service_pb2.UnaryResponseDefinition(response_data=data[0], **common)
    return service_pb2.UnaryResponseDefinition(**common)


def call(shape, answer, requests=None, **options):
    """A call of a shape whose first request carries the definition, with a second one where a shape allows it."""
    _, method, request_type = SHAPES[shape]
    if requests is None:
        first = request_type(response_definition=answer) if answer is not None else request_type()
        requests = [first]
        if shape in MANY_REQUESTS:
            requests.append(request_type(request_data=DATA))
    if shape == FULL_DUPLEX and requests:
        requests[0].full_duplex = True
    settings = dict(service=SERVICE, method=method, request_headers=REQUEST_HEADERS)
    settings.update(options)
    return client_compat_pb2.ClientCompatRequest(
        stream_type=shape, request_messages=[pack(request) for request in requests], **settings
    )


def request_info(request, messages, first=True):
    info = service_pb2.ConformancePayload.RequestInfo(requests=messages)
    if first:
        info.request_headers.extend(request.request_headers)
        if request.HasField("timeout_ms"):
            info.timeout_ms = request.timeout_ms
        if request.use_get_http_method:
            info.connect_get_info.SetInParent()
    return info


def expected_result(request):
    """What the service has to answer to a request that is neither cancelled nor refused."""
    result = client_compat_pb2.ClientResponseResult()
    messages = list(request.request_messages)
    answer = None
    if messages:
        kinds = {
            kind.DESCRIPTOR.full_name: kind
            for kind in [shape[2] for shape in SHAPES.values()] + [service_pb2.IdempotentUnaryRequest]
        }
        first = kinds[messages[0].TypeName()].FromString(messages[0].value)
        answer = first.response_definition if first.HasField("response_definition") else None
    if answer is not None:
        result.response_headers.extend(answer.response_headers)
        result.response_trailers.extend(answer.response_trailers)
    if request.stream_type in MANY_RESPONSES:
        if answer is not None:
            expect_stream(request, messages, answer, result)
    else:
        expect_single(request, messages, answer, result)
    return result


def expect_single(request, messages, answer, result):
    info = request_info(request, messages)
    if answer is not None and answer.WhichOneof("response") == "error":
        result.error.CopyFrom(answer.error)
        result.error.details.append(pack(info))
        return
    payload = result.payloads.add(request_info=info)
    if answer is not None:
        payload.data = answer.response_data


def expect_stream(request, messages, answer, result):
    full = request.stream_type == FULL_DUPLEX
    for index, data in enumerate(answer.response_data):
        payload = result.payloads.add(data=data)
        if full and index < len(messages):
            payload.request_info.CopyFrom(request_info(request, messages[index : index + 1], index == 0))
        elif index == 0:
            payload.request_info.CopyFrom(request_info(request, messages))
    if answer.HasField("error"):
        result.error.CopyFrom(answer.error)
        if not answer.response_data:
            seen = messages[:1] if full else messages
            result.error.details.append(pack(request_info(request, seen)))


def case(name, request, expected=None, **options):
    return Case(name, request, expected if expected is not None else expected_result(request), **options)


def failing(name, request, code, payloads=(), **options):
    """A case that ends with a code whatever the definition says, after the payloads given."""
    result = client_compat_pb2.ClientResponseResult(error=error(code), payloads=payloads)
    return Case(name, request, result, **options)


def basic():
    """Success in every shape, with and without messages and definitions."""
    one, trailer = headers("x-custom-header", "foo"), headers("x-custom-trailer", "bing")
    for shape, (label, _, request_type) in SHAPES.items():
        data = (DATA, DATA) if shape in MANY_RESPONSES else (DATA,)
        answer = definition(shape, data, response_headers=one, trailers=trailer)
        yield case(f"basic/{label}/success", call(shape, answer), with_tls=True)
        yield case(f"basic/{label}/no-definition", call(shape, None))
        if shape in MANY_RESPONSES:
            empty = definition(shape, (), response_headers=one, trailers=trailer)
            requests = [request_type(response_definition=empty)]
            yield case(f"basic/{label}/no-responses", call(shape, empty, requests))
        else:
            bare = definition(shape, (), response_headers=one, trailers=trailer)
            yield case(f"basic/{label}/no-data", call(shape, bare))
        if shape in MANY_REQUESTS:
            yield case(f"basic/{label}/no-requests", call(shape, None, []))
            many = [request_type(response_definition=answer)]
            many += [request_type(request_data=bytes([number]) * 1000 * number) for number in range(1, 10)]
            if shape == FULL_DUPLEX:
                many[0].response_definition.response_data[:] = [bytes([number]) * 1000 for number in range(10)]
            yield case(f"basic/{label}/ten-requests", call(shape, answer, many))
    wide = definition(FULL_DUPLEX, (DATA,) * 4)
    yield case("basic/full-duplex/more-responses-than-requests", call(FULL_DUPLEX, wide))
    for number, size in enumerate((0, 1, 16383, 16384, 65535, 65536, 150_000)):
        answer = definition(UNARY, (bytes(index % 251 for index in range(size)),))
        yield case(f"basic/unary/size-{size}", call(UNARY, answer))
    many = definition(SERVER_STREAM, tuple(bytes([number]) * 1000 for number in range(100)))
    yield case("basic/server-stream/hundred-responses", call(SERVER_STREAM, many))
    slow = definition(SERVER_STREAM, (DATA,) * 3, delay=20)
    yield case("basic/server-stream/with-delay", call(SERVER_STREAM, slow))
    unimplemented = client_compat_pb2.ClientCompatRequest(
        service=SERVICE, method="Unimplemented", stream_type=UNARY,
        request_messages=[pack(service_pb2.UnimplementedRequest())])
    yield failing("basic/unimplemented", unimplemented, config_pb2.CODE_UNIMPLEMENTED)


def errors():
    """Every code, with messages, details and metadata, before and after responses."""
    detail = service_pb2.Header(name="detail", value=["one", "two"])
    one, trailer = headers("x-custom-header", "foo"), headers("x-custom-trailer", "bing")
    for shape in (UNARY, SERVER_STREAM):
        label = SHAPES[shape][0]
        for name, code in config_pb2.Code.items():
            if code:
                text = name.removeprefix("CODE_").lower()
                answer = definition(shape, (), error(code, text.replace("_", " ")))
                yield case(f"errors/{label}/{text}", call(shape, answer))
    for shape, (label, _, request_type) in SHAPES.items():
        first = lambda answer: [request_type(response_definition=answer)]  # noqa: E731
        failed = error(config_pb2.CODE_INTERNAL, f"{label} failed", [detail])
        answer = definition(shape, (), failed, one, trailer)
        # A full-duplex call ends with its first request here: whether the second one still goes out is a race.
        requests = first(answer) if shape == FULL_DUPLEX else None
        yield case(f"errors/{label}/with-details-and-metadata", call(shape, answer, requests))
        text = "\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈 100%\n"
        answer = definition(shape, (), error(config_pb2.CODE_INTERNAL, text))
        yield case(f"errors/{label}/unicode-message", call(shape, answer, first(answer)))
        answer = definition(shape, (), error(config_pb2.CODE_ABORTED, ""))
        yield case(f"errors/{label}/empty-message", call(shape, answer, first(answer)))
        if shape in MANY_RESPONSES:
            answer = definition(shape, (DATA, DATA), failed, one, trailer)
            yield case(f"errors/{label}/after-responses", call(shape, answer))


def duplicate_metadata():
    """Several values of one name, in order."""
    one, trailer = headers("x-custom-header", "foo", "bar", "baz"), headers("x-custom-trailer", "bing", "quux")
    for shape, (label, _, request_type) in SHAPES.items():
        data = (DATA, DATA) if shape in MANY_RESPONSES else (DATA,)
        answer = definition(shape, data, None, one, trailer)
        yield case(f"duplicate-metadata/{label}/success", call(shape, answer))
        answer = definition(shape, (), error(config_pb2.CODE_INTERNAL, "failed"), one, trailer)
        requests = [request_type(response_definition=answer)]
        yield case(f"duplicate-metadata/{label}/error", call(shape, answer, requests))


def timeouts():
    """Deadlines that pass, and deadlines that reach the server."""
    for shape, (label, _, _) in SHAPES.items():
        data = (DATA, DATA) if shape in MANY_RESPONSES else (DATA,)
        late = call(shape, definition(shape, data, delay=1500), timeout_ms=200)
        yield failing(f"timeouts/{label}/passed", late, config_pb2.CODE_DEADLINE_EXCEEDED)
        yield case(f"timeouts/{label}/propagated", call(shape, definition(shape, data), timeout_ms=20_000))


def cancellation():
    """Calls given up at every moment that the protocol between driver and client can name."""
    cancel = client_compat_pb2.ClientCompatRequest.Cancel
    before = cancel()
    before.before_close_send.SetInParent()
    canceled = config_pb2.CODE_CANCELED

    def payloads(request, count):
        return expected_result(request).payloads[:count]

    for shape, (label, _, _) in SHAPES.items():
        data = (DATA, DATA) if shape in MANY_RESPONSES else (DATA,)
        slow = definition(shape, data, delay=400)
        if shape != FULL_DUPLEX:
            request = call(shape, slow, cancel=cancel(after_close_send_ms=5))
            yield failing(f"cancellation/{label}/after-close-send", request, canceled)
        if shape in (CLIENT_STREAM, HALF_DUPLEX):
            request = call(shape, definition(shape, data), cancel=before)
            yield failing(f"cancellation/{label}/before-close-send", request, canceled)
        if shape in MANY_RESPONSES:
            request = call(shape, slow, cancel=cancel(after_num_responses=0))
            yield failing(f"cancellation/{label}/after-zero-responses", request, canceled)
            request = call(shape, slow, cancel=cancel(after_num_responses=1))
            yield failing(f"cancellation/{label}/after-one-response", request, canceled, payloads(request, 1))
    request = call(FULL_DUPLEX, definition(FULL_DUPLEX, (DATA, DATA)), cancel=before)
    yield failing("cancellation/full-duplex/before-close-send", request, canceled, payloads(request, 2))
    three = definition(FULL_DUPLEX, (DATA, DATA, DATA), delay=200)
    request = call(FULL_DUPLEX, three, cancel=cancel(after_close_send_ms=0))
    yield failing("cancellation/full-duplex/after-close-send", request, canceled, payloads(request, 2))


def padded(request, size):
    """The request with `request_data` of such length that it encodes to exactly `size` bytes."""
    request = copy.deepcopy(request)
    while request.ByteSize() != size:
        length = len(request.request_data) + size - request.ByteSize()
        if length < 0:
            raise ValueError(f"cannot pad {request.DESCRIPTOR.name} to {size} bytes")
        request.request_data = bytes(length)
    return request


def message_sizes():
    """Limits on both sides. Only with binary messages: the size of JSON is not the size that limits count."""
    exhausted = config_pb2.CODE_RESOURCE_EXHAUSTED
    for shape, (label, _, request_type) in SHAPES.items():
        data = (DATA, DATA) if shape in MANY_RESPONSES else (DATA,)
        first = request_type(response_definition=definition(shape, data))
        if shape == FULL_DUPLEX:
            first.full_duplex = True
        plain = [first] + ([request_type(request_data=DATA)] if shape in MANY_REQUESTS else [])

        def sized(*extras):
            return [padded(request, SERVER_LIMIT + extra) for request, extra in zip(plain, extras)]

        equal = call(shape, None, sized(0, 0))
        yield case(f"message-size/{label}/requests-at-server-limit", equal, codecs=(PROTO,))
        over = call(shape, None, sized(10, 0))
        yield failing(f"message-size/{label}/first-request-over-server-limit", over, exhausted, codecs=(PROTO,))
        if shape in (CLIENT_STREAM, HALF_DUPLEX):
            over = call(shape, None, sized(0, 10))
            yield failing(f"message-size/{label}/second-request-over-server-limit", over, exhausted, codecs=(PROTO,))
        if shape == FULL_DUPLEX:
            over = call(shape, None, sized(0, 10))
            seen = expected_result(over).payloads[:1]
            yield failing(f"message-size/{label}/second-request-over-server-limit", over, exhausted, seen,
                          codecs=(PROTO,))
        # The response echoes the request that defines it: somewhat more than twice the data.
        small, large = definition(shape, (bytes(10_000),)), definition(shape, (bytes(20_000),))
        request = call(shape, small, [request_type(response_definition=small)], message_receive_limit=30_000)
        yield case(f"message-size/{label}/response-below-client-limit", request, codecs=(PROTO,))
        request = call(shape, large, [request_type(response_definition=large)], message_receive_limit=30_000)
        yield failing(f"message-size/{label}/response-over-client-limit", request, exhausted, codecs=(PROTO,))


def idempotent():
    """IdempotentUnary by POST in every protocol, and by GET in Connect."""
    one, trailer = headers("x-custom-header", "foo"), headers("x-custom-trailer", "bing")
    answers = {
        "success": definition(UNARY, (DATA,), None, one, trailer),
        "binary-data": definition(UNARY, (bytes(range(256)),)),
        "error": definition(UNARY, (), error(config_pb2.CODE_NOT_FOUND, "no ☺ here"), one, trailer),
    }
    for name, answer in answers.items():
        request = service_pb2.IdempotentUnaryRequest(response_definition=answer)
        by_post = call(UNARY, None, [request], method="IdempotentUnary")
        yield case(f"idempotent/post/{name}", by_post)
        by_get = call(UNARY, None, [request], method="IdempotentUnary", use_get_http_method=True)
        yield case(f"idempotent/get/{name}", by_get, protocols=(CONNECT,))


def all_cases():
    for suite in (basic, errors, duplicate_metadata, timeouts, cancellation, message_sizes, idempotent):
        yield from suite()


def variants(selection):
    """Every meaningful way to travel: gRPC needs HTTP/2."""
    for http in selection.http:
        for protocol in selection.protocols:
            if protocol == GRPC and http != HTTP_2:
                continue
            for tls in selection.tls:
                for codec in (PROTO, JSON):
                    for compression in (IDENTITY, GZIP):
                        yield Variant(http, protocol, codec, compression, tls)


def applies(subject, variant, half_duplex_http1):
    """Whether a case is run in a variant."""
    shape = subject.request.stream_type
    if variant.protocol not in subject.protocols or variant.codec not in subject.codecs:
        return False
    if variant.compression not in subject.compressions:
        return False
    if variant.tls != "plain" and not subject.with_tls:
        return False
    if variant.http == HTTP_1 and (shape == FULL_DUPLEX or shape == HALF_DUPLEX and not half_duplex_http1):
        return False
    return True


def resolved(subject, variant):
    """The request of a case in a variant; the address is filled in once the server runs."""
    request = client_compat_pb2.ClientCompatRequest()
    request.CopyFrom(subject.request)
    request.test_name = f"{subject.name}/{variant.name}"
    request.http_version, request.protocol = variant.http, variant.protocol
    request.codec, request.compression = variant.codec, variant.compression
    if not request.message_receive_limit:
        request.message_receive_limit = CLIENT_LIMIT
    return request
