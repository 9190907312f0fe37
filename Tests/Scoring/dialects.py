"""The dialects over plain HTTP against a running server, as curl and other tools meet them: the inference protocol's REST
form, Azure's /score, SageMaker's and MLflow's /invocations, and the documents from which clients are made.

    dialects.py HOST:PORT [--key TOKEN] [--model NAME]

Works with any server that has a model with tensors; without --model it takes the one behind /score. `check(address)`
gives the number of checks, and raises AssertionError. `probe(address, seconds)` lets schemathesis look for answers of
5xx for a while.
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

SIZES = {"BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i",
         "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d"}


class Server:
    def __init__(self, address, key=None):
        self.address = address
        self.key = key

    def ask(self, method, path, body=None, **headers):
        """The status, the fields and the body of an answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            fields["authorization"] = f"Bearer {self.key}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            fields.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(self.address, timeout=120)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, status=200, **headers):
        found, _, text = self.ask(method, path, body, **headers)
        assert found == status, f"{method} {path}: {found}, not {status}: {text[:500]}"
        return json.loads(text)


def zeros(tensor):
    """A tensor of the shape, its open dimensions 1: the JSON list and the bytes."""
    shape = [1 if size < 0 else size for size in tensor["shape"]]
    count = 1
    for size in shape:
        count *= size
    if tensor["datatype"] == "BYTES":
        return shape, [""] * count, struct.pack("<I", 0) * count
    if tensor["datatype"] == "BF16":
        return shape, [0] * count, bytes(2 * count)
    kind = SIZES[tensor["datatype"]]
    return shape, [False if kind == "?" else 0] * count, bytes(struct.calcsize(kind) * count)


def check(address, key=None, model=None):
    server = Server(address, key)
    if model is None:
        names = {entry["name"] for entry in server.json("POST", "/v2/repository/index", {"ready": True})}
        assert names, "the server has no model that is ready"
        model = sorted(names)[0]
    return (health(server) + inference(server, model) + defects(server, model) + rows(server) + documents(server)
            + at_once(server, model))


def health(server):
    stranger = Server(server.address)
    for path, wanted in (("/", b"Healthy"), ("/v2/health/live", None), ("/v2/health/ready", None), ("/ping", None)):
        status, _, body = stranger.ask("GET", path)
        assert status == 200 and wanted in (None, body), (path, status, body)
    if server.key:
        for method, path in (("GET", "/v2"), ("POST", "/score"), ("POST", "/invocations"), ("GET", "/openapi.json")):
            status, fields, _ = stranger.ask(method, path)
            assert status == 401 and "www-authenticate" in fields, (path, status)
    return 4


def inference(server, model):
    metadata = server.json("GET", f"/v2/models/{model}")
    assert metadata["name"] == model and metadata["versions"]
    version = metadata["versions"][-1]
    server.json("GET", f"/v2/models/{model}/versions/{version}/ready")
    assert server.json("GET", f"/v2/models/{model}/config")["name"] == model
    assert server.json("GET", f"/v2/models/{model}/stats")["model_stats"][0]["name"] == model
    plain, binary, tail = [], [], b""
    for tensor in metadata["inputs"]:
        shape, values, data = zeros(tensor)
        head = {"name": tensor["name"], "datatype": tensor["datatype"], "shape": shape}
        plain.append(head | {"data": values})
        binary.append(head | {"parameters": {"binary_data_size": len(data)}})
        tail += data
    path = f"/v2/models/{model}/versions/{version}/infer"
    answer = server.json("POST", path, {"id": "one", "inputs": plain})
    assert answer["id"] == "one" and answer["model_version"] == version
    text = json.dumps({"inputs": binary, "parameters": {"binary_data_output": True}}).encode()
    status, fields, body = server.ask(
        "POST", path, text + tail, content_type="application/octet-stream",
        inference_header_content_length=str(len(text)))
    assert status == 200, body[:500]
    length = int(fields["inference-header-content-length"])
    head = json.loads(body[:length])
    sizes = [output["parameters"]["binary_data_size"] for output in head["outputs"]]
    assert sum(sizes) == len(body) - length
    rest = body[length:]
    for output, told, size in zip(head["outputs"], answer["outputs"], sizes):
        part, rest = rest[:size], rest[size:]
        if output["datatype"] in SIZES:
            kind = SIZES[output["datatype"]]
            values = list(struct.unpack(f"<{size // struct.calcsize(kind)}{kind}", part))
            assert repr(values) == repr([type(value)(other) for value, other in zip(values, told["data"])]) or \
                all(abs(value - other) <= 1e-6 * max(1, abs(value)) for value, other in zip(values, told["data"]))
    assert "slipway-timing" in fields
    return 8


