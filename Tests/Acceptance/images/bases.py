"""Bases that images stand on, made of this machine's own files."""

import gzip
import hashlib
import io
import json
import pathlib
import platform
import subprocess
import tarfile


def layout(folder, fill, **configuration):
    """An OCI layout with one layer, which `fill` puts files into."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        fill(tar)
    contents = archive.getvalue()
    layer = put(gzip.compress(contents, 1, mtime=0), "layer.v1.tar+gzip")
    described = put(json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()], "os": "linux",
        "config": configuration,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(contents).hexdigest()}"]},
    }).encode(), "config.v1+json")
    manifest = put(
        json.dumps({"schemaVersion": 2, "config": described, "layers": [layer]}).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def text(tar, path, content, mode=0o644):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def hostile(tar):
    """A system whose loader and libraries are of another kind, under the names that ours have elsewhere."""
    for path in ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1", "etc/ld.so.cache", "etc/ld.so.preload"]:
        text(tar, path, b"")
    for folder in ["lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"]:
        for name in ["libc.so.6", "libm.so.6", "libstdc++.so.6", "libssl.so.3", "libz.so.1", "libgomp.so.1"]:
            text(tar, f"{folder}/{name}", b"no library", 0o755)


def with_python(tar):
    """Debian's Python with its library and nothing else."""
    program = pathlib.Path("/usr/bin/python3").resolve()
    standard = pathlib.Path(subprocess.run(
        [str(program), "-c", "import os; print(os.path.dirname(os.__file__))"], capture_output=True, text=True,
        check=True).stdout.strip())
    needed = {program}
    for file in [program, *standard.glob("lib-dynload/*.so")]:
        listing = subprocess.run(["ldd", str(file)], capture_output=True, text=True).stdout
        needed |= {
            pathlib.Path(word) for line in listing.splitlines() for word in line.split() if word.startswith("/")}
    for path in sorted(needed):
        tar.add(path.resolve(), str(path).lstrip("/"))
    link = tarfile.TarInfo("usr/bin/python3")
    link.type, link.linkname = tarfile.SYMTYPE, program.name
    tar.addfile(link)

    def wanted(entry):
        skipped = ("__pycache__", "dist-packages", "/test", "/idlelib", "/tkinter", "/ensurepip", "/lib2to3")
        return None if any(part in entry.name for part in skipped) else entry

    tar.add(standard, str(standard).lstrip("/"), filter=wanted)
