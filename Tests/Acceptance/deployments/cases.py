"""What a deployment promises, met as its users meet it."""

import collections
import concurrent.futures
import contextlib
import http.client
import re
import socket
import ssl
import subprocess
import time

import requests
import tritonclient.grpc as triton

from load import Load, infer, score
from registry import await_true

CANARY = """
calls = 0

def run(data):
    global calls
    calls += 1
    if {bad} and calls % 2 == 0:
        raise ValueError("the canary does not sing")
    return [1.0]
"""


def state(suite, name):
    return suite.json("deployment", "show", name)["status"]


def from_file_to_endpoint(suite):
    """A file becomes an endpoint that answers over REST, over gRPC, and what the command said to try."""
    began = time.monotonic()
    out, err = suite.deploy(suite.model("twice"), "--name", "churn", "--min", "1", "--max", "2", "--concurrency", "8")
    took = time.monotonic() - began
    address = out.strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/endpoints/default/churn", address), out
    assert "churn:1 is registered" in err and "churn is made" in err, err
    line = next(line.strip() for line in err.splitlines() if line.strip().startswith("curl "))
    tried = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env=suite.slipway.environment, timeout=60)
    assert tried.returncode == 0 and "predictions" in tried.stdout, f"{line}\n{tried.stdout}{tried.stderr}"
    key = suite.keys("churn")["primary"]
    assert key not in err, "the key stands in what was said"
    answer = score(address, key)
    assert answer.json() == {"predictions": [[2.0, 4.0]]}, answer.text
    assert answer.headers["slipway-revision"] == "1" and answer.headers["x-request-id"], answer.headers
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
    answer = requests.post(
        f"{address}/v2/models/churn/infer", json=body, headers={"authorization": f"Bearer {key}"}, timeout=60)
    assert answer.json()["outputs"][0]["data"] == [2.0, 4.0], answer.text
    with contextlib.closing(triton.InferenceServerClient(f"127.0.0.1:{suite.router_port}")) as client:
        assert infer(client, "churn", "churn", key).tolist() == [[2.0, 4.0]]
    assert suite("score", "churn", "--data", '{"data": [[1, 2]]}')[0].strip() == answer_text(address, key)
    return f"{took:.1f} s from the file to the address"


def answer_text(address, key):
    return score(address, key).text.strip()


def callers_without_a_key_are_refused(suite):
    address = suite.address("churn")
    assert requests.post(f"{address}/score", json={"data": [[1, 2]]}, timeout=60).status_code == 401
    assert score(address, "wrong").status_code == 401
    _, err = suite("score", "churn", "--data", '{"data": [[1, 2]]}', "--key", "wrong", code=4)
    assert re.search(r"HTTP 401, request \S+", err), err
    token = suite("deployment", "token", "churn", "--lifetime", "5m")[0].strip()
    assert score(address, token).status_code == 200
    _, err = suite("score", "churn", "--data", '{"data": [["a"]]}', code=2)
    assert "HTTP 400" in err, err


def an_update_under_load_fails_no_request(suite):
    with Load(suite, "churn") as load:
        await_true(lambda: load.seen(2.0) > 50, "the old revision does not answer")
        _, err = suite.deploy(suite.model("thrice"), "--name", "churn", "--reason", "three is more")
        assert "it gets a new revision" in err, err
        await_true(lambda: load.seen(3.0) > 50, "the new revision does not answer")
    assert score(suite.address("churn"), load.key).json()["predictions"][0] == [3.0, 6.0]
    return load.check()


def traffic_is_divided_exactly_and_sticks(suite):
    suite("deployment", "traffic", "churn", "1=90", "2=10")
    key, address = suite.keys("churn")["primary"], suite.address("churn")
    counted = collections.Counter()
    with requests.Session() as session:
        await_true(
            lambda: score(address, key, session, **{"slipway-revision": "1"}).status_code == 200,
            "revision 1 does not answer")
        for _ in range(1000):
            counted[score(address, key, session).headers["slipway-revision"]] += 1
        assert counted == {"1": 900, "2": 100}, counted
        for word in range(20):
            same = {score(address, key, session, **{"slipway-route": f"caller-{word}"}).headers["slipway-revision"]
                    for _ in range(5)}
            assert len(same) == 1, f"caller-{word} got {same}"
        answer = score(address, key, session, **{"slipway-revision": "2"})
        assert answer.headers["slipway-revision"] == "2" and answer.json()["predictions"][0] == [3.0, 6.0]
    _, err = suite("deployment", "traffic", "churn", "1=90", "2=20", code=2)
    assert "110 together" in err, err
    suite("deployment", "traffic", "churn", "2=100")
    return "900 and 100 of 1,000"


