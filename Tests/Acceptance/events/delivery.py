#!/usr/bin/env python3
"""What receivers get, judged by others: CloudEvents' own SDK reads every mode, a JSON schema validator checks every type
against its schema in Docs/events/types, and the signature is computed here once more, from what the documentation says.

    .tools/events/bin/python Tests/Acceptance/events/delivery.py --bin .build/debug

Needs Scripts/bootstrap, and the program event-deliverer. Ends with status 1 where something is wrong.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from cloudevents.v1.http import from_http
from jsonschema import Draft202012Validator

TYPES = pathlib.Path(__file__).resolve().parents[3] / "Docs/events/types"
SECRETS = ["whsec_" + base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2)]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = []

    def answer(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self):
        origin = self.headers["WebHook-Request-Origin"]
        self.answer(200, [("WebHook-Allowed-Origin", origin), ("WebHook-Allowed-Rate", "600")])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.requests.append((dict(self.headers.items()), body))
        self.answer(204)

    def log_message(self, *arguments):
        pass


def signatures(headers, body):
    """What each secret signs, as Docs/events/webhooks.md has it."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for secret in SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        yield "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def deliver(program, mode):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Receiver.requests = []
    said = subprocess.run(
        [program, f"http://127.0.0.1:{server.server_port}/hook", mode, *SECRETS], check=True, capture_output=True,
        text=True, timeout=60).stdout
    server.shutdown()
    assert said.startswith("consent options 600\n"), said
    assert all(line.startswith("204 ") for line in said.splitlines()[1:]), said
    return Receiver.requests


def events(mode, requests):
    for headers, body in requests:
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["webhook-request-origin"] == "suite.example.org"
        assert headers["webhook-signature"].split() == list(signatures(headers, body)), "the signature is wrong"
        if mode == "batch":
            assert headers["content-type"].startswith("application/cloudevents-batch+json")
            # The SDK reads single events alone.
            for one in json.loads(body):
                yield from_http({"content-type": "application/cloudevents+json"}, json.dumps(one))
        else:
            yield from_http(headers, body)


def check(mode, event):
    attributes = event.get_attributes()
    assert attributes["specversion"] == "1.0" and attributes["source"] == "/slipway/workspaces/default"
    assert attributes["time"] == "2026-01-31T12:00:00.000000Z"
    assert all(name.isascii() and name.isalnum() and name == name.lower() for name in attributes), attributes
    if attributes["id"] == "large":
        assert event.data is None and attributes["dataref"].startswith("https://events.example.org/"), event
        return None
    if attributes["id"] == "odd":
        assert event.data == {"text": '"\\\n€'}, event.data
        subject = attributes["subject"]
        assert "€" in subject and "😀" in subject or mode == "binary" and "%E2%82%AC" in subject, subject
        return None
    name = attributes["type"].removeprefix("slipway.")
    schema = json.loads((TYPES / f"{name}.json").read_text())
    assert schema["$id"] == attributes["dataschema"]
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(event.data)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of event-deliverer")
    program = (parser.parse_args().bin / "event-deliverer").resolve()
    types = {path.name.removesuffix(".json") for path in TYPES.glob("*.json") if ".example." not in path.name}
    failed = False
    for mode in ("structured", "binary", "batch"):
        try:
            requests = deliver(program, mode)
            seen = {check(mode, event) for event in events(mode, requests)} - {None}
            assert seen == types, f"not delivered: {types - seen}"
            print(f"ok      {mode}: {len(seen)} types in {len(requests)} requests, signed twice")
        except Exception as error:
            failed = True
            print(f"FAILED  {mode}: {type(error).__name__}: {error}")
    for path in TYPES.glob("*.example.json"):
        example = json.loads(path.read_text())
        schema = json.loads(path.with_name(path.name.replace(".example", "")).read_text())
        Draft202012Validator(schema).validate(example["data"])
        event = from_http({"content-type": "application/cloudevents+json"}, json.dumps(example))
        assert event["type"] == schema["title"]
    print(f"ok      {len(types)} documented examples follow their schemas")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
