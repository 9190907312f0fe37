"""Others pull from us."""

import hashlib
import json
import os
import pathlib

from distribution import await_true, daemon, folder, run


def image(server, name, *texts):
    """An image of layers with these texts; its name with the endpoint's in front, and its digest."""
    digest = server.say("image", name, *(texts or ("runtime", "model")))
    return f"{server.host}/default/{name}", digest


def skopeo_copies_an_image_with_a_login_and_not_without(server):
    place, digest = image(server, "for-skopeo")
    with folder() as here:
        copy = ["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false"]
        refused = run(*copy, f"docker://{place}:1", f"oci:{here}/out:1", check=False)
        assert refused.returncode != 0 and "unauthorized" in refused.stderr.lower(), refused.stderr
        wrong = run(*copy, "--src-creds", "x:wrong", f"docker://{place}:1", f"oci:{here}/out:1", check=False)
        assert wrong.returncode != 0, "a wrong password opens the door"
        run(*copy, "--src-creds", f"anything:{server.token}", f"docker://{place}:1", f"oci:{here}/out:1")
        index = json.loads((here / "out/index.json").read_text())
        assert index["manifests"][0]["digest"] == digest, index
        for blob in (here / "out/blobs/sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        run(*copy, "--src-registry-token", server.token, f"docker://{place}@{digest}", f"oci:{here}/again:1")
    return digest[:19]


def skopeo_lists_tags_and_finds_aliases(server):
    place, _ = image(server, "tagged", "one")
    _, second = image(server, "tagged", "two")
    server.say("alias", "tagged", 2, "production")
    login = ["--creds", f"x:{server.token}", "--tls-verify=false"]
    tags = json.loads(run("skopeo", "list-tags", *login, f"docker://{place}").stdout)["Tags"]
    assert tags == ["1", "2", "latest", "production"], tags
    for tag in ["2", "latest", "production"]:
        found = json.loads(run("skopeo", "inspect", *login, f"docker://{place}:{tag}").stdout)
        assert found["Digest"] == second, found
    missing = run("skopeo", "inspect", *login, f"docker://{place}:nothing", check=False)
    assert "manifest unknown" in missing.stderr, missing.stderr
    unknown = run("skopeo", "inspect", *login, f"docker://{server.host}/nowhere/x:1", check=False)
    assert "name unknown" in unknown.stderr, unknown.stderr


def skopeo_is_told_that_nothing_is_pushed_here(server):
    place, _ = image(server, "no-pushes")
    login = ["--creds", f"x:{server.token}", "--tls-verify=false"]
    pushed = run(
        "skopeo", "--insecure-policy", "copy", f"--src-creds=x:{server.token}", f"--dest-creds=x:{server.token}",
        "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{place}:1",
        f"docker://{server.host}/default/elsewhere:1", check=False)
    assert pushed.returncode != 0 and "come from builds" in pushed.stderr, pushed.stderr


def docker_pulls_after_a_login(server):
    place, digest = image(server, "for-docker", "runtime", "model")
    with folder() as here:
        socket = here / "d.sock"
        docker = ["docker", "-H", f"unix://{socket}", "--config", here / "config"]
        words = [
            "dockerd", "--data-root", here / "data", "--exec-root", here / "exec", "-H", f"unix://{socket}", "-p",
            here / "pid", "--iptables=false", "--bridge=none"]
        def ready():
            return socket.exists() and run(*docker, "version", check=False).returncode == 0
        with daemon(words, here / "log", ready):
            refused = run(*docker, "pull", f"{place}:1", check=False)
            assert refused.returncode != 0, "docker pulls without a login"
            wrong = run(*docker, "login", "-u", "x", "--password-stdin", server.host, check=False, input="wrong")
            assert wrong.returncode != 0, "docker logs in with a wrong password"
            run(*docker, "login", "-u", "x", "--password-stdin", server.host, input=server.token)
            said = run(*docker, "pull", f"{place}:1").stdout
            assert digest in said, said
            # Only what the second has of its own travels.
            _, other = image(server, "for-docker", "runtime", "another")
            said = run(*docker, "pull", f"{place}:latest").stdout
            assert "Already exists" in said and other in said, said
            run(*docker, "pull", f"{place}@{digest}")
            layers = json.loads(run(*docker, "image", "inspect", f"{place}:1").stdout)[0]["RootFS"]["Layers"]
            assert len(layers) == 2, layers
            pushed = run(*docker, "push", f"{place}:1", check=False)
            assert pushed.returncode != 0, "docker pushes to us"
            missing = run(*docker, "pull", f"{server.host}/nowhere/x:1", check=False)
            assert missing.returncode != 0 and "that this caller may see" in missing.stderr, missing.stderr


def podman_pulls_after_a_login(server):
    place, digest = image(server, "for-podman")
    with folder() as here:
        podman = [
            "podman", "--root", here / "root", "--runroot", here / "run", "--tmpdir", here / "tmp",
            "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        options = dict(env={**os.environ, "REGISTRY_AUTH_FILE": str(here / "auth.json")})
        policy = here / "policy.json"
        policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        pull = ["pull", "-q", "--tls-verify=false", "--signature-policy", policy]
        refused = run(*podman, *pull, f"{place}:1", check=False, **options)
        assert refused.returncode != 0, "podman pulls without a login"
        run(*podman, "login", "--tls-verify=false", "-u", "x", "-p", server.token, server.host, **options)
        run(*podman, *pull, f"{place}:1", **options)
        found = json.loads(run(*podman, "image", "inspect", f"{place}:1", **options).stdout)[0]
        assert found["Digest"] == digest, found["Digest"]


def containerd_pulls_with_a_user(server):
    place, digest = image(server, "for-containerd")
    with folder() as here:
        socket = here / "c.sock"
        (here / "config.toml").write_text(
            f'version = 2\nroot = "{here}/root"\nstate = "{here}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{socket}"\n')
        ctr = ["ctr", "-a", socket]
        def ready():
            return socket.exists() and run(*ctr, "version", check=False).returncode == 0
        with daemon(["containerd", "-c", here / "config.toml"], here / "log", ready):
            refused = run(*ctr, "images", "pull", "--plain-http", f"{place}:1", check=False)
            assert refused.returncode != 0, "containerd pulls without a user"
            pull = [*ctr, "images", "pull", "--plain-http", "--snapshotter", "native", "--user", f"x:{server.token}"]
            run(*pull, f"{place}:1")
            listed = run(*ctr, "images", "ls").stdout
            assert digest in listed, listed


ALL = [
    skopeo_copies_an_image_with_a_login_and_not_without, skopeo_lists_tags_and_finds_aliases,
    skopeo_is_told_that_nothing_is_pushed_here, docker_pulls_after_a_login, podman_pulls_after_a_login,
    containerd_pulls_with_a_user,
]