def a_rollback_under_load_fails_no_request(suite):
    with Load(suite, "churn") as load:
        await_true(lambda: load.seen(3.0) > 50, "the new revision does not answer")
        suite("deployment", "rollback", "churn", "--to", "1", "--reason", "two was enough")
        await_true(lambda: load.seen(2.0) > 50, "the old revision does not answer")
    history = suite("deployment", "history", "churn")[0]
    assert "two was enough" in history and "three is more" in history, history
    return load.check()


def keys_are_regenerated_under_load(suite):
    before = suite.keys("churn")
    with Load(suite, "churn", key=before["secondary"]) as load:
        await_true(lambda: load.total() > 50, "nothing is answered")
        suite("deployment", "keys", "churn", "--regenerate", "primary", "--reason", "leaked")
        after = suite.keys("churn")
        assert after["primary"] != before["primary"] and after["secondary"] == before["secondary"]
        await_true(lambda: score(load.address, after["primary"]).status_code == 200, "the new key does not open it")
        await_true(lambda: score(load.address, before["primary"]).status_code == 401, "the old key still opens it")
        # Those who took the new one go on while the other is made anew.
        load.key = after["primary"]
        seen = load.total()
        await_true(lambda: load.total() > seen + 50, "nothing is answered any more")
        suite("deployment", "keys", "churn", "--regenerate", "secondary")
        await_true(lambda: score(load.address, before["secondary"]).status_code == 401, "the old key still opens it")
    return load.check()


def to_zero_and_back(suite):
    """Nobody asks: no replica is left. Then many ask at once: all are answered."""
    suite("deployment", "scale", "churn", "--min", "0", "--max", "2", "--zero-after", "3s", "--down-after", "1s")
    await_true(lambda: state(suite, "churn").get("state") == "ASLEEP", "it does not fall asleep")
    assert state(suite, "churn").get("ready", 0) == 0
    key, address = suite.keys("churn")["primary"], suite.address("churn")
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: (score(address, key).status_code, time.monotonic() - began), range(64)))
    assert {status for status, _ in answers} == {200}, collections.Counter(status for status, _ in answers)
    explained = suite("deployment", "explain", "churn")[0]
    assert "COMPUTED" in explained and len(explained.splitlines()) > 3, explained
    suite("deployment", "scale", "churn", "--min", "1")
    return f"the first of 64 answers after {min(took for _, took in answers):.2f} s"


def a_bad_canary_goes_back_by_itself(suite):
    suite.deploy("churn:1", "--name", "bird", "--entry", suite.script("good", CANARY.format(bad=False)),
                 "--concurrency", "8", seconds=300)
    with Load(suite, "bird", rest=2, grpc=0) as load:
        await_true(lambda: load.total() > 20, "nothing is answered")
        out, err = suite.deploy(
            "churn:1", "--name", "bird", "--entry", suite.script("bad", CANARY.format(bad=True)), "--canary", "20",
            "--bake", "30s", "--gate", "error-rate=0.05", "--gate-requests", "20", "--timeout", "2m", code=1,
            seconds=300)
        assert "revision 2 was rolled back" in err and "revision 1 serves as before" in err and not out, err
        load.failures.clear()
        seen = load.total()
        await_true(lambda: load.total() > seen + 50, "nothing is answered any more")
    assert not load.failures, load.failures[:3]
    shown = suite.json("deployment", "show", "bird")
    assert [(share["revision"], share["percent"]) for share in shown["traffic"]] == [(1, 100)], shown["traffic"]
    history = suite.json("deployment", "history", "bird")["entries"]
    back = next(entry for entry in history if "rolled" in entry["action"])
    assert "%" in back["message"] or "error" in back["message"], back
    return back["message"]


def a_crash_loop_says_why_and_the_old_revision_serves(suite):
    with Load(suite, "bird", rest=1, grpc=0) as load:
        _, err = suite.deploy(
            "churn:1", "--name", "bird", "--entry",
            suite.script("broken", "import a_module_that_nobody_has\n\ndef run(data):\n    return 1\n"),
            "--start-timeout", "10s", "--timeout", "2m", code=1, seconds=300)
        assert "a_module_that_nobody_has" in err, err
    shown = suite("deployment", "show", "bird")[0]
    assert "a_module_that_nobody_has" in shown, shown
    return load.check()


