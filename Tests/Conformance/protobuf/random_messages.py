"""Random messages and random damage: the testee and Python's protobuf have to agree."""

import random
import struct

from google.protobuf import json_format, unknown_fields
from testee import AllTypes, JSON, JSON_TEST, POOL, PROTOBUF, from_json, same

INTEGER_BITS = {3: 64, 5: 32, 15: 32, 16: 64, 17: 32, 18: 64}
UNSIGNED_BITS = {4: 64, 6: 64, 7: 32, 13: 32}


def text(source):
    alphabet = source.choice(["abc", "äöü漢字😁", "\"\\\n\t\0/<>", "abcdefghijklmnopqrstuvwxyz 0123456789"])
    return "".join(source.choice(alphabet) for _ in range(source.choice([0, 1, 3, 15, 16, 40])))


def scalar(source, field):
    kind = field.type
    if kind == 1:
        value = struct.unpack("<d", struct.pack("<Q", source.getrandbits(64)))[0]
        return source.choice([0.0, -0.0, 0.1, float("inf"), 1e22, 1.5, value if value == value else 2.0])
    if kind == 2:
        value = struct.unpack("<f", struct.pack("<I", source.getrandbits(32)))[0]
        return source.choice([0.0, -0.0, 1.5, float("-inf"), value if value == value else 2.0])
    if kind in INTEGER_BITS:
        bits = source.randint(1, INTEGER_BITS[kind])
        return source.getrandbits(bits - 1) * source.choice([1, -1]) if bits > 1 else 0
    if kind in UNSIGNED_BITS:
        return source.getrandbits(source.randint(1, UNSIGNED_BITS[kind]))
    if kind == 8:
        return source.random() < 0.5
    if kind == 9:
        return text(source)
    if kind == 12:
        return source.randbytes(source.choice([0, 1, 2, 3, 50]))
    if field.enum_type.name == "NullValue":
        return 0
    return source.choice([0, 1, 2, -1, 99, 2**31 - 1])


def well_known(source, message, depth):
    name = message.DESCRIPTOR.name
    if name == "Duration":
        sign = source.choice([1, -1])
        message.seconds = sign * source.randrange(315576000000)
        message.nanos = sign * source.choice([0, 5 * 10**8, 1, 123456789, 123000])
    elif name == "Timestamp":
        message.seconds = source.randint(-62135596800, 253402300799)
        message.nanos = source.choice([0, 5 * 10**8, 1, 123456789, 123000])
    elif name == "FieldMask":
        message.paths.extend(source.choice(["a", "a_b.c", "foo_bar"]) for _ in range(source.randint(0, 3)))
    elif name == "Any":
        inner = AllTypes()
        fill(source, inner, depth + 2)
        message.Pack(inner)
    elif name == "Struct":
        # Inside an Any the order of entries would show, as it holds bytes.
        for _ in range(source.randint(0, 3 if depth < 2 else 1)):
            well_known(source, message.fields[text(source)], depth + 1)
    elif name == "ListValue":
        for _ in range(source.randint(0, 3)):
            well_known(source, message.values.add(), depth + 1)
    elif name == "Value":
        kind = source.randrange(6 if depth < 5 else 4)
        if kind == 0:
            message.null_value = 0
        elif kind == 1:
            message.number_value = source.choice([0, 1.5, -1e300, 12345678901234])
        elif kind == 2:
            message.string_value = text(source)
        elif kind == 3:
            message.bool_value = source.random() < 0.5
        elif kind == 4:
            message.struct_value.SetInParent()
            well_known(source, message.struct_value, depth + 1)
        else:
            message.list_value.SetInParent()
            well_known(source, message.list_value, depth + 1)
    else:
        return False
    return True


