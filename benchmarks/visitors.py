"""People at the page, without a browser: each sends the event of its button over HTTP and reads what comes back.

Used by `benchmarks.engine` and `benchmarks.soak`; httpx comes with Gradio.
"""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
SEVEN = "".join("ff" if 5 <= row < 7 and 8 <= column < 19 else "00" for row in range(28) for column in range(28))


@contextmanager
def server(
    *arguments: str, log: Path | None = None, temp: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[str]:
    """The address of `python app.py` on a free port of this machine, for as long as the block lasts.

    log: a file for what it says. temp: a folder for the files that Gradio may leave. env: what else it finds there.
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
        for _ in range(600):
            try:
                httpx.get(f"{address}/ready", timeout=1).raise_for_status()
                break
            except httpx.HTTPError:
                if process.poll() is not None:
                    raise SystemExit("python app.py did not start; try it by itself.") from None
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def process_of(address: str) -> int:
    """The process that listens at an address of this machine, found in /proc."""
    port = f":{int(address.rsplit(':', 1)[1]):04X}"
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if f"{port} 00000000" in line}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link).removeprefix("socket:[").rstrip("]") in inodes:
                return int(link.parts[2])
        except OSError:
            continue
    raise SystemExit(f"No process of this machine listens at {address}.")


def house(address: str) -> dict:
    """What /ready answers."""
    return httpx.get(f"{address}/ready", timeout=10).json()


@dataclass
class Visit:
    """How one visit went, seconds from the click."""

    first_pixel_s: float | None = None
    done_s: float | None = None
    refused: str = ""  # the sentence
    pixels: int = 0


def click(address: str) -> dict:
    """The page's event as its configuration lists it: what *Complete* sends, but for the question."""
    config = httpx.get(f"{address}/config", timeout=10).json()
    desk = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "desk")
    (event,) = [event for event in config["dependencies"] if [desk, "ask"] in event["targets"]]
    return {"fn_index": event["id"], "trigger_id": desk, "data": []}


def question(samples: int, seed: int, rows: int = 14, digit: int = -1) -> dict:
    """What the page asks when the top rows of a seven are drawn and *Complete* is pressed."""
    drawing = {"ink": SEVEN, "known": "1" * 28 * rows + "0" * 28 * (28 - rows)}
    part = {"drawing": drawing, "model": "", "samples": samples, "temperature": 1.0, "seed": seed, "digit": digit}
    return {"run": secrets.token_hex(4), "parts": [part]}


async def messages(client: httpx.AsyncClient, event: dict, asked: object) -> AsyncIterator[dict]:
    """One click: joins the queue and yields what the server says, until it has said all."""
    session = secrets.token_hex(8)
    joined = await client.post("/gradio_api/queue/join", json=event | {"event_data": asked, "session_hash": session})
    joined.raise_for_status()
    async with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                yield message
                if message["msg"] in ("process_completed", "close_stream"):
                    return


async def visit(client: httpx.AsyncClient, event: dict, samples: int, seed: int, digit: int) -> Visit:
    """Draw the top of a seven, press *Complete*, watch to the end."""
    started, seen = time.perf_counter(), Visit()
    async for message in messages(client, event, question(samples, seed, digit=digit)):
        if message["msg"] == "process_generating" and seen.first_pixel_s is None:
            seen.first_pixel_s = time.perf_counter() - started
        if message["msg"] == "process_completed":
            seen.done_s = time.perf_counter() - started
            if not message["success"]:
                seen.refused = str(message["output"].get("error"))
    return seen


def crowd(address: str, people: int, samples: int, digit: int = -1) -> list[Visit]:
    """So many people pressing *Complete* at once, each for so many pictures."""
    return asyncio.run(visits(address, people, samples, digit))


async def visits(address: str, people: int, samples: int, digit: int) -> list[Visit]:
    event = click(address)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        return await asyncio.gather(*(visit(client, event, samples, seed, digit) for seed in range(people)))
