"""Triton's own clients, gRPC and HTTP, against a running server: every datatype there and back, and all they ask besides.

    triton_clients.py HOST:PORT              models that echo: echo-fp32, echo-int8, ... (dialect-server has them)
    triton_clients.py HOST:PORT MODEL        any model: asked for its signature and given zeros

It can't be called tritonclient.py, or it would be found instead of the package. `check(address)` and
`check_model(address, name)` give the number of checks, and raise AssertionError.
"""

import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

TYPES = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"]


def sample(datatype, shape):
    count = int(np.prod(shape))
    if datatype == "BYTES":
        texts = [f"text {index} é".encode() for index in range(count)]
        return np.array(texts, dtype=np.object_).reshape(shape)
    kind = triton_to_np_dtype(datatype)
    if datatype == "BOOL":
        return (np.arange(count) % 2 == 0).reshape(shape)
    values = np.arange(count).astype(kind).reshape(shape)
    if np.issubdtype(kind, np.integer):
        values.flat[0] = np.iinfo(kind).max
        values.flat[1] = np.iinfo(kind).min
    else:
        values.flat[0], values.flat[1], values.flat[2] = np.finfo(kind).max, np.inf, 0.1
    return values


def same(left, right):
    if left.dtype == np.object_:
        right = np.array([item if isinstance(item, bytes) else item.encode() for item in right.flat], dtype=np.object_)
        return list(left.flat) == list(right.flat)
    return left.shape == right.shape and left.tobytes() == right.astype(left.dtype).tobytes()


def clients(address):
    return [(over_grpc, over_grpc.InferenceServerClient(address)), (over_http, over_http.InferenceServerClient(address))]


def check(address):
    checks = 0
    for module, client in clients(address):
        assert client.is_server_live() and client.is_server_ready()
        for datatype in TYPES:
            checks += echo(module, client, datatype)
        checks += failures(module, client)
        client.close()
    return checks + typed(address) + compressed(address) + streamed(address)


def echo(module, client, datatype):
    name = f"echo-{datatype.lower()}"
    values = sample(datatype, [2, 4])
    forms = [{"binary_data": True}]
    # JSON has no half precision in this client, and no word for infinity.
    if module is over_http and datatype not in ("FP16", "FP32", "FP64"):
        forms.append({"binary_data": False})
    for form in forms:
        tensor = module.InferInput("x", values.shape, datatype)
        tensor.set_data_from_numpy(values, **(form if module is over_http else {}))
        wanted = module.InferRequestedOutput("y", **(form if module is over_http else {}))
        answer = client.infer(name, [tensor], outputs=[wanted], request_id="r 1", timeout=60_000_000, priority=1)
        assert same(values, answer.as_numpy("y")), (module.__name__, datatype, form, answer.as_numpy("y"))
        response = answer.get_response()
        identifier = response["id"] if isinstance(response, dict) else response.id
        assert identifier == "r 1", response
    assert client.is_model_ready(name) and client.is_model_ready(name, "1")
    return len(forms)


def failures(module, client):
    values = sample("FP32", [2, 4])

    def refused(name, shape, datatype, part, **more):
        tensor = module.InferInput("x", shape, datatype)
        tensor.set_data_from_numpy(values.reshape(shape).astype(triton_to_np_dtype(datatype)))
        try:
            client.infer(name, [tensor], **more)
        except InferenceServerException as error:
            assert part in error.message(), error
            return 1
        raise AssertionError(f"{name} {shape} {datatype} was answered")

    checks = refused("nobody", [2, 4], "FP32", "nobody")
    checks += refused("echo-fp32", [2, 4], "FP32", "version", model_version="9")
    checks += refused("echo-fp32", [4, 2], "FP32", "shape")
    checks += refused("echo-fp32", [2, 4], "FP64", "FP32")
    checks += refused("echo-fp32", [2, 4], "FP32", "sequence_id", sequence_id=7)
    for unready in (lambda: client.is_model_ready("nobody"),):
        assert not unready()
    return checks


def typed(address):
    """Elements in lists, as other gRPC clients send them."""
    from tritonclient.grpc import service_pb2 as messages

    client = over_grpc.InferenceServerClient(address)
    request = messages.ModelInferRequest(model_name="echo-int16", id="t")
    tensor = request.inputs.add(name="x", datatype="INT16", shape=[1, 4])
    tensor.contents.int_contents.extend([1, -2, 32767, -32768])
    answer = client._client_stub.ModelInfer(request)
    assert list(answer.outputs[0].contents.int_contents) == [1, -2, 32767, -32768], answer
    client.close()
    return 1


def compressed(address):
    """Bodies and messages that come compressed."""
    values = sample("FP32", [2, 4])
    for module, client in clients(address):
        for algorithm in ("gzip", "deflate") if module is over_http else ("gzip",):
            tensor = module.InferInput("x", values.shape, "FP32")
            tensor.set_data_from_numpy(values)
            option = {"request_compression_algorithm": algorithm} if module is over_http else {"compression_algorithm": algorithm}
            assert same(values, client.infer("echo-fp32", [tensor], **option).as_numpy("y"))
        client.close()
    return 3


def streamed(address):
    """The stream answers each request in its turn, and survives one that fails."""
    import queue

    answers = queue.Queue()
    client = over_grpc.InferenceServerClient(address)
    client.start_stream(lambda result, error: answers.put((result, error)))
    values = sample("INT32", [2, 4])
    for name in ("echo-int32", "nobody", "echo-int32"):
        tensor = over_grpc.InferInput("x", values.shape, "INT32")
        tensor.set_data_from_numpy(values)
        client.async_stream_infer(name, [tensor])
    for fails in (False, True, False):
        result, error = answers.get(timeout=60)
        assert (error is not None) == fails, error
        if not fails:
            assert same(values, result.as_numpy("y"))
    client.stop_stream()
    client.close()
    return 3


def check_model(address, name):
    """Asks a model for what it is, gives it zeros, and compares what the two clients say of it."""
    checks = 0
    outputs = []
    for module, client in clients(address):
        plain = {"as_json": True} if module is over_grpc else {}
        metadata = client.get_model_metadata(name, **plain)
        config = client.get_model_config(name, **plain)
        config = config.get("config", config)
        statistics = client.get_inference_statistics(name, **plain)
        assert metadata["name"] == config["name"] == statistics["model_stats"][0]["name"] == name
        assert any(entry["name"] == name for entry in (client.get_model_repository_index(**plain).get("models", [])
                   if module is over_grpc else client.get_model_repository_index()))
        tensors = []
        for given in metadata["inputs"]:
            shape = [1 if int(size) < 0 else int(size) for size in given["shape"]]
            tensor = module.InferInput(given["name"], shape, given["datatype"])
            kind = triton_to_np_dtype(given["datatype"])
            zeros = np.full(shape, b"", dtype=np.object_) if kind == np.object_ else np.zeros(shape, dtype=kind)
            tensor.set_data_from_numpy(zeros)
            tensors.append(tensor)
        answer = client.infer(name, tensors)
        outputs.append({entry["name"]: answer.as_numpy(entry["name"]) for entry in metadata["outputs"]})
        checks += 5
        client.close()
    for output, values in outputs[0].items():
        assert same(values, outputs[1][output]), (output, values, outputs[1][output])
    return checks + 1


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(f"{check_model(sys.argv[1], sys.argv[2])} checks passed")
    else:
        print(f"{check(sys.argv[1])} checks passed")
