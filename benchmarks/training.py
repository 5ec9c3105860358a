"""Speed of training on one CPU thread: `python -m benchmarks.training [--models a,b] [--checkout DIR] [--json FILE]`.

For each model, `train.py` is run as a user runs it, with so many steps and with twice as many, in turns. The difference of
the two is the time of the steps alone:

    images_per_s   pictures per second of processor time
    share          multiplications and additions of the network per second, forward and backward, relative to those of
                   the fastest product of square matrices in the precision of training, measured in the same run

--checkout DIR times `train.py` of another checkout in the same turns, and `ratio` is how much faster this one is. Processor
time, unlike time on the clock, changes little with other work on the machine; each figure is a median.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.sampler import machine
from pixelcnn.models import build

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "fixtures"
MODELS = {"pixelcnn": "channels=32,blocks=7", "freeform": "channels=48,blocks=8"}
BATCH = 32
TURNS = 3
SIZES = (512, 1024, 2048)  # of the square matrices
PRODUCT_S = 0.5  # how long each size is repeated


def training_seconds(checkout: Path, model: str, steps: int, folder: Path) -> float:
    """Processor time of a whole run of `train.py`. Raises subprocess.CalledProcessError if it fails."""
    out = folder / f"{model}-{steps}.safetensors"
    command = [sys.executable, str(checkout / "train.py"), model, "--data", str(DATA), "--dataset", "mnist-threshold"]
    command += ["--config", MODELS[model], "--batch", str(BATCH), "--steps", str(steps), "--threads", "1"]
    command += ["--out", str(out), "--run", str(folder / out.stem)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=checkout, env=os.environ | {"PYTHONPATH": ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def images_per_second(checkout: Path, model: str, steps: int) -> float:
    """Pictures per second of the steps alone, without start, validation and samples."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (training_seconds(checkout, model, count, Path(folder)) for count in (steps, 2 * steps))
    return BATCH * steps / (long - short)


def operations_per_image(model: str) -> float:
    """Floating point operations of matrix products and convolutions of a training step, per picture."""
    config = {name: int(value) for name, value in (part.split("=") for part in MODELS[model].split(","))}
    network = build(model, **config).train()
    x = torch.zeros(BATCH, 28, 28, dtype=torch.long)
    digits = torch.zeros(BATCH, dtype=torch.long) if network.classes else None
    with FlopCounterMode(display=False) as counter:
        network.distribution.log_prob(network(x, digits), x).sum().backward()
    return counter.get_total_flops() / BATCH


@torch.inference_mode()
def product_rate() -> float:
    """Floating point operations per second of processor time of the fastest square product in bfloat16, on one thread."""
    torch.set_num_threads(1)
    rates = []
    for size in SIZES:
        left, right = torch.randn(2, size, size).bfloat16()
        out = left @ right
        started, count = time.process_time(), 0
        while time.process_time() - started < PRODUCT_S:
            torch.mm(left, right, out=out)
            count += 1
        rates.append(2 * size**3 * count / (time.process_time() - started))
    return max(rates)


def measure(model: str, checkout: Path | None, steps: int) -> dict[str, Any]:
    """One row of the results."""
    checkouts = [ROOT] if checkout is None else [ROOT, checkout]
    speeds = [[images_per_second(folder, model, steps) for folder in checkouts] for _ in range(TURNS)]
    speed = statistics.median(turn[0] for turn in speeds)
    row: dict[str, Any] = {"model": model, "config": MODELS[model], "images_per_s": round(speed, 1)}
    row["share"] = round(speed * operations_per_image(model) / product_rate(), 3)
    if checkout is not None:
        row["other_images_per_s"] = round(statistics.median(turn[1] for turn in speeds), 1)
        row["ratio"] = round(statistics.median(turn[0] / turn[1] for turn in speeds), 2)
    return row


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", default=",".join(MODELS), help="names of models, separated by commas")
    parser.add_argument("--checkout", type=Path, default=None, help="folder of another checkout to compare with")
    parser.add_argument("--steps", type=int, default=40, help="training steps of the shorter run")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    unknown = set(options.models.split(",")) - set(MODELS)
    if unknown:
        parser.error(f"--models has {', '.join(sorted(unknown))}; give names from {', '.join(MODELS)}")
    if options.checkout is not None and not (options.checkout / "train.py").exists():
        parser.error(f"--checkout is {options.checkout}, which has no train.py")
    checkout = None if options.checkout is None else options.checkout.resolve()
    results = []
    for model in options.models.split(","):
        results.append(measure(model, checkout, options.steps))
        print("  ".join(f"{name} {value}" for name, value in results[-1].items()), flush=True)
    line = json.dumps({"device": "cpu", "machine": machine(), "results": results})
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
