"""Nats of a model on a whole split: `python -m pixelcnn.evaluate --weights FILE --dataset mnist-threshold --data-dir DIR`.

Exact, one pass per picture, at temperature 1. With --region the nats of that half alone are summed, the other half being
known. With --digit-first ten passes: p is the mixture over the digits. Prints one JSON line last.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from pixelcnn.data import DATASETS, SPLITS, Digits, load_digits
from pixelcnn.masks import REGIONS, hidden
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.posterior import mixed_nats


def fits(model: AutoregressiveModel, digits: Digits) -> None:
    """Raises ValueError, with a sentence, where the model is of other levels, sizes or digits than the data."""
    size, levels = (model.config.height, model.config.width), model.likelihood.levels
    if levels != digits.levels:
        raise ValueError(f"{model.name} has {levels} levels and the data set {digits.levels}; choose another data set.")
    if size != digits.ink.shape[1:]:
        raise ValueError(
            f"{model.name} is {size} and the pictures are {digits.ink.shape[1:]}; make it of that size, or take other data."
        )
    if model.classes and digits.labels.max() >= model.classes:
        raise ValueError(
            f"{model.name} knows the digits 0 to {model.classes - 1} and there is a {digits.labels.max()}; "
            "make it of more classes, or take other data."
        )


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
    """Mean over pictures (all, or those of an index) of the nats of the region's pixels given the rest.

    No digit is told; with digit_first it is as if one were drawn first (`mixed_nats`). A re-sampled data set is drawn once,
    always the same way. Raises BadInput where the model cannot use what is known, or knows no digits to draw.
    """
    batch = max(1, batch // model.classes) if digit_first and model.classes else batch
    known = torch.from_numpy(hidden(region, *digits.ink.shape[1:]))
    model.order(known)
    told = model.told(known)
    rng, total = np.random.default_rng(0), 0.0
    index = np.arange(len(digits)) if index is None else index
    for start in range(0, len(index), batch):
        x = torch.from_numpy(digits.batch(index[start : start + batch], rng)).to(model.device)
        if digit_first:
            total += mixed_nats(model, x, known).sum().item()
            continue
        told_of_each = None if told is None else told.to(model.device).expand_as(x)
        total += model.nats(x, told=told_of_each)[:, ~known].double().sum().item()
    return total / len(index)


def main(argv: list[str] | None = None) -> None:
    from pixelcnn.hub import load  # here, for training needs mean_nats alone

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--weights", required=True, help="an entry of weights/manifest.json or a .safetensors file")
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument("--data-dir", type=Path, default=None, help="folder with MNIST's files; without it, from the Hub")
    parser.add_argument("--split", choices=SPLITS[1:], default="test")
    parser.add_argument("--region", choices=REGIONS, default="all", help="what is unknown")
    parser.add_argument(
        "--digit-first",
        action="store_true",
        help="as if a digit were drawn first: the mixture over all, for models with digits",
    )
    options = parser.parse_args(argv)
    try:
        model = load(options.weights)
        size = (model.config.height, model.config.width)
        digits = load_digits(options.dataset, options.data_dir, options.split, size)
        fits(model, digits)
        nats = mean_nats(model, digits, region=options.region, digit_first=options.digit_first)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    pixels = int((~hidden(options.region, *digits.ink.shape[1:])).sum())
    answer = {"model": model.name, "weights": options.weights, "dataset": options.dataset, "split": options.split}
    answer |= {"region": options.region} | ({"digit_first": True} if options.digit_first else {})
    answer |= {"images": len(digits), "nats": round(nats, 4)}
    print(json.dumps(answer | {"bits_per_dim": round(nats / pixels / math.log(2), 5)}))


if __name__ == "__main__":
    main()