def fill(source, message, depth=0):
    if message.DESCRIPTOR.full_name.startswith("google.protobuf") and well_known(source, message, depth):
        return
    density = 0.15 if depth == 0 else 0.04
    for field in message.DESCRIPTOR.fields:
        if len(message.DESCRIPTOR.fields) > 5 and source.random() > density:
            continue
        entry = field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
        if entry is not None:
            # One entry: the order of several is each implementation's own.
            container, key = getattr(message, field.name), scalar(source, entry.fields_by_name["key"])
            value = entry.fields_by_name["value"]
            if value.message_type is not None:
                fill(source, container[key], depth + 1)
            else:
                container[key] = scalar(source, value)
        elif field.message_type is not None:
            if depth >= 3:
                continue
            if field.is_repeated:
                for _ in range(source.randint(1, 3)):
                    fill(source, getattr(message, field.name).add(), depth + 1)
            else:
                getattr(message, field.name).SetInParent()
                fill(source, getattr(message, field.name), depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(scalar(source, field) for _ in range(source.randint(1, 5)))
        else:
            setattr(message, field.name, scalar(source, field))


def has_large_maps(message):
    """A Struct may have several fields, whose order is free."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if len(value) > 1:
                return True
            inner = field.message_type.fields_by_name["value"].message_type
            if inner is not None and any(has_large_maps(value[key]) for key in value):
                return True
        elif field.is_repeated:
            if any(has_large_maps(item) for item in value):
                return True
        elif has_large_maps(value):
            return True
    return False


def keeps_entries(message):
    """Where an entry of a map has a field beside key and value, the oracle alone keeps the whole entry as unknown."""
    numbers = {f.number for f in message.DESCRIPTOR.fields if f.message_type and f.message_type.GetOptions().map_entry}
    if any(field.field_number in numbers for field in unknown_fields.UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            value = value.values() if field.message_type.fields_by_name["value"].message_type else []
        elif not field.is_repeated:
            value = [value]
        if any(keeps_entries(item) for item in value):
            return True
    return False


def run(judge, seed, count):
    for index in range(count):
        source = random.Random(f"{seed}/{index}")
        message = AllTypes()
        fill(source, message)
        data = message.SerializeToString(deterministic=True)
        name = f"random message {index} of seed {seed}"
        response = judge.testee.send(data, PROTOBUF)
        written = response.protobuf_payload
        if has_large_maps(message):
            judge.check(name + " → binary", len(written) == len(data) and same(AllTypes.FromString(written), message))
        else:
            judge.check(name + " → binary, the same bytes", written == data, response)
        response = judge.testee.send(data, JSON)
        judge.check(name + " → JSON", same(from_json(response.json_payload or "[]"), message), response)
        oracle = json_format.MessageToJson(message, descriptor_pool=POOL)
        response = judge.testee.send(oracle, PROTOBUF, JSON_TEST)
        judge.check(name + " from the oracle's JSON",
                    response.WhichOneof("result") == "protobuf_payload"
                    and same(AllTypes.FromString(response.protobuf_payload), message), (oracle[:2000], response))
        damage(judge, name, source, data)


def damage(judge, name, source, data):
    """Bytes with one or two changes are taken or refused alike, and mean the same when they are taken."""
    for _ in range(4):
        bad = bytearray(data)
        for _ in range(source.randint(1, 2)):
            place = source.randrange(len(bad) + 1)
            action = source.randrange(3)
            if action == 0 and place < len(bad):
                bad[place] = source.getrandbits(8)
            elif action == 1:
                bad[place:place] = source.randbytes(1)
            else:
                del bad[place:place + source.randint(1, 3)]
        try:
            expected = AllTypes.FromString(bytes(bad))
        except Exception:
            expected = None
        response = judge.testee.send(bytes(bad), PROTOBUF)
        if expected is None:
            judge.check(name + " damaged", response.WhichOneof("result") == "parse_error", bytes(bad).hex())
        elif not keeps_entries(expected):
            judge.check(name + " damaged",
                        response.WhichOneof("result") == "protobuf_payload"
                        and same(AllTypes.FromString(response.protobuf_payload), expected), (bytes(bad).hex(), response))
