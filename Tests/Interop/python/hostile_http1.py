"""HTTP/1.1 that a server has to refuse: request smuggling, broken framing, oversize and slow heads.

Each case sends raw bytes. The server passes by answering 4xx or 5xx (or nothing) and closing; a 2xx fails, since
another program on the way could read the same bytes otherwise. Nothing here needs more from the server than one method.
"""

import re
import socket
import time

from checks import Failure, expect, shorten

PATH = b"/grpc.testing.TestService/EmptyCall"
HEAD = b"POST " + PATH + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = HEAD + b"Content-Length: 2\r\n\r\n{}"


def head(*lines, body=b""):
    return HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body):
    return head(b"Transfer-Encoding: chunked", body=body)


GOOD_CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"

# Name, bytes. Every one has to be refused.
REFUSED = [
    ("content_length_and_chunked", head(b"Content-Length: 4", b"Transfer-Encoding: chunked",
                                        body=GOOD_CHUNKS + SMUGGLED)),
    ("chunked_and_content_length", head(b"Transfer-Encoding: chunked", b"Content-Length: 12", body=GOOD_CHUNKS)),
    ("two_content_lengths", head(b"Content-Length: 2", b"Content-Length: 5", body=b"{}" + SMUGGLED)),
    ("content_length_list", head(b"Content-Length: 2, 5", body=b"{}" + SMUGGLED)),
    ("content_length_plus", head(b"Content-Length: +2", body=b"{}")),
    ("content_length_minus", head(b"Content-Length: -2", body=b"{}")),
    ("content_length_hexadecimal", head(b"Content-Length: 0x2", body=b"{}")),
    ("content_length_two_numbers", head(b"Content-Length: 2 2", body=b"{}")),
    ("content_length_empty", head(b"Content-Length:", body=b"{}")),
    ("content_length_overflow", head(b"Content-Length: 18446744073709551618", body=b"{}")),
    ("content_length_space_before_colon", head(b"Content-Length : 2", body=b"{}")),
    ("transfer_encoding_space_before_colon", head(b"Transfer-Encoding : chunked", body=GOOD_CHUNKS)),
    ("transfer_encoding_unknown", head(b"Transfer-Encoding: xchunked", body=GOOD_CHUNKS)),
    ("transfer_encoding_chunked_not_last", head(b"Transfer-Encoding: chunked, gzip", body=GOOD_CHUNKS)),
    ("transfer_encoding_twice", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=GOOD_CHUNKS)),
    ("transfer_encoding_vertical_tab", head(b"Transfer-Encoding: \x0bchunked", body=GOOD_CHUNKS)),
    ("transfer_encoding_in_http_1_0", chunked(GOOD_CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0")),
    ("bare_line_feeds", head(b"Content-Length: 2", body=b"{}").replace(b"\r\n", b"\n")),
    ("bare_line_feed_in_head", head(b"X-One: 1\nContent-Length: 2", body=b"{}")),
    ("bare_carriage_return_in_value", head(b"X-One: 1\rX-Two: 2", b"Content-Length: 2", body=b"{}")),
    ("folded_header", head(b"X-One: 1\r\n two", b"Content-Length: 2", body=b"{}")),
    ("folded_transfer_encoding", head(b"Transfer-Encoding:\r\n chunked", body=GOOD_CHUNKS)),
    ("space_before_first_header", HEAD.replace(b"Host:", b" Host:") + b"Content-Length: 2\r\n\r\n{}"),
    ("header_without_colon", head(b"X-One", b"Content-Length: 2", body=b"{}")),
    ("header_without_name", head(b": 1", b"Content-Length: 2", body=b"{}")),
    ("header_name_with_space", head(b"X One: 1", b"Content-Length: 2", body=b"{}")),
    ("zero_byte_in_value", head(b"X-One: 1\x002", b"Content-Length: 2", body=b"{}")),
    ("zero_byte_in_path", head(b"Content-Length: 2", body=b"{}").replace(PATH, PATH + b"\x00")),
    ("space_in_path", head(b"Content-Length: 2", body=b"{}").replace(PATH, PATH + b" /x")),
    ("no_host", head(b"Content-Length: 2", body=b"{}").replace(b"Host: localhost\r\n", b"")),
    ("two_hosts", head(b"Host: other", b"Content-Length: 2", body=b"{}")),
    ("unknown_version", head(b"Content-Length: 2", body=b"{}").replace(b"HTTP/1.1", b"HTTP/9.9")),
    ("lower_case_version", head(b"Content-Length: 2", body=b"{}").replace(b"HTTP/1.1", b"http/1.1")),
    ("no_version", head(b"Content-Length: 2", body=b"{}").replace(b" HTTP/1.1", b"")),
    ("method_with_odd_character", head(b"Content-Length: 2", body=b"{}").replace(b"POST", b"PO(ST")),
    ("connect_method", b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n"),
    ("chunk_size_not_a_number", chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    ("chunk_size_negative", chunked(b"-2\r\n{}\r\n0\r\n\r\n")),
    ("chunk_size_prefixed", chunked(b"0x2\r\n{}\r\n0\r\n\r\n")),
    ("chunk_size_empty", chunked(b"\r\n{}\r\n0\r\n\r\n")),
    ("chunk_size_overflow", chunked(b"10000000000000002\r\n{}\r\n0\r\n\r\n")),
    ("chunk_size_bare_line_feed", chunked(b"2\n{}\r\n0\r\n\r\n")),
    ("chunk_without_end", chunked(b"2\r\n{}0\r\n\r\n")),
    ("chunk_longer_than_said", chunked(b"1\r\n{}\r\n0\r\n\r\n")),
    ("giant_chunk_extension", chunked(b"2;" + b"x" * (1 << 20) + b"\r\n{}\r\n0\r\n\r\n")),
    ("very_many_trailers", chunked(b"2\r\n{}\r\n0\r\n" + b"X-Trailer: 1\r\n" * 100_000 + b"\r\n")),
    ("giant_header", head(b"X-Big: " + b"x" * (1 << 20), b"Content-Length: 2", body=b"{}")),
    ("giant_path", b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("very_many_headers", head(*[b"X-%d: 1" % index for index in range(100_000)], b"Content-Length: 2", body=b"{}")),
    ("giant_head_without_end", HEAD + b"X-Big: " + b"x" * (4 << 20)),
    ("garbage", bytes(range(128, 256)) * 64 + b"\r\n\r\n"),
    ("tls_hello_on_plain_port", bytes.fromhex("16030100c8010000c40303") + b"\x00" * 64 + b"\r\n\r\n"),
]


class Stream:
    """A raw connection that collects what comes back."""

    def __init__(self, host, port, deadline):
        self.deadline = time.monotonic() + deadline
        self.socket = socket.create_connection((host, port), timeout=deadline)
        self.received = b""
        self.closed = False

    def send(self, data):
        """Sends what the server takes. It may well close before everything is sent."""
        try:
            self.socket.settimeout(max(0.01, self.deadline - time.monotonic()))
            self.socket.sendall(data)
        except TimeoutError:
            raise Failure("the server neither takes the bytes nor closes") from None
        except OSError:
            pass

    def read_until(self, finished):
        while not self.closed and not finished(self.received):
            left = self.deadline - time.monotonic()
            if left <= 0:
                return
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return
            except OSError:
                data = b""
            self.closed = self.closed or not data
            self.received += data

    def statuses(self):
        return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3})[ \r]", self.received)]


def refused(host, port, deadline, data):
    stream = Stream(host, port, deadline)
    with stream.socket:
        stream.send(data)
        stream.read_until(lambda received: False)
        final = [status for status in stream.statuses() if status >= 200]
        good = [status for status in final if status < 400]
        expect(not good, f"answered {good[0] if good else ''}: {shorten(stream.received)}")
        expect(len(final) <= 1, f"answered twice: {final}")
        expect(final or stream.closed, f"neither an answer nor a close in {deadline} s")
        expect(stream.closed, f"answered {final}, but the connection stays open after broken framing")


def half_closed(host, port, deadline, data):
    """Bytes that end in the middle: the server has to let go of the connection, without success."""
    stream = Stream(host, port, deadline)
    with stream.socket:
        stream.send(data)
        stream.socket.shutdown(socket.SHUT_WR)
        stream.read_until(lambda received: False)
        expect(stream.closed, f"the connection is still open {deadline} s after its end")
        expect(not [status for status in stream.statuses() if 200 <= status < 400], "answered a truncated request")


def slow_head(host, port, deadline, pause=0.5):
    """A head that comes byte by byte. The server has to give up although bytes keep coming."""
    stream = Stream(host, port, deadline)
    with stream.socket:
        for index in range(int(deadline / pause)):
            try:
                stream.socket.settimeout(pause)
                stream.socket.sendall((HEAD + b"X-Slow: " + b"x" * 10_000)[index : index + 1])
                data = stream.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            stream.received += data
        raise Failure(f"still open after {deadline} s of one byte every {pause} s")


def stalled(host, port, deadline, data):
    """Bytes that stop coming without an end of the connection."""
    stream = Stream(host, port, deadline)
    with stream.socket:
        stream.send(data)
        stream.read_until(lambda received: False)
        expect(stream.closed, f"still open after {deadline} s of silence")
        expect(not [status for status in stream.statuses() if 200 <= status < 400], "answered half a request")


def pipelined(host, port, deadline):
    """Three requests in one packet: three answers, in order, on a connection that stays."""
    stream = Stream(host, port, deadline)
    with stream.socket:
        stream.send(SMUGGLED + chunked(GOOD_CHUNKS) + SMUGGLED)
        stream.read_until(lambda received: len(re.findall(rb"HTTP/1\.1 200", received)) >= 3)
        statuses = stream.statuses()
        expect(statuses == [200, 200, 200], f"wanted three times 200, got {statuses}")


def run(report, prober, arguments):
    """The quick cases. Slow ones are in `slow_cases`, to be run beside others."""
    host, port, deadline = arguments.host, arguments.port, arguments.deadline

    def case(check, *more):
        check(host, port, deadline, *more)
        prober.expect_alive()

    report.run("http1/pipelined", case, pipelined)
    for name, data in REFUSED:
        report.run(f"http1/{name}", case, refused, data)
    report.run("http1/half_closed_head", case, half_closed, HEAD)
    report.run("http1/half_closed_body", case, half_closed, head(b"Content-Length: 10", body=b"{"))
    report.run("http1/half_closed_chunk", case, half_closed, chunked(b"ff\r\n{"))


def slow_cases(arguments):
    """(name, check, arguments) of the cases that wait for a time-out of the server."""
    host, port, deadline = arguments.host, arguments.port, arguments.slow_deadline
    return [
        ("http1/slow_head", slow_head, (host, port, deadline)),
        ("http1/silent_connection_in_head", stalled, (host, port, deadline, HEAD)),
        ("http1/stalled_body", stalled, (host, port, deadline, head(b"Content-Length: 1000", body=b"{"))),
        ("http1/stalled_chunk", stalled, (host, port, deadline, chunked(b"ff\r\n{"))),
    ]
