# The first thing that a worker's interpreter runs: it makes the package `slipway` importable out of the archive that the
# adapter hands over, and starts it. Written so that an interpreter of any age reads it, and can say that it is too old.
#
# Descriptors: 3 the channel, 4 the region of requests, 5 the region of answers, 6 the archive (this text first).
import os
import struct
import sys

CODE_UNAVAILABLE = 14
KIND_FAILED = 4
OLDEST = (3, 8)


def refuse(text):
    message = text.encode("utf-8")
    os.write(5, message)
    name = b"message\0"
    item = struct.pack("<BBHIQQ", 0, 0, 7, 0, 0, len(message)) + name
    os.write(3, struct.pack("<IIQII", KIND_FAILED, 0, len(message), 1, CODE_UNAVAILABLE) + item)
    os._exit(3)


def start():
    # Written with % and not as newer interpreters like it: older ones must read this.
    if sys.version_info < OLDEST:
        refuse("the interpreter %s is Python %d.%d; entry scripts need %d.%d or newer" % (
            (sys.executable,) + tuple(sys.version_info[:2]) + OLDEST))
    import importlib.abc
    import importlib.machinery

    size = os.fstat(6).st_size
    archive = os.pread(6, size, 0)
    os.close(6)
    sources = {}
    place = archive.index(b"\0") + 1
    while place < size:
        end = archive.index(b"\0", place)
        name, length = archive[place:end].decode().split(" ")
        sources[name] = archive[end + 1:end + 1 + int(length)]
        place = end + 1 + int(length)

    class ArchiveFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
        def find_spec(self, name, path=None, target=None):
            if name not in sources:
                return None
            package = name == "slipway"
            spec = importlib.machinery.ModuleSpec(name, self, origin=self.label(name), is_package=package)
            spec.has_location = True
            return spec

        def label(self, name):
            return "slipway/%s.py" % (name.partition(".")[2] or "__init__")

        def get_source(self, name):
            return sources[name].decode("utf-8")

        def get_code(self, name):
            return compile(sources[name], self.label(name), "exec")

        def is_package(self, name):
            return name == "slipway"

    sys.meta_path.insert(0, ArchiveFinder())
    from slipway import _worker
    _worker.main()


start()
