#!/usr/bin/env python3
"""Runs a conformance client against a conformance server, both as the public ConnectRPC suite runs them.

    conformance_driver.py --server .build/debug/rpc-conformance-server --client .build/debug/rpc-conformance-client
    conformance_driver.py --list                          names of all cases, without running any
    conformance_driver.py ... --match 'cancellation/.*http1' --verbose
    conformance_driver.py --server ... --reference        only raw HTTP and grpcio against our server

Both programs speak messages of connectrpc.conformance.v1 on standard input and output, each after its length as four
bytes, most significant first. A server gets one request, has its input closed, and runs until SIGTERM. A client gets
calls until its input ends.

A mistake that client and server share would go unseen. So the server is also called by clients that share nothing with
ours: Python's HTTP client, curl, h2 and grpcio (conformance_reference.py).
"""

import argparse
import atexit
import collections
import queue
import re
import shlex
import signal
import struct
import subprocess
import tempfile
import threading
import time

import stubs
from connectrpc.conformance.v1 import client_compat_pb2, config_pb2, server_compat_pb2

import conformance_cases as cases
import conformance_check
import conformance_reference
from checks import Report

MESSAGE_BYTES_MAX = 16 << 20
PROTOCOLS = {"connect": cases.CONNECT, "grpc": cases.GRPC, "grpc-web": cases.GRPC_WEB}


class ProcessFailure(Exception):
    """A program under test did not do its part of the driver protocol."""


def write_message(stream, message):
    data = message.SerializeToString()
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def read_exactly(stream, count):
    data = bytearray()
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            raise EOFError(f"output ended after {len(data)} of {count} bytes")
        data += piece
    return bytes(data)


def read_message(stream, kind):
    """One message, or nothing at the end of the stream."""
    first = stream.read(1)
    if not first:
        return None
    (length,) = struct.unpack(">I", first + read_exactly(stream, 3))
    if length > MESSAGE_BYTES_MAX:
        raise ProcessFailure(f"a length of {length}: something else than messages on standard output?")
    return kind.FromString(read_exactly(stream, length))


class Program:
    """A program under test with pipes to it. What it says on standard error is kept for failures."""

    running = []

    def __init__(self, command, output_kind):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.running.append(self.process)
        self.messages = queue.Queue()
        threading.Thread(target=self.read, args=(output_kind,), daemon=True).start()

    def read(self, kind):
        try:
            while (message := read_message(self.process.stdout, kind)) is not None:
                self.messages.put(message)
            self.messages.put(ProcessFailure("its output ended"))
        except Exception as error:
            self.messages.put(ProcessFailure(f"its output cannot be read: {error}"))

    def receive(self, timeout):
        try:
            message = self.messages.get(timeout=timeout)
        except queue.Empty:
            raise ProcessFailure(f"no message in {timeout:.0f} s") from None
        if isinstance(message, Exception):
            raise ProcessFailure(f"{message}{self.ending()}")
        return message

    def ending(self):
        """How it ended and the last it said."""
        try:
            status = f"; exit status {self.process.wait(1)}"
        except subprocess.TimeoutExpired:
            status = "; still running"
        self.log.seek(0)
        said = self.log.read().decode(errors="replace").strip()
        return status + (f"; it said: …{said[-1000:]}" if said else "")

    def stop(self):
        """SIGTERM, and SIGKILL after five seconds. True if it ended by itself or on SIGTERM."""
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


@atexit.register
def kill_what_runs():
    """A driver that is interrupted leaves no server behind."""
    for process in Program.running:
        if process.poll() is None:
            process.kill()


class Certificates:
    """Certificates of a run, made on first use."""

    def __init__(self):
        self.folder = stubs.ROOT / ".tools" / "test-certificates"
        self.made = False

    def read(self, name):
        if not self.made:
            subprocess.run([stubs.ROOT / "Scripts" / "test-certificates", self.folder], check=True)
            self.made = True
        return (self.folder / name).read_bytes()

    def credentials(self, name):
        return config_pb2.TLSCreds(cert=self.read(f"{name}.pem"), key=self.read(f"{name}.key"))


