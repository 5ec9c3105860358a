"""Quality of completions, judged by a digit classifier: `python -m benchmarks.quality --data-dir DIR [--weights freeform]`.

    quotient   accuracy of the classifier on completed digits over its accuracy on whole digits: what replacing the lower
               half costs, for MNIST's test digits and for pen digits of six writers outside the training set
    variation  total variation distance between the classes of 64 completions of one drawing and the class posterior given
               its known pixels: whether completions are as diverse as the known pixels allow
    legible    the share of completions in which the classifier reads the digit that was sampled first
    posterior  p(digit | the first rows): accuracy of its maximum, and expected calibration error
    distinct   how many different digits the classifier reads in 16 completions of a drawing whose top is ambiguous: to the
               entry freeform, its second most probable digit has at least 20 %

For an exhibit, such as `--weights dcgan`, there is no posterior and no digit that was sampled: it has the quotient, the
distinct digits, and as legible the share of completions of which the classifier is at least 90 % sure.

All use --weights and complete as the page does: if the model has classes, a digit is first sampled from the class posterior
(not with --no-digit). Known pixels are the first 14 rows, ink from 128 on. The posterior is also computed with --static, by
default the entry WEIGHTS-static, on digits of the static binarization. Parts that need classes are left out for models
without. Prints a table, then one JSON line.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.sampler import machine
from benchmarks.train_digit_classifier import WEIGHTS
from pixelcnn import Request, load
from pixelcnn.analysis.digit_classifier import DigitClassifier, class_probabilities, classify, load_digit_classifier
from pixelcnn.data import load_digits
from pixelcnn.exhibits import Exhibit, load_exhibit
from pixelcnn.hub.manifest import is_exhibit, read_manifest
from pixelcnn.masks import region_known
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.class_posterior import class_posterior, class_posterior_by_prefix
from pixelcnn.sampling.request import MAX_SAMPLES, ClassChoice
from pixelcnn.sampling.result import prepare

DATASETS = {"mnist-threshold": "MNIST", "pens": "unseen pens"}
KNOWN = region_known("bottom", 28, 28)
ROWS = (8, 14, 20, 28)  # numbers of known rows for the posterior
BINS = 15
AMBIGUOUS = 0.2  # least probability of the second most probable digit of an ambiguous top
TRIES = 16  # completions of an ambiguous top
SURE = 0.9  # probability from which on a completion of an exhibit counts as legible
POSTERIOR = "freeform"  # the entry that says which tops are ambiguous
POSTERIOR_BATCH = 5  # pictures per pass, each with ten digits; larger batches are no faster on a CPU
Digits = tuple[np.ndarray, np.ndarray]  # binary pictures (N, 28, 28) bool, and labels (N,)


def total_variation(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Total variation distance of distributions (..., 10): half of the sum of absolute differences, (...), in 0..1."""
    return np.abs(p - q).sum(-1) / 2


def calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of confidences (N,) in 0..1 of answers that are correct (N,), bool, or not.

    Bins of equal width; the gap between mean confidence and accuracy in each bin, weighted by the number of its answers
    (C. Guo, G. Pleiss, Y. Sun, K. Weinberger, 2017, arXiv:1706.04599, section 2, equation 3).
    """
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(number, confidence - correct)).sum() / len(correct))


def accuracy_quotient(completed: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Accuracy on completed digits over accuracy on whole digits, from correct answers (N,) bool, and its standard error.

    Raises ValueError if no whole digit is classified correctly.
    """
    if not whole.any():
        raise ValueError(f"The classifier reads none of {len(whole)} whole digits correctly. Give a larger --tops.")
    value = completed.mean() / whole.mean()
    # First-order error of a quotient of means over the same digits.
    return float(value), float((completed - value * whole).std() / whole.mean() / len(whole) ** 0.5)


