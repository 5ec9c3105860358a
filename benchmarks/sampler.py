"""How long a pixel takes: `python -m benchmarks.sampler [--device cuda] [--models a,b] [--json FILE]`.

For each model, batch and number of threads, microseconds per picture-pixel (a batch of 64 counts 64) of completing the
lower half of a picture, 392 pixels:

    naive   one full forward pass per pixel, as everybody does it: 8 passes timed, times the pixels
    cached  whole completions by the sampler of this repository
    floor   the matrix products alone that a step over the cache cannot avoid, preallocated, in the same run

The three are timed in turns, and each figure is the median of its turns. All that matters is the ratio; how many
microseconds it is depends on the machine, and on what else it is doing.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pixelcnn import Request, load
from pixelcnn.hub import manifest
from pixelcnn.layers import MaskedConv2d
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampler import windowed
from pixelcnn.trace import prepare

PIXELS = 392
TURNS = 5


def timed(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def naive(model: AutoregressiveModel, batch: int) -> Callable[[], None]:
    """Eight full passes."""
    x = torch.zeros(batch, model.config.height, model.config.width, dtype=torch.long, device=model.device)

    @torch.inference_mode()
    def work() -> None:
        for _ in range(8):
            model(x)

    return work


def cached(model: AutoregressiveModel, batch: int) -> Callable[[], None]:
    """One completion of the lower half under a real-looking top, in `batch` samples."""
    drawing = np.zeros((28, 28))
    drawing[5:7, 8:19] = drawing[7:14, 16:18] = 255
    known = np.zeros((28, 28))
    known[:14] = 1
    request = Request(drawing, known, samples=batch, seed=1)

    def work() -> None:
        for _ in windowed(prepare(model, request)):
            pass

    return work


def floor(model: AutoregressiveModel, batch: int) -> Callable[[], None]:
    """The products of one pixel of each picture, `PIXELS` times: rows (batch, taps x fan_in) by weights, nothing else."""
    products = []
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            weight = layer.weight.detach().T.contiguous()
        elif isinstance(layer, MaskedConv2d):
            weight = layer.weight.detach().flatten(0, 1).contiguous()
        else:
            continue
        rows = torch.randn(batch, weight.shape[0], device=model.device)
        products.append((rows, weight, torch.empty(batch, weight.shape[1], device=model.device)))

    @torch.inference_mode()
    def work() -> None:
        for _ in range(PIXELS):
            for rows, weight, out in products:
                torch.mm(rows, weight, out=out)

    return work


def measure(model: AutoregressiveModel, batch: int, threads: int) -> dict:
    """One row of the results, in microseconds per picture-pixel."""
    torch.set_num_threads(threads)
    per_call = {"us_per_pixel": PIXELS * batch, "floor_us_per_pixel": PIXELS * batch, "naive_us_per_pixel": 8 * batch}
    works = {"us_per_pixel": cached(model, batch), "floor_us_per_pixel": floor(model, batch)}
    if batch in (1, 16):
        works["naive_us_per_pixel"] = naive(model, batch)
    for work in works.values():  # burn-in
        work()
    times = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            times[name].append(timed(work, model.device) / per_call[name] * 1e6)
    row = {"model": model.entry, "batch": batch, "threads": threads, "naive_us_per_pixel": None, "ratio_naive": None}
    row |= {name: round(statistics.median(values), 2) for name, values in times.items()}
    row["ratio_floor"] = round(row["us_per_pixel"] / row["floor_us_per_pixel"], 2)
    if row["naive_us_per_pixel"]:
        row["ratio_naive"] = round(row["naive_us_per_pixel"] / row["us_per_pixel"], 1)
    row["peak_mb"] = peak_mb(model.device)
    return row


def peak_mb(device: torch.device) -> int | None:
    """Most memory in use since the last call, MB: of the device, or of the process where Linux can tell and forget it."""
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return round(peak / 2**20)
    status, forget = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        return None
    peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    forget.write_text("5")  # forget the peak so far
    return round(peak / 1024)


def machine() -> str:
    """The processor in words."""
    names = [line.split(":")[1].strip() for line in cpuinfo() if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(names)} cores, torch {torch.__version__}"


def cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--models", default="", help="entries of the manifest, with commas; all of the page without")
    parser.add_argument("--batches", default="1,4,16,64", help="pictures at once, with commas")
    parser.add_argument("--threads", default="1,2", help="CPU threads, with commas")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no CUDA device here: not measured.")
    entries = [name for name, entry in manifest()["entries"].items() if entry["page"]]
    numbers = [[int(number) for number in text.split(",")] for text in (options.threads, options.batches)]
    results = []
    for name in options.models.split(",") if options.models else entries:
        model = load(name).to(options.device)
        for threads in numbers[0]:
            for batch in numbers[1]:
                results.append(measure(model, batch, threads))
                if len(results) == 1:
                    print("  ".join(f"{key:>18}" for key in results[0]))
                print("  ".join(f"{value if value is not None else '-':>18}" for value in results[-1].values()), flush=True)
    line = json.dumps({"device": options.device, "machine": machine(), "results": results})
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
