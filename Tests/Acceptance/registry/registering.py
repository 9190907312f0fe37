"""Registers one name again and again, as one of many processes, through whatever happens to the registry meanwhile.

    registering.py ADDRESS NAME PROCESS COUNT      the token comes on the standard input

Says of each registration that is confirmed its request and the version. A registration is asked for with the id of its
request until an answer comes: one that was made and whose answer was lost is answered with the same version again.
"""

import sys

import grpc

from other_clients import digest
from slipway.models.v1 import model_pb2, models_pb2, models_pb2_grpc

PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


def main():
    address, name, process, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    metadata = [("authorization", f"Bearer {sys.stdin.readline().strip()}")]
    file = model_pb2.ModelFile(path="model.bin", digest=digest(b"contended"), size_bytes=len(b"contended"))
    # A registry that starts again is looked for at once, and not after grpc's growing pauses.
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
    with grpc.insecure_channel(address, options) as channel:
        models = models_pb2_grpc.ModelsStub(channel)
        for number in range(count):
            request = models_pb2.RegisterRequest(name=name, files=[file], request_id=f"{process}-{number}")
            while True:
                try:
                    version = models.Register(request, metadata=metadata, wait_for_ready=True, timeout=60)
                    break
                except grpc.RpcError as error:
                    if error.code() not in PASSING:
                        raise
            print(request.request_id, version.version, flush=True)


if __name__ == "__main__":
    main()
