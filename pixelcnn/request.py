"""What somebody asks to be completed, checked at the door: one sentence for whatever cannot be done.

Everything that comes from outside (page, endpoints, command line, Python) passes here, and nothing below checks again.
Knows models by their config and likelihood alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pixelcnn.errors import BadInput
from pixelcnn.models.base import AutoregressiveModel

MAX_SAMPLES = 64
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Request:
    """One top of a digit and how to go on from it.

    drawing: H x W ink, 0 paper to 255; None for an empty picture. What stands under unknown pixels is ignored.
    known: H x W of 0/1, which pixels are given; None for none at all.
    samples: how many completions, 1 to 64. temperature: above 0, divides the logits. seed: picks the noise.
    digit: 0 to 9 for models that can be told which digit to draw, -1 for none.
    """

    drawing: object = None
    known: object = None
    samples: int = 1
    temperature: float = 1.0
    seed: int = 0
    digit: int = -1

    def check(self, model: AutoregressiveModel) -> tuple[Tensor, Tensor]:
        """The picture in the model's levels, long (H, W), zero where unknown, and the unknown pixels as they are filled.

        Raises BadInput with a sentence for anything that is not as described above.
        """
        size = (model.config.height, model.config.width)
        ink = np.zeros(size) if self.drawing is None else array_of(self.drawing, "drawing", size, 255)
        known = np.zeros(size) if self.known is None else array_of(self.known, "known", size, 1)
        if not np.isin(known, (0, 1)).all():
            raise BadInput("known has values between 0 and 1; give 1 for every pixel that is drawn and 0 for the rest.")
        whole_number(self.samples, "samples", 1, MAX_SAMPLES)
        whole_number(self.seed, "seed", 0, MAX_SEED)
        whole_number(self.digit, "digit", -1, 9)
        positive(self.temperature, "temperature")
        if self.digit != -1:
            raise BadInput(f"{model.name} has no classes and cannot be told to draw a {self.digit}; leave digit at -1.")
        known = torch.from_numpy(known.astype(bool))
        if known.all():
            raise BadInput("All pixels are known, so there is nothing to fill; leave some unknown, below the cut line.")
        order = model.order(known)
        return levels_of(ink, model.likelihood.levels) * known, order


def levels_of(ink: np.ndarray, levels: int) -> Tensor:
    """Ink (H, W) in 0..255 as levels 0..K-1, long: round(ink * (K - 1) / 255), for two levels ink from 128 on."""
    return torch.from_numpy(np.floor(ink * (levels - 1) / 255 + 0.5).astype(np.int64))


def array_of(value: object, name: str, size: tuple[int, int], most: int) -> np.ndarray:
    """A picture from outside as float (H, W) in 0..most."""
    expected = f"expected {size[0]} rows of {size[1]} numbers from 0 to {most}"
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadInput(f"{name} is not a table of numbers; {expected}.") from None
    if array.dtype.kind not in "buif":
        raise BadInput(f"{name} is not a table of numbers; {expected}.")
    if array.shape != size:
        given = " x ".join(map(str, array.shape)) or "a single number"
        raise BadInput(f"{name} is {given}; {expected}.")
    if not np.isfinite(array).all():
        raise BadInput(f"{name} has NaN or infinity in it; {expected}.")
    if array.min() < 0 or array.max() > most:
        raise BadInput(f"{name} has values from {array.min():g} to {array.max():g}; {expected}.")
    return array.astype(np.float64)


def whole_number(value: object, name: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise BadInput(f"{name} is {shown(value)}; give a whole number from {least} to {most}.")


def positive(value: object, name: str) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise BadInput(f"{name} is {shown(value)}; give a number above 0, 1 for the model's own probabilities.")


def shown(value: object) -> str:
    """What was given, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
