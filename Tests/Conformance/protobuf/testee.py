"""The testee as a child process, and Python's protobuf as the oracle beside it."""

import os
import pathlib
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, text_format

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROTOS = ROOT / "Tests/Programs/ProtobufTestee/Protos"


def load_messages():
    with tempfile.NamedTemporaryFile(suffix=".pb") as output:
        subprocess.run(
            ["protoc", f"-I{PROTOS}", "-I/usr/include", "--include_imports", f"--descriptor_set_out={output.name}",
             "conformance.proto", "test_messages_proto3.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(output.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    get = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return pool, get


POOL, get_class = load_messages()
AllTypes = get_class("protobuf_test_messages.proto3.TestAllTypesProto3")
Request = get_class("conformance.ConformanceRequest")
Response = get_class("conformance.ConformanceResponse")
PROTOBUF, JSON = 1, 2
BINARY_TEST, JSON_TEST, JSON_IGNORE_UNKNOWN = 1, 2, 3


def from_text(text):
    return text_format.Parse(text, AllTypes(), descriptor_pool=POOL)


def from_json(text, **options):
    return json_format.Parse(text, AllTypes(), descriptor_pool=POOL, **options)


class Testee:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, request):
        data = request.SerializeToString()
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        header = self.process.stdout.read(4)
        if len(header) < 4:
            raise SystemExit(f"the testee ended with {self.process.wait()} on {request}")
        return Response.FromString(self.process.stdout.read(struct.unpack("<I", header)[0]))

    def send(self, payload, output, category=BINARY_TEST, message_type=AllTypes.DESCRIPTOR.full_name):
        request = Request(requested_output_format=output, message_type=message_type, test_category=category)
        if isinstance(payload, str):
            request.json_payload = payload
        else:
            request.protobuf_payload = payload
        return self.call(request)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def same(left, right):
    """Equality that also holds for NaN, which is unequal to itself."""
    return left == right or left.SerializeToString(deterministic=True) == right.SerializeToString(deterministic=True)
