"""`slipway run-local`: what an endpoint would run, here, to look for faults. Needs no service but the scorer."""

import contextlib
import pathlib
import shutil
import signal
import tempfile
import threading

import requests

from registry import CommandLine, await_true, free_port


class Place:
    """A folder, and a command line that knows no suite."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-local-", dir="/tmp"))

    def __enter__(self):
        self.slipway = CommandLine(self)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def running(self, *arguments):
        """`slipway run-local`, with its address and what it has said so far. It has to end well when it is interrupted."""
        port = free_port()
        process = self.slipway.start("run-local", *arguments, "--listen", f"127.0.0.1:{port}")
        said = []
        readers = [threading.Thread(target=lambda stream=stream: said.extend(stream))
                   for stream in (process.stdout, process.stderr)]
        for reader in readers:
            reader.start()
        address = f"http://127.0.0.1:{port}"

        def answers():
            assert process.poll() is None, f"it ended with {process.returncode}: {''.join(said)}"
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"{address}/healthz", timeout=5).ok
        try:
            await_true(answers, "it does not answer")
            yield address, lambda: "".join(said)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130, "".join(said)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for reader in readers:
                reader.join(60)


def a_script_runs_here_with_its_traceback(place):
    folder = place.folder / "service"
    folder.mkdir()
    script = folder / "score.py"
    script.write_text(
        "import os\n\ndef init():\n    print('level', os.environ['LEVEL'])\n\ndef run(data):\n    return 1 / 0\n")
    left = set(pathlib.Path("/tmp").glob("slipway-run-*"))
    with place.running(folder, "--env", "LEVEL=7") as (address, said):
        await_true(lambda: requests.get(f"{address}/readyz", timeout=5).ok, "it is not ready")
        assert requests.post(f"{address}/score", data="1", timeout=60).status_code == 500
        await_true(lambda: 'File "' in said() and "line 7, in run\n" in said(), "the traceback is not shown")
        assert "level 7" in said(), said()
        script.write_text("def run(data):\n    return 'mended'\n")

        def mended():
            answer = requests.post(f"{address}/score", data="1", timeout=60)
            return answer.status_code == 200 and "mended" in answer.text
        await_true(mended, "the script was changed and not loaded again")
    assert set(pathlib.Path("/tmp").glob("slipway-run-*")) <= left, "it left something behind"


def a_script_that_can_not_be_loaded_says_why(place):
    folder = place.folder / "broken"
    folder.mkdir()
    (folder / "predict.py").write_text("import a_module_that_nobody_has\n\ndef run(data):\n    return 1\n")
    with place.running(folder, "--entry", "predict.py") as (_, said):
        await_true(lambda: "a_module_that_nobody_has" in said(), "the reason is not shown")


def what_is_not_there_is_told(place):
    done = place.slipway("run-local", "./nowhere")
    assert done.returncode == 3 and "no such file or folder" in done.stderr, done
    folder = place.folder / "empty"
    folder.mkdir()
    done = place.slipway("run-local", folder, "--entry", "score.py")
    assert done.returncode == 3 and "score.py: there is no such file" in done.stderr, done


ALL = [
    a_script_runs_here_with_its_traceback, a_script_that_can_not_be_loaded_says_why, what_is_not_there_is_told,
]
