"""Show 5: several builders on one database and one store, and each build that is asked for is built once."""

import concurrent.futures
import time

from kills import pull_everything, settle, verify_ends, verify_versions
from suite import Refused, Unreachable, chance_of


def case(suite, count, seed, say):
    chance = chance_of(seed, "crowd")
    models = [suite.register("crowd", chance, chance.randint(20_000, 800_000)) for _ in range(5)]
    builders = [suite.builder("--builds.at_once", "2") for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.await_ready()

    def ask(builder, number):
        request = {"name": f"crowd-{number % 4}", "requestId": f"crowd-{number}",
                   "recipe": {"models": [models[number % len(models)]], "variables": {"NUMBER": str(number)}}}
        deadline = time.monotonic() + 60
        while True:
            try:
                return builder.call("images.v1.Images/Build", request)["id"]
            except (Unreachable, Refused) as error:
                # It takes no calls for a moment after it was killed.
                if time.monotonic() > deadline or getattr(error, "code", "unavailable") != "unavailable":
                    raise
                time.sleep(0.1)

    asked = [(builder, number) for number in range(count) for builder in chance.sample(builders, 2)]
    chance.shuffle(asked)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [(number, pool.submit(ask, builder, number)) for builder, number in asked]
        victim = chance.choice(builders)
        running = ("SELECT count(*) FROM activities.activities WHERE state = 'running' "
                   f"AND worker = 'image-builder {victim.process.pid}'")
        deadline = time.monotonic() + 60
        while suite.number(running) == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        held = suite.number(running)
        victim.kill()
        victim.start()
        ids = {}
        for number, answer in answers:
            ids.setdefault(number, set()).add(answer.result())
    assert all(len(found) == 1 for found in ids.values()), f"a request has two activities: {ids}"
    assert len({next(iter(found)) for found in ids.values()}) == count
    settle(suite)
    took = time.monotonic() - began
    ends, taken_over = verify_ends(suite)
    assert ends == {"image.build succeeded": count}, ends
    images = verify_versions(suite)
    assert images == count, f"{images} images of {count} builds"
    given = suite.number("SELECT sum(last_version) FROM images.names")
    assert given == count, f"{given} versions of {count} builds"
    workers = suite.rows("SELECT worker, count(*) FROM activities.activities GROUP BY worker ORDER BY 2 DESC")
    pull_everything(suite, next(builder for builder in builders if builder is not victim))
    damaged = suite.damaged()
    assert not damaged, f"the scrub found {damaged}"
    say(f"{count} builds, each asked for twice, in {took:.0f} s by four builders ("
        + ", ".join(number for _, number in workers) + f"); one killed with {held} under way, {taken_over} taken over: "
        f"{images} images, {given} versions, as many in the journal")
