"""Triton's own clients, gRPC and HTTP with binary tensors, against answers that are known already.

    triton_answers.py HOST:PORT FILE

The file is a pickle of a list: {"model", "inputs": {name: (datatype, array)}, "outputs": {name: (array, tolerance)}}. With
a tolerance of 0 the answer is equal to the last bit; otherwise within it, relative to numbers larger than 1. Instead of
outputs there may be words of a refusal, "refused". Each is asked alone with both clients, then all at once over gRPC,
where a model that joins requests has to keep them apart that do not fit together.
"""

import pickle
import queue
import sys

import numpy
import tritonclient.grpc as over_grpc
from tritonclient.utils import InferenceServerException

from triton_clients import clients, same


def differs(wanted, given, tolerance):
    if tolerance == 0 or wanted.dtype == object:
        return wanted.shape != given.shape or not same(wanted, given)
    if wanted.shape != given.shape or wanted.dtype != given.dtype:
        return True
    distance = numpy.abs(wanted.astype(float) - given.astype(float)) / numpy.maximum(numpy.abs(wanted), 1)
    return not bool((distance <= tolerance).all())


def tensors(module, entry):
    made = []
    for name, (datatype, array) in entry["inputs"].items():
        tensor = module.InferInput(name, array.shape, datatype)
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made


def judge(way, entry, answer, error):
    """Compares an answer or a refusal with what is known of it; gives how many comparisons that were."""
    where = f"{way}, {entry['model']}, { {name: datatype for name, (datatype, _) in entry['inputs'].items()} }"
    if "refused" in entry:
        assert error is not None, f"{where}: it was answered"
        missing = [word for word in entry["refused"] if word not in str(error)]
        assert not missing, f"{where}: {missing} not in: {error}"
        return 1
    assert error is None, f"{where}: {error}"
    for name, (wanted, tolerance) in entry["outputs"].items():
        given = answer.as_numpy(name)
        assert given is not None, f"{where}: no {name}"
        assert not differs(wanted, given, tolerance), f"{where}: {name} is {given}, not {wanted}"
    return len(entry["outputs"])


def alone(module, client, entry):
    try:
        answer, error = client.infer(entry["model"], tensors(module, entry)), None
    except InferenceServerException as refusal:
        answer, error = None, refusal
    return judge(module.__name__, entry, answer, error)


def at_once(address, known, rounds=5):
    client = over_grpc.InferenceServerClient(address)
    answers = queue.Queue()
    asked = [entry for _ in range(rounds) for entry in known]
    for entry in asked:
        client.async_infer(
            entry["model"], tensors(over_grpc, entry),
            lambda result, error, entry=entry: answers.put((entry, result, error)))
    count = 0
    for _ in asked:
        entry, answer, error = answers.get(timeout=120)
        count += judge("at once", entry, answer, error)
    client.close()
    return count


def main(address, path):
    with open(path, "rb") as file:
        known = pickle.load(file)
    count = 0
    for module, client in clients(address):
        count += sum(alone(module, client, entry) for entry in known)
        client.close()
    print(f"{count} answers equal, and {at_once(address, known)} at once")


if __name__ == "__main__":
    main(*sys.argv[1:])
