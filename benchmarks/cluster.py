"""Speed and cost of a Ray cluster on this machine: `python -m benchmarks.cluster [--replicas 2] [--people 30]`.

    inside   without HTTP: pictures per second of --replicas replicas with one front end, relative to as many processes that
             run the plain sampler and nothing else, in turns; and the bytes on the wire of one visitor
    http     --people clients click *Complete* at the same moment over HTTP, four pictures of a top of their own each: time
             to the first pixel, and CPU time of the front end and bytes on the wire per visitor. With 0 replicas, which is
             the page without --cluster, then with 1, ..., --replicas
    people   by calculation from these numbers: what 100, 1 000 and 10 000 people at once need

All processes run on this machine, clients included, so it needs a core for each replica and one more. Bytes are those of
the loopback interface: run it where nothing else uses that, such as `unshare --net sh -c "ip link set lo up; ..."`.
Needs requirements-scale.txt. Prints tables, then one JSON line.
"""

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import statistics
import tempfile
import time
from contextlib import aclosing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.clients import (
    ClientResult,
    close_tabs,
    find_server_process,
    server,
    server_status,
    simultaneous,
    slow_weights,
)
from benchmarks.engine import KNOWN, hex_ink, new_tops
from benchmarks.sampler import machine
from pixelcnn import ClassChoice, Request, complete
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.cluster import ClusterEngine
from pixelcnn.serving.ray import ray_engine
from pixelcnn.serving.registry import ModelRegistry

BATCH = 64  # pictures of a request without HTTP
REQUESTS = 4  # for each replica in one turn
TURNS = 3
PICTURES = 4  # of a visitor
START_S = 120.0  # of a replica, at most
LEAVING = 20  # visitors who leave in the same way, one after the other
READER_TIMEOUT_S = 1.0  # instead of the usual 30 s, of which only the end matters here
# Assumptions of the calculation.
PEOPLE = (100, 1_000, 10_000)
PRESS_S = 20.0  # between two completions of one person
LOAD = 0.7  # of a core; beyond it, waiting times grow quickly


