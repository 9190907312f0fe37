"""A small HTTP/2 client on the PyPI package h2, for what grpcio hides: message flags, exact headers, raw trailers."""

import gzip
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions


def envelope(message, flags=0):
    """One message with the five-byte prefix that gRPC and Connect streams share."""
    return struct.pack(">BI", flags, len(message)) + message


def compressed_envelope(message):
    return envelope(gzip.compress(message, mtime=0), flags=1)


def split_envelopes(body):
    """The (flags, bytes) of each message in a body. A truncated last message is an error."""
    messages = []
    offset = 0
    while offset < len(body):
        if len(body) - offset < 5:
            raise ValueError(f"{len(body) - offset} bytes left where a prefix of 5 should be")
        flags, length = struct.unpack_from(">BI", body, offset)
        offset += 5
        if len(body) - offset < length:
            raise ValueError(f"prefix promises {length} bytes, {len(body) - offset} are left")
        messages.append((flags, body[offset : offset + length]))
        offset += length
    return messages


def connect(host, port, ca_file=None, host_override=None, protocols=("h2",), timeout=10, certificate=None):
    """A TCP connection, or a TLS one that offers `protocols` when there is a CA file."""
    plain = socket.create_connection((host, port), timeout=timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if ca_file is None:
        return plain
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(list(protocols))
    if certificate:
        context.load_cert_chain(*certificate)
    return context.wrap_socket(plain, server_hostname=host_override or host)


class Response:
    """What came back on one stream. `headers` and `trailers` keep repeated names, in order."""

    def __init__(self):
        self.headers = []
        self.body = b""
        self.trailers = []
        self.ended = False
        self.reset = None

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    def trailer(self, name):
        """A trailer; of a response without a body, also what came among its only headers."""
        found = next((value for key, value in self.trailers if key == name), None)
        return found if found is not None or self.trailers else self.header(name)

    @property
    def status(self):
        status = self.header(":status")
        return int(status) if status else None


class Http2Client:
    """One connection, one stream after the other. Gives flow-control credit back as data arrives."""

    def __init__(self, stream_socket, authority):
        self.socket = stream_socket
        self.authority = authority
        self.scheme = "https" if isinstance(stream_socket, ssl.SSLSocket) else "http"
        configuration = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.session = h2.connection.H2Connection(configuration)
        self.session.initiate_connection()
        self.responses = {}
        self.goaway = None
        self.flush()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def flush(self):
        self.socket.sendall(self.session.data_to_send())

    def begin(self, method, path, headers, end=False):
        """Starts a stream. Pseudo-headers are added, `headers` are sent as they are."""
        stream = self.session.get_next_available_stream_id()
        self.responses[stream] = Response()
        pseudo = [(":method", method), (":scheme", self.scheme), (":path", path), (":authority", self.authority)]
        self.session.send_headers(stream, pseudo + list(headers), end_stream=end)
        self.flush()
        return stream

    def send(self, stream, data, end=False, timeout=10):
        """Sends data as flow control allows, reading in between."""
        deadline = time.monotonic() + timeout
        view = memoryview(data)
        while len(view):
            response = self.responses[stream]
            if response.ended or response.reset is not None:
                return
            room = min(
                self.session.local_flow_control_window(stream), self.session.max_outbound_frame_size, len(view)
            )
            if room <= 0:
                self.receive(deadline)
                continue
            self.session.send_data(stream, bytes(view[:room]))
            view = view[room:]
            self.flush()
        if end and not self.responses[stream].ended:
            self.session.end_stream(stream)
            self.flush()

    def receive(self, deadline):
        """Reads once and handles what came. Raises on time-out and on a closed connection."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self.socket.settimeout(left)
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("connection closed by the server")
        for event in self.session.receive_data(data):
            self.handle(event)
        self.flush()

    def handle(self, event):
        response = self.responses.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code
        if response is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            response.headers = list(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            response.body += event.data
            if event.flow_controlled_length:
                self.session.increment_flow_control_window(event.flow_controlled_length)
                if not event.stream_ended and not response.ended:
                    try:
                        self.session.increment_flow_control_window(event.flow_controlled_length, event.stream_id)
                    except h2.exceptions.StreamClosedError:
                        pass
        elif isinstance(event, h2.events.TrailersReceived):
            response.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            response.ended = True
        elif isinstance(event, h2.events.StreamReset):
            response.reset = event.error_code
            response.ended = True

    def wait(self, stream, timeout=10):
        deadline = time.monotonic() + timeout
        while not self.responses[stream].ended:
            self.receive(deadline)
        return self.responses.pop(stream)

    def request(self, method, path, headers=(), body=b"", timeout=10):
        """One whole exchange."""
        stream = self.begin(method, path, headers, end=not body)
        if body:
            self.send(stream, body, end=True, timeout=timeout)
        return self.wait(stream, timeout)

    def grpc(self, path, body, headers=(), timeout=10):
        """One gRPC call whose request messages are already framed."""
        standard = [("content-type", "application/grpc+proto"), ("te", "trailers")]
        stream = self.begin("POST", path, standard + list(headers))
        self.send(stream, body, end=True, timeout=timeout)
        return self.wait(stream, timeout)
