"""What a worker and its scorer say to each other: small frames over a socket, contents in shared memory.

A frame is a header, then items, each with the place of its content in the sender's region:

    header  kind u32, flags u32, size of the region u64, number of items u32, code u32
    item    datatype u8, rank u8, length of the name u16, reserved u32, offset u64, size u64,
            rank sizes i64, the name, padded to 8
"""

import array
import mmap
import os
import socket
import struct
import sys

CONFIGURE, EXECUTE, READY, FAILED, ANSWER, ERROR = range(1, 7)
# Flags of READY.
IS_DOCUMENT, WANTS_CONTEXT = 1, 2
# Flags of ANSWER and ERROR: the request's memory is still in use; the worker ends, and wants a successor.
RETAINED, ENDING = 1, 2
# Datatypes of items that are no tensors: a text or a message; the name of an output that is wanted.
RAW, WANTED = 0, 255

HEADER = struct.Struct("<IIQII")
ITEM = struct.Struct("<BBHIQQ")
LARGEST_FRAME = 64 * 1024
ALIGNMENT = 64


class Item:
    __slots__ = ("datatype", "name", "shape", "offset", "size")

    def __init__(self, datatype, name, shape, offset, size):
        self.datatype = datatype
        self.name = name
        self.shape = shape
        self.offset = offset
        self.size = size


class Region:
    """Memory that both sides see, as large as it was ever needed."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.size = 0
        self.memory = None

    def see(self, size):
        """Maps at least so much, which the file is known to have."""
        if size > self.size:
            self.memory = mmap.mmap(self.descriptor, size)
            self.size = size
        return self.memory

    def hold(self, size):
        """Maps at least so much, and makes the file as large."""
        if size > self.size:
            wanted = max(1 << 16, 1 << (size - 1).bit_length())
            os.ftruncate(self.descriptor, wanted)
            self.see(wanted)
        return self.memory

    def replace(self, descriptor):
        os.close(self.descriptor)
        self.__init__(descriptor)


class Channel:
    def __init__(self, connection, requests, answers):
        self.socket = socket.socket(fileno=connection)
        self.requests = Region(requests)
        self.answers = Region(answers)
        self.buffer = bytearray(LARGEST_FRAME)
        self.frame = memoryview(self.buffer)
        self.renewed = False
        for descriptor in (connection, requests, answers):
            os.set_inheritable(descriptor, False)

    def receive(self):
        """The next frame: its kind and its items; no kind where the scorer has closed the channel."""
        if self.renewed:
            size = self._receive_region()
        else:
            size = self.socket.recv_into(self.buffer)
        if size < HEADER.size:
            return 0, []
        kind, _, region, count, _ = HEADER.unpack_from(self.buffer, 0)
        self.requests.see(region)
        place = HEADER.size
        items = []
        for _ in range(count):
            datatype, rank, length, _, offset, extent = ITEM.unpack_from(self.buffer, place)
            place += ITEM.size
            shape = struct.unpack_from(f"<{rank}q", self.buffer, place)
            place += 8 * rank
            name = str(self.frame[place:place + length], "utf-8")
            place += (length + 7) & ~7
            items.append(Item(datatype, name, shape, offset, extent))
        return kind, items

    def _receive_region(self):
        """A frame that brings another region along: the script still uses the one that was."""
        size, ancillary, _, _ = self.socket.recvmsg_into([self.buffer], socket.CMSG_SPACE(4))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors = array.array("i")
                descriptors.frombytes(content[:4])
                os.set_inheritable(descriptors[0], False)
                self.requests.replace(descriptors[0])
        self.renewed = False
        return size

    def references(self):
        """How many hold the memory of the request."""
        return sys.getrefcount(self.requests.memory)

    def content(self, item):
        return self.requests.memory[item.offset:item.offset + item.size]

    def place(self, items):
        """Puts what items of (datatype, name, shape, size, function that writes the content at an offset) hold where
        the scorer sees it; returns what `send` sends of them."""
        place = 0
        parts = []
        placed = []
        for datatype, name, shape, size, write in items:
            encoded = name.encode("utf-8")
            parts.append(ITEM.pack(datatype, len(shape), len(encoded), 0, place, size))
            parts.append(struct.pack(f"<{len(shape)}q", *shape))
            parts.append(encoded + bytes(-len(encoded) % 8))
            placed.append((write, place))
            place += (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)
        if place:
            memory = self.answers.hold(place)
            for write, offset in placed:
                write(memory, offset)
        described = b"".join(parts)
        if HEADER.size + len(described) > LARGEST_FRAME:
            raise ValueError(f"{len(placed)} outputs and their names are more than a frame holds")
        return len(placed), described

    def send(self, kind, placed, flags=0, code=0):
        count, described = placed
        self.socket.send(HEADER.pack(kind, flags, self.answers.size, count, code) + described)


def raw(name, content):
    """An item that is no tensor."""
    def write(memory, offset):
        memory[offset:offset + len(content)] = content

    return RAW, name, (), len(content), write
