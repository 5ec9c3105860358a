"""Time per pixel of the sampler: `python -m benchmarks.sampler [--device cuda] [--models a,b] [--json FILE]`.

For each model, batch size and number of threads, microseconds per pixel and picture (time / (392 * batch)) of completing
the lower half of a picture, 392 pixels:

    naive   one full forward pass per pixel, the usual way of sampling; 20 passes are timed
    cached  whole completions by this repository's sampler, each turn with another seed
    floor   only the matrix products that steps of one pixel over the cache need, see `MatrixProducts`

After a warm-up the three are timed in turns, five of each, or fewer if they are slow. Each figure is the median. Compare
ratios; absolute times depend on the machine and its load. The floor counts attention keys with one more channel, for
the key's pixel level, as the cache stores them.
"""

import argparse
import json
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pixelcnn import Request, load
from pixelcnn.cuda.device import choose_device
from pixelcnn.errors import InputError
from pixelcnn.hub.manifest import read_manifest
from pixelcnn.models import MODELS, build
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.result import prepare

PIXELS = 392
TURNS = 5
MAX_TIMING_S = 8.0  # after this long no further turn is started; at least two are made
PASSES = 4  # naive passes per turn
NAIVE_BATCHES = (1, 16)
ROWS = range(19, 23)  # rows whose steps make up the floor; four, since some networks do some work every fourth row

Shape = tuple[int, int, int, int]  # count, m, k, n: that many products of (m, k) by (k, n)
Work = Callable[[int], None]  # takes the number of the turn
Product = Callable[[], torch.Tensor]


def load_or_build(name: str) -> AutoregressiveModel:
    """A model with the page's weights, or with random ones if there are none."""
    for entry, facts in read_manifest()["entries"].items():
        if facts["model"] == name and facts["page"]:
            return load(entry)
    print(f"{name}: no trained weights; timing random weights of the default config.")
    return build(name).eval()


def timed(work: Work, turn: int, device: torch.device) -> float:
    """Seconds of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work(turn)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def naive(model: AutoregressiveModel, batch: int) -> Work:
    """PASSES full passes."""
    x = torch.zeros(batch, model.config.height, model.config.width, dtype=torch.long, device=model.device)

    @torch.inference_mode()
    def work(turn: int) -> None:
        for _ in range(PASSES):
            model(x)

    return work


def cached(model: AutoregressiveModel, batch: int) -> Work:
    """`batch` completions of the lower half below the top of a seven."""
    drawing = np.zeros((28, 28))
    drawing[5:7, 8:19] = drawing[7:14, 16:18] = 255
    known = np.zeros((28, 28))
    known[:14] = 1

    warm = ContinuousBatch(model, batch)

    def work(turn: int) -> None:
        together = warm if warm.keep_warm else ContinuousBatch(model, batch)  # as the engine does
        for start in range(0, batch, 64):
            request = Request(drawing, known, samples=min(64, batch - start), seed=turn + start)
            together.admit([prepare(model, request)])
        while together.step():
            pass
        for job in list(together.jobs):
            together.update_result(job)
            together.evict(job)

    return work


class MatrixProducts(TorchDispatchMode):
    """Records the shape of every matrix product while it is active; attention counts as two products.

    Active over steps of one pixel through four whole rows, it finds what a cached pass cannot avoid: the products of the
    taps inside a mask, of layers that process a whole row once per row, with LSTM states, and with keys and values.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Shape] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name in ("mm", "addmm", "bmm", "baddbmm"):
            left, right = args[-2:]
            count = left.shape[0] if left.dim() == 3 else 1
            self.shapes.append((count, left.shape[-2], left.shape[-1], right.shape[-1]))
        if name.startswith("_scaled_dot_product"):
            (pictures, heads, queries, dim), keys = args[0].shape, args[1].shape[2]
            keys = round(keys / 64) * 64  # keys grow by one per pixel; rounding keeps the number of shapes small
            self.shapes += [(pictures * heads, queries, dim, keys), (pictures * heads, queries, keys, dim)]
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def products(model: AutoregressiveModel, batch: int) -> list[list[Shape]]:
    """The matrix products of one-pixel steps over `batch` pictures, one list for each pixel of ROWS."""
    cache, slots = model.new_cache(batch), torch.arange(batch, device=model.device)
    size = (model.config.height, model.config.width)
    model.prefill(cache, slots, torch.zeros(1, *size, dtype=torch.long, device=model.device))
    steps = []
    for pixel in range(ROWS.start * size[1], ROWS.stop * size[1]):
        with MatrixProducts() as recorded:
            model.step(cache, slots, torch.full_like(slots, pixel))
        steps.append(recorded.shapes)
    return steps


