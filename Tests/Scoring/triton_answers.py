"""Triton's own clients, gRPC and HTTP with binary tensors, against answers that are known already.

    triton_answers.py HOST:PORT FILE

The file is a pickle of a list: {"model", "inputs": {name: (datatype, array)}, "outputs": {name: (array, tolerance)}}. With
a tolerance of 0 the answer is equal to the last bit; otherwise within it, relative to numbers larger than 1.
"""

import pickle
import sys

import numpy

from triton_clients import clients, same


def differs(wanted, given, tolerance):
    if tolerance == 0 or wanted.dtype == object:
        return wanted.shape != given.shape or not same(wanted, given)
    if wanted.shape != given.shape or wanted.dtype != given.dtype:
        return True
    distance = numpy.abs(wanted.astype(float) - given.astype(float)) / numpy.maximum(numpy.abs(wanted), 1)
    return not bool((distance <= tolerance).all())


def main(address, path):
    with open(path, "rb") as file:
        known = pickle.load(file)
    count = 0
    for module, client in clients(address):
        for entry in known:
            tensors = []
            for name, (datatype, array) in entry["inputs"].items():
                tensor = module.InferInput(name, array.shape, datatype)
                tensor.set_data_from_numpy(array)
                tensors.append(tensor)
            answer = client.infer(entry["model"], tensors)
            for name, (wanted, tolerance) in entry["outputs"].items():
                given = answer.as_numpy(name)
                assert given is not None, (module.__name__, entry["model"], name)
                kinds = {input: datatype for input, (datatype, _) in entry["inputs"].items()}
                assert not differs(wanted, given, tolerance), (
                    f"{module.__name__}, {entry['model']}, {kinds}: {name} is {given}, not {wanted}")
                count += 1
        client.close()
    print(f"{count} answers equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
