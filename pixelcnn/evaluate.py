"""Nats of a model on a whole split: `python -m pixelcnn.evaluate --weights FILE --dataset mnist-threshold --data-dir DIR`.

Exact, at temperature 1, from one full pass per picture. With --region, the nats of that half given the other half. With
--digit-first, the nats under the mixture over all classes, from one pass per class. Prints one JSON line last.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from pixelcnn.data import DATASETS, SPLITS, Digits, load_digits
from pixelcnn.hub.files import load
from pixelcnn.masks import REGIONS, region_known
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.class_posterior import mixture_nll


def check_compatible(model: AutoregressiveModel, digits: Digits) -> None:
    """Raises ValueError if the model and the data set differ in levels, size or classes."""
    if model.distribution.levels != digits.levels:
        raise ValueError(
            f"{model.name} has {model.distribution.levels} levels and {digits.dataset} has {digits.levels}. Choose another "
            "data set."
        )
    height, width = digits.ink.shape[1:]
    if (model.config.height, model.config.width) != (height, width):
        raise ValueError(
            f"{model.name} has size {model.config.height} x {model.config.width} and the pictures have {height} x {width}. "
            "Use a model of that size or another data set."
        )
    if model.classes and digits.labels.max() >= model.classes:
        raise ValueError(
            f"{model.name} has {model.classes} classes and the data set has the label {digits.labels.max()}. Use a model "
            "with more classes or another data set."
        )


def random_subset(count: int, limit: int | None) -> np.ndarray:
    """Indices of `limit` random pictures out of `count`, sorted, always the same ones; of all pictures if limit is None.

    Raises ValueError if limit is not in 1..count.
    """
    if limit is None:
        return np.arange(count)
    if not 1 <= limit <= count:
        raise ValueError(f"--limit is {limit} and the split has {count} pictures. Give a number from 1 to {count}.")
    return np.sort(np.random.default_rng(0).choice(count, limit, replace=False))


@torch.inference_mode()
def mean_nats(
    model: AutoregressiveModel,
    digits: Digits,
    index: np.ndarray | None = None,
    *,
    region: str = "all",
    digit_first: bool = False,
    batch: int = 200,
) -> float:
    """Mean nats per picture of the pixels of a region given all others, over all pictures or those of an index (N,).

    The model gets no class; with digit_first, nats are those of the mixture over all classes (`mixture_nll`). A data set
    that is resampled for every batch is sampled once, with seed 0. Raises InputError if the model cannot use the known
    pixels of the region, or has no classes for digit_first.
    """
    batch = max(1, batch // model.classes) if digit_first and model.classes else batch
    known = torch.from_numpy(region_known(region, *digits.ink.shape[1:]))
    model.fill_order(known)  # raises InputError
    hints = model.hints(known)
    rng, total = np.random.default_rng(0), 0.0
    index = np.arange(len(digits)) if index is None else index
    for start in range(0, len(index), batch):
        x = torch.from_numpy(digits.batch(index[start : start + batch], rng)).to(model.device)
        if digit_first:
            total += mixture_nll(model, x, known).sum().item()
            continue
        batch_hints = None if hints is None else hints.to(model.device).expand_as(x)
        total += model.nats(x, hints=batch_hints)[:, ~known].double().sum().item()
    return total / len(index)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--weights", required=True, help="an entry of weights/manifest.json or a .safetensors file")
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument("--data-dir", type=Path, default=None, help="folder with the files; MNIST can come from the Hub")
    parser.add_argument("--split", choices=SPLITS[1:], default="test")
    parser.add_argument("--region", choices=REGIONS, default="all", help="the unknown pixels; all others are known")
    parser.add_argument(
        "--digit-first",
        action="store_true",
        help="score the mixture over all classes, as if a digit were sampled first; for models with classes",
    )
    parser.add_argument("--limit", type=int, default=None, help="score that many random pictures (seed 0) instead of all")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    try:
        model = load(options.weights)
        digits = load_digits(options.dataset, options.data_dir, options.split, (model.config.height, model.config.width))
        check_compatible(model, digits)
        index = random_subset(len(digits), options.limit)
        nats = mean_nats(model, digits, index, region=options.region, digit_first=options.digit_first)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    pixels = int((~region_known(options.region, *digits.ink.shape[1:])).sum())
    answer = {"model": model.name, "weights": options.weights, "dataset": options.dataset, "split": options.split}
    answer |= {"region": options.region}
    answer |= {"digit_first": True} if options.digit_first else {}
    answer |= {} if options.limit is None else {"seed": 0, "limit": options.limit}
    answer |= {"images": len(index), "nats": round(nats, 4)}
    print(json.dumps(answer | {"bits_per_dim": round(nats / pixels / math.log(2), 5)}))


if __name__ == "__main__":
    main()
