"""The same as the command line does, by clients of others: grpcio, and curl with JSON."""

import hashlib
import json
import subprocess

import contracts  # noqa: F401 makes the modules below
import grpc
from slipway.models.v1 import files_pb2, files_pb2_grpc, model_pb2, models_pb2, models_pb2_grpc


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def with_grpcio(address, token, name, data):
    """Registers bytes as the next version of a model, twice, and reads them back. Returns the versions' names."""
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(address) as channel:
        files = files_pb2_grpc.ModelFilesStub(channel)
        models = models_pb2_grpc.ModelsStub(channel)
        file = model_pb2.ModelFile(path="model.bin", digest=digest(data), size_bytes=len(data))
        names = []
        for attempt in range(2):
            missing = files.FindMissing(files_pb2.FindMissingRequest(files=[file]), metadata=metadata).digests
            assert list(missing) == ([file.digest] if attempt == 0 else []), (attempt, missing)
            if missing:
                upload = files.BeginUpload(
                    files_pb2.BeginUploadRequest(digest=file.digest, size_bytes=len(data)), metadata=metadata)
                parts = (
                    files_pb2.AppendUploadRequest(
                        id=upload.id if at == 0 else "", offset=0, data=data[at:at + 100_000])
                    for at in range(0, len(data), 100_000))
                assert files.AppendUpload(parts, metadata=metadata).done
            version = models.Register(models_pb2.RegisterRequest(name=name, files=[file]), metadata=metadata)
            names.append(f"{version.model}:{version.version}")
        request = files_pb2.DownloadRequest(version=f"{name}/1", path="model.bin")
        received = b"".join(part.data for part in files.Download(request, metadata=metadata))
        assert received == data
        try:
            models.GetVersion(models_pb2.GetVersionRequest(version=f"{name}/99"), metadata=metadata)
            raise AssertionError("a version that is not there was found")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
        return names


def with_curl(server, token, name, data):
    """The same with curl: calls in JSON, bytes over plain HTTP."""

    def curl(path, *flags, input=None):
        answer = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail-with-body", "-H", f"Authorization: Bearer {token}", *flags,
             f"{server}{path}"], input=input, capture_output=True, timeout=60)
        assert answer.returncode == 0, (path, answer.stdout, answer.stderr)
        return answer.stdout

    def call(method, message):
        answer = curl(
            f"/slipway.models.v1.{method}", "-H", "Content-Type: application/json", "--data-binary", "@-",
            input=json.dumps(message).encode())
        return json.loads(answer)

    file = {"path": "model.bin", "digest": digest(data), "sizeBytes": str(len(data))}
    names = []
    for attempt in range(2):
        missing = call("ModelFiles/FindMissing", {"files": [file]}).get("digests", [])
        assert missing == ([file["digest"]] if attempt == 0 else []), (attempt, missing)
        if missing:
            upload = call("ModelFiles/BeginUpload", {"digest": file["digest"], "sizeBytes": file["sizeBytes"]})
            standing = json.loads(
                curl(f"/v1/uploads/{upload['id']}?offset=0", "-X", "PUT", "--data-binary", "@-", input=data))
            assert standing["done"], standing
        version = call("Models/Register", {"name": name, "files": [file]})
        names.append(f"{version['model']}:{version['version']}")
    assert curl(f"/v1/models/{name}/1/files/model.bin") == data
    assert curl(f"/v1/models/{name}/latest/files/model.bin", "-r", "10-19") == data[10:20]
    return names
