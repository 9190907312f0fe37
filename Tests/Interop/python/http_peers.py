#!/usr/bin/env python3
"""Every kind of client on one port, and every kind of abuse.

Against a running server of the gRPC interop service with JSON calls, health and reflection:

    http_peers.py --host 127.0.0.1 --port 8080
    http_peers.py --port 8080 --only shared          requests, curl, grpcio, reflection, health
    http_peers.py --port 8080 --only http1           hostile HTTP/1.1
    http_peers.py --port 8080 --only http2           hostile HTTP/2
    http_peers.py --port 8080 --only slow            senders that wait for the server's time-outs

Hostile cases pass when the server refuses them within the deadline while a well-behaved connection is answered. With
`--probe get` that connection only asks for `/`, for trying the cases on servers without the service.
"""

import argparse
import base64
import concurrent.futures
import json
import subprocess

import stubs  # noqa: F401  (makes grpc.testing importable)
import grpc
import requests
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc.reflection.v1 import reflection_pb2 as reflection_v1
from grpc.reflection.v1 import reflection_pb2_grpc as reflection_v1_grpc
from grpc.testing import messages_pb2, test_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflection_v1alpha
from grpc_reflection.v1alpha import reflection_pb2_grpc as reflection_v1alpha_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import hostile_http1
import hostile_http2
import prober
from checks import Report, expect, expect_equal

SERVICE = "grpc.testing.TestService"
PATH = f"/{SERVICE}/UnaryCall"
SIZE = 1000
TIMEOUT = 10
REQUEST = {"responseSize": SIZE, "payload": {"body": base64.b64encode(bytes(10)).decode()}}


def check_json(text):
    body = json.loads(text)
    expect_equal(base64.b64decode(body["payload"]["body"]), bytes(SIZE), "payload of the JSON answer")


def with_requests(arguments):
    with requests.Session() as session:
        url = f"http://{arguments.host}:{arguments.port}{PATH}"
        for _ in range(3):
            response = session.post(url, json=REQUEST, timeout=TIMEOUT)
            expect_equal(response.status_code, 200, "HTTP status")
            expect_equal(response.headers["content-type"].split(";")[0], "application/json", "content-type")
            check_json(response.text)


def with_requests_chunked(arguments):
    pieces = [piece.encode() for piece in json.dumps(REQUEST).split(" ")]
    url = f"http://{arguments.host}:{arguments.port}{PATH}"
    headers = {"content-type": "application/json"}
    response = requests.post(url, data=iter(pieces), headers=headers, timeout=TIMEOUT)
    expect_equal(response.status_code, 200, "HTTP status")
    check_json(response.text)


def with_requests_error(arguments):
    url = f"http://{arguments.host}:{arguments.port}{PATH}"
    request = {"responseStatus": {"code": 5, "message": "nothing like ☺ it"}}
    response = requests.post(url, json=request, timeout=TIMEOUT)
    expect_equal(response.status_code, 404, "HTTP status of NOT_FOUND")
    expect_equal(response.json().get("code"), "not_found", "code")
    expect_equal(response.json().get("message"), "nothing like ☺ it", "message")


def with_requests_unknown_path(arguments):
    response = requests.get(f"http://{arguments.host}:{arguments.port}/no/such/page", timeout=TIMEOUT)
    expect_equal(response.status_code, 404, "HTTP status")
    expect_equal(response.headers["content-type"].split(";")[0], "application/json", "content-type")
    expect("code" in response.json(), f"no code in {response.text}")