def product_layouts(shape: Shape, device: torch.device) -> list[Product]:
    """One product with preallocated random factors, in four memory layouts: plain, or with either or both transposed."""
    count, m, k, n = shape

    def random(*sizes: int) -> torch.Tensor:
        # bmm takes a batch of matrices, mm a single one.
        return torch.randn(count, *sizes, device=device) if count > 1 else torch.randn(*sizes, device=device)

    multiply = torch.bmm if count > 1 else torch.mm
    left, right, out, out_transposed = random(m, k), random(k, n), random(m, n), random(n, m)
    right_transposed, left_transposed = right.mT.contiguous(), left.mT.contiguous()
    return [
        lambda: multiply(left, right, out=out),
        lambda: multiply(left, right_transposed.mT, out=out),
        lambda: multiply(right_transposed, left_transposed, out=out_transposed),
        lambda: multiply(right.mT, left_transposed, out=out_transposed),
    ]


@torch.inference_mode()
def floor(model: AutoregressiveModel, steps: list[list[Shape]]) -> Work:
    """All matrix products of some steps and nothing else, each in its fastest layout.

    Products of equal shape within a step have factors of their own, as layers have; those of different steps share them.
    """
    prepared: dict[tuple[Shape, int], Product] = {}
    best_layout: dict[Shape, int] = {}
    sequence = []
    for shapes in steps:
        seen: Counter[Shape] = Counter()
        for shape in shapes:
            key = (shape, seen[shape])
            seen[shape] += 1
            if key not in prepared:
                layouts = product_layouts(shape, model.device)
                if shape not in best_layout:
                    best_layout[shape] = fastest(layouts, model.device)
                prepared[key] = layouts[best_layout[shape]]
            sequence.append(prepared[key])

    @torch.inference_mode()
    def work(turn: int) -> None:
        for multiply in sequence:
            multiply()

    return work


def fastest(layouts: list[Product], device: torch.device) -> int:
    """The index of the fastest layout, each timed as the best of five times three calls."""
    times = []
    for multiply in layouts:

        def three_calls(turn: int, multiply: Product = multiply) -> None:
            for _ in range(3):
                multiply()

        times.append(min(timed(three_calls, turn, device) for turn in range(5)))
    return times.index(min(times))


def measure(model: AutoregressiveModel, batch: int, threads: int) -> dict[str, Any]:
    """One row of the results."""
    torch.set_num_threads(threads)
    completions = cached(model, batch)
    peak_mb(model.device)
    completions(0)  # warm-up, and the peak of memory without the other two
    peak = peak_mb(model.device)
    steps = products(model, batch)
    works = {
        "us_per_pixel": (completions, PIXELS * batch),
        "floor_us_per_pixel": (floor(model, steps), len(steps) * batch),
    }
    if batch in NAIVE_BATCHES:
        works["naive_us_per_pixel"] = (naive(model, batch), PASSES * batch)
    for name in works.keys() - {"us_per_pixel"}:
        works[name][0](0)
    times: dict[str, list[float]] = {name: [] for name in works}
    started = time.perf_counter()
    for turn in range(1, 1 + TURNS):
        for name, (work, pixels) in works.items():
            times[name].append(timed(work, turn, model.device) / pixels * 1e6)
        if turn > 1 and time.perf_counter() - started > MAX_TIMING_S:
            break
    row: dict[str, Any] = {
        "model": model.name,
        "batch": batch,
        "threads": threads,
        "naive_us_per_pixel": None,
        "ratio_naive": None,
    }
    row |= {name: round(statistics.median(values), 2) for name, values in times.items()}
    row["ratio_floor"] = round(row["us_per_pixel"] / row["floor_us_per_pixel"], 2)
    if row["naive_us_per_pixel"]:
        row["ratio_naive"] = round(row["naive_us_per_pixel"] / row["us_per_pixel"], 1)
    row["peak_mb"] = peak
    return row


def peak_mb(device: torch.device) -> int | None:
    """Peak memory since the last call, in MB: of the CUDA device, or of the process (Linux only, else None)."""
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return round(peak / 2**20)
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        return None
    peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    clear.write_text("5")  # resets the peak
    return round(peak / 1024)


def machine() -> str:
    """The processor, its number of cores, and the version of torch."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(names)} cores, torch {torch.__version__}"


def print_row(row: dict[str, Any], header: bool) -> None:
    if header:
        print("  ".join(f"{key:>18}" for key in row))
    print("  ".join(f"{value if value is not None else '-':>18}" for value in row.values()), flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--models", default=",".join(MODELS), help="registry names, separated by commas")
    parser.add_argument(
        "--batches", default="", help="batch sizes, separated by commas; by default up to 64, on CUDA up to 1024"
    )
    parser.add_argument("--threads", default="1,2", help="numbers of CPU threads, separated by commas")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    try:
        choose_device(options.device)
    except InputError as error:
        raise SystemExit(str(error)) from None
    batches = options.batches or ("1,4,16,64,256,1024" if options.device == "cuda" else "1,4,16,64")
    results: list[dict[str, Any]] = []
    for name in options.models.split(","):
        model = load_or_build(name).to(options.device)
        for threads in map(int, options.threads.split(",")):
            for batch in map(int, batches.split(",")):
                results.append(measure(model, batch, threads))
                print_row(results[-1], header=len(results) == 1)
    line = json.dumps({"device": options.device, "machine": machine(), "results": results})
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
