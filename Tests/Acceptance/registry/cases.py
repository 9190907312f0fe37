"""What a person sees of the registry, each a function that fails by an assertion. They run in this order, on one registry."""

import json
import os
import pathlib
import pty
import random
import signal
import stat
import subprocess

import other_clients
from checks import expect
from cutting_proxy import CuttingProxy
from registry import CommandLine, await_file, await_port, free_port

SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / "Scripts"


def random_bytes(count, seed):
    return random.Random(seed).randbytes(count)


def nobody_is_signed_in(registry, slipway):
    expect(slipway("model", "list", "--server", registry.server), 4, "", "slipway login")
    expect(slipway("login", "--server", registry.server, "--token-file", "-", input="slp_no"), 4, "")
    assert not (slipway.home / ".config").exists()


def login_keeps_the_token_from_others(registry, slipway):
    token = registry.token()
    result = expect(slipway("login", "--server", registry.server, "--token-file", "-", input=token + "\n"))
    file = slipway.home / ".config" / "slipway" / "config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token in file.read_text() and token not in result.stdout + result.stderr
    assert json.loads(expect(slipway("whoami", "-o", "json")).stdout)["principal"] == "person:administrator"
    for form in ("table", "json", "yaml"):
        assert token not in expect(slipway("context", "show", "-o", form)).stdout
    file.chmod(0o644)
    expect(slipway("whoami"), 1, "", "others may read it")
    file.chmod(0o600)


def login_asks_on_a_terminal_without_an_echo(registry, slipway):
    other = CommandLine(registry, "terminal")
    token = registry.token()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(other.home)
        os.execve(other.binary, ["slipway", "login", "--server", registry.server], other.environment)
    seen = b""
    while b"Token for" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, token.encode() + b"\n")
    try:
        while piece := os.read(terminal, 1000):
            seen += piece
    except OSError:
        # So a terminal says that the program has closed it.
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen
    assert token.encode() not in seen and b"signed in to" in seen, seen


def a_saved_token_goes_to_its_own_server_only(registry, slipway):
    proxy = CuttingProxy(registry.port, 1 << 20)
    elsewhere = f"http://127.0.0.1:{proxy.port}"
    expect(slipway("whoami", "--server", elsewhere), 4)
    expect(slipway("whoami", "--server", elsewhere, SLIPWAY_TOKEN=registry.token()))
    proxy.close()


def register_prints_the_version_and_uploads_once(registry, slipway):
    (slipway.home / "model.onnx").write_bytes(random_bytes(3_000_000, 1))
    register = ("model", "register", "./model.onnx", "--name", "churn")
    expect(slipway(*register, "--tag", "team=growth", "--metric", "auc=0.93"), 0, "churn:1\n", "3.0 MB uploaded")
    expect(slipway(*register), 0, "churn:2\n", "0 bytes uploaded")
    expect(slipway(*register, "--quiet"), 0, "churn:3\n")
    version = json.loads(expect(slipway("model", "show", "churn:1", "-o", "json")).stdout)
    assert version["tags"] == {"team": "growth"} and version["metrics"] == {"auc": 0.93}, version


def folders_are_registered_whole(registry, slipway):
    folder = slipway.home / "folder"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "ä b").write_bytes(b"")
    (folder / "one").write_bytes(b"one")
    for name in ("two", "two again", "two once more"):
        (folder / name).write_bytes(b"two" * 500_000)
    for name in ("empty", "empty too"):
        (folder / name).write_bytes(b"")
    expect(slipway("model", "register", "folder", "--name", "forest"), 0, "forest:1\n",
           "1.5 MB uploaded, from 7 files")
    expect(slipway("model", "register", "folder", "--name", "forest"), 0, "forest:2\n",
           "0 bytes uploaded, all 7 files were there")
    expect(slipway("model", "download", "forest:1", "--to", "got"), 0, "got\n")
    assert subprocess.run(["diff", "-r", folder, slipway.home / "got"]).returncode == 0
    (folder / "link").symlink_to("one")
    expect(slipway("model", "register", "folder", "--name", "forest"), 2, "", "is a link; --follow-links")
    expect(slipway("model", "register", "folder", "--name", "forest", "--follow-links"), 0, "forest:3\n")
    os.mkfifo(folder / "pipe")
    expect(slipway("model", "register", "folder", "--name", "forest"), 2, "", "neither a file nor a folder")


