"""The suite's own PostgreSQL, as somebody who kills it sees it, and people who write to its journal."""

import contextlib
import os
import pathlib
import pwd
import shlex
import signal
import subprocess
import threading
import time


class Database:
    def __init__(self, data):
        self.folder = pathlib.Path(data) / "postgres"
        self.cluster = self.folder / "postgres"

    def psql(self):
        return ["psql", "-X", "-A", "-t", "-q", "-h", str(self.folder / "postgres.socket"), "-U", "slipway", "-d",
                "slipway", "-v", "ON_ERROR_STOP=1"]

    def ask(self, query):
        """Rows of columns, tried again while there is no server."""
        deadline = time.monotonic() + 60
        while True:
            answer = subprocess.run(self.psql() + ["-c", query], capture_output=True, text=True)
            if answer.returncode == 0:
                return [line.split("|") for line in answer.stdout.splitlines()]
            if time.monotonic() > deadline:
                raise AssertionError(answer.stderr)
            time.sleep(0.1)

    def process(self):
        return int((self.cluster / "postmaster.pid").read_text().split()[0])

    def kill(self):
        """The server's first process, as the kernel does when memory runs out; the others notice and end."""
        os.kill(self.process(), signal.SIGKILL)

    def kill_session(self, chance):
        """One session: the server ends all the others too, and recovers by itself."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                parent = int((path / "stat").read_text().rsplit(") ", 1)[1].split()[1])
                if parent == self.process() and b"slipway" in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        if not found:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(sorted(found)), signal.SIGKILL)

    def start(self):
        words = shlex.split((self.cluster / "postmaster.opts").read_text())
        owner = self.cluster.stat().st_uid
        options = " ".join(shlex.quote(word) for word in words[3:])
        command = [str(pathlib.Path(words[0]).parent / "pg_ctl"), "start", "-D", str(self.cluster), "-l",
                   str(self.cluster / "server.log"), "-w", "-s", "-t", "60", "-o", options]
        if os.getuid() == 0 and owner != 0:
            command = ["runuser", "-u", pwd.getpwuid(owner).pw_name, "--"] + command
        deadline = time.monotonic() + 180
        # What is left of the old server may hold its memory for a moment.
        while subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            # An instance that came up meanwhile may have started it.
            if subprocess.run(self.psql() + ["-c", "SELECT 1"], capture_output=True).returncode == 0:
                return
            if time.monotonic() > deadline:
                log = (self.cluster / "server.log").read_text()[-2000:]
                raise AssertionError(f"PostgreSQL does not start again: {log}")
            time.sleep(0.1)


class Writer(threading.Thread):
    """Appends events in transactions of one to five, the way services do, and remembers which were confirmed."""

    def __init__(self, database, chance, count, name, subjects):
        super().__init__(daemon=True)
        self.database, self.chance, self.left, self.label, self.subjects = database, chance, count, name, subjects
        self.confirmed = 0
        self.unanswered = 0
        self.failure = None
        self.number = 0
        self.pace = 0.0

    def run(self):
        try:
            while self.left > 0:
                self.session()
        except Exception as error:
            self.failure = error

    def session(self):
        process = subprocess.Popen(
            self.database.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            while self.left > 0:
                many = min(self.left, self.chance.randint(1, 5))
                rows = []
                for _ in range(many):
                    self.number += 1
                    subject = f"models/m{self.chance.randrange(self.subjects)}:{self.chance.randint(1, 9)}"
                    after = '{"name": "m", "version": 1, "tags": {}, "properties": {"n": "%s-%d"}}' % (
                        self.label, self.number)
                    rows.append(f"('service:faults', 'model.registered', '{subject}', 'default', '{after}')")
                ends = "ROLLBACK" if self.chance.random() < 0.02 else "COMMIT"
                process.stdin.write(
                    "BEGIN;\nINSERT INTO journal.entries (actor, action, subject, workspace, after) VALUES "
                    + ", ".join(rows) + f";\n{ends};\n\\echo done\n")
                process.stdin.flush()
                if process.stdout.readline() != "done\n":
                    self.unanswered += many
                    break
                if ends == "COMMIT":
                    self.confirmed += many
                    self.left -= many
                if self.pace:
                    time.sleep(self.pace)
        except BrokenPipeError:
            self.unanswered += 1
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
            process.stdout.close()
        if self.left > 0:
            time.sleep(0.1)


