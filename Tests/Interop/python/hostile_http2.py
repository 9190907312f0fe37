"""HTTP/2 that a server has to refuse: broken frames, broken states, broken headers, and floods.

Frames are made by hyperframe and header blocks by hpack, or by hand where those would refuse to make them. A server
passes by ending the stream (RST_STREAM, or a 4xx), or the connection (GOAWAY, close), within the deadline. Meanwhile a
well-behaved connection has to be answered.
"""

import select
import socket
import struct
import time

import hpack

from checks import Failure, expect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 3, 4, 5

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
STREAMING_OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
# StreamingOutputCallRequest with one response of 1 byte after 10 s, so that the call stays open.
LATE_RESPONSE = b"\x00\x00\x00\x00\x09" + b"\x12\x07\x08\x01\x10" + b"\x80\xad\xe2\x04"


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def setting(identifier, value):
    return struct.pack(">HI", identifier, value)


def block(headers):
    """A header block without references to a dynamic table: it means the same on any connection."""
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    return encoder.encode([hpack.NeverIndexedHeaderTuple(name, value) for name, value in headers], huffman=False)


def call_headers(path=EMPTY_CALL, *more):
    return [
        (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers"), *more,
    ]


CALL = block(call_headers())
LATE_CALL = block(call_headers(STREAMING_OUTPUT))


def open_call(stream=1, headers=CALL):
    """The headers of a call whose body is still to come."""
    return frame(HEADERS, END_HEADERS, stream, headers)


def late_call(stream=1):
    """A whole call that the server answers only after ten seconds."""
    return frame(HEADERS, END_HEADERS, stream, LATE_CALL) + frame(DATA, END_STREAM, stream, LATE_RESPONSE)


class Peer:
    """A raw connection that knows frames, but keeps no rules."""

    def __init__(self, host, port, deadline, preface=PREFACE + frame(SETTINGS)):
        self.deadline = time.monotonic() + deadline
        self.seconds = deadline
        self.socket = socket.create_connection((host, port), timeout=deadline)
        self.buffer = b""
        self.settings = {}
        self.goaway = None
        self.resets = {}
        self.answers = set()
        self.ended = set()
        self.closed = False
        if preface:
            self.send(preface)

    def send(self, data):
        """Sends everything unless the server closes. Reads nothing meanwhile, as an attacker would not."""
        view = memoryview(data)
        while len(view) and not self.closed:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise Failure("the server neither reads on nor closes")
            _, writable, _ = select.select([], [self.socket], [], left)
            if writable:
                try:
                    view = view[self.socket.send(view[: 1 << 16]) :]
                except OSError:
                    self.closed = True
        return not self.closed

    def drain(self):
        """Takes in what has arrived, without waiting."""
        while not self.closed and select.select([self.socket], [], [], 0)[0]:
            self.take()

    def take(self):
        try:
            data = self.socket.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self.closed = True
        self.buffer += data
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                return
            kind, flags, stream = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big")
            self.handle(kind, flags, stream & 0x7FFFFFFF, self.buffer[9 : 9 + length])
            self.buffer = self.buffer[9 + length :]

    def handle(self, kind, flags, stream, payload):
        if kind == GOAWAY and len(payload) >= 8:
            # A server that drains says so with code 0 first; only an error ends the wait.
            code = int.from_bytes(payload[4:8], "big")
            self.goaway = code if code or self.goaway is None else self.goaway
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload[:4], "big")
        elif kind == SETTINGS and not flags & ACK:
            for offset in range(0, len(payload), 6):
                identifier, value = struct.unpack_from(">HI", payload, offset)
                self.settings[identifier] = value
        elif kind == HEADERS:
            self.answers.add(stream)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)

    def wait(self, finished):
        """Reads until something holds, the connection ends, or the deadline passes."""
        while not self.closed and not finished():
            left = self.deadline - time.monotonic()
            if left <= 0:
                return
            if select.select([self.socket], [], [], left)[0]:
                self.take()

    @property
    def is_ended(self):
        return self.closed or self.goaway is not None

    def expect_connection_end(self):
        self.wait(lambda: self.is_ended)
        expect(self.is_ended, f"neither GOAWAY nor close in {self.seconds} s; {self.summary()}")

    def expect_stream_end(self, stream):
        """The stream was reset or answered as an error (trailers-only ends it at once), or the connection ended."""
        self.wait(lambda: self.is_ended or stream in self.resets or stream in self.ended)
        over = self.is_ended or stream in self.resets or stream in self.ended
        expect(over, f"stream {stream} goes on after {self.seconds} s; {self.summary()}")

    def summary(self):
        return f"resets {self.resets}, answered streams {sorted(self.answers)[:5]}, GOAWAY {self.goaway}"