def defects(server, model):
    tensors = server.json("GET", f"/v2/models/{model}")["inputs"]
    inputs = []
    for tensor in tensors:
        shape, values, _ = zeros(tensor)
        inputs.append({"name": tensor["name"], "datatype": tensor["datatype"], "shape": shape, "data": values})
    tensor, good, others = tensors[0], inputs[0], inputs[1:]
    values, shape = good["data"], good["shape"]
    # What no model converts.
    other, nothing = ("BYTES", "0") if tensor["datatype"] != "BYTES" else ("FP32", 0)
    path = f"/v2/models/{model}/infer"

    def wrong(**members):
        return {"inputs": [good | members] + others}

    for where, body, status, part in (
        ("/v2/models/nobody-knows/infer", {"inputs": inputs}, 404, "nobody-knows"),
        (f"/v2/models/{model}/versions/999999/infer", {"inputs": inputs}, 404, "999999"),
        (path, wrong(datatype="FLOAT"), 400, "FLOAT"),
        (path, wrong(datatype=other, data=[nothing] * len(values)), 400, tensor["datatype"]),
        (path, wrong(shape=shape + [1, 1]), 400, "shape"),
        (path, wrong(data=values + values[:1]), 400, "elements"),
        (path, {"inputs": []}, 400, "missing"),
        (path, {"inputs": inputs + [good | {"name": "nobody"}]}, 400, "nobody"),
        (path, {"inputs": inputs, "outputs": [{"name": "nobody"}]}, 400, "nobody"),
        (path, {"inputs": inputs, "parameters": {"sequence_id": 4}}, 400, "sequence_id"),
        (path, '{"inputs": [', 400, "line 1, column"),
        (path, "", 400, "byte 0"),
    ):
        answer = server.json("POST", where, body, status=status)
        assert part in answer["error"], (body, answer)
    server.json("POST", path, {"inputs": inputs})
    return 13


def rows(server):
    """Whatever is behind /score and /invocations, with the examples of the server's own documents."""
    paths = server.json("GET", "/openapi.json")["paths"]
    if "/score" not in paths:
        return 0
    for path in ("/score", "/invocations"):
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        if "example" in content:
            server.json("POST", path, content["example"])
    status, fields, _ = server.ask("POST", "/score", "{", x_ms_client_request_id="c-1")
    assert status in (200, 400, 500) and fields["x-ms-client-request-id"] == "c-1" and fields["x-ms-request-id"]
    status, _, _ = server.ask("POST", "/score", "{}", x_ms_client_request_id="x" * 101)
    assert status == 431
    return 4


def documents(server):
    from openapi_spec_validator import validate

    validate(server.json("GET", "/openapi.json"))
    validate(server.json("GET", "/swagger.json?version=3"))
    status, _, text = server.ask("GET", "/swagger.json")
    if status == 200:
        validate(json.loads(text))
    return 3


def at_once(server, model):
    tensor = server.json("GET", f"/v2/models/{model}")["inputs"]
    body = {"inputs": []}
    for given in tensor:
        shape, values, _ = zeros(given)
        body["inputs"].append({"name": given["name"], "datatype": given["datatype"], "shape": shape, "data": values})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.json("POST", f"/v2/models/{model}/infer", body), range(200)))
    assert all(answer == answers[0] for answer in answers)
    return 1


def probe(address, examples=30, key=None):
    """Requests that schemathesis makes up from the document; none of them may be answered by a 5xx."""
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "run", f"http://{address}/openapi.json", "--checks", "not_a_server_error,status_code_conformance,"
                   "content_type_conformance,response_schema_conformance", "--max-examples", str(examples),
                   "--phases", "examples,coverage,fuzzing", "--no-color"]
        if key:
            command += ["-H", f"Authorization: Bearer {key}"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    return next(line.strip() for line in result.stdout.splitlines() if " generated, " in line)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("address")
    options.add_argument("--key")
    options.add_argument("--model")
    options.add_argument("--probe", type=int, metavar="EXAMPLES")
    given = options.parse_args()
    print(f"{check(given.address, given.key, given.model)} checks passed")
    if given.probe:
        print(f"schemathesis: {probe(given.address, given.probe, given.key)}")
