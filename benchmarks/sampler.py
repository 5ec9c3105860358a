"""How long a pixel takes: `python -m benchmarks.sampler [--device cuda] [--models a,b] [--json FILE]`.

For each model, batch and number of threads, microseconds per picture-pixel (a batch of 64 counts 64) of completing the
lower half of a picture, 392 pixels:

    naive   one full forward pass per pixel, as everybody does it: 20 passes timed, times the pixels
    cached  whole completions by the sampler of this repository, each turn from another seed
    floor   the matrix products alone that steps of one pixel over the cache cannot avoid: see `Products`

After a burn-in the three are timed in turns, five of each or, where they take long, fewer; each figure is the median. All
that matters is the ratio; how many microseconds it is depends on the machine, and on what else it is doing. The floor of
attention counts a key's level as one number more, as the cache has it.
"""

import argparse
import json
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pixelcnn import Request, load
from pixelcnn.batch import Batch
from pixelcnn.hub import manifest
from pixelcnn.models import MODELS, build
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.trace import prepare

PIXELS = 392
TURNS = 5
LONG_S = 8.0  # what takes longer has fewer turns, two at least
PASSES = 4  # of the naive way, a turn: eight at least
ROWS = range(19, 23)  # the middle of the lower half; four of them, for some networks do some things every fourth row

Shape = tuple[int, int, int, int]  # a product of so many (m, k) by (k, n)


def model_called(name: str) -> AutoregressiveModel:
    """The model with the weights that the page shows; where none are trained yet, at random, which says so."""
    for entry, facts in manifest()["entries"].items():
        if facts["model"] == name and facts["page"]:
            return load(entry)
    print(f"{name}: there are no trained weights yet; built at random from its default config")
    return build(name).eval()


