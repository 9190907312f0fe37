"""Show 4: builders killed in the middle of builds and pushes, and what is left of it."""

import collections
import contextlib
import json
import subprocess
import threading
import time
import urllib.request

from suite import Refused, Unreachable, archive, await_true, chance_of, free_port, in_pieces, upload_source

NAMES = ("alpha", "beta", "gamma")
LIVE = "state IN ('pending', 'running', 'cancelling')"


@contextlib.contextmanager
def outside_registry(folder):
    """A docker-registry, which can be killed and started again; gives its address, start and kill."""
    folder.mkdir()
    port = free_port()
    (folder / "config.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: test}}\n")
    running = []

    def start():
        with open(folder / "log", "ab") as log:
            running.append(
                subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log))

        def ready():
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1).close()
                return True
            return False

        await_true(ready, "docker-registry is not ready")

    def kill():
        running[-1].kill()
        running[-1].wait()

    start()
    try:
        yield f"localhost:{port}", start, kill
    finally:
        kill()


class Customer:
    """Somebody who wants builds and pushes all the time, and repeats what got no answer."""

    def __init__(self, suite, models, address, seed):
        self.suite, self.models, self.address = suite, models, address
        self.chance = chance_of(seed, "customer")
        self.wanted = 0
        self.refusals = []
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ends.is_set():
            try:
                live = self.suite.number(f"SELECT count(*) FROM activities.activities WHERE {LIVE}")
                if live < 6:
                    self.wanted += 1
                    self.want(f"wish-{self.wanted}")
                else:
                    self.ends.wait(0.1)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                self.refusals.append(str(error))
                self.ends.wait(1)

    def want(self, wish):
        pushes = self.chance.random() < 0.3
        images = self.suite.rows("SELECT name || ':' || version FROM images.images ORDER BY id") if pushes else []
        if images:
            image = self.chance.choice(images)[0]
            request = {"image": image, "destination": f"{self.address}/team/{image}-{wish}"}
            return self.until_answered(lambda builder: builder.call("images.v1.Images/Push", request))
        recipe = {"models": [self.chance.choice(self.models)]}
        if self.chance.random() < 0.5:
            tree = {f"file-{number}": self.chance.randbytes(self.chance.randint(1, 600_000)) for number in range(4)}
            pieces = in_pieces(archive(tree | {"large": self.chance.randbytes(1_500_000)}))
            digest = self.until_answered(lambda builder: upload_source(builder, pieces))
            recipe["assets"] = [{"source": digest, "path": "/srv/extra"}]
        request = {"name": self.chance.choice(NAMES), "recipe": recipe, "requestId": wish}
        self.until_answered(lambda builder: builder.call("images.v1.Images/Build", request))

    def until_answered(self, ask):
        while not self.ends.is_set():
            builder = self.chance.choice(self.suite.builders)
            try:
                return ask(builder)
            except Unreachable:
                self.ends.wait(0.05)
            except Refused as error:
                if error.code in ("unavailable", "aborted"):
                    self.ends.wait(0.05)
                    continue
                self.refusals.append(str(error))
                return None

    def stop(self):
        self.ends.set()
        self.thread.join()


def settle(suite, seconds=240):
    def settled():
        live = suite.rows(f"SELECT kind, state, step, attempts FROM activities.activities WHERE {LIVE}")
        return not live or f"still under way: {live}"

    await_true(settled, "activities have not ended", seconds)


def verify_ends(suite):
    """Each activity ended well or in words; each build that did has one image, each other none."""
    ends = collections.Counter()
    taken_over = 0
    for kind, state, code, message, attempts, images in suite.rows(
            "SELECT a.kind, a.state, coalesce(a.error_code, ''), replace(coalesce(a.error_message, ''), E'\\n', ' '), "
            "a.attempts, (SELECT count(*) FROM images.images AS i WHERE i.build = a.id) FROM activities.activities AS a"):
        ends[f"{kind} {state}{' ' + code if code else ''}"] += 1
        taken_over += int(attempts) > 1
        built = kind == "image.build" and state == "succeeded"
        assert int(images) == built, f"{kind} {state} {code} has {images} images"
        assert state == "succeeded" or (state == "failed" and code in ("process_died", "attempts_exhausted")), (
            f"{kind} {state}: {code}: {message} after {attempts} attempts")
    return ends, taken_over


def verify_versions(suite):
    """Numbers count from one without a gap, and the journal tells of each image once."""
    for name, count, highest, last in suite.rows(
            "SELECT n.name, count(i.id), coalesce(max(i.version), 0), n.last_version FROM images.names AS n "
            "LEFT JOIN images.images AS i USING (workspace, name) GROUP BY n.workspace, n.name"):
        assert count == highest == last, f"{name} has {count} images, the highest is {highest}, the last given {last}"
    images = suite.number("SELECT count(*) FROM images.images")
    told = suite.rows("SELECT subject FROM journal.entries WHERE action = 'image.built'")
    assert len(told) == len({subject for subject, in told}) == images, f"{images} images, {len(told)} in the journal"
    return images


