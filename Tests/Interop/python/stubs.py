"""Generates Python stubs from Protos/ with grpcio-tools and makes them importable.

Our contracts live in the package `grpc`, where grpcio itself lives too. The generated folder is therefore appended to
grpcio's own search path: `from grpc.testing import messages_pb2` then finds ours. Contracts that PyPI packages bring
(google.rpc, grpc.health, grpc.reflection.v1alpha) are taken from there: a second registration of the same names in
protobuf's pool is refused.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import sys

import grpc
import grpc_reflection

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROTOS = ROOT / "Protos"
GENERATED = ROOT / ".tools" / "python-stubs"
SOURCES = [
    "grpc/testing/empty.proto",
    "grpc/testing/messages.proto",
    "grpc/testing/test.proto",
    "grpc/reflection/v1/reflection.proto",
    "connectrpc/conformance/v1/config.proto",
    "connectrpc/conformance/v1/service.proto",
    "connectrpc/conformance/v1/client_compat.proto",
    "connectrpc/conformance/v1/server_compat.proto",
]


def fingerprint():
    digest = hashlib.sha256(grpc.__version__.encode())
    for source in SOURCES:
        digest.update((PROTOS / source).read_bytes())
    return digest.hexdigest()


def generate():
    """Generates what is missing or stale. Safe to call from several processes at once."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    with open(GENERATED.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = GENERATED / "stamp"
        wanted = fingerprint()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(GENERATED)
        GENERATED.mkdir()
        from grpc_tools import protoc
        import grpc_tools

        well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        status = protoc.main(
            ["protoc", f"-I{PROTOS}", f"-I{well_known}", f"--python_out={GENERATED}", f"--grpc_python_out={GENERATED}"]
            + SOURCES
        )
        if status != 0:
            raise SystemExit(f"protoc failed with status {status}")
        stamp.write_text(wanted)


generate()
grpc.__path__.append(os.fspath(GENERATED / "grpc"))
# grpcio makes `grpc.reflection` another name of the package grpc_reflection, which lacks version 1.
grpc_reflection.__path__.append(os.fspath(GENERATED / "grpc" / "reflection"))
sys.path.append(os.fspath(GENERATED))