def completions(
    model: AutoregressiveModel, pictures: np.ndarray, digit: int = ClassChoice.NONE, samples: int = 1
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Complete the lower half of pictures (N, 28, 28); picture i uses seed i.

    Yields for each the completions, (samples, 28, 28) bool, and the digits that they were conditioned on, (samples,).
    """
    at_once = MAX_SAMPLES // samples
    batch = ContinuousBatch(model, at_once * samples)
    for start in range(0, len(pictures), at_once):
        numbered = enumerate(pictures[start : start + at_once], start)
        requests = [Request(255 * picture, KNOWN, samples, seed=seed, digit=digit) for seed, picture in numbered]
        jobs = [prepare(model, request) for request in requests]
        for job in jobs:
            batch.admit([job])
        while len(batch.finished()) < len(jobs):
            batch.step()
        for job in jobs:
            batch.update_result(job)
            yield job.result.images >= model.distribution.levels / 2, job.result.digits
            batch.evict(job)


def measure_quotient(
    model: AutoregressiveModel, classifier: DigitClassifier, digits: Digits, digit: int = ClassChoice.NONE
) -> dict[str, Any]:
    """Complete each picture once."""
    pictures, labels = digits
    whole = classify(classifier, pictures) == labels
    images, digits_drawn = (np.concatenate(parts) for parts in zip(*completions(model, pictures, digit), strict=True))
    read = classify(classifier, images)
    completed = read == labels
    legible = None if digit == ClassChoice.NONE else round(float((read == digits_drawn).mean()), 4)
    value, error = accuracy_quotient(completed, whole)
    by_digit = [round(float(completed[labels == label].mean()), 3) if label in labels else None for label in range(10)]
    shares = {"whole": round(float(whole.mean()), 4), "completed": round(float(completed.mean()), 4)}
    quotient = {"quotient": round(value, 4), "error": round(error, 4)}
    return {"tops": len(pictures), **shares, **quotient, "legible": legible, "by_digit": by_digit}


def measure_variation(
    model: AutoregressiveModel, classifier: DigitClassifier, digits: Digits, digit: int = ClassChoice.NONE
) -> dict[str, Any]:
    """Complete each picture 64 times. `by_chance` is the distance of 64 draws from the posterior itself."""
    pictures, labels = digits
    parts = torch.from_numpy(pictures).long().split(POSTERIOR_BATCH)
    posterior = torch.cat([class_posterior(model, part, torch.from_numpy(KNOWN)) for part in parts]).numpy()  # (N, 10)
    drawn = completions(model, pictures, digit, MAX_SAMPLES)
    counts = [np.bincount(classify(classifier, completed), minlength=10) for completed, _ in drawn]
    judged = np.stack(counts) / MAX_SAMPLES
    chance = np.random.default_rng(0).multinomial(MAX_SAMPLES, posterior) / MAX_SAMPLES
    correct = np.arange(len(labels)), labels
    means = {
        "mean": total_variation(judged, posterior).mean(),
        "by_chance": total_variation(chance, posterior).mean(),
        "right_judged": judged[correct].mean(),
        "right_posterior": posterior[correct].mean(),
    }
    return {"tops": len(pictures)} | {name: round(float(value), 4) for name, value in means.items()}


def measure_posterior(model: AutoregressiveModel, digits: Digits) -> dict[str, Any]:
    """Accuracy of the posterior's maximum and calibration error, by the number of known rows."""
    pictures, labels = digits
    ends = [rows * pictures.shape[2] for rows in ROWS]
    parts = torch.from_numpy(pictures).long().split(POSTERIOR_BATCH)
    posteriors = torch.cat([class_posterior_by_prefix(model, part)[:, ends] for part in parts]).numpy()  # (N, rows, 10)
    by_rows = {}
    for rows, posterior in zip(ROWS, posteriors.swapaxes(0, 1), strict=True):
        correct = posterior.argmax(1) == labels
        error = calibration_error(posterior.max(1), correct)
        by_rows[str(rows)] = {"right": round(float(correct.mean()), 4), "calibration_error": round(error, 4)}
    return {"digits": len(pictures), "rows": by_rows}


def exhibit_completions(exhibit: Exhibit, pictures: np.ndarray, samples: int = 1) -> Iterator[np.ndarray]:
    """Complete the lower half of pictures (N, 28, 28); picture i uses seed i. Yields for each (samples, 28, 28) bool."""
    for seed, picture in enumerate(pictures):
        *_, last = exhibit.frames(255 * picture, KNOWN, samples, seed)
        yield last.images >= 128


def measure_exhibit_quotient(exhibit: Exhibit, classifier: DigitClassifier, digits: Digits) -> dict[str, Any]:
    """Complete each picture once."""
    pictures, labels = digits
    whole = classify(classifier, pictures) == labels
    p = class_probabilities(classifier, np.concatenate(list(exhibit_completions(exhibit, pictures))))
    completed = p.argmax(1) == labels
    value, error = accuracy_quotient(completed, whole)
    shares = {"whole": whole.mean(), "completed": completed.mean(), "quotient": value, "error": error}
    rounded = {name: round(float(share), 4) for name, share in shares.items()}
    return {"tops": len(pictures)} | rounded | {"legible": round(float((p.max(1) >= SURE).mean()), 4)}


def ambiguous_tops(pictures: np.ndarray, count: int) -> np.ndarray:
    """The first `count` pictures (count, 28, 28) whose top is ambiguous, or all if there are fewer."""
    model = load_model(POSTERIOR)
    parts = torch.from_numpy(pictures).long().split(POSTERIOR_BATCH)
    posterior = torch.cat([class_posterior(model, part, torch.from_numpy(KNOWN)) for part in parts])
    return pictures[posterior.topk(2).values[:, 1].numpy() >= AMBIGUOUS][:count]


def measure_distinct(classifier: DigitClassifier, drawn: Iterator[np.ndarray]) -> dict[str, Any]:
    """drawn: the completions of each ambiguous top, (TRIES, 28, 28) bool."""
    counts = [len(set(classify(classifier, images))) for images in drawn]
    return {"tops": len(counts), "tries": TRIES, "mean": round(float(np.mean(counts)), 2) if counts else None}


def random_digits(dataset: str, folder: Path, count: int) -> Digits:
    """`count` random test digits, or all if there are fewer; the same ones in every run."""
    digits = load_digits(dataset, folder, "test")
    # A random subset, because the static data set is sorted by digit.
    index = np.random.default_rng(0).permutation(len(digits))[:count]
    return digits.ink[index] >= 128, digits.labels[index].astype(int)


def load_model(entry: str) -> AutoregressiveModel:
    """A model of 28 x 28 pictures. Raises ValueError for any other size."""
    model = load(entry)
    height, width = model.config.height, model.config.width
    if (height, width) != (28, 28):
        raise ValueError(
            f"{entry} draws {height} x {width} pixels, but the classifier needs 28 x 28. Choose other weights."
        )
    return model


def print_row(name: str, value: float, goal: str = "") -> None:
    print(f"{name:<80}{value:>10}  {goal}".rstrip(), flush=True)


def percent(share: float) -> float:
    return round(100 * share, 2)


def print_quotient(kind: str, part: dict[str, Any]) -> None:
    print_row(f"{kind}, {part['tops']} digits: accuracy on whole digits, %", percent(part["whole"]))
    print_row(f"{kind}: accuracy on completed digits, %", percent(part["completed"]))
    print_row(f"{kind}: quotient, +- {part['error']:.3f}", part["quotient"])
    if part["legible"] is not None:
        print_row(f"{kind}: completions read as the digit that was sampled, %", percent(part["legible"]), ">= 97.5")


def print_variation(kind: str, part: dict[str, Any]) -> None:
    print_row(f"{kind}, {part['tops']} drawings: total variation, completions to posterior", part["mean"], "<= 0.10")
    print_row(f"{kind}: the same for {MAX_SAMPLES} draws from the posterior", part["by_chance"])
    print_row(f"{kind}: completions classified as the correct digit, %", percent(part["right_judged"]))
    print_row(f"{kind}: posterior of the correct digit, %", percent(part["right_posterior"]))


def print_distinct(part: dict[str, Any]) -> dict[str, Any]:
    print_row(f"different digits in {TRIES} completions of an ambiguous top, mean of {part['tops']}", part["mean"] or 0)
    return part


def print_posterior(kind: str, part: dict[str, Any], accuracy_goal: str, error_goal: str) -> None:
    for rows, found in part["rows"].items():
        whole = rows == str(ROWS[-1])
        name = f"{kind}, {part['digits']} digits, {rows} rows: accuracy of the posterior, %"
        print_row(name, percent(found["right"]), accuracy_goal * whole)
        print_row(f"{kind}, {rows} rows: calibration error", found["calibration_error"], error_goal * (not whole))


def measure_completions(options: argparse.Namespace) -> dict[str, Any]:
    """Everything about --weights, printed as it is computed."""
    classifier, model = load_digit_classifier(WEIGHTS), load_model(options.weights)
    digit = ClassChoice.SAMPLED if model.classes and not options.no_digit else ClassChoice.NONE
    result: dict[str, Any] = {"digit": digit, "quotient": {}, "variation": None, "posterior": None}
    for dataset, kind in DATASETS.items():
        digits = random_digits(dataset, options.data_dir, options.tops)
        part = result["quotient"][dataset] = measure_quotient(model, classifier, digits, digit)
        print_quotient(kind, part)
    mnist, pens = result["quotient"].values()
    tops = ambiguous_tops(random_digits("mnist-threshold", options.data_dir, options.digits)[0], options.varied)
    drawn = (images for images, _ in completions(model, tops, digit, TRIES))
    result["distinct"] = print_distinct(measure_distinct(classifier, drawn))
    result["points"] = percent(mnist["quotient"] - pens["quotient"])
    result["points_error"] = percent(float(np.hypot(mnist["error"], pens["error"])))
    name = f"quotient of MNIST minus that of unseen pens, points, +- {result['points_error']}"
    print_row(name, result["points"], "within 3")
    if model.classes:
        result["variation"] = {}
        for dataset, kind in DATASETS.items():
            digits = random_digits(dataset, options.data_dir, options.varied)
            part = result["variation"][dataset] = measure_variation(model, classifier, digits, digit)
            print_variation(kind, part)
        digits = random_digits("mnist-threshold", options.data_dir, options.digits)
        result["posterior"] = measure_posterior(model, digits)
        print_posterior("MNIST", result["posterior"], ">= 98.5", "<= 0.04")
    return result


def measure_exhibit(options: argparse.Namespace) -> dict[str, Any]:
    """Everything about an exhibit, printed as it is computed."""
    classifier, exhibit = load_digit_classifier(WEIGHTS), load_exhibit(options.weights)
    result: dict[str, Any] = {"weights": options.weights, "quotient": {}}
    for dataset, kind in DATASETS.items():
        digits = random_digits(dataset, options.data_dir, options.tops)
        part = result["quotient"][dataset] = measure_exhibit_quotient(exhibit, classifier, digits)
        print_quotient(kind, part | {"legible": None})
        print_row(f"{kind}: completions of which the classifier is sure, %", percent(part["legible"]))
    tops = ambiguous_tops(random_digits("mnist-threshold", options.data_dir, options.digits)[0], options.varied)
    drawn = exhibit_completions(exhibit, tops, TRIES)
    return result | {"distinct": print_distinct(measure_distinct(classifier, drawn))}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that the weights allow; parts that they do not allow are None."""
    if is_exhibit(read_manifest()["entries"].get(options.weights)):
        return measure_exhibit(options)
    result = {"weights": options.weights} | measure_completions(options) | {"static": None, "static_posterior": None}
    static = options.static or f"{options.weights}-static"
    if options.static or static in read_manifest()["entries"]:
        model = load_model(static)
        result["static"] = static
        if model.classes:
            digits = random_digits("binarized-mnist", options.data_dir, options.digits)
            result["static_posterior"] = measure_posterior(model, digits)
            print_posterior("static", result["static_posterior"], ">= 98", "<= 0.05")
    return result


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with MNIST's files and the pen trajectories")
    parser.add_argument("--weights", default="freeform", help="an entry of weights/manifest.json or a .safetensors file")
    parser.add_argument(
        "--static", default="", help="weights trained on the static binarization; WEIGHTS-static if not given"
    )
    parser.add_argument("--untold", action=RenamedFlag, nargs=0, dest="no_digit", help=argparse.SUPPRESS)
    parser.add_argument("--no-digit", action="store_true", help="complete without sampling the digit first")
    parser.add_argument("--tops", type=int, default=1500, help="drawings of each kind that are completed once")
    parser.add_argument(
        "--varied", type=int, default=50, help="drawings of each kind that are completed 64 times, and ambiguous ones"
    )
    parser.add_argument("--digits", type=int, default=2000, help="whole digits of each kind whose posterior is computed")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 uses torch's default")
    parser.add_argument("--json", type=Path, default=None, help="also write the JSON line to this file")
    options = parser.parse_args(argv)
    for name in ("tops", "varied", "digits"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; give at least 1")
    return options


class RenamedFlag(argparse.Action):
    """Ends the program with a sentence that names the new flag."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        parser.error("--untold is now called --no-digit; give --no-digit.")


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
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
