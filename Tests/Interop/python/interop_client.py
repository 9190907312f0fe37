#!/usr/bin/env python3
"""The gRPC interop client, on grpcio: every case of the public descriptions against any interop server.

Compression is where grpcio does not let an application see or choose what the descriptions ask for. Two things help:
the channel option that leaves received messages compressed shows which of them were (a gzip magic number can't begin a
protobuf message of ours), and a stream that mixes compressed and plain messages is sent by the small HTTP/2 client of
wire.py. `cacheable_unary` calls by POST: grpcio has no calls by GET, and without a caching proxy the payloads of two
calls need not be equal.
"""

import argparse
import gzip
import queue
import threading
import time

import stubs  # noqa: F401  (makes grpc.testing importable)
import grpc
from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc

import wire
from checks import Failure, Report, boolean, expect, expect_equal

LARGE_REQUEST = 271828
LARGE_RESPONSE = 314159
TIMEOUT = 20
SERVICE = "/grpc.testing.TestService/"


def payload(size):
    return messages_pb2.Payload(body=bytes(size))


def flag(value):
    return messages_pb2.BoolValue(value=value)


def expect_code(call, code, message=None):
    """Runs a call that must fail, and compares its status."""
    try:
        call()
    except grpc.RpcError as error:
        expect_equal(error.code(), code, "status code")
        if message is not None:
            expect_equal(error.details(), message, "status message")
    else:
        raise Failure(f"wanted {code.name}, but the call succeeded")


