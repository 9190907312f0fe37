"""Bad input, all of it: what is refused, with what message, and that nothing of it stays. The tables are the list."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import stat
import struct
import subprocess
import urllib.error
import urllib.request

from checks import expect
from cutting_proxy import CuttingProxy
from registry import CommandLine, Registry, await_true

DIGEST = "sha256:" + "a" * 64
MODEL_NAME = "1 to 128 of A–Z, a–z, 0–9, '.', '_' and '-', beginning with a letter or digit"
ALIAS_NAME = "1 to 64 of a–z, 0–9, '_' and '-', not digits alone, and not \"latest\""
KEY = "a key is 1 to 128 of A–Z, a–z, 0–9, '.', '_', '-', '/', ':' and spaces, with no space at either end"


def at(*paths):
    return {"files": [{"path": path, "digest": DIGEST, "sizeBytes": "1"} for path in paths]}


# What is said of a registration, and what is answered.
REGISTRATIONS = [
    # Names.
    ({"name": ""}, f'name: "" should be {MODEL_NAME}'),
    ({"name": "a/b"}, f'name: "a/b" should be {MODEL_NAME}'),
    ({"name": "../a"}, f'name: "../a" should be {MODEL_NAME}'),
    ({"name": "-a"}, f'name: "-a" should be {MODEL_NAME}'),
    ({"name": "ä"}, f'name: "ä" should be {MODEL_NAME}'),
    ({"name": "a" * 129}, f'…" should be {MODEL_NAME}'),
    ({"aliases": ["latest"]}, f'aliases[0]: "latest" should be {ALIAS_NAME}'),
    ({"aliases": ["7"]}, f'aliases[0]: "7" should be {ALIAS_NAME}'),
    # Tags, properties, metrics, texts.
    ({"tags": {"": "x"}}, f'tags[""]: {KEY}'),
    ({"tags": {"a!": "x"}}, f'tags["a!"]: {KEY}'),
    ({"tags": {" a": "x"}}, f'tags[" a"]: {KEY}'),
    ({"tags": {"k" * 129: "x"}}, KEY),
    ({"tags": {"k": "v" * 1025}}, 'tags["k"]: it has 1025 bytes; 1024 at most'),
    ({"tags": {"k": "a\0b"}}, 'tags["k"]: it has a zero character'),
    ({"tags": {f"k{n}": "" for n in range(101)}}, "tags: there are 101; 100 at most"),
    ({"properties": {"a\n": ""}}, f'properties["a\\u{{a}}"]: {KEY}'),
    ({"metrics": {"auc": "NaN"}}, 'metrics["auc"]: nan is no number that can be compared; leave the metric out'),
    ({"description": "d" * 65_537}, "description: it has 65537 bytes; 65536 at most"),
    # Paths.
    (at(""), "files[0].path: it is empty; a path is relative, such as model/model.onnx"),
    (at("/etc/passwd"), 'files[0].path: "/etc/passwd" is absolute; a path is relative'),
    (at("../../etc/passwd"), 'files[0].path: "../../etc/passwd" has the part ".."; name the file itself'),
    (at("a/../../b"), 'files[0].path: "a/../../b" has the part ".."; name the file itself'),
    (at("./a"), 'files[0].path: "./a" has the part "."; name the file itself'),
    (at("a//b"), 'files[0].path: "a//b" has an empty part; one / between folders and none at the end'),
    (at("a\\..\\b"), 'files[0].path: "a\\..\\b" has a backslash; folders are parted by /'),
    (at("a\nb"), 'files[0].path: "a\\u{a}b" has a control character'),
    (at("p" * 1025), "files[0].path: it has 1025 bytes; 1024 at most"),
    # Paths that can't lie beside each other.
    (at("a", "a"), 'files[1].path: "a" is the path of files[0] too'),
    (at("Model.bin", "model.BIN"),
     'files[1].path: "model.BIN" differs from files[0], "Model.bin", only in case'),
    (at("a", "a/b"), 'files[1].path: "a/b" lies in files[0], "a", which is a file'),
    # Numbers of files, digests, sizes.
    ({"files": []}, "files: there are 0; a version has 1 to 100000"),
    (at(*map(str, range(100_001))), "files: there are 100001; a version has 1 to 100000"),
    ({"files": [{"path": "a", "digest": "md5:1"}]},
     'files[0].digest: "md5:1" should be sha256: and 64 lower-case hexadecimal digits'),
    ({"files": [{"path": "a", "digest": DIGEST, "sizeBytes": "-1"}]}, "files[0].size_bytes: it is -1"),
]

NO_BYTES = "sha256:" + hashlib.sha256(b"").hexdigest()
# What an upload is begun with, and what is answered.
UPLOADS = [
    ({"digest": "x", "sizeBytes": "1"}, 'digest: "x" is no digest: that is sha256: and 64 hexadecimal digits, a–f small'),
    ({"digest": DIGEST, "sizeBytes": "-1"}, "size_bytes: a file can't have -1 bytes"),
    ({"digest": DIGEST, "sizeBytes": str(1 << 41)},
     "size_bytes: 2199023255552 bytes; a file may have at most 1099511627776"),
    ({"digest": DIGEST}, f"digest: no bytes have the digest {NO_BYTES}, not {DIGEST}"),
]


def send(registry, method, path, body=None, headers=None):
    """Status and body of a request."""
    request = urllib.request.Request(
        registry.server + path, data=body, method=method,
        headers={"Authorization": f"Bearer {registry.token()}"} | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def call(registry, method, message):
    """Status and message of a call in JSON."""
    status, body = send(
        registry, "POST", f"/slipway.models.v1.{method}", json.dumps(message).encode(),
        {"Content-Type": "application/json"})
    return status, json.loads(body)


def refused(answer, status, code, text):
    assert answer[0] == status and answer[1]["code"] == code and text in answer[1]["message"], (answer, text)


def is_not_there(registry, name):
    refused(call(registry, "Models/GetModel", {"name": name}), 404, "not_found", f'there is no model "{name}"')


def begun(registry):
    """What lies in the store and is no blob: uploads that stand somewhere, and whatever was left behind."""
    return list((registry.data / "blobs" / "uploads").iterdir())


def names_tags_and_paths_are_refused_with_what_would_be_right(registry, slipway):
    good = {"name": "refused"} | at("model.bin")
    for wrong, message in REGISTRATIONS:
        refused(call(registry, "Models/Register", good | wrong), 400, "invalid_argument", message)
    for wrong, message in UPLOADS:
        refused(call(registry, "ModelFiles/BeginUpload", wrong), 400, "invalid_argument", message)
    # What is said of all of it at once, and bytes that nobody brought.
    everything = call(registry, "Models/Register", {"name": "a/b", "tags": {"!": ""}} | at("/a"))
    refused(everything, 400, "invalid_argument", "3 things are wrong")
    refused(
        call(registry, "Models/Register", good), 412, "failed_precondition",
        f"1 of 1 blobs are lacking: {DIGEST}; upload them and register again")
    is_not_there(registry, "refused")
    assert begun(registry) == []


def only_files_and_folders_are_registered(registry, slipway):
    folder = slipway.home / "odd"
    folder.mkdir()
    register = ("model", "register", "odd", "--name", "odd")
    expect(slipway(*register), 2, "", "odd: there is no file in it")
    expect(slipway("model", "register", "/dev/null", "--name", "odd"), 2, "", "/dev/null is neither a file nor a folder")
    (folder / "to-passwd").symlink_to("/etc/passwd")
    expect(slipway(*register), 2, "", "odd/to-passwd is a link; --follow-links takes the file that it points to")
    (folder / "to-passwd").unlink()
    (folder / "to-folder").symlink_to("/etc")
    expect(slipway(*register, "--follow-links"), 2, "", "odd/to-folder is a link to what is no file")
    (folder / "to-folder").unlink()
    os.mkfifo(folder / "pipe")
    expect(slipway(*register), 2, "", "odd/pipe is neither a file nor a folder")
    (folder / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        expect(slipway(*register), 2, "", "odd/socket is neither a file nor a folder")
    (folder / "socket").unlink()
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):
            os.mknod(folder / "device", stat.S_IFCHR | 0o600, os.makedev(1, 5))
            expect(slipway(*register), 2, "", "odd/device is neither a file nor a folder")
            (folder / "device").unlink()
    (folder / "Model.bin").write_bytes(b"1")
    (folder / "model.BIN").write_bytes(b"2")
    expect(slipway(*register), 2, "", "differs from files[0], \"Model.bin\", only in case")
    is_not_there(registry, "odd")
    (folder / "model.BIN").unlink()
    (folder / "empty").write_bytes(b"")
    expect(slipway(*register), 0, "odd:1\n", "2 files")
    assert send(registry, "GET", "/v1/models/odd/1/files/empty") == (200, b"")
    # What goes out is as strict: a path can't lead out of a version.
    for path in ("../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "%2Fetc%2Fpasswd"):
        status, body = send(registry, "GET", f"/v1/models/odd/1/files/{path}")
        assert status in (400, 404) and b"root:" not in body, (path, status, body)


def bytes_that_lie_are_not_kept(registry, slipway):
    data = random.Random(20).randbytes(100_000)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    file = {"path": "a", "digest": digest, "sizeBytes": str(len(data))}
    status, upload = call(registry, "ModelFiles/BeginUpload", {"digest": digest, "sizeBytes": str(len(data))})
    put = f"/v1/uploads/{upload['id']}?offset=0"
    status, body = send(registry, "PUT", put, data + b"more")
    assert status == 400, (status, body)
    assert f"data: the upload {upload['id']} was begun with 100000 bytes, and more came" in body.decode(), body
    status, body = send(registry, "PUT", put, data[:-1] + b"!")
    assert status == 500 and f"is not {digest}; the upload is gone, begin it again" in body.decode(), (status, body)
    status, body = send(registry, "PUT", put, data)
    assert status == 404 and f"there is no upload {upload['id']}; begin it again" in body.decode(), (status, body)
    refused(call(registry, "ModelFiles/UploadFiles", {"files": [{"digest": digest, "data": "AAAA"}]}), 500, "data_loss",
            f"what came as files[0] is not {digest}; none of the call's files is kept")
    refused(call(registry, "Models/Register", {"name": "lie", "files": [file]}), 412, "failed_precondition", "lacking")
    is_not_there(registry, "lie")
    assert begun(registry) == []


def a_version_deleted_while_it_is_downloaded_arrives_whole(registry, slipway):
    data = random.Random(21).randbytes(40_000_000)
    (slipway.home / "going.bin").write_bytes(data)
    expect(slipway("model", "register", "going.bin", "--name", "going"), 0, "going:1\n")
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=60)
    connection.request(
        "GET", "/v1/models/going/1/files/going.bin", headers={"Authorization": f"Bearer {registry.token()}"})
    answer = connection.getresponse()
    got = answer.read(1000)
    expect(slipway("model", "delete", "going:1"))
    expect(slipway("model", "purge", "going:1", "--yes"))
    got += answer.read()
    assert got == data
    connection.close()
    expect(slipway("model", "download", "going:1"), 3, "", "there is no version going:1")
    status, body = send(registry, "GET", "/v1/models/going/1/files/going.bin")
    assert status == 404 and b"there is no version going:1" in body, (status, body)


def a_client_that_dies_half_way_leaves_what_can_be_gone_on_with(registry, slipway):
    data = random.Random(22).randbytes(8_000_000)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    _, upload = call(registry, "ModelFiles/BeginUpload", {"digest": digest, "sizeBytes": str(len(data))})
    with socket.create_connection(("127.0.0.1", registry.port)) as client:
        head = (f"PUT /v1/uploads/{upload['id']}?offset=0 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {registry.token()}\r\n"
                f"Content-Length: {len(data)}\r\n\r\n")
        client.sendall(head.encode() + data[:5_000_000])
        # Goes without a farewell.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def standing():
        answer = call(registry, "ModelFiles/BeginUpload", {"digest": digest, "sizeBytes": str(len(data))})
        return int(answer[1].get("offset", 0)) if answer[0] == 200 else None

    # While the server has not noticed, somebody writes it.
    await_true(lambda: standing() is not None, "the upload is still written")
    # A reset connection may take with it what the kernel had not yet handed over.
    offset = standing()
    assert 0 <= offset <= 5_000_000, offset
    is_not_there(registry, "half")
    file = {"path": "a", "digest": digest, "sizeBytes": str(len(data))}
    refused(call(registry, "Models/Register", {"name": "half", "files": [file]}), 412, "failed_precondition", "lacking")

    def put():
        stands = standing()
        return stands is not None and send(
            registry, "PUT", f"/v1/uploads/{upload['id']}?offset={stands}", data[stands:])[0] == 200

    await_true(put, "the rest is not taken")
    assert call(registry, "Models/Register", {"name": "half", "files": [file]})[1]["version"] == 1
    assert begun(registry) == []
    # The command line, killed where it can say nothing to anybody.
    (slipway.home / "killed.bin").write_bytes(random.Random(23).randbytes(60_000_000))
    proxy = CuttingProxy(registry.port, 30_000_000)
    process = slipway.start(
        "model", "register", "killed.bin", "--name", "killed", "--server", f"http://127.0.0.1:{proxy.port}",
        "--token-file", registry.data / "first-token")
    proxy.await_bytes(10_000_000)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    proxy.close()
    is_not_there(registry, "killed")
    expect(slipway("model", "register", "killed.bin", "--name", "killed"), 0, "killed:1\n")
    assert begun(registry) == []


def a_full_disk_takes_nothing_and_goes_on_when_there_is_room(registry, slipway):
    full = Registry(registry.binaries)
    blobs = full.data / "blobs"
    blobs.mkdir(parents=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", blobs]).returncode != 0:
        full.stop()
        return
    try:
        full.start()
        other = CommandLine(full)
        signed = ("--server", full.server, "--token-file", full.data / "first-token")
        data = random.Random(24).randbytes(40_000_000)
        (other.home / "large.bin").write_bytes(data)
        (other.home / "many").mkdir()
        for number in range(100):
            (other.home / "many" / f"{number:03}").write_bytes(random.Random(number).randbytes(60_000))
        large = ("model", "register", "large.bin", "--name", "large", *signed)
        expect(other(*large), 1, "", "the store has no room left; nothing of large.bin is kept there")
        assert begun(full) == [] and [path for path in blobs.glob("blobs/*/*")] == []
        is_not_there(full, "large")
        # Over plain HTTP, where a client may keep what came.
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        _, upload = call(full, "ModelFiles/BeginUpload", {"digest": digest, "sizeBytes": str(len(data))})
        status, body = send(full, "PUT", f"/v1/uploads/{upload['id']}?offset=0", data)
        assert status == 507 and b"the store has no room left; what came is kept" in body, (status, body)
        many = ("model", "register", "many", "--name", "many", *signed)
        expect(other(*many), 1, "", "the store has no room left")
        is_not_there(full, "many")
        assert [path.name for path in begun(full)] == [upload["id"]]
        assert call(full, "ModelFiles/CancelUpload", {"id": upload["id"]})[0] == 200
        assert begun(full) == []
        expect(other(*many), 0, "many:1\n")
        subprocess.run(["mount", "-o", "remount,size=80m", blobs], check=True)
        expect(other(*large), 0, "large:1\n")
        assert begun(full) == []
    finally:
        full.process and full.process.terminate()
        full.process and full.process.wait(30)
        subprocess.run(["umount", "-l", blobs], check=True)
        full.stop()


def a_used_version_is_kept_and_who_uses_it_is_named(registry, slipway):
    (slipway.home / "used.bin").write_bytes(b"used")
    expect(slipway("model", "register", "used.bin", "--name", "used"), 0, "used:1\n")
    use = {"user": "deployments/churn", "kind": "NODE_KIND_DEPLOYMENT", "versions": ["used/1"], "state": "healthy",
           "generation": "1"}
    assert call(registry, "Lineage/ReportUse", use) == (200, {"accepted": True})
    curl = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", "-H",
         f"Authorization: Bearer {registry.token()}", "-H", "Content-Type: application/json",
         f"{registry.server}/slipway.models.v1.Models/DeleteVersion", "--data-binary", '{"version": "used/1"}'],
        capture_output=True, text=True, check=True, timeout=60)
    body, status = curl.stdout.rsplit("\n", 1)
    assert status == "412", curl.stdout
    answer = json.loads(body)
    assert answer["code"] == "failed_precondition", answer
    assert answer["message"] == "used:1 can't be deleted: deployments/churn uses it", answer
    assert [detail["type"] for detail in answer["details"]] == ["google.rpc.PreconditionFailure"], answer
    expect(slipway("model", "delete", "used:1"), 5, "", "used:1 can't be deleted: deployments/churn uses it")
    assert json.loads(expect(slipway("model", "show", "used:1", "-o", "json")).stdout)["version"] == 1
    # It says that it is gone.
    assert call(registry, "Lineage/ReportUse", use | {"versions": [], "generation": "2"})[0] == 200
    expect(slipway("model", "delete", "used:1"))


ALL = [
    names_tags_and_paths_are_refused_with_what_would_be_right, only_files_and_folders_are_registered,
    bytes_that_lie_are_not_kept, a_version_deleted_while_it_is_downloaded_arrives_whole,
    a_client_that_dies_half_way_leaves_what_can_be_gone_on_with,
    a_full_disk_takes_nothing_and_goes_on_when_there_is_room, a_used_version_is_kept_and_who_uses_it_is_named,
]
