"""The whole command line of images."""

import json
import tarfile
import urllib.request

from checks import expect
from containers import docker_registry
from registry import await_true
from shows import wine


def call(workshop, method, message):
    """A call of the image builder in JSON."""
    request = urllib.request.Request(
        f"{workshop.server}/slipway.images.v1.{method}", json.dumps(message).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {workshop.token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def names(result):
    return [(image["name"], image["version"]) for image in json.loads(expect(result).stdout).get("images", [])]


def images_are_listed_tagged_named_and_found(workshop):
    model = wine(workshop)
    first = workshop.build(
        model, "--name", "found", "--tag", "team=growth", "--alias", "production", "--description", "the first",
        "--env", "LEVEL=7", "--cpu", "0.5", "--memory", "1GB", "--step", "LABEL made=here")
    workshop.build(model, "--name", "found")
    assert first["tags"] == {"team": "growth"} and first["aliases"] == ["production"], first
    listed = expect(workshop.image("list", "--prefix", "found")).stdout
    assert "found:2" in listed and "found:1" not in listed, listed
    listed = expect(workshop.image("list", "--prefix", "found", "--all")).stdout
    assert "found:2" in listed and "found:1" in listed and "team=growth" in listed, listed

    def search(*words):
        return names(workshop.image("search", "--name", "found", *words, "-o", "json"))

    both = [("found", 2), ("found", 1)]
    assert search() == search("--model", model) == search("--model", "wine") == both, search()
    assert search("--tag", "team=growth") == search("--tag", "team") == both[1:]
    assert search("--digest", first["digest"]) == both[1:], search("--digest", first["digest"])
    assert search("--latest") == both[:1] and search("--model", "wine:99") == []
    expect(workshop.image("tag", "found:2", "stage=canary", "team=risk"), err="stage=canary")
    expect(workshop.image("untag", "found:2", "stage"))
    assert workshop.show("found:2")["tags"] == {"team": "risk"}
    expect(workshop.image("alias", "found:2", "production"), err="found@production is found:2")
    assert workshop.show("found@production")["version"] == 2
    expect(workshop.image("unalias", "found", "production"))
    expect(workshop.image("show", "found@production"), code=3)
    assert workshop.show("found/latest")["version"] == 2
    assert workshop.show(first["digest"])["name"] == "found"
    said = expect(workshop.image("logs", "found:1")).stdout
    assert "recorded found:1" in said, said


def what_differs_is_told_by_layer_package_setting_and_file(workshop):
    wine(workshop)
    numbers = {"score.py": "def run(data): return 1\n", "requirements.txt": "six==1.16.0\n"}
    source = workshop.write("before", numbers)
    folder = workshop.write("numbers", {"number.txt": "1"})
    model = workshop.register("numbers", folder)

    def build(source, *words):
        return workshop.build(
            model, "--name", "differs", "--entry", source / "score.py", "--deps", source / "requirements.txt", *words)

    build(source)
    after = workshop.write("after", numbers | {
        "score.py": "def run(data): return 22\n", "requirements.txt": "six==1.17.0\n", "helper.py": ""})
    build(after, "--env", "LEVEL=7")
    build(after, "--env", "LEVEL=7")
    done = expect(workshop.image("diff", "differs:1", "differs:2", "-o", "json"))
    found = json.loads(done.stdout)
    assert {layer["kind"] for layer in found["layers"]} == {"packages", "source"}, found["layers"]
    assert [(package["name"], package["from"], package["to"]) for package in found["packages"]] == [
        ("six", "1.16.0", "1.17.0")], found["packages"]
    files = {file["path"].rpartition("/")[2]: file["change"] for file in found["files"]}
    assert files["score.py"] == "CHANGED" and files["helper.py"] == "ADDED" and files["six.py"] == "CHANGED", files
    assert any(setting["name"].endswith("LEVEL") for setting in found["settings"]), found["settings"]
    said = expect(workshop.image("diff", "differs:1", "differs:2"), err="travel to whoever has differs:1").stdout
    assert "six" in said and "score.py" in said and "LEVEL" in said, said
    expect(workshop.image("diff", "differs:2", "differs:3"), err="nothing differs")


def an_image_is_written_to_a_file_in_both_forms(workshop):
    built = workshop.build(wine(workshop), "--name", "written")
    folder = workshop.place("files")
    expect(workshop.image("export", "written:1", "-o", folder / "docker.tar"))
    expect(workshop.image("export", "written:1", "--to", "oci", "-o", folder / "oci.tar"))
    for form, others in [("docker", True), ("oci", False)]:
        with tarfile.open(folder / f"{form}.tar") as archive:
            held = archive.getnames()
            index = json.load(archive.extractfile("index.json"))
        assert index["manifests"][0]["digest"] == built["digest"], index
        assert ("manifest.json" in held) == others, held
    again = workshop.image("export", "written:1", "-o", folder / "oci.tar")
    assert again.returncode != 0 and "oci.tar" in again.stderr, again.stderr
    expect(workshop.image("export", "written:1", "--to", "oci", "-f", "-o", folder / "oci.tar"))


def what_is_used_is_not_deleted_and_what_is_deleted_comes_back(workshop):
    model = wine(workshop)
    workshop.build(model, "--name", "kept", "--alias", "production")
    call(workshop, "Images/ReportUse", {"user": "deployments/churn-eu", "images": ["kept:1"], "generation": "1"})
    expect(workshop.image("delete", "kept:1"), code=5, err="deployments/churn-eu")
    call(workshop, "Images/ReportUse", {"user": "deployments/churn-eu", "images": [], "generation": "2"})

    def told():
        return "images/kept:1" in workshop.slipway("model", "delete", model).stderr

    await_true(told, "the registry does not name the image that holds the model")
    expect(workshop.slipway("model", "delete", model), code=5, err="images/kept:1")
    expect(workshop.image("delete", "kept:1", "--reason", "a hole"), err="kept:1 is deleted")
    expect(workshop.image("show", "kept:1"), code=3)
    expect(workshop.image("show", "kept@production"), code=3)
    expect(workshop.image("restore", "kept:1"), err="kept:1 is restored")
    assert not workshop.show("kept:1").get("aliases")
    expect(workshop.image("delete", "kept:1"))


def passwords_of_registries_are_kept_and_not_told(workshop):
    with docker_registry() as address:
        expect(workshop.image("credential", "list"))
        done = workshop.slipway("image", "credential", "set", address, "ada", "--password-stdin", input="sesame\n")
        expect(done, err=f"{address} is signed in to as ada")
        listed = expect(workshop.image("credential", "list", "-o", "json")).stdout
        assert address in listed and "ada" in listed and "sesame" not in listed, listed
        workshop.build(wine(workshop), "--name", "pushed")
        expect(workshop.image("push", "pushed:1", f"{address}/team/pushed:1"))
        expect(workshop.image("credential", "delete", address), err="is forgotten")
        assert address not in expect(workshop.image("credential", "list")).stdout
        expect(workshop.slipway("image", "credential", "set", address, "ada", "--password-stdin", input=""), code=2)
        done = workshop.image("push", "pushed:1", f"{address}/team/pushed:2", "--detach")
        activity = expect(done).stdout.strip()
        expect(workshop.slipway("activity", "wait", activity))


ALL = [
    images_are_listed_tagged_named_and_found, what_differs_is_told_by_layer_package_setting_and_file,
    an_image_is_written_to_a_file_in_both_forms, what_is_used_is_not_deleted_and_what_is_deleted_comes_back,
    passwords_of_registries_are_kept_and_not_told,
]
