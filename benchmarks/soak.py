"""Whether anything breaks the server: `python -m benchmarks.soak [--share 0.1] [--json FILE]`.

    hostile    10 000 requests made by Hypothesis to do harm: wrong types, shapes, sizes, numbers, nesting, bytes
    completed  1 000 completions in a row: memory, threads and files before and after
    closed     100 tabs closed while their pictures grow: seconds until the slots are free
    many       200 people at once: each is done, or told that the house is full

--share does a part of each. Exits with 1 where something broke. One JSON line last.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.engine import summary
from benchmarks.visitors import SEVEN, click, crowd, house, messages, process_of, question, server
from pixelcnn.hub import save_weights
from pixelcnn.models import build

KNOWN = [[int(row < 14)] * 28 for row in range(28)]
DRAWING = [[255 if row == 5 else 0] * 28 for row in range(28)]
FREE_WITHIN_S = 1.0
GROWTH_MB = 20.0  # in a thousand completions
HOSTILE_MB = 50.0  # in ten thousand hostile requests, where Gradio's lists of late sessions fill up

strange = st.sampled_from([10**400, -(10**400), 2**63, 1e308, float("nan"), float("inf"), True])
numbers = st.integers() | st.floats() | strange
paths = st.sampled_from(["../../etc/passwd", "pixelcnn\0", "//evil/x.safetensors", "نقطة" * 9])
texts = st.text(max_size=40) | paths
nests = st.integers(1, 400).map(lambda depth: json.loads("[" * depth + "]" * depth))
leaves = st.none() | numbers | texts | nests
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner))
rows = st.lists(st.lists(st.integers(-3, 300) | numbers, min_size=26, max_size=30), min_size=26, max_size=30)
tables = st.one_of(values, rows, st.just(KNOWN), st.just(DRAWING))
options = {"drawing": tables, "known": tables, "model": texts | values, "samples": st.just(1) | values}
options |= {name: numbers | values for name in ("temperature", "seed", "digit")}
arguments = st.fixed_dictionaries({}, optional=options)
hexes = st.one_of(st.just(SEVEN), st.text("0123456789abcdefg", max_size=1600), texts, values)
canvas = {"ink": hexes, "known": st.text("01", max_size=800) | values, "run": values}
canvases = values | st.fixed_dictionaries({}, optional=canvas)
bodies = st.one_of(
    st.binary(max_size=2000),
    st.integers(0, 300).map(lambda end: json.dumps({"data": [DRAWING, KNOWN]}).encode()[:end]),  # broken off
    st.integers(1, 100_000).map(lambda depth: b'{"data":' + b"[" * depth + b"]" * depth + b"}"),
    st.sampled_from([20, 18, 10]).map(lambda power: b'{"data":["' + b"x" * (10 * 2**power) + b'"]}'),  # to 10 MB
)


def json_of(value: object) -> bytes:
    """JSON with NaN and lone surrogates in it, as somebody who means no good would send them."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def check_harmless(status: int, text: str) -> None:
    assert "Traceback" not in text and 'File "' not in text, text[:500]
    assert status < 500 or len(text) < 200, (status, text[:500])


def check_picture(asked: dict, answer: dict) -> None:
    """Where there is an answer, it is one to what was asked: known pixels are as given, all others are filled."""
    empty = [[0] * 28] * 28  # what None stands for
    known = np.asarray(asked.get("known", KNOWN) or empty) == 1
    ink = np.asarray(asked.get("drawing", DRAWING) or empty, float)
    images = np.asarray(answer["images"])
    assert images.shape == (int(asked.get("samples", 1)), 28, 28) and len(answer["order"]) == (~known).sum()
    assert ((images == (ink >= 128))[:, known]).all()


class Attacker:
    """One that sends whatever it is given, and looks at what comes back."""

    def __init__(self, address: str):
        self.client = httpx.Client(base_url=address, timeout=30)
        self.event, self.cases, self.answered = click(address), 0, 0

    def call(self, asked: dict) -> None:
        """Named parameters at /complete."""
        full = {"drawing": DRAWING, "known": KNOWN} | asked
        order = ("drawing", "known", "model", "samples", "temperature", "seed", "digit")
        defaults = {"model": "", "samples": 1, "temperature": 1.0, "seed": 0, "digit": -1}
        text = self.post("/gradio_api/call/complete", json_of({"data": [(defaults | full)[name] for name in order]}))
        name = json.loads(text).get("event_id") if text.startswith("{") else None
        if name:
            answer = self.client.get(f"/gradio_api/call/complete/{name}").text
            check_harmless(200, answer)
            if answer.startswith("event: complete"):
                self.answered += 1
                check_picture(asked, json.loads(answer.split("data: ", 1)[1])[0])

    def press(self, canvas: object) -> None:
        """A canvas that is none, at the page's own event; every tenth question is none either."""
        session = {"session_hash": f"case{self.cases}"}
        part = {"drawing": canvas, "model": "", "samples": 1, "temperature": 1.0, "seed": 0, "digit": -1}
        asked = {"run": "x", "parts": [part]} if self.cases % 10 else canvas
        body = self.event | session | {"event_data": asked}
        if "event_id" in self.post("/gradio_api/queue/join", json_of(body)):
            check_harmless(200, self.client.get("/gradio_api/queue/data", params=session).text)

    def send(self, body: bytes) -> None:
        """Bytes of any kind where JSON is expected."""
        self.post("/gradio_api/call/stream", body)

    def post(self, path: str, body: bytes) -> str:
        self.cases += 1
        answer = self.client.post(path, content=body, headers={"content-type": "application/json"})
        check_harmless(answer.status_code, answer.text)
        return answer.text


