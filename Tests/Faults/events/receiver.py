#!/usr/bin/env python3
"""A receiver of webhooks that is made to be killed: whatever it accepts is in its file before it answers.

    receiver.py PORT FILE SEED REFUSALS

A line for each event: `a` where it was accepted and `r` where it was not, the subscription (the address's path), the
event's id, its subject. Of all requests the share REFUSALS is answered 503. Lines of one process are in the order in
which its answers were decided; there is only one process at a time.
"""

import asyncio
import json
import os
import random
import socket
import sys

ANSWERS = {True: b"HTTP/1.1 204 No Content\r\n\r\n",
           False: b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"}


class Connection(asyncio.Protocol):
    file = None
    chance = None
    refusals = 0.0

    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].split(b"\r\n")
            headers = dict(line.split(b": ", 1) for line in head[1:])
            headers = {name.lower(): value for name, value in headers.items()}
            length = int(headers.get(b"content-length", b"0"))
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4:end + 4 + length]
            self.buffer = self.buffer[end + 4 + length:]
            method, path, _ = head[0].split(b" ", 2)
            self.transport.write(self.answer(method, path.decode().strip("/"), headers, body))

    def answer(self, method, name, headers, body):
        if method == b"OPTIONS":
            return b"HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nContent-Length: 0\r\n\r\n"
        events = json.loads(body)
        if isinstance(events, dict):
            events = [events]
        accepts = Connection.chance.random() >= Connection.refusals
        letter = "a" if accepts else "r"
        lines = "".join(f"{letter} {name} {event['id']} {event.get('subject', '')}\n" for event in events)
        # One call for all: a kill leaves all of them or none.
        os.write(Connection.file, lines.encode())
        return ANSWERS[accepts]


async def main():
    port, path, seed, refusals = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    Connection.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    Connection.chance = random.Random(seed)
    Connection.refusals = refusals
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    server = await asyncio.get_running_loop().create_server(Connection, sock=listener)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