class Server:
    """A server under test, started for one HTTP version, protocol and kind of TLS."""

    def __init__(self, command, http, protocol, tls, certificates, timeout):
        request = server_compat_pb2.ServerCompatRequest(
            protocol=protocol, http_version=http, use_tls=tls != "plain", message_receive_limit=cases.SERVER_LIMIT)
        if tls != "plain":
            # Each side trusts just the certificate of the other, as in the public suite: no CA is involved.
            request.server_creds.CopyFrom(certificates.credentials("lone-server"))
        if tls == "client-certificates":
            request.client_tls_cert = certificates.read("lone-client.pem")
        self.program = Program(command, server_compat_pb2.ServerCompatResponse)
        try:
            write_message(self.program.process.stdin, request)
            self.program.process.stdin.close()
            response = self.program.receive(timeout)
        except Exception:
            self.program.stop()
            raise
        self.host = response.host or "127.0.0.1"
        self.port = response.port
        self.certificate = response.pem_cert
        if (tls != "plain") != bool(response.pem_cert):
            self.program.stop()
            raise ProcessFailure(f"pem_cert has {len(response.pem_cert)} bytes for {tls}")

    def stop(self):
        return self.program.stop()


class Selection:
    """What of the matrix is run."""

    def __init__(self, arguments):
        self.http = [cases.HTTP_1, cases.HTTP_2]
        self.protocols = [PROTOCOLS[name] for name in ("connect", "grpc")]
        if arguments.grpc_web:
            self.protocols.append(cases.GRPC_WEB)
        self.tls = ["plain", "tls", "client-certificates"]
        self.match = re.compile(arguments.match)
        self.half_duplex_http1 = arguments.half_duplex_http1

    def plan(self):
        """(case, request) by the server they need."""
        subjects = list(cases.all_cases())
        planned = collections.OrderedDict()
        for variant in cases.variants(self):
            for subject in subjects:
                if not cases.applies(subject, variant, self.half_duplex_http1):
                    continue
                request = cases.resolved(subject, variant)
                if self.match.search(request.test_name):
                    planned.setdefault((variant.http, variant.protocol, variant.tls), []).append((subject, request))
        return planned


def run_cases(report, client, server, tls, planned, certificates, arguments):
    """Sends calls to the client, a few at a time, and judges each result as it comes."""
    waiting = {}
    remaining = collections.deque(planned)
    try:
        while remaining or waiting:
            while remaining and len(waiting) < arguments.parallel:
                subject, request = remaining.popleft()
                waiting[request.test_name] = (subject, request)
                request.host, request.port = server.host, server.port
                request.server_tls_cert = server.certificate
                if tls == "client-certificates":
                    request.client_tls_creds.CopyFrom(certificates.credentials("lone-client"))
                request.request_headers.add(name="x-test-case-name", value=[request.test_name])
                write_message(client.process.stdin, request)
            response = client.receive(arguments.timeout)
            if response.test_name not in waiting:
                raise ProcessFailure(f"a result for '{response.test_name}', which nobody asked for")
            subject, request = waiting.pop(response.test_name)
            judge(report, subject, request, response, arguments)
    except (ProcessFailure, BrokenPipeError) as failure:
        ending = "" if isinstance(failure, ProcessFailure) else client.ending()
        for name in list(waiting) + [request.test_name for _, request in remaining]:
            report.fail(name, f"the client failed: {failure}{ending}")
        return False
    return True


def judge(report, subject, request, response, arguments):
    result = response.WhichOneof("result")
    if result == "error":
        report.fail(request.test_name, f"the client could not make the call: {response.error.message}")
        return
    if result is None:
        report.fail(request.test_name, "the client's result is neither a response nor an error")
        return
    found = conformance_check.problems(subject, response.response)
    if not found:
        report.succeed(request.test_name)
        return
    text = "\n    ".join(line for problem in found for line in problem.split("\n"))
    if arguments.verbose:
        text += f"\n    sent: {conformance_check.describe(request)}"
        text += f"\n    expected: {conformance_check.describe(subject.expected)}"
        text += f"\n    reported: {conformance_check.describe(response.response)}"
    report.fail(request.test_name, text)