def timed(work: Callable[[int], None], turn: int, device: torch.device) -> float:
    """Seconds of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work(turn)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def naive(model: AutoregressiveModel, batch: int) -> Callable[[int], None]:
    """Full passes."""
    x = torch.zeros(batch, model.config.height, model.config.width, dtype=torch.long, device=model.device)

    @torch.inference_mode()
    def work(turn: int) -> None:
        for _ in range(PASSES):
            model(x)

    return work


def cached(model: AutoregressiveModel, batch: int) -> Callable[[int], None]:
    """Completions of the lower half under a real-looking top, as many at once."""
    drawing = np.zeros((28, 28))
    drawing[5:7, 8:19] = drawing[7:14, 16:18] = 255
    known = np.zeros((28, 28))
    known[:14] = 1

    kept = Batch(model, batch)

    def work(turn: int) -> None:
        together = kept if kept.lasting else Batch(model, batch)  # as the page has it
        requests = [
            Request(drawing, known, samples=min(64, batch - start), seed=turn + start) for start in range(0, batch, 64)
        ]
        for request in requests:
            together.seat(prepare(model, request))
        while together.step():
            pass
        for job in list(together.jobs):
            together.report(job)
            together.leave(job)

    return work


class Products(TorchDispatchMode):
    """Notes the shape of every matrix product that is made while it is on; attention counts as the two that it is.

    Switched on over steps of one pixel at a time, through four whole rows, it finds what a cached pass cannot avoid: taps
    that a mask leaves, stacks of whole rows once a row, products with states, keys and values.
    """

    def __init__(self):
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
            keys = round(keys / 64) * 64  # one more with every pixel; so few sizes do
            self.shapes += [(pictures * heads, queries, dim, keys), (pictures * heads, queries, keys, dim)]
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def products(model: AutoregressiveModel, batch: int) -> list[list[Shape]]:
    """Of each pixel in `ROWS`, one after the other, the products of its step in so many pictures at once."""
    cache, slots = model.new_cache(batch), torch.arange(batch, device=model.device)
    size = (model.config.height, model.config.width)
    model.prefill(cache, slots, torch.zeros(1, *size, dtype=torch.long, device=model.device))
    steps = []
    for pixel in range(ROWS.start * size[1], ROWS.stop * size[1]):
        with Products() as seen:
            model.step(cache, slots, torch.full_like(slots, pixel))
        steps.append(seen.shapes)
    return steps


def product(shape: Shape, device: torch.device) -> list[Callable[[], None]]:
    """One product, preallocated, in every layout worth trying: the weight as it lies or transposed, or both factors."""
    count, m, k, n = shape

    def random(*sizes: int) -> torch.Tensor:
        # One row of keys is one matrix to `bmm`, and a plain product is not one of a batch of one.
        return torch.randn(count, *sizes, device=device) if count > 1 else torch.randn(*sizes, device=device)

    multiply = torch.bmm if count > 1 else torch.mm
    left, right, out, turned = random(m, k), random(k, n), random(m, n), random(n, m)
    lying, upright = right.mT.contiguous(), left.mT.contiguous()
    return [
        lambda: multiply(left, right, out=out),
        lambda: multiply(left, lying.mT, out=out),
        lambda: multiply(lying, upright, out=turned),
        lambda: multiply(right.mT, upright, out=turned),
    ]


@torch.inference_mode()
def floor(model: AutoregressiveModel, steps: list[list[Shape]]) -> Callable[[int], None]:
    """All the products of some steps, nothing else: each in its best layout, each of a step with weights of its own."""
    made: dict[tuple[Shape, int], Callable[[], None]] = {}
    best: dict[Shape, int] = {}
    sequence = []
    for shapes in steps:
        before = Counter()
        for shape in shapes:
            key = (shape, before[shape])
            before[shape] += 1
            if key not in made:
                layouts = product(shape, model.device)
                if shape not in best:
                    best[shape] = fastest(layouts, model.device)
                made[key] = layouts[best[shape]]
            sequence.append(made[key])

    @torch.inference_mode()
    def work(turn: int) -> None:
        for multiply in sequence:
            multiply()

    return work


def fastest(layouts: list[Callable[[], None]], device: torch.device) -> int:
    """Which of the layouts takes the least time, at the best of five times of three calls each."""
    best = []
    for multiply in layouts:

        def thrice(turn: int, multiply=multiply) -> None:
            for _ in range(3):
                multiply()

        best.append(min(timed(thrice, turn, device) for turn in range(5)))
    return best.index(min(best))


def measure(model: AutoregressiveModel, batch: int, threads: int) -> dict:
    """One row of the results, in microseconds per picture-pixel."""
    torch.set_num_threads(threads)
    whole = cached(model, batch)
    peak_mb(model.device)
    whole(0)  # burn-in, and alone, for the memory it takes
    peak = peak_mb(model.device)
    steps = products(model, batch)
    works = {"us_per_pixel": (whole, PIXELS * batch), "floor_us_per_pixel": (floor(model, steps), len(steps) * batch)}
    if batch in (1, 16):
        works["naive_us_per_pixel"] = (naive(model, batch), PASSES * batch)
    for name in works.keys() - {"us_per_pixel"}:
        works[name][0](0)
    times, started = {name: [] for name in works}, time.perf_counter()
    for turn in range(1, 1 + TURNS):
        for name, (work, pixels) in works.items():
            times[name].append(timed(work, turn, model.device) / pixels * 1e6)
        if turn > 1 and time.perf_counter() - started > LONG_S:
            break
    row = {"model": model.name, "batch": batch, "threads": threads, "naive_us_per_pixel": None, "ratio_naive": None}
    row |= {name: round(statistics.median(values), 2) for name, values in times.items()}
    row["ratio_floor"] = round(row["us_per_pixel"] / row["floor_us_per_pixel"], 2)
    if row["naive_us_per_pixel"]:
        row["ratio_naive"] = round(row["naive_us_per_pixel"] / row["us_per_pixel"], 1)
    row["peak_mb"] = peak
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
    parser.add_argument("--models", default=",".join(MODELS), help="names of the registry, with commas")
    parser.add_argument("--batches", default="", help="pictures at once, with commas; to 64, or on CUDA to 1024")
    parser.add_argument("--threads", default="1,2", help="CPU threads, with commas")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no CUDA device here: not measured.")
    batches = options.batches or ("1,4,16,64,256,1024" if options.device == "cuda" else "1,4,16,64")
    results = []
    for name in options.models.split(","):
        model = model_called(name).to(options.device)
        for threads in map(int, options.threads.split(",")):
            for batch in map(int, batches.split(",")):
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