class Peer:
    """How to reach the server, and a channel to it."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.target = f"{arguments.server_host}:{arguments.server_port}"
        self.channel = self.open()
        self.stub = test_pb2_grpc.TestServiceStub(self.channel)

    def open(self, options=()):
        options = list(options)
        if not self.arguments.use_tls:
            return grpc.insecure_channel(self.target, options)
        with open(self.arguments.ca_file, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        if self.arguments.server_host_override:
            options.append(("grpc.ssl_target_name_override", self.arguments.server_host_override))
        return grpc.secure_channel(self.target, credentials, options)

    def wire(self):
        """The same server by way of wire.py."""
        arguments = self.arguments
        host = arguments.server_host_override or arguments.server_host
        ca_file = arguments.ca_file if arguments.use_tls else None
        socket = wire.connect(arguments.server_host, int(arguments.server_port), ca_file, host)
        return wire.Http2Client(socket, f"{host}:{arguments.server_port}")


def empty_unary(peer):
    response = peer.stub.EmptyCall(empty_pb2.Empty(), timeout=TIMEOUT)
    expect_equal(response, empty_pb2.Empty(), "response")


def cacheable_unary(peer):
    request = messages_pb2.SimpleRequest(payload=messages_pb2.Payload(body=str(time.time_ns()).encode()))
    for _ in range(2):
        peer.stub.CacheableUnaryCall(request, timeout=TIMEOUT, metadata=(("x-user-ip", "1.2.3.4"),))


def large_unary(peer):
    request = messages_pb2.SimpleRequest(response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST))
    response = peer.stub.UnaryCall(request, timeout=TIMEOUT)
    expect_equal(response.payload.body, bytes(LARGE_RESPONSE), "response payload")


def client_compressed_unary(peer):
    def call(expects, compression):
        request = messages_pb2.SimpleRequest(
            expect_compressed=flag(expects), response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST)
        )
        return peer.stub.UnaryCall(request, timeout=TIMEOUT, compression=compression)

    expect_code(lambda: call(True, grpc.Compression.NoCompression), grpc.StatusCode.INVALID_ARGUMENT)
    for expects, compression in ((True, grpc.Compression.Gzip), (False, grpc.Compression.NoCompression)):
        response = call(expects, compression)
        expect_equal(len(response.payload.body), LARGE_RESPONSE, f"payload size with expect_compressed={expects}")


def still_compressed(peer, method, response_type):
    """A callable that yields (was compressed, response) for each response of a method."""
    channel = peer.open([("grpc.per_message_decompression", 0)])

    def read(data):
        packed = data[:2] == b"\x1f\x8b"
        return packed, response_type.FromString(gzip.decompress(data) if packed else data)

    kind = channel.unary_unary if response_type is messages_pb2.SimpleResponse else channel.unary_stream
    return channel, kind(SERVICE + method, lambda request: request.SerializeToString(), read)


def server_compressed_unary(peer):
    channel, call = still_compressed(peer, "UnaryCall", messages_pb2.SimpleResponse)
    with channel:
        for wanted in (True, False):
            request = messages_pb2.SimpleRequest(
                response_compressed=flag(wanted), response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST)
            )
            packed, response = call(request, timeout=TIMEOUT)
            expect_equal(packed, wanted, "compressed flag of the response")
            expect_equal(len(response.payload.body), LARGE_RESPONSE, "response payload size")


def client_streaming(peer):
    requests = [messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in (27182, 8, 1828, 45904)]
    response = peer.stub.StreamingInputCall(iter(requests), timeout=TIMEOUT)
    expect_equal(response.aggregated_payload_size, 74922, "aggregated payload size")


def client_compressed_streaming(peer):
    def message(size, expects):
        request = messages_pb2.StreamingInputCallRequest(payload=payload(size), expect_compressed=flag(expects))
        return request.SerializeToString()

    probe = messages_pb2.StreamingInputCallRequest(payload=payload(27182), expect_compressed=flag(True))
    expect_code(
        lambda: peer.stub.StreamingInputCall(iter([probe]), timeout=TIMEOUT), grpc.StatusCode.INVALID_ARGUMENT
    )
    with peer.wire() as connection:
        body = wire.compressed_envelope(message(27182, True)) + wire.envelope(message(45904, False))
        response = connection.grpc(SERVICE + "StreamingInputCall", body, [("grpc-encoding", "gzip")])
    expect_equal(response.trailer("grpc-status"), "0", f"grpc-status ({response.trailer('grpc-message')})")
    messages = wire.split_envelopes(response.body)
    expect_equal(len(messages), 1, "number of responses")
    flags, data = messages[0]
    answer = messages_pb2.StreamingInputCallResponse.FromString(gzip.decompress(data) if flags & 1 else data)
    expect_equal(answer.aggregated_payload_size, 73086, "aggregated payload size")


def parameters(*sizes):
    return [messages_pb2.ResponseParameters(size=size) for size in sizes]


def server_streaming(peer):
    sizes = (31415, 9, 2653, 58979)
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=parameters(*sizes))
    responses = list(peer.stub.StreamingOutputCall(request, timeout=TIMEOUT))
    expect_equal([response.payload.body for response in responses], [bytes(size) for size in sizes], "payloads")


def server_compressed_streaming(peer):
    wanted = [(True, 31415), (False, 92653)]
    request = messages_pb2.StreamingOutputCallRequest(
        response_parameters=[
            messages_pb2.ResponseParameters(size=size, compressed=flag(packed)) for packed, size in wanted
        ]
    )
    channel, call = still_compressed(peer, "StreamingOutputCall", messages_pb2.StreamingOutputCallResponse)
    with channel:
        seen = [(packed, len(response.payload.body)) for packed, response in call(request, timeout=TIMEOUT)]
    expect_equal(seen, wanted, "compressed flag and size of each response")


class Conversation:
    """A bidirectional call in which the test decides when the next request goes out."""

    END = object()

    def __init__(self, peer, timeout=TIMEOUT, **options):
        self.queue = queue.SimpleQueue()
        self.call = peer.stub.FullDuplexCall(iter(self.queue.get, self.END), timeout=timeout, **options)

    def say(self, request):
        self.queue.put(request)

    def half_close(self):
        self.queue.put(self.END)


def ping_pong(peer):
    conversation = Conversation(peer)
    for request_size, response_size in ((27182, 31415), (8, 9), (1828, 2653), (45904, 58979)):
        conversation.say(
            messages_pb2.StreamingOutputCallRequest(
                response_parameters=parameters(response_size), payload=payload(request_size)
            )
        )
        expect_equal(len(next(conversation.call).payload.body), response_size, "response payload size")
    conversation.half_close()
    expect_equal(list(conversation.call), [], "responses after half-close")


def empty_stream(peer):
    expect_equal(list(peer.stub.FullDuplexCall(iter(()), timeout=TIMEOUT)), [], "responses")


def cancel_after_begin(peer):
    never = threading.Event()

    def requests():
        never.wait()
        yield from ()

    call = peer.stub.StreamingInputCall.future(requests(), timeout=TIMEOUT)
    call.cancel()
    never.set()
    expect(call.cancelled(), "the call is not cancelled")
    expect_equal(call.code(), grpc.StatusCode.CANCELLED, "status code")


def cancel_after_first_response(peer):
    conversation = Conversation(peer)
    conversation.say(
        messages_pb2.StreamingOutputCallRequest(response_parameters=parameters(31415), payload=payload(27182))
    )
    expect_equal(len(next(conversation.call).payload.body), 31415, "response payload size")
    conversation.call.cancel()
    expect_code(lambda: next(conversation.call), grpc.StatusCode.CANCELLED)
    conversation.half_close()


def timeout_on_sleeping_server(peer):
    conversation = Conversation(peer, timeout=0.001)
    conversation.say(messages_pb2.StreamingOutputCallRequest(payload=payload(27182)))
    expect_code(lambda: next(conversation.call), grpc.StatusCode.DEADLINE_EXCEEDED)
    conversation.half_close()


def custom_metadata(peer):
    initial, trailing = "test_initial_metadata_value", b"\xab\xab\xab"
    metadata = (("x-grpc-test-echo-initial", initial), ("x-grpc-test-echo-trailing-bin", trailing))

    def compare(call, what):
        expect_equal(dict(call.initial_metadata()).get("x-grpc-test-echo-initial"), initial, f"header of {what}")
        echoed = dict(call.trailing_metadata()).get("x-grpc-test-echo-trailing-bin")
        expect_equal(echoed, trailing, f"trailer of {what}")

    request = messages_pb2.SimpleRequest(response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST))
    response, call = peer.stub.UnaryCall.with_call(request, timeout=TIMEOUT, metadata=metadata)
    expect_equal(len(response.payload.body), LARGE_RESPONSE, "response payload size")
    compare(call, "UnaryCall")

    conversation = Conversation(peer, metadata=metadata)
    conversation.say(
        messages_pb2.StreamingOutputCallRequest(
            response_parameters=parameters(LARGE_RESPONSE), payload=payload(LARGE_REQUEST)
        )
    )
    conversation.half_close()
    expect_equal(len(list(conversation.call)), 1, "number of responses of FullDuplexCall")
    compare(conversation.call, "FullDuplexCall")


def status_code_and_message(peer):
    status = messages_pb2.EchoStatus(code=2, message="test status message")
    unary = messages_pb2.SimpleRequest(response_status=status)
    expect_code(lambda: peer.stub.UnaryCall(unary, timeout=TIMEOUT), grpc.StatusCode.UNKNOWN, status.message)
    conversation = Conversation(peer)
    conversation.say(messages_pb2.StreamingOutputCallRequest(response_status=status))
    conversation.half_close()
    expect_code(lambda: list(conversation.call), grpc.StatusCode.UNKNOWN, status.message)


def special_status_message(peer):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    request = messages_pb2.SimpleRequest(response_status=messages_pb2.EchoStatus(code=2, message=message))
    expect_code(lambda: peer.stub.UnaryCall(request, timeout=TIMEOUT), grpc.StatusCode.UNKNOWN, message)


def unimplemented_method(peer):
    call = lambda: peer.stub.UnimplementedCall(empty_pb2.Empty(), timeout=TIMEOUT)  # noqa: E731
    expect_code(call, grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service(peer):
    stub = test_pb2_grpc.UnimplementedServiceStub(peer.channel)
    call = lambda: stub.UnimplementedCall(empty_pb2.Empty(), timeout=TIMEOUT)  # noqa: E731
    expect_code(call, grpc.StatusCode.UNIMPLEMENTED)


CASES = [
    empty_unary,
    cacheable_unary,
    large_unary,
    client_compressed_unary,
    server_compressed_unary,
    client_streaming,
    client_compressed_streaming,
    server_streaming,
    server_compressed_streaming,
    ping_pong,
    empty_stream,
    cancel_after_begin,
    cancel_after_first_response,
    timeout_on_sleeping_server,
    custom_metadata,
    status_code_and_message,
    special_status_message,
    unimplemented_method,
    unimplemented_service,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server_host", default="127.0.0.1")
    parser.add_argument("--server_host_override", help="the name to expect in the server's certificate")
    parser.add_argument("--server_port", required=True)
    parser.add_argument("--test_case", default="all", help="a name, or `all`; one of: " + ", ".join(
        case.__name__ for case in CASES))
    parser.add_argument("--use_tls", nargs="?", const=True, default=False, type=boolean)
    parser.add_argument("--ca_file", help="the CA that signed the server's certificate, PEM")
    arguments = parser.parse_args()
    if arguments.use_tls and not arguments.ca_file:
        parser.error("--use_tls needs --ca_file")
    cases = [case for case in CASES if arguments.test_case in ("all", case.__name__)]
    if not cases:
        parser.error(f"no such case: {arguments.test_case}")
    report = Report()
    peer = Peer(arguments)
    grpc.channel_ready_future(peer.channel).result(timeout=TIMEOUT)
    for case in cases:
        report.run(case.__name__, case, peer)
    peer.channel.close()
    report.finish()


if __name__ == "__main__":
    main()