def run_matrix(report, arguments):
    certificates = Certificates()
    client = None
    for (http, protocol, tls), planned in Selection(arguments).plan().items():
        names = [request.test_name for _, request in planned]
        label = f"HTTP/{http}, {config_pb2.Protocol.Name(protocol)}, {tls}"
        try:
            server = Server(shlex.split(arguments.server), http, protocol, tls, certificates, arguments.timeout)
        except (ProcessFailure, OSError) as failure:
            for name in names:
                report.fail(name, f"the server did not start ({label}): {failure}")
            continue
        start = time.monotonic()
        client = client or Program(shlex.split(arguments.client), client_compat_pb2.ClientCompatResponse)
        if not run_cases(report, client, server, tls, planned, certificates, arguments):
            client.stop()
            client = None
        if server.program.process.poll() is not None:
            report.fail(f"server/{label}", f"it ended during the run{server.program.ending()}")
        elif not server.stop():
            report.fail(f"server/{label}", "it did not end within five seconds of SIGTERM")
        print(f"# {label}: {len(planned)} cases in {time.monotonic() - start:.1f} s", flush=True)
    if client:
        finish_client(report, client)


def finish_client(report, client):
    """A client ends by itself, with status 0, when its input does."""
    client.process.stdin.close()
    try:
        status = client.process.wait(10)
    except subprocess.TimeoutExpired:
        client.stop()
        report.fail("client/end-of-input", "it goes on ten seconds after the end of its input")
        return
    if status == 0:
        report.succeed("client/end-of-input")
    else:
        report.fail("client/end-of-input", f"exit status {status}{client.ending()}")


def run_reference(report, arguments):
    """Calls our server with clients that share nothing with ours."""
    command = shlex.split(arguments.server)
    for http in (cases.HTTP_1, cases.HTTP_2):
        for protocol in (cases.CONNECT, cases.GRPC):
            names = [name for name, _ in conformance_reference.checks(http, protocol)]
            if protocol == cases.GRPC and http == cases.HTTP_1 or not any(map(report.pattern.search, names)):
                continue
            try:
                server = Server(command, http, protocol, "plain", None, arguments.timeout)
            except (ProcessFailure, OSError) as failure:
                report.fail(names[0], f"the server did not start, nor are the others tried: {failure}")
                continue
            try:
                conformance_reference.run(report, server.host, server.port, http, protocol)
            finally:
                server.stop()


def run_certificates(report, arguments):
    """A server that asks for client certificates has to turn others away."""
    checks = list(conformance_reference.certificate_checks())
    if not any(report.pattern.search(name) for name, _ in checks):
        return
    certificates = Certificates()
    command = shlex.split(arguments.server)
    try:
        server = Server(command, cases.HTTP_2, cases.CONNECT, "client-certificates", certificates, arguments.timeout)
    except (ProcessFailure, OSError) as failure:
        report.fail(checks[0][0], f"the server did not start, nor are the others tried: {failure}")
        return
    try:
        for name, check in checks:
            report.run(name, check, server, certificates.folder)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="the server under test, with its arguments")
    parser.add_argument("--client", help="the client under test, with its arguments")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and end")
    parser.add_argument("--match", default="", help="a regular expression that names of cases have to match")
    parser.add_argument("--reference", action="store_true", help="only the checks with clients of others")
    parser.add_argument("--grpc-web", action="store_true", help="gRPC-Web too")
    parser.add_argument("--half-duplex-http1", action="store_true", help="half-duplex calls over HTTP/1.1 too")
    parser.add_argument("--parallel", type=int, default=8, help="calls that the client may have at once")
    parser.add_argument("--timeout", type=float, default=30, help="seconds to wait for a program under test")
    parser.add_argument("--verbose", action="store_true", help="show request, expectation and result of failures")
    arguments = parser.parse_args()
    if arguments.list:
        for planned in Selection(arguments).plan().values():
            for _, request in planned:
                print(request.test_name)
        for name in conformance_reference.names():
            if re.search(arguments.match, name):
                print(name)
        return
    if not arguments.server or not (arguments.client or arguments.reference):
        parser.error("--server and --client are needed (or --server and --reference, or --list)")
    report = Report(pattern=arguments.match)
    if not arguments.reference:
        run_matrix(report, arguments)
    run_reference(report, arguments)
    run_certificates(report, arguments)
    report.finish()


if __name__ == "__main__":
    main()
