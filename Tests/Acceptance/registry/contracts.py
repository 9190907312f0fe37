"""Python classes of the registry's contracts, made by grpcio-tools in a folder that goes with the run."""

import atexit
import pathlib
import shutil
import sys
import tempfile

import grpc_tools
from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "Protos"

folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-contracts-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
sources = [path for area in ("access", "models") for path in sorted((PROTOS / "slipway" / area).rglob("*.proto"))]
status = protoc.main(
    ["protoc", f"-I{PROTOS}", f"-I{pathlib.Path(grpc_tools.__file__).parent / '_proto'}", f"--python_out={folder}",
     f"--grpc_python_out={folder}", *map(str, sources)])
if status != 0:
    raise SystemExit(f"protoc failed with status {status}")
sys.path.append(str(folder))
