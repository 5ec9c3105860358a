"""Latency and throughput of a class that starts at once: `python -m benchmarks.engine [--people 30] [--pictures 4]`.

    alone     one client, the page's default request: a digit sampled first, --pictures pictures
    class     --people clients click *Complete* at the same moment over HTTP, each with a top of its own
    plain     the same pictures in batches of 64, in this process, without a server and without a digit
    repeated  the class again with one top for all, as if everyone completed the same example
    parts     the time of one default request in this process: the pass that gives p(digit | top), the rest of the
              prefill, and the steps
    inside    throughput of the engine relative to the sampler, both with one request of 64 pictures, in turns
    many      --many clients at once, far more than slots, one picture each: each one finishes or is refused

Every turn uses new tops: test digits, shifted at random. The clients run on the same machine as the server and slow it
down. Prints a table, then one JSON line.
"""

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.clients import server, simultaneous, summary
from benchmarks.sampler import machine
from pixelcnn import ClassChoice, Request, complete
from pixelcnn.data import load_digits
from pixelcnn.data.dataset import shift_images
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.class_posterior import posterior_pass
from pixelcnn.sampling.result import prepare
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.process import configure_process
from pixelcnn.serving.registry import ModelRegistry

DIGITS = Path(__file__).parent.parent / "tests" / "fixtures"
KNOWN = (np.mgrid[:28, :28][0] < 14).astype(int)
TURNS = 5
BATCH = 64
MAX_SHIFT = 3


def new_tops(rng: np.random.Generator, count: int) -> np.ndarray:
    """Ink (count, 28, 28) of test digits, each shifted by up to MAX_SHIFT pixels; only the known rows matter."""
    ink = load_digits("mnist-threshold", DIGITS, "test").ink
    chosen = torch.from_numpy(ink[rng.permutation(np.arange(count) % len(ink))])
    moved = shift_images(chosen, torch.from_numpy(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, (count, 2))))
    return np.where(moved.numpy() >= 128, 255, 0)


def hex_ink(tops: np.ndarray) -> list[str]:
    """Tops as the page sends them."""
    return [top.astype(np.uint8).tobytes().hex() for top in tops]


def plain_seconds(registry: ModelRegistry, tops: np.ndarray, pictures: int) -> float:
    """Seconds for `pictures` pictures of each top in batches of 64 pictures, without a digit."""
    model = registry.model()
    jobs = [prepare(model, Request(top, KNOWN, pictures, seed=seed)) for seed, top in enumerate(tops)]
    started = time.perf_counter()
    for first in range(0, len(jobs), BATCH // pictures):
        batch, group = ContinuousBatch(model, BATCH), jobs[first : first + BATCH // pictures]
        batch.admit(group)
        while len(batch.finished()) < len(group):
            batch.step()
    return time.perf_counter() - started


def engine_ratio(registry: ModelRegistry, top: np.ndarray) -> float:
    """Time of the sampler for 64 pictures over the time of the engine, median: 1 is equal, 0.85 is 15 % slower."""
    engine, ratios = Engine(registry.model), []
    for turn in range(TURNS + 1):
        started = time.perf_counter()
        complete(registry.model(), top, KNOWN, samples=BATCH, seed=turn)
        between = time.perf_counter()
        engine.submit(Request(top, KNOWN, samples=BATCH, seed=turn)).result(60)
        ratios.append((between - started) / (time.perf_counter() - between))
    engine.close()
    return statistics.median(ratios[1:])


def request_parts(registry: ModelRegistry, tops: np.ndarray, pictures: int) -> dict[str, Any]:
    """Milliseconds of the parts of one default request without a server, one thread, medians over the tops."""
    model, turns = registry.model(), []
    for seed, top in enumerate(tops):
        job = prepare(model, Request(top, KNOWN, pictures, seed=seed, digit=ClassChoice.SAMPLED))
        batch = ContinuousBatch(model, pictures)
        rows = batch.cache.prefill_rows(int(job.result.order[0]))
        posterior_pass(model, job.picture.view(1, 28, 28)[:, :rows])  # warm-up
        times = [time.perf_counter()]
        posterior_pass(model, job.picture.view(1, 28, 28)[:, :rows])
        times.append(time.perf_counter())
        batch.admit([job])  # computes the pass again
        times.append(time.perf_counter())
        while batch.step():
            pass
        times.append(time.perf_counter())
        posterior, admission, steps = (1000 * (end - start) for start, end in pairwise(times))
        turns.append({"posterior_ms": posterior, "prefill_ms": admission - posterior, "steps_ms": steps})
        turns[-1] |= {"steps": job.result.steps, "ms_per_step": steps / job.result.steps}
    return median_turn(turns)


def median_turn(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Every number is the median over the turns."""
    return {name: round(statistics.median(turn[name] for turn in turns), 3) for name in turns[0]}


def measure(people: int, pictures: int, many: int) -> dict[str, Any]:
    registry, rng = ModelRegistry(device="cpu"), np.random.default_rng(0)
    alone, classes, repeated, plain = [], [], [], []
    sampled = ClassChoice.SAMPLED
    with server() as address:
        for _ in range(TURNS):
            alone.append(summary(simultaneous(address, 1, pictures, sampled, hex_ink(new_tops(rng, 1)))))
            tops = new_tops(rng, people)
            classes.append(summary(simultaneous(address, people, pictures, sampled, hex_ink(tops))))
            repeated.append(summary(simultaneous(address, people, pictures, sampled, hex_ink(tops[:1]))))
            plain.append(plain_seconds(registry, tops, pictures))
            print(f"alone {alone[-1]}\nclass {classes[-1]}\nplain {plain[-1]:.3f} s", flush=True)
        crowded = summary(simultaneous(address, many, 1, sampled, hex_ink(new_tops(rng, many))))
        print(f"many {crowded}", flush=True)
    result = {"device": "cpu", "machine": machine(), "alone": median_turn(alone), "class": median_turn(classes)}
    result |= {"repeated": median_turn(repeated), "plain_s": round(statistics.median(plain), 3)}
    result["ratio_plain"] = round(result["class"]["all_done_s"] / result["plain_s"], 2)
    result["parts"] = request_parts(registry, new_tops(rng, 4 * TURNS), pictures)
    print(f"parts {result['parts']}", flush=True)
    return result | {"inside_ratio": round(engine_ratio(registry, new_tops(rng, 1)[0]), 2), "many": crowded}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--people", type=int, default=30, help="clients that click at the same moment")
    parser.add_argument("--pictures", type=int, default=4, help="pictures per client, at most 64")
    parser.add_argument("--many", type=int, default=200, help="clients of the last part, one picture each")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    configure_process()  # as the server does
    line = json.dumps(measure(options.people, options.pictures, options.many))
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
