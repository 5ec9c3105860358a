"""How good completions are: `python -m benchmarks.quality --data-dir DIR [--weights freeform] [--json FILE]`.

    quotient   completed digits that a judge reads right over whole digits that it does: what is lost by drawing the lower
               half anew, for tops of MNIST's test digits and of pens of six unseen writers
    variation  total variation between the judged classes of 64 completions of a top and `posterior` given that top: whether
               they are as diverse as what is known allows
    posterior  p(digit | the first rows) of static test digits: how often its arg max is right, and whether digits that it
               gives p are right in p of the cases

The first two are of --weights, completed as the page does: where a model knows digits, one is drawn first from `posterior`
(--untold: none). The last is of --static, by default the entry of the same name with -static. Tops are the first 14
rows, ink from 128 on. What a model without classes cannot do is left out. A table for people, then one JSON line.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.judge import Judge, load_judge, read
from benchmarks.sampler import machine
from pixelcnn import Request, load
from pixelcnn.batch import Batch
from pixelcnn.data import load_digits
from pixelcnn.hub import manifest
from pixelcnn.masks import hidden
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.posterior import course, posterior
from pixelcnn.request import ANY, DRAWN, MAX_SAMPLES
from pixelcnn.trace import prepare

KINDS = {"mnist-threshold": "MNIST", "pens": "unseen pens"}
TOP = hidden("bottom", 28, 28)  # known pixels
ROWS = (8, 14, 20, 28)  # known, for the posterior
BINS = 15
TOGETHER = 5  # pictures, as ten digits each, in one pass: more are no faster on a CPU
Digits = tuple[np.ndarray, np.ndarray]  # black (N, 28, 28) bool, and labels (N,)


def total_variation(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Between distributions (..., 10): half of the sum of absolute differences, (...), 0 the same, 1 nothing in common."""
    return np.abs(p - q).sum(-1) / 2


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of confidences (N,) in 0..1 in answers that are right (N,), bool, or not.

    Bins of equal width; the gap between mean confidence and share of right answers in each, weighted by how many are in it
    (C. Guo, G. Pleiss, Y. Sun, K. Weinberger, 2017, arXiv:1706.04599, section 2, equation 3).
    """
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(number, confidence - right)).sum() / len(right))


def quotient(completed: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Share of digits read right when completed over the share when whole, both (N,) bool, and its standard error."""
    if not whole.any():
        raise ValueError(f"The judge reads none of {len(whole)} whole digits right; take more tops.")
    value = completed.mean() / whole.mean()
    # Of a quotient of means over the same digits, to first order.
    return float(value), float((completed - value * whole).std() / whole.mean() / len(whole) ** 0.5)


def completions(model: AutoregressiveModel, black: np.ndarray, digit: int = ANY, samples: int = 1) -> Iterator[np.ndarray]:
    """Of each picture of black (N, 28, 28) the top, completed: (samples, 28, 28), bool, each from noise of its own."""
    together = MAX_SAMPLES // samples
    batch = Batch(model, together * samples)
    for start in range(0, len(black), together):
        numbered = enumerate(black[start : start + together], start)
        requests = [Request(255 * picture, TOP, samples, seed=seed, digit=digit) for seed, picture in numbered]
        jobs = [prepare(model, request) for request in requests]
        for job in jobs:
            batch.seat(job)
        while len(batch.whole()) < len(jobs):
            batch.step()
        for job in jobs:
            batch.report(job)
            yield job.trace.images >= model.likelihood.levels / 2
            batch.leave(job)


def measure_quotient(model: AutoregressiveModel, judge: Judge, digits: Digits, digit: int = ANY) -> dict:
    """Each top completed once."""
    black, labels = digits
    whole = read(judge, black) == labels
    completed = read(judge, np.concatenate(list(completions(model, black, digit)))) == labels
    value, error = quotient(completed, whole)
    by_digit = [round(float(completed[labels == label].mean()), 3) if label in labels else None for label in range(10)]
    shares = {"whole": round(float(whole.mean()), 4), "completed": round(float(completed.mean()), 4)}
    return {"tops": len(black), **shares, "quotient": round(value, 4), "error": round(error, 4), "by_digit": by_digit}


def measure_variation(model: AutoregressiveModel, judge: Judge, digits: Digits, digit: int = ANY) -> dict:
    """Each top completed 64 times. `by_chance` is what 64 draws from the posterior itself come to."""
    black, labels = digits
    parts = torch.from_numpy(black).long().split(TOGETHER)
    given = torch.cat([posterior(model, part, torch.from_numpy(TOP)) for part in parts]).numpy()  # (N, 10)
    classes = [np.bincount(read(judge, drawn), minlength=10) for drawn in completions(model, black, digit, MAX_SAMPLES)]
    judged = np.stack(classes) / MAX_SAMPLES
    chance = np.random.default_rng(0).multinomial(MAX_SAMPLES, given) / MAX_SAMPLES
    means = {"mean": total_variation(judged, given).mean(), "by_chance": total_variation(chance, given).mean()}
    each = np.arange(len(labels)), labels
    means |= {"right_judged": judged[each].mean(), "right_posterior": given[each].mean()}
    return {"tops": len(black)} | {name: round(float(value), 4) for name, value in means.items()}