def connection_error(peer, data):
    peer.send(data)
    peer.expect_connection_end()


def stream_error(peer, data):
    peer.send(data)
    peer.expect_stream_end(1)


# Name, bytes after preface and SETTINGS. Every one is an error of the connection.
CONNECTION_ERRORS = [
    ("headers_on_stream_0", frame(HEADERS, END_HEADERS | END_STREAM, 0, CALL)),
    ("data_on_stream_0", frame(DATA, END_STREAM, 0, b"x")),
    ("data_on_idle_stream", frame(DATA, END_STREAM, 1, b"x")),
    ("reset_of_idle_stream", frame(RST_STREAM, 0, 1, b"\0\0\0\x08")),
    ("reset_of_stream_0", frame(RST_STREAM, 0, 0, b"\0\0\0\x08")),
    ("reset_of_wrong_length", open_call() + frame(RST_STREAM, 0, 1, b"\0\0\x08")),
    ("window_update_on_idle_stream", frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x01")),
    ("window_update_of_wrong_length", frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01")),
    ("window_increment_zero", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0")),
    ("window_overflow", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2),
    ("even_stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, CALL)),
    ("push_promise_from_client", open_call() + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + CALL)),
    ("continuation_without_headers", frame(CONTINUATION, END_HEADERS, 1, CALL)),
    ("data_within_header_block", frame(HEADERS, 0, 1, CALL[:5]) + frame(DATA, 0, 1, b"x")),
    ("ping_within_header_block", frame(HEADERS, 0, 1, CALL[:5]) + frame(PING, 0, 0, bytes(8))),
    ("continuation_on_other_stream", frame(HEADERS, 0, 1, CALL[:5]) + frame(CONTINUATION, END_HEADERS, 3, CALL[5:])),
    ("hpack_garbage", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" * 64)),
    ("hpack_index_zero", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80")),
    ("hpack_index_unknown", frame(HEADERS, END_HEADERS | END_STREAM, 1, CALL + b"\xfe")),
    ("hpack_table_too_large", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xff\xff\xff\x07" + CALL)),
    ("hpack_string_beyond_end", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x7f\xff\x07abc")),
    ("hpack_bad_huffman", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x84\xff\xff\xff\xff\x01a")),
    ("padding_longer_than_frame", frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + CALL)),
    ("data_padding_longer_than_frame", open_call() + frame(DATA, PADDED, 1, b"\xffx")),
    ("settings_on_stream", frame(SETTINGS, 0, 1)),
    ("settings_of_wrong_length", frame(SETTINGS, 0, 0, b"\0\x03\0\0\0")),
    ("settings_ack_with_payload", frame(SETTINGS, ACK, 0, setting(MAX_CONCURRENT_STREAMS, 1))),
    ("settings_window_too_large", frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 1 << 31))),
    ("settings_frame_size_too_small", frame(SETTINGS, 0, 0, setting(MAX_FRAME_SIZE, 1))),
    ("settings_push_neither_0_nor_1", frame(SETTINGS, 0, 0, setting(2, 2))),
    ("ping_on_stream", frame(PING, 0, 1, bytes(8))),
    ("ping_of_wrong_length", frame(PING, 0, 0, bytes(7))),
    ("goaway_on_stream", frame(GOAWAY, 0, 1, bytes(8))),
    ("goaway_of_wrong_length", frame(GOAWAY, 0, 0, bytes(7))),
    ("headers_too_short_for_priority", frame(HEADERS, END_HEADERS | PRIORITIZED, 1, b"\0\0")),
]


def with_headers(*headers):
    return frame(HEADERS, END_HEADERS | END_STREAM, 1, block(headers))


FINE = call_headers()

# Name, bytes after preface and SETTINGS. Every one is an error of stream 1 at least.
STREAM_ERRORS = [
    ("stream_window_increment_zero", open_call() + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\0")),
    ("stream_window_overflow", late_call() + frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff") * 2),
    ("data_after_end", late_call() + frame(DATA, 0, 1, b"x")),
    ("headers_after_end", late_call() + frame(HEADERS, END_HEADERS | END_STREAM, 1, CALL)),
    ("trailers_that_do_not_end", open_call() + frame(HEADERS, END_HEADERS, 1, block([("x-trailer", "1")]))),
    ("upper_case_name", with_headers(*FINE, ("X-Upper", "1"))),
    ("connection_header", with_headers(*FINE, ("connection", "close"))),
    ("transfer_encoding_header", with_headers(*FINE, ("transfer-encoding", "chunked"))),
    ("te_other_than_trailers", with_headers(*[pair for pair in FINE if pair[0] != "te"], ("te", "gzip"))),
    ("no_path", with_headers(*[pair for pair in FINE if pair[0] != ":path"])),
    ("no_method", with_headers(*[pair for pair in FINE if pair[0] != ":method"])),
    ("no_scheme", with_headers(*[pair for pair in FINE if pair[0] != ":scheme"])),
    ("empty_path", with_headers(*[(name, "" if name == ":path" else value) for name, value in FINE])),
    ("method_twice", with_headers((":method", "GET"), *FINE)),
    ("pseudo_header_after_others", with_headers(*FINE[1:], FINE[0])),
    ("unknown_pseudo_header", with_headers((":odd", "1"), *FINE)),
    ("response_pseudo_header", with_headers((":status", "200"), *FINE)),
    ("line_break_in_value", with_headers(*FINE, ("x-one", "1\r\nx-two: 2"))),
    ("zero_byte_in_value", with_headers(*FINE, ("x-one", "1\x002"))),
    ("content_length_not_met", open_call(headers=block(call_headers(EMPTY_CALL, ("content-length", "99"))))
     + frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")),
    ("message_longer_than_limit", open_call() + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff" + bytes(100))),
    ("message_cut_off", open_call() + frame(DATA, END_STREAM, 1, b"\0\0\0\0\x09abc")),
    ("message_with_unknown_flags", open_call() + frame(DATA, END_STREAM, 1, b"\xfe\0\0\0\0")),
    ("giant_header_list", frame(HEADERS, END_STREAM, 1, CALL)
     + frame(CONTINUATION, 0, 1, block([("x-big", "x" * 16000)])) * 63
     + frame(CONTINUATION, END_HEADERS, 1, block([("x-big", "x" * 16000)]))),
]


def bad_preface(host, port, deadline):
    for preface in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n" + bytes(64), PREFACE + b"\xff" * 64):
        peer = Peer(host, port, deadline, preface + frame(SETTINGS))
        with peer.socket:
            peer.expect_connection_end()


def stream_numbers_go_back(peer):
    """A stream below one that was opened counts as closed. nghttp2 ignores it, which the rules allow for a while."""
    peer.send(open_call(5) + open_call(3) + frame(DATA, END_STREAM, 3, b"\0\0\0\0\0"))
    peer.send(frame(DATA, END_STREAM, 5, b"\0\0\0\0\0"))
    peer.wait(lambda: peer.is_ended or 5 in peer.answers)
    expect(3 not in peer.answers, "a stream whose number went back was answered")


def no_settings(peer):
    peer.send(frame(PING, 0, 0, bytes(8)))
    peer.expect_connection_end()


def frame_too_large(peer, kind, flags, stream, before=b""):
    peer.wait(lambda: peer.settings)
    limit = peer.settings.get(MAX_FRAME_SIZE, 16384)
    if limit == (1 << 24) - 1:
        return
    peer.send(before + frame(kind, flags, stream, bytes(limit + 1)))
    if kind == DATA:
        peer.expect_stream_end(1)
    else:
        peer.expect_connection_end()


def frame_promises_megabytes(peer):
    peer.send(frame(0xEE, 0, 0, b"x", length=(1 << 24) - 1))
    peer.expect_connection_end()


def flood(peer, piece, bytes_max, drain=False):
    """Sends a piece again and again until the server ends the connection. Fails if it takes everything."""
    bundle = piece * max(1, (1 << 15) // len(piece))
    sent = 0
    while sent < bytes_max and not peer.is_ended:
        peer.send(bundle)
        sent += len(bundle)
        if drain:
            peer.drain()
    peer.expect_connection_end()
    return sent


def tolerated_flood(peer, before, piece, bytes_max):
    """A flood the rules allow. The server may take it or end it; it must go on serving others."""
    peer.send(before)
    bundle = piece * max(1, (1 << 15) // len(piece))
    sent = 0
    while sent < bytes_max and not peer.is_ended:
        peer.send(bundle)
        sent += len(bundle)
        peer.drain()


def continuation_flood(peer, piece):
    peer.send(frame(HEADERS, END_STREAM, 1, CALL))
    flood(peer, frame(CONTINUATION, 0, 1, piece), 64 << 20)


def rapid_reset(peer, pairs_max):
    """Opens and resets streams as fast as it can. A server that ends this makes each attempt cost a connection."""
    stream = 1
    while stream < 2 * pairs_max and not peer.is_ended:
        bundle = b"".join(
            open_call(number) + frame(RST_STREAM, 0, number, b"\0\0\0\x08") for number in range(stream, stream + 200, 2)
        )
        peer.send(bundle)
        stream += 200
        peer.drain()
    peer.expect_connection_end()


def hpack_bomb(peer):
    """A kilobyte on the wire that grows to a hundred megabytes of headers."""
    value = b"x" * 3900
    literal = b"\x40\x06x-bomb" + hpack_length(len(value)) + value
    peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, CALL + literal + b"\xbe" * 12000))
    peer.expect_stream_end(1)


def hpack_length(value):
    """An HPACK string length with a seven-bit prefix, without Huffman coding."""
    if value < 127:
        return bytes([value])
    encoded, value = bytearray([127]), value - 127
    while value >= 128:
        encoded.append(value % 128 + 128)
        value //= 128
    return bytes(encoded + bytes([value]))


def too_many_streams(peer):
    """Opens more streams than the server allows. It has to refuse those beyond, and say a limit at all."""
    peer.wait(lambda: peer.settings)
    limit = peer.settings.get(MAX_CONCURRENT_STREAMS)
    expect(limit is not None, "the server announces no limit of concurrent streams")
    if limit > 10_000:
        raise Failure(f"the limit of concurrent streams is no limit: {limit}")
    last = 2 * (limit + 20) - 1
    for stream in range(1, last + 1, 2):
        peer.send(frame(HEADERS, END_HEADERS, stream, LATE_CALL))
    peer.expect_stream_end(last)


def tiny_window(peer):
    """Asks for answers and gives no room for them. The server holds them, or gives up; others are served."""
    peer.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 0)))
    for stream in range(1, 41, 2):
        peer.send(frame(HEADERS, END_HEADERS, stream, CALL) + frame(DATA, END_STREAM, stream, b"\0\0\0\0\0"))
    peer.drain()


def run(report, prober, arguments):
    host, port, deadline = arguments.host, arguments.port, arguments.deadline

    def case(check, *more, preface=PREFACE + frame(SETTINGS)):
        peer = Peer(host, port, deadline, preface)
        with peer.socket:
            check(peer, *more)
            prober.expect_alive()

    def bad_prefaces():
        bad_preface(host, port, deadline)
        prober.expect_alive()

    report.run("http2/bad_preface", bad_prefaces)
    report.run("http2/no_settings", lambda: case(no_settings, preface=PREFACE))
    report.run("http2/settings_too_large", case, frame_too_large, SETTINGS, 0, 0)
    report.run("http2/headers_too_large", case, frame_too_large, HEADERS, END_HEADERS, 1)
    report.run("http2/data_too_large", case, frame_too_large, DATA, 0, 1, open_call())
    report.run("http2/frame_promises_megabytes", case, frame_promises_megabytes)
    for name, data in CONNECTION_ERRORS:
        report.run(f"http2/{name}", case, connection_error, data)
    for name, data in STREAM_ERRORS:
        report.run(f"http2/{name}", case, stream_error, data)
    report.run("http2/stream_numbers_go_back", case, stream_numbers_go_back)
    report.run("http2/hpack_bomb", case, hpack_bomb)
    report.run("http2/too_many_streams", case, too_many_streams)
    report.run("http2/tiny_window", case, tiny_window)
    report.run("http2/continuation_flood", case, continuation_flood, block([("x-more", "x" * 100)]))
    report.run("http2/empty_continuation_flood", case, continuation_flood, b"")
    report.run("http2/ping_flood", case, flood, frame(PING, 0, 0, bytes(8)), 64 << 20)
    report.run("http2/settings_flood", case, flood, frame(SETTINGS, 0, 0, setting(MAX_FRAME_SIZE, 16384)), 64 << 20)
    report.run("http2/rapid_reset", case, rapid_reset, 100_000)
    report.run("http2/empty_data_flood", case, tolerated_flood, open_call(), frame(DATA, 0, 1), 16 << 20)
    report.run("http2/priority_flood", case, tolerated_flood, b"", frame(PRIORITY, 0, 1, b"\0\0\0\x03\x10"), 16 << 20)
    report.run("http2/window_update_flood", case, tolerated_flood, open_call(),
               frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x01"), 4 << 20)
    report.run("http2/unknown_frame_flood", case, tolerated_flood, b"", frame(0xEE, 0, 0, bytes(16)), 16 << 20)