def git_tells_where_a_model_comes_from(registry, slipway):
    work = slipway.home / "work"
    work.mkdir()

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=work, env=slipway.environment, check=True, capture_output=True)

    git("init", "-b", "main")
    (work / "train.py").write_text("train()")
    git("add", "train.py")
    git("commit", "-m", "Train")
    git("remote", "add", "origin", "https://ada:secret@git.example.com/churn.git")
    (work / "model.bin").write_bytes(b"trained")

    def facts(version):
        return json.loads(expect(slipway("model", "show", version, "-o", "json")).stdout)["origin"]["git"]

    expect(slipway("model", "register", "work/model.bin", "--name", "traced"), 0, "traced:1\n")
    first = facts("traced:1")
    assert first["repository"] == "https://git.example.com/churn.git" and first["branch"] == "main", first
    assert len(first["commit"]) == 40 and "dirty" not in first, first
    (work / "train.py").write_text("train(more)")
    expect(slipway("model", "register", "model.bin", "--name", "traced", folder=work), 0, "traced:2\n")
    assert facts("traced:2")["dirty"] is True


def download_gives_the_same_bytes_and_overwrites_nothing(registry, slipway):
    original = (slipway.home / "model.onnx").read_bytes()
    got = slipway.home / "churn-1" / "model.onnx"
    expect(slipway("model", "download", "churn:1"), 0, "churn-1\n")
    assert got.read_bytes() == original
    expect(slipway("model", "download", "churn:1"), 0, "churn-1\n", "1 were there")
    got.write_bytes(b"mine")
    expect(slipway("model", "download", "churn:1"), 5, "", "--force replaces it")
    assert got.read_bytes() == b"mine"
    expect(slipway("model", "download", "churn:1", "--force"), 0)
    assert got.read_bytes() == original
    assert os.listdir(got.parent) == ["model.onnx"]
    expect(slipway("model", "download", "churn:1", "--file", "model.onx"), 3, "", "did you mean model.onnx?")


def transfers_go_on_after_a_cut(registry, slipway):
    data = random_bytes(20_000_000, 2)
    (slipway.home / "large.bin").write_bytes(data)
    proxy = CuttingProxy(registry.port, 6_000_000)
    elsewhere = ("--server", f"http://127.0.0.1:{proxy.port}", "--token-file", registry.data / "first-token")
    expect(slipway("model", "register", "large.bin", "--name", "large", *elsewhere), 0, "large:1\n", "20 MB uploaded")
    before = proxy.connections
    assert before >= 4, before
    expect(slipway("model", "download", "large:1", *elsewhere), 0, "large-1\n")
    assert (slipway.home / "large-1" / "large.bin").read_bytes() == data
    assert proxy.connections - before >= 4, proxy.connections
    proxy.close()


