"""A receiver of webhooks, what it can make of them, and a name server whose answer changes."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import socket
import struct
import threading

from cloudevents.v1.http import from_http


class Receiver:
    def __init__(self, consent="options", host="127.0.0.1"):
        self.requests, self.asked, self.places, self.open = [], [], [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                receiver.open.append(self.connection)
                receiver.places.append(self.connection.getsockname()[0])

            def answer(self, status, headers=(), body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_OPTIONS(self):
                receiver.asked.append("options")
                if consent == "options":
                    self.answer(200, [("WebHook-Allowed-Origin", self.headers["WebHook-Request-Origin"])])
                else:
                    self.answer(405)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["aeg-event-type"] == "SubscriptionValidation":
                    receiver.asked.append("echo")
                    code = json.loads(body)[0]["data"]["validationCode"]
                    answer = json.dumps({"validationResponse": code}).encode() if consent == "echo" else b"{}"
                    return self.answer(200, [("Content-Type", "application/json")], answer)
                receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                return self.answer(200)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer((host, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"

    def hang_up(self):
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read(requests, mode, secret):
    """The events, as the SDK reads them, of requests whose signature is right."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    events = []
    for headers, body in list(requests):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert right in headers["webhook-signature"].split(), "the signature is wrong"
        if mode == "batch":
            single = {"content-type": "application/cloudevents+json"}
            found = [from_http(single, json.dumps(one)) for one in json.loads(body)]
        else:
            found = [from_http(headers, body)]
        events += [dict(event.get_attributes()) | {"data": event.data} for event in found]
    return events


class NameServer:
    """Answers every question for an address with `address`, for no time at all."""

    def __init__(self):
        self.address = "127.0.0.1"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(2048)
            end = question.index(0, 12) + 5
            is_address = question[end - 4:end - 2] == b"\x00\x01"
            answer = question[:2] + b"\x81\x80\x00\x01" + struct.pack("!HHH", int(is_address), 0, 0) + question[12:end]
            if is_address:
                answer += b"\xc0\x0c\x00\x01\x00\x01" + struct.pack("!IH", 0, 4) + socket.inet_aton(self.address)
            self.socket.sendto(answer, sender)
