"""Cases of the binary format, made from the message's own description."""

import struct

from testee import AllTypes

DESCRIPTOR = AllTypes.DESCRIPTOR
VARINT, FIXED64, DELIMITED, START, END, FIXED32 = range(6)
NAMES = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32", 8: "bool", 9: "string",
         11: "message", 12: "bytes", 13: "uint32", 14: "enum", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64"}


def varint(value, extra=0):
    """The value in a varint, with `extra` bytes more than it needs."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    for _ in range(extra):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def tag(number, wire):
    return varint(number << 3 | wire)


def delimited(data):
    return varint(len(data)) + data


def zigzag(value):
    return varint(value << 1 ^ value >> 63)


def wire_type(field_type):
    if field_type in (1, 6, 16):
        return FIXED64
    if field_type in (2, 7, 15):
        return FIXED32
    return DELIMITED if field_type in (9, 11, 12) else VARINT


INTEGERS = [0, 1, 127, 128, 300, 2**31 - 1, -1, -2**31, 2**33, 2**63 - 1, -2**63, 2**64 - 1, 1 << 62]
SAMPLES = {
    1: [struct.pack("<d", x) for x in (0.0, -0.0, 0.1, 1.7e308, -5e-324, float("inf"), float("nan"))],
    2: [struct.pack("<f", x) for x in (0.0, -0.0, 0.1, 3.4e38, -1e-45, float("inf"))],
    6: [struct.pack("<Q", x) for x in (0, 1, 2**64 - 1)], 16: [struct.pack("<q", x) for x in (0, -1, -2**63, 2**63 - 1)],
    7: [struct.pack("<I", x) for x in (0, 1, 2**32 - 1)], 15: [struct.pack("<i", x) for x in (0, -1, -2**31, 2**31 - 1)],
    8: [varint(0), varint(1), varint(12), varint(2**64 - 1), varint(1, 3), varint(0, 4), varint(1 << 35)],
    9: [delimited(x.encode()) for x in ("", "Hello, world!", "\0", "谷歌 😁", "x" * 200)],
    12: [delimited(x) for x in (b"", b"\xff\x00\x80", bytes(range(256)))],
    11: [delimited(b""), delimited(tag(1, VARINT) + varint(1234)), delimited(tag(1, VARINT) + varint(1, 5))],
    14: [varint(0), varint(1), varint(2), varint(-1), varint(77), varint(-2**31), varint(1, 2), varint(2**32 + 1)],
    17: [zigzag(x) for x in (0, 1, -1, 2**31 - 1, -2**31)] + [varint(2**33 + 1)],
    18: [zigzag(x) for x in (0, 1, -1, 2**63 - 1, -2**63)],
}
for kind in (3, 4, 5, 13):
    SAMPLES[kind] = [varint(x) for x in INTEGERS] + [varint(5, 1), varint(12345, 2), varint(0, 5)]


def fields(repeated=None):
    for field in DESCRIPTOR.fields:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        # The numbers of NullValue have no place in JSON.
        is_null = field.enum_type is not None and field.enum_type.name == "NullValue"
        if not is_map and not is_null and (repeated is None or field.is_repeated == repeated):
            yield field


def valid():
    for field in fields(repeated=False):
        if field.message_type is not None and field.message_type.full_name.startswith("google.protobuf"):
            continue
        for index, value in enumerate(SAMPLES[field.type]):
            yield f"singular {field.name} {index}", tag(field.number, wire_type(field.type)) + value
        last = b"".join(tag(field.number, wire_type(field.type)) + value for value in SAMPLES[field.type])
        yield f"singular {field.name} repeated", last
    for field in fields(repeated=True):
        if field.message_type is not None and field.message_type.full_name.startswith("google.protobuf"):
            continue
        wire = wire_type(field.type)
        yield f"unpacked {field.name}", b"".join(tag(field.number, wire) + value for value in SAMPLES[field.type])
        if wire != DELIMITED:
            packed = delimited(b"".join(SAMPLES[field.type]))
            yield f"packed {field.name}", tag(field.number, DELIMITED) + packed
            yield f"packed {field.name} in two", (tag(field.number, DELIMITED) + packed) * 2
            yield f"packed {field.name} of nothing", tag(field.number, DELIMITED) + delimited(b"")
    for field in DESCRIPTOR.fields:
        if field.message_type is None or not field.message_type.GetOptions().map_entry:
            continue
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        k = tag(1, wire_type(key.type)) + SAMPLES[key.type][1]
        v = tag(2, wire_type(value.type)) + SAMPLES[value.type][1]
        k2 = tag(1, wire_type(key.type)) + SAMPLES[key.type][0]
        start = tag(field.number, DELIMITED)
        for name, entry in (("whole", k + v), ("value first", v + k), ("key alone", k), ("value alone", v), ("empty", b""),
                            ("key twice", k2 + k + v), ("value twice", k + v + v)):
            yield f"map {field.name} {name}", start + delimited(entry)
        yield f"map {field.name} same key twice", start + delimited(k) + start + delimited(k + v)
    yield from messages()


def messages():
    one = tag(18, DELIMITED) + delimited(b"\x08\x01")
    two = tag(18, DELIMITED) + delimited(tag(2, DELIMITED) + delimited(tag(1, VARINT) + varint(2)))
    yield "embedded messages merge", one + two
    number = lambda n, payload: tag(n, DELIMITED) + delimited(payload)
    yield "oneof messages merge", number(112, b"\x08\x01") + number(112, two[3:])
    yield "oneof: the last member wins", number(112, b"\x08\x01") + number(113, b"x") + tag(111, VARINT) + varint(3)
    yield "oneof: a message comes back empty", number(112, b"\x08\x01") + number(113, b"x") + number(112, b"")
    yield "map values do not merge", (number(71, number(1, b"") + number(2, b"\x08\x01"))
                                      + number(71, number(1, b"") + number(2, number(2, b""))))
    yield "unknown varint", tag(501, VARINT) + varint(7)
    yield "unknown fixed32", tag(502, FIXED32) + b"abcd"
    yield "unknown fixed64", tag(503, FIXED64) + b"abcdefgh"
    yield "unknown delimited", tag(504, DELIMITED) + delimited(b"abc")
    yield "unknown group", tag(505, START) + tag(1, VARINT) + varint(1) + tag(2, START) + tag(2, END) + tag(505, END)
    yield "unknown among known", tag(501, VARINT) + varint(7) + tag(1, VARINT) + varint(5) + tag(502, VARINT) + varint(1)
    yield "a known field of another wire type", tag(1, FIXED32) + b"abcd"
    yield "the largest field number", tag(2**29 - 1, VARINT) + varint(1)
    yield "a tag with too many bytes", varint(1 << 3, 3) + varint(5)
    yield "nothing", b""
    deep = b""
    for _ in range(99):
        deep = number(27, deep)
    yield "a depth of 99", deep


def invalid():
    for kind, samples in SAMPLES.items():
        field = next(f for f in fields(repeated=False) if f.type == kind)
        wire = wire_type(kind)
        start = tag(field.number, wire)
        yield f"{NAMES[kind]}: the input ends before the value", start
        whole = samples[-1] if wire != DELIMITED else delimited(b"abcdefgh")
        if len(whole) > 1 and wire != VARINT:
            yield f"{NAMES[kind]}: the input ends inside the value", start + whole[:-1]
        if wire == VARINT:
            yield f"{NAMES[kind]}: the input ends inside a number", start + b"\x80"
        inner = tag(18, DELIMITED) + varint(1 + len(start)) + start
        yield f"{NAMES[kind]}: an embedded message ends before the value", inner
        unknown = tag(511, wire)
        yield f"{NAMES[kind]}: the input ends before an unknown value", unknown
    for kind in (1, 2, 6, 7, 15, 16):
        field = next(f for f in fields(repeated=True) if f.type == kind)
        yield f"packed {NAMES[kind]} ends inside a number", tag(field.number, DELIMITED) + delimited(SAMPLES[kind][1][:-1])
    yield "packed numbers end inside a number", tag(31, DELIMITED) + delimited(b"\x80")
    for number, wire in ((0, VARINT), (0, FIXED64), (0, DELIMITED), (0, FIXED32), (0, START)):
        yield f"field number 0 of wire type {wire}", tag(number, wire) + b"\x01" + b"\0" * 8
    yield "wire type 6", tag(1, 6) + b"\0"
    yield "wire type 7", tag(1, 7) + b"\0"
    yield "a group that never began", tag(505, END)
    yield "a group that never ends", tag(505, START)
    yield "a group that ends as another", tag(505, START) + tag(506, END)
    yield "a varint of eleven bytes", tag(1, VARINT) + b"\x80" * 10 + b"\x01"
    yield "a length beyond the end", tag(14, DELIMITED) + varint(2**62)
    yield "a negative length", tag(14, DELIMITED) + varint(-1)
    yield "a field number too large", varint(1 << 35) + b"\x01"
    for number in (14, 44, 113):
        for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe8\xb0"):
            yield f"string {number} with the bytes {bad.hex()}", tag(number, DELIMITED) + delimited(bad)
    entry = tag(1, DELIMITED) + delimited(b"\xff")
    yield "map key not UTF-8", tag(69, DELIMITED) + delimited(entry)
    deep = b""
    for _ in range(101):
        deep = tag(27, DELIMITED) + delimited(deep)
    yield "a depth of 101", deep
