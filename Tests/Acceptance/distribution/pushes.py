"""We push to Debian's docker-registry."""

import contextlib
import crypt
import json
import pathlib
import re
import urllib.request

from distribution import await_port, daemon, folder, free_port, run


@contextlib.contextmanager
def registry(password=None):
    """A docker-registry with a log of its requests; gives its address and its folder."""
    with folder() as here:
        port = free_port()
        lines = [
            "version: 0.1", "log: {level: info, formatter: json, accesslog: {disabled: false}}",
            f"storage: {{filesystem: {{rootdirectory: {here}/data}}}}",
            f"http: {{addr: '127.0.0.1:{port}', secret: test}}"]
        if password:
            hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
            (here / "users").write_text(f"team:{hashed}\n")
            lines.append(f"auth: {{htpasswd: {{realm: test, path: {here}/users}}}}")
        (here / "config.yml").write_text("\n".join(lines) + "\n")

        def ready():
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1)
                return True
            with contextlib.suppress(AssertionError):
                return password is not None and await_port(port) is None
            return False

        with daemon(["docker-registry", "serve", here / "config.yml"], here / "log", ready):
            yield f"localhost:{port}", here


def sent_blobs(here):
    """How many uploads of blobs the registry's log tells of."""
    return len(re.findall(r'"PUT /v2/[^"]*/blobs/uploads/', (here / "log").read_text().replace("\\", "")))


def stored(here):
    """Bytes of each blob that the registry has, by digest."""
    return {
        f"sha256:{data.parent.name}": data.stat().st_size
        for data in (here / "data/docker/registry/v2/blobs/sha256").glob("*/*/data")}


def a_push_arrives_and_a_second_sends_only_what_is_new(server):
    first = server.say("image", "delta", "runtime", "adapters", "model-one")
    second = server.say("image", "delta", "runtime", "adapters", "model-two")
    with registry() as (address, here):
        state, result = server.push("delta", 1, f"{address}/team/churn:1")
        assert state == "succeeded" and result["digest"] == first and result["sent_parts"] == 4, (state, result)
        before, uploads = stored(here), sent_blobs(here)
        assert uploads == 4, uploads
        state, result = server.push("delta", 2, f"{address}/team/churn:2")
        assert state == "succeeded" and result["digest"] == second, (state, result)
        new = {digest: size for digest, size in stored(here).items() if digest not in before and digest != second}
        # The model's layer and the configuration: nothing else went over the wire.
        assert sent_blobs(here) - uploads == 2 == len(new), (uploads, new)
        assert result["sent_parts"] == 2 and result["sent_bytes"] == sum(new.values()), (result, new)
        state, result = server.push("delta", 2, f"{address}/team/churn:latest")
        assert state == "succeeded" and result["sent_bytes"] == 0, result
        found = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{address}/team/churn:2").stdout)
        assert found["Digest"] == second and len(found["Layers"]) == 3, found
    return f"{sum(new.values())} bytes of {sum(before.values())}"


def a_registry_with_a_password_takes_the_workspaces_own(server):
    digest = server.say("image", "secured", "runtime", "model")
    with registry(password="sesame") as (address, _):
        state, why = server.push("secured", 1, f"{address}/team/churn:1")
        assert state == "failed" and "push.unauthorised" in why, (state, why)
        server.say("credential", address, "team", "wrong")
        state, why = server.push("secured", 1, f"{address}/team/churn:1")
        assert state == "failed" and "push.unauthorised" in why and "wrong" not in why, (state, why)
        server.say("credential", address, "team", "sesame")
        state, result = server.push("secured", 1, f"{address}/team/churn:1")
        assert state == "succeeded" and result["digest"] == digest, (state, result)
    assert "sesame" not in server.log()


def a_registry_that_is_not_there_is_named(server):
    server.say("image", "nowhere", "model")
    state, why = server.push("nowhere", 1, f"localhost:{free_port()}/team/churn:1")
    assert state == "failed" and "push.unavailable" in why, (state, why)


ALL = [
    a_push_arrives_and_a_second_sends_only_what_is_new, a_registry_with_a_password_takes_the_workspaces_own,
    a_registry_that_is_not_there_is_named,
]
