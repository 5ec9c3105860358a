"""Simulated page clients over HTTP: each sends the event of the *Complete* button and reads the answer to its end.

Used by benchmarks.engine, benchmarks.soak, benchmarks.cluster and tests. httpx is a dependency of Gradio.
"""

import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from pixelcnn.hub.files import save_weights
from pixelcnn.models import build

ROOT = Path(__file__).parent.parent
STARTUP_S = 150.0
# The top of a seven as the page sends it: two hex digits of ink per pixel.
SEVEN = "".join("ff" if 5 <= row < 7 and 8 <= column < 19 else "00" for row in range(28) for column in range(28))


@contextmanager
def server(
    *arguments: str, log: Path | None = None, temp: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[str]:
    """Run `python app.py` on a free local port; yields its address and stops it at the end of the block.

    log: a file for its output. temp: Gradio's folder for temporary files. env: further environment variables.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, output = f"http://127.0.0.1:{port}", log.open("w") if log else subprocess.DEVNULL
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1"}
    environment |= ({"GRADIO_TEMP_DIR": str(temp)} if temp else {}) | (env or {})
    command = [sys.executable, "app.py", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def wait_until_ready(address: str, process: subprocess.Popen) -> None:
    """Poll /ready until it answers, for at most STARTUP_S. Raises SystemExit if it does not."""
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/ready", timeout=1).raise_for_status()
            return
        except httpx.HTTPError:
            if process.poll() is not None:
                raise SystemExit("python app.py did not start. Run it by itself to see why.") from None
            time.sleep(0.1)
    raise SystemExit(f"python app.py did not answer at {address}/ready within {STARTUP_S:.0f} s.")


def find_server_process(address: str) -> int:
    """The id of the local process that listens at an address, from /proc. Raises SystemExit if there is none."""
    port = f":{int(address.rsplit(':', 1)[1]):04X}"
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if f"{port} 00000000" in line}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link).removeprefix("socket:[").rstrip("]") in inodes:
                return int(link.parts[2])
        except OSError:  # a process of another user, or one that has ended
            continue
    raise SystemExit(f"No process on this machine listens at {address}.")


def server_status(address: str) -> dict[str, Any]:
    """The answer of /ready."""
    return httpx.get(f"{address}/ready", timeout=10).json()


@dataclass
class ClientResult:
    """How one client fared; times in seconds since its click."""

    first_pixel_s: float | None = None
    done_s: float | None = None
    refused: str = ""  # the server's message


def complete_event(address: str) -> dict[str, Any]:
    """The body of a queue request for the *Complete* button, without its data, from the page's configuration."""
    config = httpx.get(f"{address}/config", timeout=10).json()
    targets = ((event, *target) for event in config["dependencies"] for target in event["targets"])
    ((event_id, component),) = [(event["id"], component) for event, component, trigger in targets if trigger == "complete"]
    return {"fn_index": event_id, "trigger_id": component, "data": []}


def completion_data(samples: int, seed: int, rows: int = 14, digit: int = -1, ink: str = SEVEN) -> dict[str, Any]:
    """The event data of *Complete* on a drawing whose first `rows` rows are known; by default the top of a seven."""
    drawing = {"ink": ink, "known": "1" * 28 * rows + "0" * 28 * (28 - rows)}
    part = {"drawing": drawing, "model": "", "samples": samples, "temperature": 1.0, "seed": seed, "digit": digit}
    return {"run": secrets.token_hex(4), "parts": [part]}


async def messages(client: httpx.AsyncClient, event: dict[str, Any], data: object) -> AsyncIterator[dict[str, Any]]:
    """Click once: join the queue and yield the server's messages, the last of them included."""
    session = secrets.token_hex(8)
    joined = await client.post("/gradio_api/queue/join", json=event | {"event_data": data, "session_hash": session})
    joined.raise_for_status()
    async with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                yield message
                if message["msg"] in ("process_completed", "close_stream"):
                    return


async def run_client(
    client: httpx.AsyncClient, event: dict[str, Any], samples: int, seed: int, digit: int, ink: str
) -> ClientResult:
    """Click *Complete* on a drawing and read to the end."""
    started, result = time.perf_counter(), ClientResult()
    async for message in messages(client, event, completion_data(samples, seed, digit=digit, ink=ink)):
        if message["msg"] == "process_generating" and result.first_pixel_s is None:
            result.first_pixel_s = time.perf_counter() - started
        if message["msg"] == "process_completed":
            result.done_s = time.perf_counter() - started
            if not message["success"]:
                result.refused = str(message["output"].get("error"))
    return result


def simultaneous(
    address: str, clients: int, samples: int, digit: int = -1, inks: Sequence[str] = (SEVEN,)
) -> list[ClientResult]:
    """Let `clients` clients click *Complete* at once, each for `samples` pictures.

    Client i uses seed i and drawing i of inks, which are repeated if there are fewer.
    """
    return asyncio.run(run_clients(address, clients, samples, digit, inks))


async def run_clients(address: str, clients: int, samples: int, digit: int, inks: Sequence[str]) -> list[ClientResult]:
    event = complete_event(address)
    # No connection is used twice: after five idle seconds the server closes one, perhaps just as a busy client reuses it.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        tasks = (run_client(client, event, samples, seed, digit, inks[seed % len(inks)]) for seed in range(clients))
        return await asyncio.gather(*tasks)


def summary(results: list[ClientResult]) -> dict[str, Any]:
    """Counts, the median and the longest time to the first pixel, and the time until all were done, in seconds."""
    first_pixels = [result.first_pixel_s for result in results if result.first_pixel_s is not None]
    return {
        "people": len(results),
        "done": sum(result.done_s is not None and not result.refused for result in results),
        "refused": sum(bool(result.refused) for result in results),
        "hung": sum(result.done_s is None for result in results),
        "first_pixel_s": round(statistics.median(first_pixels), 3),
        "first_pixel_worst_s": round(max(first_pixels), 3),
        "all_done_s": round(max(result.done_s or 0 for result in results), 3),
    }


async def close_tabs(address: str, tabs: int) -> float:
    """Close tabs after the first pixels of sixteen pictures; the longest time until their slots were free, in seconds."""
    event, longest = complete_event(address), 0.0
    for _ in range(tabs):
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            async for message in messages(client, event, completion_data(16, 0, rows=0)):
                if message["msg"] == "process_generating":
                    break
            assert server_status(address)["active"], "the pictures were complete before the tab was closed"
        closed = time.perf_counter()
        while server_status(address)["active"]:
            assert time.perf_counter() - closed < 30, "the slots were never freed"
        longest = max(longest, time.perf_counter() - closed)
    return longest


def slow_weights(folder: Path, blocks: int = 40) -> str:
    """Write random weights of a model that takes seconds for sixteen pictures; returns the path of the file."""
    path = folder / "slow.safetensors"
    save_weights(build("pixelcnn", channels=96, blocks=blocks), path, dataset="none")
    return str(path)