def lo_bytes() -> int:
    """Bytes that the loopback interface has sent."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    (fields,) = [line.split(":")[1].split() for line in lines if line.strip().startswith("lo:")]
    return int(fields[8])


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sample_in_turns(top: np.ndarray, barrier: Barrier) -> None:
    """A process of the plain sampler: the requests of one turn each time that the barrier opens."""
    torch.set_num_threads(1)
    model = ModelRegistry(device="cpu").model()
    complete(model, top, KNOWN, samples=BATCH)
    for turn in range(TURNS):
        barrier.wait()
        for request in range(REQUESTS):
            complete(model, top, KNOWN, samples=BATCH, seed=turn * REQUESTS + request)
        barrier.wait()


def cluster_seconds(engine: ClusterEngine, top: np.ndarray, requests: int, samples: int) -> float:
    """Seconds for requests that are submitted at once."""
    started = time.perf_counter()
    completions = [engine.submit(Request(top, KNOWN, samples=samples, seed=seed)) for seed in range(requests)]
    for completion in completions:
        completion.result(300)
    return time.perf_counter() - started


def wait_for_replicas(counters: Any, replicas: int) -> None:
    """Wait until so many replicas are up. Raises SystemExit after START_S."""
    deadline = time.monotonic() + START_S
    while counters()["replicas"] < replicas:
        if time.monotonic() > deadline:
            raise SystemExit(f"Only {counters()['replicas']} of {replicas} replicas started within {START_S:g} s.")
        time.sleep(0.2)


def measure_inside(replicas: int) -> dict[str, Any]:
    registry, top = ModelRegistry(device="cpu"), new_tops(np.random.default_rng(0), 1)[0]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(replicas + 1)
    processes = [context.Process(target=sample_in_turns, args=(top, barrier)) for _ in range(replicas)]
    for process in processes:
        process.start()
    engine = ray_engine(registry.model, "auto", (replicas, replicas))
    wait_for_replicas(engine.counters, replicas)
    cluster_seconds(engine, top, replicas, BATCH)  # warm-up
    ratios, plain, pictures = [], [], BATCH * REQUESTS * replicas
    for _ in range(TURNS):
        barrier.wait()
        started = time.perf_counter()
        barrier.wait()
        plain.append(time.perf_counter() - started)
        ratios.append(plain[-1] / cluster_seconds(engine, top, REQUESTS * replicas, BATCH))
        print(f"plain {plain[-1]:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    for process in processes:
        process.join()
    visitors, before = 50, lo_bytes()
    seconds = cluster_seconds(engine, top, visitors, PICTURES)
    wire = lo_bytes() - before
    before = lo_bytes()
    time.sleep(seconds)  # what Ray sends without any request
    wire -= lo_bytes() - before
    engine.close()
    speed = pictures / statistics.median(plain)
    result = {"ratio": round(statistics.median(ratios), 3), "plain_pictures_per_s": round(speed, 1)}
    return result | {"wire_kb": round(wire / visitors / 1024, 1)}


def measure_http(replicas: int, people: int) -> dict[str, Any]:
    """The page with so many replicas, 0 for the engine in the server itself."""
    options = ["--cluster", "auto", "--replicas", str(replicas)] if replicas else []
    rng, results, seconds = np.random.default_rng(1), list[ClientResult](), 0.0
    with server(*options, "--learn", "off") as address:
        if replicas:
            wait_for_replicas(lambda: server_status(address), replicas)
        simultaneous(address, people, PICTURES, ClassChoice.SAMPLED, hex_ink(new_tops(rng, people)))  # warm-up
        process = find_server_process(address)
        cpu, sent = cpu_seconds(process), lo_bytes()
        for _ in range(TURNS):
            tops = hex_ink(new_tops(rng, people))
            results += simultaneous(address, people, PICTURES, ClassChoice.SAMPLED, tops)
            seconds += max(result.done_s or 0 for result in results[-people:])
        cpu, sent = cpu_seconds(process) - cpu, lo_bytes() - sent
        before = lo_bytes()
        time.sleep(5)
        idle = (lo_bytes() - before) / 5
    first = [result.first_pixel_s for result in results if result.first_pixel_s is not None]
    row = {
        "replicas": replicas,
        "done": sum(result.done_s is not None and not result.refused for result in results),
        "first_pixel_s": round(statistics.median(first), 3),
        "first_pixel_p99_s": round(float(np.quantile(first, 0.99)), 3),
        "all_done_s": round(seconds / TURNS, 2),
        "server_cpu_ms": round(1000 * cpu / len(results), 1),
        "wire_kb": round((sent - idle * seconds) / len(results) / 1024, 1),
    }
    print(row, flush=True)
    return row


async def free_seconds(engine: ClusterEngine, way: str) -> float:
    """From a visitor's leaving after the first pixels of sixteen pictures until the slots of the only replica are free.

    way: cancel, leave, or deadline, which is reading no further.
    """
    replica, completion = engine.members[0].replica.actor, engine.submit(Request(samples=16))  # type: ignore[attr-defined]
    async with aclosing(completion.frames()) as frames:
        await anext(frames)
        left = time.perf_counter()
        if way == "cancel":
            completion.cancel()
        elif way == "leave":
            await frames.aclose()
        else:
            await asyncio.sleep(READER_TIMEOUT_S)
            left += READER_TIMEOUT_S
        while (await replica.status.remote())["active"]:
            await asyncio.sleep(0.01)
        assert not completion.job.result.finished, "the pictures were complete before the slots were freed"
        return time.perf_counter() - left


def measure_free() -> dict[str, float]:
    """The longest times, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        weights = slow_weights(Path(folder), blocks=12)
        registry = ModelRegistry(weights, device="cpu")
        engine = ray_engine(registry.model, "auto", (1, 1), Limits(reader_timeout_s=READER_TIMEOUT_S))
        wait_for_replicas(engine.counters, 1)
        ways = ("cancel", "leave", "deadline")
        result = {f"{way}_s": max(asyncio.run(free_seconds(engine, way)) for _ in range(LEAVING)) for way in ways}
        engine.close()
        with server("--weights", weights, "--cluster", "auto", "--replicas", "1") as address:
            result["closed_connection_s"] = asyncio.run(close_tabs(address, LEAVING))
    return {way: round(seconds, 3) for way, seconds in result.items()}


def plan(people: int, replica_s: float, front_s: float, wire_kb: float) -> dict[str, Any]:
    """By calculation: what so many people need who each complete a drawing every PRESS_S seconds.

    replica_s, front_s: time of a core for one visitor. wire_kb: for one visitor, between front end and replica.
    """
    presses = people / PRESS_S
    replicas = math.ceil(presses * replica_s / LOAD)
    fronts = math.ceil(presses * front_s / LOAD)
    return {
        "people": people,
        "presses_per_s": presses,
        "replicas": replicas,
        "front_ends": fronts,
        "cores": replicas + fronts,
        "mbit_per_s": round(presses * wire_kb * 8 * 1024 / 1e6, 1),
    }


def measure(replicas: int, people: int) -> dict[str, Any]:
    result: dict[str, Any] = {"machine": machine(), "inside": measure_inside(replicas)}
    print(f"inside {result['inside']}", flush=True)
    result["http"] = [measure_http(count, people) for count in range(replicas + 1)]
    result["free"] = measure_free()
    print(f"free {result['free']}", flush=True)
    one = result["http"][1]
    replica_s, front_s = one["all_done_s"] / people, one["server_cpu_ms"] / 1000
    result["people"] = [plan(count, replica_s, front_s, result["inside"]["wire_kb"]) for count in PEOPLE]
    for row in result["people"]:
        print(f"by calculation {row}", flush=True)
    return result


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--replicas", type=int, default=2, help="processes that compute, at most")
    parser.add_argument("--people", type=int, default=30, help="clients that click at the same moment")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    line = json.dumps(measure(options.replicas, options.people))
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
