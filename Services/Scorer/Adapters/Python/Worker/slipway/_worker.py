"""A worker: loads one model, then answers one request after the other until its scorer hangs up."""

import faulthandler
import gc
import os
import resource
import signal
import sys

import slipway

from . import _channel, _errors, _protobuf
from ._errors import Refusal


class Worker:
    def __init__(self):
        self.channel = _channel.Channel(3, 4, 5)
        self.executing = False
        self.model = None
        self.folder = ""

    # ---- Start

    def start(self):
        """Loads what the scorer names. Ends the process where that fails: the scorer has been told."""
        kind, items = self.channel.receive()
        if kind != _channel.CONFIGURE:
            os._exit(0)
        settings = {item.name: self.channel.content(item).decode("utf-8") for item in items}
        self._settle(settings)
        try:
            self.model, flags, described = self._load(settings)
        except Refusal as refusal:
            cause = refusal.__cause__
            self._flush()
            said = self._said(refusal.message, _errors.whole(cause) if cause else "")
            self.channel.send(_channel.FAILED, said, code=refusal.code)
            os._exit(3)
        gc.collect()
        gc.freeze()
        self._flush()
        self.channel.send(_channel.READY, self.channel.place([_channel.raw("description", described)]), flags=flags)

    def _settle(self, settings):
        """Makes the process what a worker should be, before any code of the model runs."""
        _die_with(int(settings["parent"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = int(settings["memory_limit"])
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGINT, self._interrupted)
        faulthandler.enable()
        sys.stdout.reconfigure(line_buffering=True)
        self.folder = settings["folder"]
        os.chdir(self.folder)
        # `-c` put the working directory first; a script's own folder goes there.
        sys.path[:] = [entry for entry in sys.path if entry]
        sys.argv = [settings["path"]]

    def _load(self, settings):
        path, kind = settings["path"], settings["kind"]
        facts = {"interpreter": _errors.interpreter(), "file": os.path.relpath(path, self.folder)}
        if int(settings["memory_limit"]):
            facts["memory_limit"] = settings["memory_limit"]
        try:
            if kind == "script":
                from . import _script
                model = _script.load(path, self.folder)
            else:
                from . import _pickles
                model = _pickles.load(path, self.folder, settings["datatype"])
            described = model.describe()
        except (OSError, MemoryError) as error:
            code = _errors.RESOURCE_EXHAUSTED if isinstance(error, MemoryError) else _errors.FAILED_PRECONDITION
            raise Refusal(code, _errors.in_a_line(error)) from error
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            facts["numpy"] = getattr(numpy, "__version__", "")
        described = (_protobuf.text(1, settings["format"]) + _protobuf.text(2, sys.version.split()[0]) + described
                     + _protobuf.pairs(9, facts))
        return model, model.flags, described

    # ---- Requests

    def serve(self):
        while True:
            kind, items = self.channel.receive()
            if kind != _channel.EXECUTE:
                return
            before = self.channel.references()
            kind, code, flags, placed = self._execute(items)
            del items
            self._flush()
            if self.channel.references() > before:
                # The script has kept some of the request: it keeps the memory too, and the next one gets other memory.
                flags |= _channel.RETAINED
                self.channel.renewed = True
            self.channel.send(kind, placed, flags, code)
            if flags & _channel.ENDING:
                self._flush()
                os._exit(4)

    def _execute(self, items):
        tensors, wanted, context = items, (), b""
        if items and items[-1].datatype in (_channel.RAW, _channel.WANTED):
            tensors = [item for item in items if item.datatype not in (_channel.RAW, _channel.WANTED)]
            wanted = [item.name for item in items if item.datatype == _channel.WANTED]
            context = b"".join(self.channel.content(item) for item in items if item.datatype == _channel.RAW)
        try:
            self.executing = True
            try:
                outputs = self.model.execute(self.channel, tensors, wanted, context)
            finally:
                self.executing = False
            return _channel.ANSWER, 0, 0, self.channel.place(outputs)
        except Refusal as refusal:
            return _channel.ERROR, refusal.code, 0, self._said(refusal.message)
        except BaseException as error:
            return self._failure(error)

    def _failure(self, error):
        if isinstance(error, slipway.Cancelled):
            said = self._said("the script was interrupted: nobody waits for its answer")
            return _channel.ERROR, _errors.CANCELLED, 0, said
        if isinstance(error, slipway.InvalidInput):
            return _channel.ERROR, _errors.INVALID_ARGUMENT, 0, self._said(str(error))
        code, flags, message = _errors.UNKNOWN, 0, _errors.in_a_line(error) + _errors.where(error, self.folder)
        if isinstance(error, MemoryError):
            # What else failed for want of memory is unknown: a fresh worker takes over.
            code, flags = _errors.RESOURCE_EXHAUSTED, _channel.ENDING
            message = f"the script ran out of its memory: {message}"
        return _channel.ERROR, code, flags, self._said(message, _errors.whole(error))

    def _said(self, message, traceback=""):
        return self.channel.place([_channel.raw("message", message.encode("utf-8", "replace")),
                                   _channel.raw("traceback", traceback.encode("utf-8", "replace"))])

    # ---- Surroundings

    def _interrupted(self, number, frame):
        if self.executing:
            self.executing = False
            raise slipway.Cancelled()

    def _flush(self):
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            # A script may have closed them.
            pass


def _die_with(parent):
    """Ties the process to the scorer's: it is killed when that ends, also in the middle of a script."""
    try:
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        # An interpreter without ctypes notices at its next request, when the channel is closed.
        return
    if os.getppid() != parent:
        os._exit(0)


def main():
    worker = Worker()
    worker.start()
    worker.serve()
    sys.exit(0)