def measure_posterior(model: AutoregressiveModel, digits: Digits) -> dict:
    """By the number of rows known: the share of arg maxes that are right, and the calibration error."""
    black, labels = digits
    ends = [rows * black.shape[2] for rows in ROWS]
    parts = [course(model, part)[:, ends] for part in torch.from_numpy(black).long().split(TOGETHER)]
    given, found = torch.cat(parts).numpy(), {}  # (N, rows, 10)
    for rows, p in zip(ROWS, given.swapaxes(0, 1), strict=True):
        right = p.argmax(1) == labels
        error = calibration_error(p.max(1), right)
        found[str(rows)] = {"right": round(float(right.mean()), 4), "calibration_error": round(error, 4)}
    return {"digits": len(black), "rows": found}


def some(dataset: str, folder: Path, count: int) -> Digits:
    """So many test digits, or all there are: always the same ones, at random, for the static rows are sorted by digit."""
    digits = load_digits(dataset, folder, "test")
    index = np.random.default_rng(0).permutation(len(digits))[:count]
    return digits.ink[index] >= 128, digits.labels[index].astype(int)


def fitting(entry: str) -> AutoregressiveModel:
    """A model that draws what the judge reads."""
    model = load(entry)
    height, width = model.config.height, model.config.width
    if (height, width) != (28, 28):
        raise ValueError(f"{entry} draws {height} x {width} pixels and the judge reads 28 x 28; choose other weights.")
    return model


def row(what: str, measured: object, goal: str = "") -> None:
    print(f"{what:<80}{measured:>10}  {goal}".rstrip(), flush=True)


def percent(share: float) -> float:
    return round(100 * share, 2)


def tell_quotient(kind: str, part: dict) -> None:
    row(f"{kind}, {part['tops']} tops: whole digits read right, %", percent(part["whole"]))
    row(f"{kind}: completed digits read right, %", percent(part["completed"]))
    row(f"{kind}: quotient, +- {part['error']:.3f}", part["quotient"])


def tell_variation(kind: str, part: dict) -> None:
    row(f"{kind}, {part['tops']} tops: total variation between judged classes and posterior", part["mean"], "<= 0.15")
    row(f"{kind}: the same of {MAX_SAMPLES} draws from the posterior itself", part["by_chance"])
    row(f"{kind}: {MAX_SAMPLES} completions of each read right, %", percent(part["right_judged"]))
    row(f"{kind}: posterior of the right digit, %", percent(part["right_posterior"]))


def tell_posterior(part: dict) -> None:
    for rows, found in part["rows"].items():
        whole = rows == str(ROWS[-1])
        row(f"static, {part['digits']} digits, {rows} rows: arg max right, %", percent(found["right"]), ">= 98" * whole)
        row(f"static, {rows} rows: calibration error", found["calibration_error"], "<= 0.05" * (not whole))


def measure(options: argparse.Namespace) -> dict:
    """All that the weights allow, told as it comes."""
    judge, model = load_judge(), fitting(options.weights)
    digit = DRAWN if model.classes and not options.untold else ANY
    result = {
        "weights": options.weights,
        "digit": digit,
        "static": None,
        "quotient": {},
        "variation": None,
        "posterior": None,
    }
    for dataset, kind in KINDS.items():
        tops = some(dataset, options.data_dir, options.tops)
        part = result["quotient"][dataset] = measure_quotient(model, judge, tops, digit)
        tell_quotient(kind, part)
    mnist, pens = result["quotient"].values()
    result["points"] = percent(mnist["quotient"] - pens["quotient"])
    result["points_error"] = percent(float(np.hypot(mnist["error"], pens["error"])))
    row(f"quotient of MNIST less that of unseen pens, points, +- {result['points_error']}", result["points"], "within 3")
    if model.classes:
        result["variation"] = {}
        for dataset, kind in KINDS.items():
            part = measure_variation(model, judge, some(dataset, options.data_dir, options.varied), digit)
            result["variation"][dataset] = part
            tell_variation(kind, part)
    static = options.static or f"{options.weights}-static"
    if options.static or static in manifest()["entries"]:
        result["static"], model = static, fitting(static)
        if model.classes:
            part = result["posterior"] = measure_posterior(model, some("binarized-mnist", options.data_dir, options.digits))
            tell_posterior(part)
    return result


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with MNIST's files and the pen trajectories")
    parser.add_argument("--weights", default="freeform", help="an entry of weights/manifest.json or a .safetensors file")
    parser.add_argument(
        "--static", default="", help="the same, trained on the static binarization; by default WEIGHTS-static"
    )
    parser.add_argument("--untold", action="store_true", help="complete without drawing the digit first, as the page does")
    parser.add_argument("--tops", type=int, default=1500, help="tops of each kind that are completed once")
    parser.add_argument("--varied", type=int, default=50, help="tops of each kind that are completed 64 times")
    parser.add_argument("--digits", type=int, default=2000, help="static digits whose posterior is worked out")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 lets torch choose")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    for name in ("tops", "varied", "digits"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; give at least 1")
    started = time.time()
    try:
        result = measure(options)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    line = json.dumps(result | {"machine": machine(), "seconds": round(time.time() - started)})
    if options.json:
        options.json.write_text(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
