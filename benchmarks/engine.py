"""A whole class at once: `python -m benchmarks.engine [--people 30] [--pictures 4] [--many 200] [--json FILE]`.

    people   so many press *Complete* in the same moment, each for so many pictures, over HTTP through the page's own event
    plain    the same number of pictures as plain batches of 64, in this process, nobody asking
    inside   the engine's throughput against the sampler's, both with one request of 64 pictures, in turns
    many     far more people than slots, one picture each: each is done or told that the house is full

All but *inside* have a digit drawn first, as the page does. The people of this benchmark run on the same machine as the
server and cost it time. A table for people, then one JSON line.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.sampler import machine
from benchmarks.visitors import Visit, crowd, server
from pixelcnn import Request, complete
from pixelcnn.engine import Engine
from pixelcnn.request import DRAWN
from pixelcnn.shelf import Shelf

DRAWING = np.where((np.mgrid[:28, :28][0] // 2 == 2) | (np.mgrid[:28, :28][1] == 14), 255, 0)
KNOWN = (np.mgrid[:28, :28][0] < 14).astype(int)
TURNS = 5


def plain(shelf: Shelf, pictures: int) -> float:
    """Seconds for so many pictures as batches of 64."""
    started = time.perf_counter()
    for number in range(0, pictures, 64):
        complete(shelf.model(), DRAWING, KNOWN, samples=min(64, pictures - number), seed=number, digit=DRAWN)
    return time.perf_counter() - started


def inside(shelf: Shelf) -> float:
    """The sampler's time for 64 pictures over the engine's, median of turns: 1 is as fast, 0.85 is 15 % slower."""
    engine, ratios = Engine(shelf.model), []
    for turn in range(TURNS + 1):
        started = time.perf_counter()
        complete(shelf.model(), DRAWING, KNOWN, samples=64, seed=turn)
        between = time.perf_counter()
        engine.submit(Request(DRAWING, KNOWN, samples=64, seed=turn)).result(60)
        ratios.append((between - started) / (time.perf_counter() - between))
    engine.close()
    return statistics.median(ratios[1:])


def summary(visits: list[Visit]) -> dict:
    firsts = [visit.first_pixel_s for visit in visits if visit.first_pixel_s is not None]
    return {
        "people": len(visits),
        "done": sum(visit.done_s is not None and not visit.refused for visit in visits),
        "refused": sum(bool(visit.refused) for visit in visits),
        "hung": sum(visit.done_s is None for visit in visits),
        "first_pixel_s": round(statistics.median(firsts), 3),
        "first_pixel_worst_s": round(max(firsts), 3),
        "all_done_s": round(max(visit.done_s or 0 for visit in visits), 3),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--people", type=int, default=30, help="who press at once")
    parser.add_argument("--pictures", type=int, default=4, help="each asks for")
    parser.add_argument("--many", type=int, default=200, help="who press at once in the last part, for one picture each")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    shelf, pictures, classes, plains = Shelf(device="cpu"), options.people * options.pictures, [], []
    with server() as address:
        crowd(address, 1, options.pictures, DRAWN)  # burn-in
        for _ in range(TURNS):
            classes.append(summary(crowd(address, options.people, options.pictures, DRAWN)))
            plains.append(plain(shelf, pictures))
            print(classes[-1], f"plain {plains[-1]:.3f} s", flush=True)
        many = summary(crowd(address, options.many, 1, DRAWN))
        print(many, flush=True)
    typical = sorted(classes, key=lambda turn: turn["all_done_s"])[TURNS // 2]
    result = {"device": "cpu", "machine": machine(), "class": typical, "plain_s": round(statistics.median(plains), 3)}
    result["ratio_plain"] = round(typical["all_done_s"] / result["plain_s"], 2)
    result |= {"inside_ratio": round(inside(shelf), 2), "many": many}
    line = json.dumps(result)
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