def with_curl(arguments, option, version):
    command = [
        "curl", "--silent", "--show-error", "--max-time", str(TIMEOUT), option,
        "--header", "content-type: application/json", "--data", json.dumps(REQUEST),
        "--write-out", "\n%{http_code} %{http_version}", f"http://{arguments.host}:{arguments.port}{PATH}",
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    expect_equal(result.returncode, 0, f"exit status of curl ({result.stderr.strip()})")
    body, _, line = result.stdout.rpartition("\n")
    expect_equal(line, f"200 {version}", "status and version")
    check_json(body)


def with_grpcio(channel):
    response = test_pb2_grpc.TestServiceStub(channel).UnaryCall(
        messages_pb2.SimpleRequest(response_size=SIZE), timeout=TIMEOUT)
    expect_equal(response.payload.body, bytes(SIZE), "payload")


def reflection_answers(channel, messages, services, questions):
    stub = services.ServerReflectionStub(channel)
    asked = [messages.ServerReflectionRequest(**question) for question in questions]
    answers = list(stub.ServerReflectionInfo(iter(asked), timeout=TIMEOUT))
    expect_equal(len(answers), len(asked), "number of answers")
    return answers


def reflection(channel, messages, services):
    listed, described, message, unknown, after = reflection_answers(channel, messages, services, [
        {"list_services": ""},
        {"file_containing_symbol": SERVICE},
        {"file_containing_symbol": "grpc.testing.SimpleRequest"},
        {"file_containing_symbol": "no.such.Symbol"},
        {"file_by_filename": "grpc/testing/messages.proto"},
    ])
    names = {service.name for service in listed.list_services_response.service}
    for name in (SERVICE, "grpc.health.v1.Health"):
        expect(name in names, f"{name} is not among {sorted(names)}")
    files = [descriptor_pb2.FileDescriptorProto.FromString(data)
             for data in described.file_descriptor_response.file_descriptor_proto]
    found = {f"{file.package}.{service.name}": service for file in files for service in file.service}
    expect(SERVICE in found, f"{SERVICE} is not in the files {[file.name for file in files]}")
    methods = {method.name: method for method in found[SERVICE].method}
    expect("UnaryCall" in methods, f"UnaryCall is not among {sorted(methods)}")
    expect_equal(methods["UnaryCall"].input_type, ".grpc.testing.SimpleRequest", "request of UnaryCall")
    expect(methods["FullDuplexCall"].client_streaming, "FullDuplexCall does not stream requests")
    expect(message.file_descriptor_response.file_descriptor_proto, "no file for a message")
    expect_equal(unknown.error_response.error_code, 5, "error of an unknown symbol (NOT_FOUND)")
    expect(after.file_descriptor_response.file_descriptor_proto, "no answer after an unknown symbol")


def reflected_call(channel):
    """Calls a method knowing nothing but its name: message types come from the server."""
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(SERVICE).methods_by_name["UnaryCall"]
    request_type = message_factory.GetMessageClass(method.input_type)
    response_type = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(PATH, request_type.SerializeToString, response_type.FromString)
    expect_equal(len(call(request_type(response_size=SIZE), timeout=TIMEOUT).payload.body), SIZE, "payload size")


def health(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE):
        status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT).status
        expect_equal(status, health_pb2.HealthCheckResponse.SERVING, f"health of '{service}'")
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=TIMEOUT)
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.NOT_FOUND, "status for an unknown service")
    else:
        expect(False, "an unknown service has a health")
    for service, wanted in ((SERVICE, "SERVING"), ("no.such.Service", "SERVICE_UNKNOWN")):
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
        status = health_pb2.HealthCheckResponse.ServingStatus.Name(next(watch).status)
        watch.cancel()
        expect_equal(status, wanted, f"first of the watch of {service}")


def shared(report, arguments):
    """The same method on the same port, by every client."""
    report.run("shared/requests", with_requests, arguments)
    report.run("shared/requests_chunked", with_requests_chunked, arguments)
    report.run("shared/requests_error", with_requests_error, arguments)
    report.run("shared/requests_unknown_path", with_requests_unknown_path, arguments)
    report.run("shared/curl_http1", with_curl, arguments, "--http1.1", "1.1")
    report.run("shared/curl_http2_prior_knowledge", with_curl, arguments, "--http2-prior-knowledge", "2")
    with grpc.insecure_channel(f"{arguments.host}:{arguments.port}") as channel:
        report.run("shared/grpcio", with_grpcio, channel)
        report.run("shared/reflection_v1", reflection, channel, reflection_v1, reflection_v1_grpc)
        report.run("shared/reflection_v1alpha", reflection, channel, reflection_v1alpha, reflection_v1alpha_grpc)
        report.run("shared/reflected_call", reflected_call, channel)
        report.run("shared/health", health, channel)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", choices=["shared", "http1", "http2", "slow"], help="one group instead of all")
    parser.add_argument("--match", default="", help="a regular expression that names of cases have to match")
    parser.add_argument("--deadline", type=float, default=5, help="seconds in which abuse has to be refused")
    parser.add_argument("--slow-deadline", type=float, default=60, help="seconds in which slow senders are cut off")
    parser.add_argument("--probe", choices=["grpc", "get"], default="grpc")
    arguments = parser.parse_args()
    report = Report(pattern=arguments.match)
    groups = [arguments.only] if arguments.only else ["shared", "http1", "http2", "slow"]
    if "shared" in groups:
        shared(report, arguments)
    exchange = prober.grpc_exchange if arguments.probe == "grpc" else prober.get_exchange
    if groups != ["shared"]:
        good = prober.Prober(arguments.host, arguments.port, exchange, arguments.deadline)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # Slow senders wait beside the quick cases, which shows too that they hold nobody up.
            slow = [(name, pool.submit(check, *more)) for name, check, more in hostile_http1.slow_cases(arguments)
                    if "slow" in groups]
            if "http1" in groups:
                hostile_http1.run(report, good, arguments)
            if "http2" in groups:
                hostile_http2.run(report, good, arguments)
            for name, future in slow:
                report.run(name, future.result)
        report.run("well_behaved_throughout", good.expect_alive)
        print(f"slowest answer to the well-behaved connection: {good.slowest * 1000:.0f} ms")
        good.stop()
    report.finish()


if __name__ == "__main__":
    main()
