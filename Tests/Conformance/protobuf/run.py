#!/usr/bin/env python3
"""Judges protobuf-testee with cases in the style of the public conformance suite, and with random messages.

    run.py TESTEE [--seed N] [--random COUNT]
"""

import argparse
import json
import sys
import time

import binary_cases
import json_cases
import random_messages
from testee import (AllTypes, JSON, JSON_IGNORE_UNKNOWN, JSON_TEST, PROTOBUF, Testee, from_json, from_text, same)


class Judge:
    def __init__(self, testee):
        self.testee = testee
        self.passed = 0
        self.failed = []

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed.append(f"{name}: {detail}")

    def valid(self, name, payload, expected, category):
        """Both outputs of the testee mean what is expected."""
        response = self.testee.send(payload, PROTOBUF, category)
        self.check(name + " → binary", response.WhichOneof("result") == "protobuf_payload"
                   and same(AllTypes.FromString(response.protobuf_payload), expected), response)
        response = self.testee.send(payload, JSON, category)
        if response.WhichOneof("result") != "json_payload":
            return self.check(name + " → JSON", False, response)
        known = AllTypes()
        known.CopyFrom(expected)
        known.DiscardUnknownFields()
        self.check(name + " → JSON", same(from_json(response.json_payload), known), response)

    def refused(self, name, payload, result="parse_error", output=PROTOBUF, category=JSON_TEST):
        response = self.testee.send(payload, output, category)
        self.check(name, response.WhichOneof("result") == result, response)


def run_json(judge):
    for name, text, expected in json_cases.VALID:
        judge.valid(f"JSON, {name}", text, from_text(expected), JSON_TEST)
    for name, text in json_cases.INVALID:
        judge.refused(f"JSON, refused: {name}", text)
    for name, text, expected in json_cases.IGNORED:
        judge.valid(f"JSON, passed over: {name}", text, from_text(expected), JSON_IGNORE_UNKNOWN)
    for name, text, path, expected in json_cases.WRITTEN:
        response = judge.testee.send(text, JSON, JSON_TEST)
        value = json.loads(response.json_payload or "{}").get(path)
        judge.check(f"JSON, written: {name}", value == expected and type(value) is type(expected), response)
    for name, text in json_cases.UNWRITABLE:
        judge.refused(f"JSON, unwritable: {name}", from_text(text).SerializeToString(), "serialize_error", JSON)


def run_binary(judge):
    for name, payload in binary_cases.valid():
        judge.valid(f"binary, {name}", payload, AllTypes.FromString(payload), 1)
    # What an entry of a map has beside key and value is dropped; the oracle would keep the whole entry as unknown.
    judge.valid("binary, map entry with an unknown field", b"\xc2\x03\x06\x08\x01\x10\x02\x18\x01",
                from_text("map_int32_int32: {key: 1 value: 2}"), 1)
    for name, payload in binary_cases.invalid():
        judge.refused(f"binary, refused: {name}", payload, category=1)
    for name, request in (("an unknown message type", dict(message_type="protobuf_test_messages.proto2.TestAllTypesProto2")),
                          ("text output", dict(output=4)), ("JSPB output", dict(output=3))):
        response = judge.testee.send(b"", **{"output": PROTOBUF, **request})
        judge.check(f"skipped: {name}", response.WhichOneof("result") == "skipped", response)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("testee")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--random", type=int, default=500)
    arguments = parser.parse_args()
    testee = Testee(arguments.testee)
    judge = Judge(testee)
    run_json(judge)
    run_binary(judge)
    print(f"seed {arguments.seed}")
    random_messages.run(judge, arguments.seed, arguments.random)
    ended = testee.close()
    judge.check("the testee ends cleanly", ended == 0, ended)
    for failure in judge.failed[:40]:
        print("FAILED", failure)
    print(f"{judge.passed} passed, {len(judge.failed)} failed")
    sys.exit(1 if judge.failed else 0)


if __name__ == "__main__":
    main()