def what_makes_no_sense_is_refused_with_the_reason(suite):
    _, err = suite.deploy("--image", "nobody:7", "--name", "nothing", code=3)
    assert "nobody" in err, err
    suite("deployment", "show", "nothing", code=3)
    _, err = suite("deployment", "update", "churn", "--image", "nobody:7", code=3)
    assert "nobody" in err, err
    _, err = suite("target", "attach", "nowhere", "--docker", "unix:///nowhere/docker.sock", code=5)
    assert "/nowhere/docker.sock" in err, err
    _, err = suite.deploy("churn:1", "--name", "huge", "--memory", "4TB", code=5)
    assert "memory" in err, err
    assert state(suite, "churn")["state"] == "HEALTHY"


def certificates_must_fit_and_are_replaced_live(suite):
    folder = suite.folder / "certificates"
    made = subprocess.run(
        [suite.root / "Scripts/test-certificates", folder], capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    _, err = suite("deployment", "secure", "churn", "--certificate", folder / "server.pem", "--certificate-key",
                   folder / "client.key", code=2)
    assert "key" in err, err
    _, err = suite("deployment", "secure", "churn", "--certificate", folder / "expired.pem", "--certificate-key",
                   folder / "expired.key", code=2)
    assert "it ended on" in err, err
    name = "foo.test.google.fr"
    key = suite.keys("churn")["primary"]
    with Load(suite, "churn", rest=1) as load:
        await_true(lambda: load.total() > 20, "nothing is answered")
        for certificate, authority in (("server", "ca"), ("lone-server", "lone-server")):
            suite("deployment", "secure", "churn", "--certificate", folder / f"{certificate}.pem",
                  "--certificate-key", folder / f"{certificate}.key", "--host", name)
            await_true(
                lambda: over_tls(suite, name, key, folder / f"{authority}.pem") == 200,
                f"the certificate {certificate} is not shown")
    suite("deployment", "secure", "churn", "--client-authorities", folder / "ca.pem")
    own = folder / "lone-server.pem"
    await_true(lambda: over_tls(suite, name, key, own) != 200, "callers need no certificate")
    client = (folder / "client.pem", folder / "client.key")
    await_true(lambda: over_tls(suite, name, key, own, client) == 200, "a caller with a certificate is refused")
    address = suite.address("churn")
    assert score(address, key).status_code == 403, "who shows no certificate is answered without TLS"
    suite("deployment", "secure", "churn", "--without", "certificate", "--without", "client-authorities",
          "--without", "host")
    await_true(lambda: score(address, key).status_code == 200, "it is not open to keys alone again")
    return load.check()


def over_tls(suite, name, key, authority, client=None):
    """What a request to the router's TLS answers; nothing where the hands are not shaken."""
    context = ssl.create_default_context(cafile=authority)
    if client:
        context.load_cert_chain(*client)
    connection = http.client.HTTPSConnection(name, timeout=60, context=context)
    try:
        with socket.create_connection(("127.0.0.1", suite.secure_port), timeout=60) as plain:
            connection.sock = context.wrap_socket(plain, server_hostname=name)
            connection.request(
                "POST", "/score", body='{"data": [[1, 2]]}',
                headers={"authorization": f"Bearer {key}", "content-type": "application/json"})
            return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def replicas_outlive_their_deployer(suite):
    with Load(suite, "churn", rest=1) as load:
        await_true(lambda: load.total() > 20, "nothing is answered")
        suite.deployer.kill_and_start()
        seen = load.total()
        await_true(lambda: load.total() > seen + 50, "nothing is answered any more")
        suite("deployment", "wait", "churn", "--timeout", "1m")
    return load.check()


def logs_have_what_a_script_prints(suite):
    suite.deploy("churn:1", "--name", "talker", "--entry",
                 suite.script("talker", "def run(data):\n    print('it said', data)\n    return data\n"), seconds=300)
    assert "hello" in suite("score", "talker", "--data", '"hello"')[0]
    await_true(lambda: "it said" in suite("deployment", "logs", "talker")[0], "the log does not have it")
    suite("deployment", "delete", "talker", "--yes")
    await_true(
        lambda: suite.slipway("deployment", "show", "talker").returncode == 3, "it is still there")


ALL = [
    from_file_to_endpoint, callers_without_a_key_are_refused, an_update_under_load_fails_no_request,
    traffic_is_divided_exactly_and_sticks, a_rollback_under_load_fails_no_request, keys_are_regenerated_under_load,
    to_zero_and_back, replicas_outlive_their_deployer, certificates_must_fit_and_are_replaced_live,
    a_bad_canary_goes_back_by_itself, a_crash_loop_says_why_and_the_old_revision_serves,
    logs_have_what_a_script_prints, what_makes_no_sense_is_refused_with_the_reason,
]
