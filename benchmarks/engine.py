"""Latency and throughput of a class that starts at once: `python -m benchmarks.engine [--people 30] [--pictures 4]`.

    class   --people clients click *Complete* at the same moment, each for --pictures pictures, over HTTP
    plain   as many pictures in plain batches of 64, in this process, without a server
    inside  throughput of the engine relative to the sampler, both with one request of 64 pictures, in turns
    many    --many clients at once, far more than slots, one picture each: each one finishes or is refused

The class and plain turns sample the digit first, as the page does. The clients run on the same machine as the server and
slow it down. Prints a table, then one JSON line.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.clients import server, simultaneous, summary
from benchmarks.sampler import machine
from pixelcnn import Request, complete
from pixelcnn.sampling.request import ClassChoice
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.registry import ModelRegistry

DRAWING = np.where((np.mgrid[:28, :28][0] // 2 == 2) | (np.mgrid[:28, :28][1] == 14), 255, 0)
KNOWN = (np.mgrid[:28, :28][0] < 14).astype(int)
TURNS = 5
BATCH = 64


def plain_seconds(registry: ModelRegistry, pictures: int) -> float:
    """Seconds for `pictures` pictures in batches of 64."""
    started = time.perf_counter()
    for first in range(0, pictures, BATCH):
        samples = min(BATCH, pictures - first)
        complete(registry.model(), DRAWING, KNOWN, samples=samples, seed=first, digit=ClassChoice.SAMPLED)
    return time.perf_counter() - started


def engine_ratio(registry: ModelRegistry) -> float:
    """Time of the sampler for 64 pictures over the time of the engine, median: 1 is equal, 0.85 is 15 % slower."""
    engine, ratios = Engine(registry.model), []
    for turn in range(TURNS + 1):
        started = time.perf_counter()
        complete(registry.model(), DRAWING, KNOWN, samples=BATCH, seed=turn)
        between = time.perf_counter()
        engine.submit(Request(DRAWING, KNOWN, samples=BATCH, seed=turn)).result(60)
        ratios.append((between - started) / (time.perf_counter() - between))
    engine.close()
    return statistics.median(ratios[1:])


def measure(people: int, pictures: int, many: int) -> dict[str, Any]:
    registry, classes, plain = ModelRegistry(device="cpu"), [], []
    with server() as address:
        simultaneous(address, 1, pictures, ClassChoice.SAMPLED)  # warm-up
        for _ in range(TURNS):
            classes.append(summary(simultaneous(address, people, pictures, ClassChoice.SAMPLED)))
            plain.append(plain_seconds(registry, people * pictures))
            print(classes[-1], f"plain {plain[-1]:.3f} s", flush=True)
        crowded = summary(simultaneous(address, many, 1, ClassChoice.SAMPLED))
        print(crowded, flush=True)
    typical = sorted(classes, key=lambda turn: turn["all_done_s"])[TURNS // 2]
    result = {"device": "cpu", "machine": machine(), "class": typical, "plain_s": round(statistics.median(plain), 3)}
    result["ratio_plain"] = round(typical["all_done_s"] / result["plain_s"], 2)
    return result | {"inside_ratio": round(engine_ratio(registry), 2), "many": crowded}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--people", type=int, default=30, help="clients that click at the same moment")
    parser.add_argument("--pictures", type=int, default=4, help="pictures per client")
    parser.add_argument("--many", type=int, default=200, help="clients of the last part, one picture each")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    line = json.dumps(measure(options.people, options.pictures, options.many))
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
