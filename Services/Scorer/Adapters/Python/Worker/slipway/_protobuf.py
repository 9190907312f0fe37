"""As much of protobuf's wire format as a worker needs: it writes a ModelDescription and reads an ExecutionContext."""


def _varint(value):
    value &= (1 << 64) - 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def number(field, value):
    return _varint(field << 3) + _varint(int(value)) if value else b""


def text(field, value):
    content = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content if content else b""


def message(field, content):
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def texts(field, values):
    return b"".join(message(field, value.encode("utf-8", "replace")) for value in values)


def packed(field, values):
    content = b"".join(_varint(value) for value in values)
    return message(field, content) if content else b""


def pairs(field, values):
    return b"".join(message(field, text(1, name) + text(2, value)) for name, value in values.items())


def read(content):
    """Fields of length-delimited kind, as (number, bytes); others are passed over."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = content[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while place < len(content):
        key = varint()
        kind = key & 7
        if kind == 2:
            size = varint()
            yield key >> 3, content[place:place + size]
            place += size
        elif kind == 0:
            varint()
        else:
            place += 8 if kind == 1 else 4


def read_texts(content):
    """A message whose fields are all texts."""
    return {field: value.decode("utf-8", "replace") for field, value in read(content)}
