"""Entry scripts behind /score: pickles, header fields, and workers that are killed."""

import os
import signal
import threading

import sample_models

SCRIPT = """
    import json, os, pickle, signal

    def init():
        global model
        with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
            model = pickle.load(file)

    def run(data):
        request = json.loads(data)
        if "tell" in request:
            with open(request["tell"], "w") as told:
                told.write(str(os.getpid()))
            while True:
                signal.pause()
        return model.predict_proba(request["data"])
"""


def ask(scorer, rows, **fields):
    return scorer.exchange("/score", {"data": rows}, {"content-type": "application/json", **fields})


def case_pickle(context):
    """a script with scikit-learn's pickle answers /score as scikit-learn does; a killed worker costs its request only"""
    model = sample_models.pickled(context.folder / "flowers")
    # One instance, so that the next request needs the worker that takes over.
    sample_models.script(context.folder / "flowers", SCRIPT, instances=1)
    rows = sample_models.measurements(20, seed=11).astype(float)
    wanted = model.predict_proba(rows).tolist()
    with context.scorer("--models", context.folder, "--watch", "0s") as scorer:
        scorer.wait()
        status, fields, answer = ask(scorer, rows.tolist(), **{"x-ms-client-request-id": "caller-7"})
        assert (status, answer) == (200, wanted), (status, answer)
        assert fields["x-ms-client-request-id"] == "caller-7" and fields["x-ms-request-id"], fields.items()
        assert float(fields["x-ms-run-fn-exec-ms"]) > 0, fields.items()
        assert fields.get("x-ms-run-function-failed") in (None, "False"), fields.items()
        for turn in range(20 if context.is_full else 3):
            killed(context, scorer, turn, rows.tolist(), wanted)
        status, fields, answer = scorer.exchange("/score", {"rows": 1}, {"content-type": "application/json"})
        assert status == 500 and fields["x-ms-run-function-failed"] == "True" and "KeyError" in str(answer), answer
        assert ask(scorer, rows.tolist())[2] == wanted


def killed(context, scorer, turn, rows, wanted):
    """Kills the worker while it runs a request and another one waits for it."""
    pipe, answers = context.folder.parent / f"pipe-{turn}", {}
    os.mkfifo(pipe)

    def stuck():
        answers["stuck"] = scorer.exchange("/score", {"tell": str(pipe)}, {"content-type": "application/json"})

    def waiting():
        answers["waiting"] = ask(scorer, rows)

    threads = [threading.Thread(target=stuck), threading.Thread(target=waiting)]
    threads[0].start()
    # Opening waits until the script has opened the other end: it is in the middle of the request then.
    worker = int(pipe.read_text())
    threads[1].start()
    os.kill(worker, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    status, fields, answer = answers["stuck"]
    assert status == 500 and fields["x-ms-run-function-failed"] == "True", (status, fields.items(), answer)
    assert "killed" in str(answer) or "SIGKILL" in str(answer), answer
    assert (answers["waiting"][0], answers["waiting"][2]) == (200, wanted), answers["waiting"]
    status, _, answer = ask(scorer, rows)
    assert (status, answer) == (200, wanted), (status, answer)


CASES = [value for name, value in list(globals().items()) if name.startswith("case_")]