def an_interrupted_command_leaves_what_can_be_gone_on_with(registry, slipway):
    (slipway.home / "slow.bin").write_bytes(random_bytes(60_000_000, 3))
    # Its connections never break off, but they end after less than the whole: the command can't finish before the signal.
    proxy = CuttingProxy(registry.port, 30_000_000)
    process = slipway.start(
        "model", "register", "slow.bin", "--name", "slow", "--server", f"http://127.0.0.1:{proxy.port}", "--token-file",
        registry.data / "first-token")
    proxy.await_bytes(10_000_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == "" and "interrupted" in err, (process.returncode, out, err)
    proxy.close()
    result = expect(slipway("model", "register", "slow.bin", "--name", "slow"), 0, "slow:1\n")
    sent = float(result.stderr.split(" MB uploaded")[0].split()[-1])
    assert sent < 60, result.stderr


def search_and_lists_find_what_was_registered(registry, slipway):
    found = json.loads(expect(slipway(
        "model", "search", "name = 'churn' AND tags.team = 'growth' AND metrics.auc > 0.9", "-o", "json")).stdout)
    assert [version["version"] for version in found["versions"]] == [1], found
    expect(slipway("model", "search", "name ="), 2, "", "column 7")
    names = [model["name"] for model in json.loads(expect(slipway("model", "list", "-o", "json")).stdout)["models"]]
    assert names == sorted(names) and "churn" in names, names
    table = expect(slipway("model", "list")).stdout
    assert "\x1b" not in table and table.startswith("NAME"), table
    assert expect(slipway("model", "list", "-o", "yaml")).stdout.startswith("models:\n  - name: churn\n")


def aliases_tags_and_promotion_change_what_is_known(registry, slipway):
    expect(slipway("model", "promote", "churn:1", "--reason", "first"), 0, None, "it is new")
    expect(slipway("model", "promote", "churn:2", "--reason", "better"), 0, None, "it was churn:1")
    assert json.loads(expect(slipway("model", "show", "churn@champion", "-o", "json")).stdout)["version"] == 2
    expect(slipway("model", "alias", "churn:3", "champion", "--expected-revision", "1"), 5, "")
    changes = json.loads(expect(slipway("model", "history", "churn", "champion", "-o", "json")).stdout)["changes"]
    assert [(change["version"], change["reason"]) for change in changes] == [(2, "better"), (1, "first")], changes
    expect(slipway("model", "unalias", "churn", "champion"))
    expect(slipway("model", "unalias", "churn", "champion"), 3)
    expect(slipway("model", "tag", "churn:1", "stage=canary"), 0, None, "stage=canary team=growth")
    expect(slipway("model", "untag", "churn:1", "stage"), 0, None, "team=growth")
    expect(slipway("model", "tag", "churn", "owner=ada"), 0, None, "owner=ada")
    expect(slipway("model", "update", "churn", "--description", "who will leave"))
    assert "who will leave" in expect(slipway("model", "list")).stdout
    assert expect(slipway("model", "lineage", "traced:1")).stdout.startswith("models/traced:1")


def deletion_can_be_taken_back_until_the_purge(registry, slipway):
    expect(slipway("model", "delete", "churn:3", "--reason", "tried"))
    expect(slipway("model", "show", "churn:3"), 3)
    expect(slipway("model", "show", "churn:3", "--deleted"))
    expect(slipway("model", "restore", "churn:3"))
    expect(slipway("model", "delete", "churn:3"))
    expect(slipway("model", "purge", "churn:3"), 2, "", "--yes")
    expect(slipway("model", "purge", "churn:3", "--yes"))
    expect(slipway("model", "restore", "churn:3"), 3)
    expect(slipway("model", "register", "model.onnx", "--name", "churn"), 0, "churn:4\n")


def people_and_pipelines_have_their_own_workspaces(registry, slipway):
    expect(slipway("workspace", "create", "growth"), 0, "growth\n")
    expect(slipway("workspace", "create", "growth"), 5)
    expect(slipway("principal", "create", "ci", "--kind", "service"), 0, "service:ci\n")
    expect(slipway("member", "set", "ci", "reader", "--workspace", "growth"))
    secret = expect(slipway("token", "create", "nightly", "--principal", "ci", "--lifetime", "1d")).stdout.strip()
    pipeline = CommandLine(registry, "pipeline")
    settings = {"SLIPWAY_SERVER": registry.server, "SLIPWAY_TOKEN": secret, "SLIPWAY_WORKSPACE": "growth"}
    expect(pipeline("model", "list", **settings), 0, "", "there is no model")
    expect(pipeline("model", "show", "churn:1", **settings), 3)
    (pipeline.home / "m").write_bytes(b"m")
    expect(pipeline("model", "register", "m", "--name", "m", **settings), 4, "")
    expect(slipway("member", "set", "ci", "contributor", "--workspace", "growth"))
    expect(slipway("workspace", "archive", "growth", "--reason", "tried"))
    expect(slipway("workspace", "restore", "growth"))
    expect(slipway("member", "remove", "ci", "--workspace", "growth"))
    tokens = json.loads(expect(slipway("token", "list", "--principal", "ci", "-o", "json")).stdout)["tokens"]
    expect(slipway("token", "revoke", tokens[0]["id"]))
    expect(slipway("principal", "disable", "ci"))
    expect(slipway("principal", "enable", "ci"))
    names = [entry["name"] for entry in json.loads(expect(slipway("principal", "list", "-o", "json")).stdout)["principals"]]
    assert "ci" in names, names


def the_journal_tells_who_did_what(registry, slipway):
    entries = json.loads(expect(slipway(
        "audit", "--action", "model.*", "--subject", "models/churn:3", "--since", "1h", "-o", "json")).stdout)["entries"]
    actions = [entry["action"] for entry in entries]
    assert actions[0] == "model.purged" and actions[-1] == "model.registered", actions
    expect(slipway("audit", "--until", "2020-01-01"), 0, "", "nothing of the kind happened")


def mistakes_are_told_with_what_would_be_right(registry, slipway):
    expect(slipway("modle", "list"), 2, "", "did you mean model?")
    expect(slipway("model", "regsiter", "x"), 2, "", "did you mean register?")
    expect(slipway("model", "register", "x", "--nmae", "y"), 2, "", "did you mean --name?")
    expect(slipway("model", "register", "nothing-here", "--name", "y"), 3, "", "No such file")
    expect(slipway("model", "register", "model.onnx", "--name", "no good"), 2, "", "beginning with a letter or digit")
    expect(slipway("model", "show", "nope"), 3, "", "there is no model \"nope\"")
    expect(slipway("whoami", "--server", "http://127.0.0.1:1"), 6, "", "cannot reach the registry at http://127.0.0.1:1")
    expect(slipway("whoami", "--server", "127.0.0.1:1"), 2, "", "must be an address such as")
    expect(slipway("whoami", "--context", "prod"), 3)
    result = expect(slipway("model", "register", "--help"))
    assert "Examples:" in result.stdout and result.stderr == "", result


def contexts_name_registries(registry, slipway):
    expect(slipway("login", "--context", "second-one", "--server", registry.server, "--token-file",
                   registry.data / "first-token"))
    listed = json.loads(expect(slipway("context", "list", "-o", "json")).stdout)["contexts"]
    assert [(entry["name"], entry["current"]) for entry in listed] == [("default", False), ("second-one", True)], listed
    expect(slipway("context", "use", "defualt"), 3, "", "did you mean default?")
    expect(slipway("context", "use", "default"))
    expect(slipway("logout", "--context", "second-one"))
    expect(slipway("whoami", "--context", "second-one"), 4)
    expect(slipway("whoami"))


def tls_and_socket_files_are_spoken_too(registry, slipway):
    certificates = registry.folder / "certificates"
    subprocess.run([SCRIPTS / "test-certificates", certificates], check=True)
    port = free_port()
    tls = (f"--host.tls.certificate={certificates}/server.pem", f"--host.tls.key={certificates}/server.key")
    with registry.another(f"127.0.0.1:{port}", *tls):
        await_port(port)
        secure = ("--server", f"https://localhost:{port}", "--token-file", registry.data / "first-token")
        expect(slipway("whoami", *secure), 6, "", "certificate is refused")
        expect(slipway("login", "--context", "secure", "--ca-file", "ca.pem", *secure, folder=certificates))
        expect(slipway("whoami", "--context", "secure"))
        expect(slipway("whoami", "--context", "default", "--server", f"http://localhost:{port}"), 6, "")
    expect(slipway("context", "use", "default"))
    socket = registry.folder / "socket"
    with registry.another(f"unix:{socket}"):
        await_file(socket)
        expect(slipway("whoami", "--server", f"unix:{socket}", "--token-file", registry.data / "first-token"))


def shells_can_read_the_completion(registry, slipway):
    script = expect(slipway("completion", "bash")).stdout
    test = script + """
COMP_WORDS=(slipway model re); COMP_CWORD=2; _slipway; echo "${COMPREPLY[@]}"
COMP_WORDS=(slipway model register --na); COMP_CWORD=3; _slipway; echo "${COMPREPLY[@]}"
COMP_WORDS=(slipway model list -o ""); COMP_CWORD=4; _slipway; echo "${COMPREPLY[@]}"
"""
    answer = subprocess.run(["bash", "-c", test], capture_output=True, text=True, check=True)
    assert answer.stdout == "register restore\n--name\ntable json yaml\n", answer


def grpcio_does_the_same(registry, slipway):
    names = other_clients.with_grpcio(
        f"127.0.0.1:{registry.port}", registry.token(), "by-grpcio", random_bytes(1_000_000, 4))
    assert names == ["by-grpcio:1", "by-grpcio:2"], names


def curl_does_the_same(registry, slipway):
    names = other_clients.with_curl(registry.server, registry.token(), "by-curl", random_bytes(1_000_000, 5))
    assert names == ["by-curl:1", "by-curl:2"], names


def what_was_registered_outlives_a_kill(registry, slipway):
    registry.kill_and_start()
    expect(slipway("model", "register", "model.onnx", "--name", "churn"), 0, "churn:5\n", "0 bytes uploaded")


ALL = [
    nobody_is_signed_in, login_keeps_the_token_from_others, login_asks_on_a_terminal_without_an_echo,
    a_saved_token_goes_to_its_own_server_only, register_prints_the_version_and_uploads_once,
    folders_are_registered_whole, git_tells_where_a_model_comes_from,
    download_gives_the_same_bytes_and_overwrites_nothing, transfers_go_on_after_a_cut,
    an_interrupted_command_leaves_what_can_be_gone_on_with, search_and_lists_find_what_was_registered,
    aliases_tags_and_promotion_change_what_is_known, deletion_can_be_taken_back_until_the_purge,
    people_and_pipelines_have_their_own_workspaces, the_journal_tells_who_did_what,
    mistakes_are_told_with_what_would_be_right, contexts_name_registries, tls_and_socket_files_are_spoken_too, shells_can_read_the_completion,
    grpcio_does_the_same, curl_does_the_same, what_was_registered_outlives_a_kill,
]
