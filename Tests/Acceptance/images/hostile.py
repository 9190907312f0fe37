"""A registry that does to the builder what registries do on bad days."""

import contextlib
import hashlib
import http.server
import json
import threading


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Hostile:
    """Has one image, `team/base:1`, of whatever platform; `mood` says how it answers."""

    def __init__(self, architecture="amd64", system="linux"):
        self.mood = "well"
        self.asked = 0
        self.layer = b"no archive at all, but nobody looks into it before its digest was checked"
        configuration = json.dumps({
            "architecture": architecture, "os": system, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(self.layer)]}}).encode()
        kind = "application/vnd.oci.image."
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": f"{kind}manifest.v1+json",
            "config": {
                "mediaType": f"{kind}config.v1+json", "digest": digest(configuration), "size": len(configuration)},
            "layers": [{"mediaType": f"{kind}layer.v1.tar", "digest": digest(self.layer), "size": len(self.layer)}],
        }).encode()
        self.blobs = {digest(configuration): configuration, digest(self.layer): self.layer}

    def answer(self, path):
        """Status, header fields and body."""
        self.asked += 1
        if self.mood.isdigit():
            fields = {"Retry-After": "0"} if self.mood == "429" else {}
            if self.mood == "401":
                fields["WWW-Authenticate"] = 'Basic realm="hostile"'
            return int(self.mood), fields, b'{"errors":[{"code":"MOOD","message":"not today"}]}'
        if path in ("/v2", "/v2/"):
            return 200, {}, b"{}"
        name, _, reference = path.removeprefix("/v2/team/base/").partition("/")
        if name == "manifests":
            body = self.manifest
            told = digest(b"another") if self.mood == "lying header" else digest(body)
            return 200, {
                "Content-Type": "application/vnd.oci.image.manifest.v1+json", "Docker-Content-Digest": told}, body
        if name == "blobs" and reference in self.blobs:
            body = self.blobs[reference]
            if self.mood == "lying" and reference == digest(self.layer):
                body = body[:-1] + b"!"
            if self.mood == "short" and reference == digest(self.layer):
                body = body[:-5]
            return 200, {"Content-Type": "application/octet-stream"}, body
        return 404, {}, b'{"errors":[{"code":"NOT_FOUND","message":"there is no such thing"}]}'


@contextlib.contextmanager
def hostile(**platform):
    """The registry, and the reference of its image."""
    registry = Hostile(**platform)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, fields, body = registry.answer(self.path)
            self.send_response(status)
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield registry, f"localhost:{server.server_port}/team/base:1"
    finally:
        server.shutdown()
        server.server_close()
