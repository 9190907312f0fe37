"""A proxy whose connections break off after so many bytes."""

import contextlib
import socket
import threading


class CuttingProxy:
    def __init__(self, port, bytes_each):
        """Passes bytes to and from a local port; each connection ends after `bytes_each` of one direction."""
        self.target = ("127.0.0.1", port)
        self.bytes_each = bytes_each
        self.connections = 0
        self.passed = threading.Condition()
        self.total = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.connections += 1
                far = socket.create_connection(self.target)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.move, args=pair, daemon=True).start()

    def move(self, source, target):
        left = self.bytes_each
        with contextlib.suppress(OSError):
            while left > 0:
                piece = source.recv(min(left, 1 << 16))
                if not piece:
                    break
                target.sendall(piece)
                left -= len(piece)
                with self.passed:
                    self.total += len(piece)
                    self.passed.notify_all()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def await_bytes(self, count):
        with self.passed:
            if not self.passed.wait_for(lambda: self.total >= count, timeout=60):
                raise AssertionError(f"{self.total} of {count} bytes passed")

    def close(self):
        self.listener.close()
