#!/usr/bin/env python3
"""The gRPC interop server, on grpcio, with health and reflection beside the test service.

grpcio hides whether a request message was compressed. The server option that leaves received messages compressed shows
it: each request arrives as it was on the wire, and a gzip magic number can't begin a protobuf message of this contract.
"""

import argparse
import concurrent.futures
import gzip
import platform
import signal
import threading
import time

import stubs  # noqa: F401  (makes grpc.testing importable)
import grpc
from grpc.testing import empty_pb2, messages_pb2, test_pb2  # noqa: F401  (registers the service for reflection)
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from checks import boolean

INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
SERVICE = "grpc.testing.TestService"


class Request:
    """A message with the knowledge whether it came compressed."""

    def __init__(self, message, packed):
        self.message = message
        self.packed = packed


def reader(message_type):
    def read(data):
        packed = data[:2] == b"\x1f\x8b"
        return Request(message_type.FromString(gzip.decompress(data) if packed else data), packed)

    return read


def begin(context):
    """Echoes metadata, and lets single messages of the call be compressed."""
    metadata = dict(context.invocation_metadata())
    context.set_compression(grpc.Compression.Gzip)
    if INITIAL in metadata:
        context.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
    if TRAILING in metadata:
        context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))


def check_compression(request, context):
    if request.message.HasField("expect_compressed") and request.message.expect_compressed.value != request.packed:
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"expect_compressed is {request.message.expect_compressed.value}, but compressed is {request.packed}",
        )


def check_status(status, context):
    if status.code != 0:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes.get(status.code, grpc.StatusCode.UNKNOWN), status.message)


def choose_compression(wanted, context):
    """Compresses the next message only when that was asked for."""
    if not wanted.value:
        context.disable_next_message_compression()


def empty_call(request, context):
    begin(context)
    return empty_pb2.Empty()


def unary_call(request, context):
    begin(context)
    check_compression(request, context)
    check_status(request.message.response_status, context)
    choose_compression(request.message.response_compressed, context)
    response = messages_pb2.SimpleResponse(hostname=platform.node())
    if request.message.response_size:
        response.payload.body = bytes(request.message.response_size)
    return response


def cacheable_unary_call(request, context):
    context.send_initial_metadata((("cache-control", "max-age=60, public"),))
    context.disable_next_message_compression()
    return messages_pb2.SimpleResponse(payload=messages_pb2.Payload(body=str(time.time_ns()).encode()))


def responses(message, context):
    for parameters in message.response_parameters:
        if parameters.interval_us:
            time.sleep(parameters.interval_us / 1_000_000)
        choose_compression(parameters.compressed, context)
        yield messages_pb2.StreamingOutputCallResponse(payload=messages_pb2.Payload(body=bytes(parameters.size)))
    check_status(message.response_status, context)


def streaming_output_call(request, context):
    begin(context)
    yield from responses(request.message, context)


def streaming_input_call(requests, context):
    begin(context)
    size = 0
    for request in requests:
        check_compression(request, context)
        size += len(request.message.payload.body)
    context.disable_next_message_compression()
    return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)


def full_duplex_call(requests, context):
    begin(context)
    for request in requests:
        yield from responses(request.message, context)


def half_duplex_call(requests, context):
    begin(context)
    for request in list(requests):
        yield from responses(request.message, context)


def handlers():
    def handler(kind, behaviour, request_type):
        return kind(behaviour, reader(request_type), lambda response: response.SerializeToString())

    simple, streaming = messages_pb2.SimpleRequest, messages_pb2.StreamingOutputCallRequest
    inputs = messages_pb2.StreamingInputCallRequest
    methods = {
        "EmptyCall": handler(grpc.unary_unary_rpc_method_handler, empty_call, empty_pb2.Empty),
        "UnaryCall": handler(grpc.unary_unary_rpc_method_handler, unary_call, simple),
        "CacheableUnaryCall": handler(grpc.unary_unary_rpc_method_handler, cacheable_unary_call, simple),
        "StreamingOutputCall": handler(grpc.unary_stream_rpc_method_handler, streaming_output_call, streaming),
        "StreamingInputCall": handler(grpc.stream_unary_rpc_method_handler, streaming_input_call, inputs),
        "FullDuplexCall": handler(grpc.stream_stream_rpc_method_handler, full_duplex_call, streaming),
        "HalfDuplexCall": handler(grpc.stream_stream_rpc_method_handler, half_duplex_call, streaming),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one; the first line printed names it")
    parser.add_argument("--use_tls", nargs="?", const=True, default=False, type=boolean)
    parser.add_argument("--tls_cert_file")
    parser.add_argument("--tls_key_file")
    arguments = parser.parse_args()
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=64), options=[("grpc.per_message_decompression", 0)]
    )
    server.add_generic_rpc_handlers((handlers(),))
    status = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    for name in ("", SERVICE):
        status.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    address = f"127.0.0.1:{arguments.port}"
    if arguments.use_tls:
        if not arguments.tls_cert_file or not arguments.tls_key_file:
            parser.error("--use_tls needs --tls_cert_file and --tls_key_file")
        with open(arguments.tls_cert_file, "rb") as certificate, open(arguments.tls_key_file, "rb") as key:
            credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(f"listening on {port}", flush=True)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    stop.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