def hostile(address: str, cases: int) -> dict:
    """So many hostile requests of three kinds."""
    attacker = Attacker(address)
    quiet = {"database": None, "deadline": None, "derandomize": True, "phases": [Phase.generate]}
    quiet["suppress_health_check"] = list(HealthCheck)
    for share, strategy, attack in (
        (0.4, arguments, attacker.call),
        (0.3, canvases, attacker.press),
        (0.3, bodies, attacker.send),
    ):
        settings(max_examples=max(1, round(share * cases)), **quiet)(given(strategy)(attack))()
    attacker.call({})  # and it still draws
    return {"cases": attacker.cases, "answered": attacker.answered}


def state(process: int, temp: Path) -> dict:
    """Memory, threads and files of the server."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    files = sum(path.is_file() for path in temp.rglob("*"))
    return {"mb": int(status["VmRSS"].split()[0]) / 1024, "threads": int(status["Threads"]), "files": files}


async def completed(address: str, count: int) -> None:
    """So many completions, one after the other."""
    event = click(address)
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        for seed in range(count):
            done = [message async for message in messages(client, event, question(1, seed))]
            assert done[-1]["success"], done[-1]


async def closed(address: str, tabs: int) -> float:
    """Tabs that are closed after the first pixels of sixteen pictures; the longest until their slots were free, s."""
    event, worst = click(address), 0.0
    for _ in range(tabs):
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            async for message in messages(client, event, question(16, 0, rows=0)):
                if message["msg"] == "process_generating":
                    break
            assert house(address)["active"], "the pictures were whole before the tab could be closed"
        left = time.perf_counter()
        while house(address)["active"]:
            assert time.perf_counter() - left < 30, "the slots were never freed"
        worst = max(worst, time.perf_counter() - left)
    return worst


def slow_weights(folder: Path) -> str:
    """Random weights of a model that takes some seconds for sixteen pictures, so that they can be left."""
    path = folder / "slow.safetensors"
    save_weights(build("pixelcnn", channels=96, blocks=40), path, dataset="none")
    return str(path)


def soak(share: float) -> dict:
    """All of it; a result with `broken`, the list of what did not hold."""
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder) / "gradio"
        with server(log=Path(folder) / "log", temp=temp) as address:
            process = process_of(address)
            crowd(address, 40, 4)  # burn-in: all threads that there will be
            asyncio.run(completed(address, 20))
            hostile(address, round(2000 * share))  # of this too, the first times leave something behind
            attacked = state(process, temp)
            result = {"hostile": hostile(address, round(10_000 * share))}
            asyncio.run(completed(address, 20))  # what only waited for Python to collect it is given back
            before = state(process, temp)
            result["hostile"]["growth_mb"] = round(before["mb"] - attacked["mb"], 1)
            asyncio.run(completed(address, round(1000 * share)))
            after = state(process, temp)
            result["completed"] = {"count": round(1000 * share), "growth_mb": round(after["mb"] - before["mb"], 1)}
            result["completed"] |= {"threads": after["threads"] - before["threads"], "files": after["files"]}
            result["many"] = summary(crowd(address, max(2, round(200 * share)), 1))
        with server("--weights", slow_weights(Path(folder))) as address:
            result["closed"] = {"tabs": round(100 * share), "free_worst_s": 0.0}
            result["closed"]["free_worst_s"] = round(asyncio.run(closed(address, round(100 * share))), 3)
    grown, many = result["completed"], result["many"]
    result["broken"] = [
        what
        for what, held in {
            "memory grows": grown["growth_mb"] < GROWTH_MB and result["hostile"]["growth_mb"] < HOSTILE_MB,
            "threads are left": grown["threads"] <= 0,
            "files are left": grown["files"] == 0,
            "somebody hung": many["hung"] == 0 and many["done"] + many["refused"] == many["people"],
            "slots stay taken": result["closed"]["free_worst_s"] < FREE_WITHIN_S,
        }.items()
        if not held
    ]
    return result


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    result = soak(options.share)
    line = json.dumps(result)
    if options.json:
        options.json.write_text(line + "\n")
    print(line)
    sys.exit(bool(result["broken"]))


if __name__ == "__main__":
    main()
