#!/usr/bin/env python3
"""The Python peer of the echo benchmark: grpcio's asyncio server, or its threaded one. Prints `listening on PORT`."""

import argparse
import asyncio
import concurrent.futures
import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent / "build"))
import echo_pb2

# The limits on pending requests are raised: the widest case keeps 6,400 in flight and shedding them is no answer.
OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 100_000),
]


def handlers(behaviour):
    method = grpc.unary_unary_rpc_method_handler(
        behaviour, echo_pb2.EchoMessage.FromString, echo_pb2.EchoMessage.SerializeToString
    )
    return (grpc.method_handlers_generic_handler("bench.Echo", {"Unary": method}),)


def listen(server, arguments):
    address = f"127.0.0.1:{arguments.port}"
    if not arguments.use_tls:
        return server.add_insecure_port(address)
    with open(arguments.tls_cert_file, "rb") as certificate, open(arguments.tls_key_file, "rb") as key:
        credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
    return server.add_secure_port(address, credentials)


def serve_threaded(arguments):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8), options=OPTIONS)
    server.add_generic_rpc_handlers(handlers(lambda request, context: request))
    port = listen(server, arguments)
    server.start()
    print(f"listening on {port}", flush=True)
    server.wait_for_termination()


async def serve_asyncio(arguments):
    async def echo(request, context):
        return request

    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(handlers(echo))
    port = listen(server, arguments)
    await server.start()
    print(f"listening on {port}", flush=True)
    await server.wait_for_termination()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kind", choices=["asyncio", "threaded"], default="asyncio")
    parser.add_argument("--use_tls", action="store_true")
    parser.add_argument("--tls_cert_file")
    parser.add_argument("--tls_key_file")
    arguments = parser.parse_args()
    if arguments.kind == "threaded":
        serve_threaded(arguments)
    else:
        asyncio.run(serve_asyncio(arguments))


if __name__ == "__main__":
    main()