def pull_everything(suite, builder):
    """Every image that is listed, by its manifest and each of its parts, with their digests."""
    import hashlib
    seen = set()
    token = ""
    images = []
    while True:
        page = builder.call("images.v1.Images/SearchImages", {"pageToken": token})
        images += page.get("images", [])
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert len(images) == suite.number("SELECT count(*) FROM images.images WHERE deleted IS NULL")
    for image in images:
        place = f"/v2/default/{image['name']}"
        with builder.open(f"{place}/manifests/{image['version']}") as answer:
            manifest = answer.read()
        assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == image["digest"], image
        parts = json.loads(manifest)
        for part in [parts["config"], *parts["layers"]]:
            if (image["name"], part["digest"]) in seen:
                continue
            seen.add((image["name"], part["digest"]))
            with builder.open(f"{place}/blobs/{part['digest']}") as answer:
                found = hashlib.file_digest(answer, "sha256")
            assert f"sha256:{found.hexdigest()}" == part["digest"], (image["name"], image["version"], part)
    return len(images), len(seen)


def pull_with_skopeo(suite, builder, chance, count):
    names = suite.rows("SELECT name, version, encode(digest, 'hex') FROM images.images WHERE deleted IS NULL")
    for name, version, digest in chance.sample(names, min(count, len(names))):
        target = suite.folder / f"pulled-{name}-{version}"
        done = subprocess.run(
            ["skopeo", "copy", "--quiet", "--preserve-digests", "--src-tls-verify=false",
             f"--src-creds=x:{suite.token}", f"docker://127.0.0.1:{builder.port}/default/{name}:{version}",
             f"oci:{target}"], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{name}:{version}: {done.stderr}"
        assert (target / "blobs" / "sha256" / digest).exists(), (name, version)
        subprocess.run(["rm", "-rf", target], check=True)


def verify_pushes(suite, address):
    """What a push says that it brought is there, whole, under its tag."""
    count = 0
    for result, in suite.rows(
            "SELECT result FROM activities.activities WHERE kind = 'image.push' AND state = 'succeeded'"):
        found = json.loads(result)
        repository, tag = found["destination"].removeprefix(f"{address}/").rsplit(":", 1)
        request = urllib.request.Request(
            f"http://{address}/v2/{repository}/manifests/{tag}",
            headers={"accept": "application/vnd.oci.image.manifest.v1+json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.headers["docker-content-digest"] == found["digest"], found
            parts = json.load(answer)
        for part in [parts["config"], *parts["layers"]]:
            head = urllib.request.Request(f"http://{address}/v2/{repository}/blobs/{part['digest']}", method="HEAD")
            with urllib.request.urlopen(head, timeout=60) as answer:
                assert int(answer.headers["content-length"]) == part["size"], (found, part)
        count += 1
    return count


def collect(suite, builder):
    """Waits until the store has what images need and not a file more; gives how many blobs went."""
    before = suite.blobs()
    needed = suite.referenced()
    assert needed <= before, f"lost before the collection: {needed - before}"

    def collected():
        blobs, uploads = suite.blobs(), suite.uploads()
        lost = needed - blobs
        assert not lost, f"the collection took {lost}, which images need"
        return (blobs == needed and not uploads) or f"{len(blobs - needed)} orphans, uploads {uploads}"

    await_true(collected, "the collection left something", 120)
    # The next ones, on connections that have served before, have nothing left to do and take nothing.
    seen = collections_of(builder)
    await_true(lambda: collections_of(builder) >= seen + 4 or "no more collections", "the keeper rests")
    assert suite.blobs() == needed, f"a later collection took {needed - suite.blobs()}"
    scratch = [path.name for path in (suite.data / "images" / "python").rglob("work-*")]
    assert not scratch, f"scratch folders are left: {scratch}"
    return len(before - needed)


def keeper_of(suite):
    """A builder that keeps nothing that nobody needs, on its way."""
    keeps = [word for name in ("images", "layers", "sources", "blobs") for word in (f"--keep.{name}", "0s")]
    keeper = suite.builder(*keeps, "--keep.interval", "300ms", "--service.log_level", "debug")
    keeper.start()
    keeper.await_ready()
    return keeper


def collections_of(builder):
    return builder.log.read_text(errors="replace").count("collected what no image needs")


def await_reports(suite):
    def told():
        # Whoever took one on and was killed has left it alone for a minute and a half: let that be over.
        suite.rows("UPDATE images.reports SET due = now() WHERE accepted < generation")
        open_ones = suite.rows("SELECT \"user\", versions FROM images.reports WHERE accepted < generation")
        return not open_ones or str(open_ones)

    await_true(told, "reports were not accepted")
    builds = suite.rows("SELECT \"user\", versions FROM images.reports WHERE build IS NOT NULL AND versions <> '{}'")
    assert not builds, f"ended builds still use models: {builds}"
    await_true(lambda: suite.number("SELECT count(*) FROM images.builds") == 0 or "rows", "builds still hold something")


def verify_uses(suite, models):
    """Models in images can't be deleted, and all others can."""
    used = {name for name, in suite.rows(
        "SELECT DISTINCT m.model || ':' || m.version FROM images.image_models AS m JOIN images.images AS i "
        "ON i.id = m.image WHERE i.deleted IS NULL")}
    freed = 0
    for model in models:
        try:
            suite.registry.call("models.v1.Models/DeleteVersion", {"version": model})
            deleted = True
        except Refused as error:
            assert error.code == "failed_precondition", error
            deleted = False
        assert deleted != (model in used), f"{model}, {'used' if model in used else 'not used'}, deleted: {deleted}"
        freed += deleted
    return len(used), freed


def case(suite, kills, seed, say):
    chance = chance_of(seed, "kills")
    models = [suite.register(f"model-{number % 3}", chance, chance.randint(50_000, 3_000_000))
              for number in range(9)]
    with outside_registry(suite.folder / "outside") as (address, _, _):
        builders = [suite.builder(), suite.builder()]
        for builder in builders:
            builder.start()
        # The runtime's layer takes longer than anybody lives here: whoever is killed in it starts it again.
        builders[0].await_ready()
        began = time.monotonic()
        builders[0].call("images.v1.Images/Build", {"name": NAMES[0], "recipe": {"models": [models[0]]}})
        settle(suite)
        say(f"the first build took {time.monotonic() - began:.1f} s")
        customer = Customer(suite, models, address, seed)
        hits = collections.Counter()
        began = time.monotonic()
        try:
            for number in range(kills):
                victim = builders[chance.randrange(2)]
                # One that takes no calls yet is now and then as good a victim as any.
                if chance.random() < 0.9:
                    victim.await_ready()
                time.sleep(chance.uniform(0, 1.5))
                worker = f"image-builder {victim.process.pid}"
                victim.kill()
                found = suite.rows(
                    f"SELECT kind || ' ' || step FROM activities.activities WHERE state = 'running' "
                    f"AND worker = '{worker}'")
                hits.update(step for step, in found)
                victim.start()
        finally:
            customer.stop()
        say(f"{kills} kills in {time.monotonic() - began:.0f} s hit {sum(hits.values())} activities: "
            + ", ".join(f"{count} in {step}" for step, count in hits.most_common()))
        for builder in builders:
            builder.await_ready()
        began = time.monotonic()
        settle(suite)
        assert not customer.refusals, customer.refusals
        ends, taken_over = verify_ends(suite)
        say(f"all ended {time.monotonic() - began:.0f} s later ({taken_over} taken over): "
            + ", ".join(f"{count} {what}" for what, count in sorted(ends.items())))
        assert taken_over > 0, "the kills hit nothing"
        images = verify_versions(suite)
        listed, parts = pull_everything(suite, builders[0])
        pull_with_skopeo(suite, builders[0], chance, 2)
        pushed = verify_pushes(suite, address)
        damaged = suite.damaged()
        assert not damaged, f"the scrub found {damaged}"
        say(f"{images} images without a gap, {listed} pulled whole ({parts} parts), {pushed} pushes there; "
            f"{len(suite.blobs())} blobs, none damaged")

    # Half of the images go, and all that hold one of two models; with them goes what only they need.
    freed = " OR ".join(f"m.model || ':' || m.version = '{model}'" for model in models[:2])
    for name, version, frees in suite.rows(
            f"SELECT i.name, i.version, bool_or({freed}) FROM images.images AS i "
            "JOIN images.image_models AS m ON m.image = i.id GROUP BY i.id ORDER BY i.id"):
        if frees == "t" or chance.random() < 0.5:
            builders[0].call("images.v1.Images/DeleteImage", {"image": f"{name}:{version}"})
    await_reports(suite)
    for builder in builders:
        builder.stop()
    keeper = keeper_of(suite)
    purge = "SELECT count(*) FROM images.images WHERE deleted IS NOT NULL"
    await_true(lambda: suite.number(purge) == 0 or "deleted images", "deleted images were not purged")
    removed = collect(suite, keeper)
    await_reports(suite)
    listed, parts = pull_everything(suite, keeper)
    used, freed = verify_uses(suite, models)
    say(f"collected {removed} blobs and no more: the other {len(suite.blobs())} are what {listed} images need; "
        f"{used} models are held, {freed} could be deleted")
    keeper.stop()
