"""The head of a Ray cluster on the loopback address, as `ray start --head` starts it."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixelcnn.serving.ray import settings

START = "import sys; from ray.scripts.scripts import main; sys.exit(main())"


@contextmanager
def run_ray_head(cpus: int) -> Iterator[str]:
    """Run a head until the end of the block; yields its address. The environment has its token from then on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    os.environ |= settings(address) | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}  # before Ray is imported
    pytest.importorskip("ray")
    command = [sys.executable, "-c", START, "start", "--head", "--block", "--include-dashboard=false"]
    # A short folder, because the paths of Unix sockets are limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        command += [f"--port={address.rsplit(':', 1)[1]}", f"--num-cpus={cpus}", f"--temp-dir={folder}"]
        command += ["--object-store-memory=100000000"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in process.stdout:
                if "Ray runtime started" in line:
                    break
            else:
                raise RuntimeError("ray start failed")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stdout.close()


def children(process: int) -> list[int]:
    """The ids of all processes that a process has started, and of those that they have started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [process]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def listening_addresses(processes: list[int]) -> set[str]:
    """The addresses, as the hex digits of /proc/net/tcp, at which any of these processes accepts connections."""
    sockets = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.add(os.readlink(link).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {fields[1].split(":")[0] for fields in lines if fields[3] == "0A" and fields[9] in sockets}
