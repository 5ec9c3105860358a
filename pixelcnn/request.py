"""What somebody asks to be completed, checked at the door: one sentence for whatever cannot be done.

Page, endpoints and Python all come through here, and the sampler below does not check again. Knows models by their config
and likelihood alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pixelcnn.errors import BadInput
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.orders import comes_first

MAX_SAMPLES = 64
ANY, DRAWN = -1, -2  # in place of a digit: that none is told, and that one is drawn first
COLDEST = 1e-100  # colder is the same, the likeliest level always, but no longer a number in a float64
MAX_SEED = 2**53 - 1  # beyond it JSON does not carry whole numbers exactly


@dataclass(frozen=True)
class Checked:
    """A request that can be done."""

    picture: Tensor  # the model's levels, long (H, W), zero where unknown
    order: Tensor  # the unknown pixels as they are filled, (U,)
    told: Tensor | None  # known pixels (H, W) that the network is told of, where its order does not see to it
    samples: int
    temperature: float
    seed: int
    digit: int


@dataclass(frozen=True)
class Request:
    """One top of a digit and how to go on from it, as it comes from outside.

    drawing: H x W ink, 0 paper to 255; None for an empty picture. What stands under unknown pixels is ignored.
    known: H x W of 0/1, which pixels are given; None for none at all.
    samples: how many completions, 1 to 64. temperature: above 0, divides the logits. seed: picks the noise, up to 2^53.
    digit: 0 to 9 for models that can be told which digit to draw, -1 for none, -2 to draw it first, for each completion,
    from p(digit | what is known), and then the pixels given that digit.
    """

    drawing: object = None
    known: object = None
    samples: object = 1
    temperature: object = 1.0
    seed: object = 0
    digit: object = ANY

    def check(self, model: AutoregressiveModel) -> Checked:
        """The same, sure to be as described above. Raises BadInput with a sentence for anything that is not."""
        size = (model.config.height, model.config.width)
        known = np.zeros(size) if self.known is None else table(self.known, "known", size, 1)
        within(known, "known", size, 1)
        if not np.isin(known, (0, 1)).all():
            raise BadInput("known has values between 0 and 1; give 1 for every pixel that is drawn and 0 for the rest.")
        ink = np.zeros(size) if self.drawing is None else table(self.drawing, "drawing", size, 255, known == 1)
        within(ink, "drawing", size, 255)
        samples = whole_number(self.samples, "samples", 1, MAX_SAMPLES)
        seed = whole_number(self.seed, "seed", 0, MAX_SEED)
        digit = whole_number(self.digit, "digit", DRAWN, 9)
        temperature = max(COLDEST, positive(self.temperature, "temperature"))
        if digit >= model.classes:
            raise BadInput(f"{model.name} cannot be told to draw a {digit}; leave the digit at any, -1.")
        if known.all():
            raise BadInput("All pixels are known, so there is nothing to fill; leave some unknown, below the cut line.")
        mask = torch.from_numpy(known == 1)
        if digit == DRAWN and not model.classes:
            raise BadInput(f"{model.name} knows no digits of which to draw one first; leave the digit at any, -1.")
        if digit == DRAWN and not comes_first(mask):
            raise BadInput(
                "Which digit it may be can be told where the known pixels come first, row by row; "
                "here known ones come after unknown ones, so leave the digit at any, -1."
            )
        picture = levels_of(ink, model.likelihood.levels)
        return Checked(picture, model.order(mask), model.told(mask), samples, temperature, seed, digit)


def levels_of(ink: np.ndarray, levels: int) -> Tensor:
    """Ink (H, W) in 0..255 as levels 0..K-1, long: round(ink * (K - 1) / 255), for two levels ink from 128 on."""
    return torch.from_numpy(np.floor(ink * (levels - 1) / 255 + 0.5).astype(np.int64))


def table(value: object, name: str, size: tuple[int, int], most: int, seen: np.ndarray | None = None) -> np.ndarray:
    """Rows of numbers from outside as float (H, W); its shape is looked at before anything is allocated.

    seen: bool (H, W), which of them matter; whatever stands elsewhere, NaN and no number included, is taken for 0.
    """
    if hasattr(value, "__array__"):
        try:
            value = np.asarray(value)
        except (TypeError, ValueError, RuntimeError):  # a tensor that is on a GPU, wants gradients, is of bfloat16
            raise BadInput(f"{name} cannot be made a NumPy array; {expected(size, most)}.") from None
        shape = value.shape
    else:
        rows = value if isinstance(value, list | tuple) else []
        value = [row.tolist() if isinstance(row, np.ndarray) else row for row in rows]
        lengths = {len(row) if isinstance(row, list | tuple) else None for row in value}
        shape = (len(value), *lengths) if len(lengths) == 1 and None not in lengths else None
    if shape is None:
        raise BadInput(f"{name} is not a table of numbers; {expected(size, most)}.")
    if shape != size:
        given = " x ".join(map(str, shape)) or "a single number"
        raise BadInput(f"{name} is {given}; {expected(size, most)}.")
    array = np.zeros(size)
    try:
        for row, column in np.ndindex(size) if seen is None else np.argwhere(seen).tolist():
            cell = value[row][column]
            if not isinstance(cell, int | float | np.integer | np.floating | np.bool):
                raise BadInput(f"{name} is not a table of numbers; {expected(size, most)}.")
            array[row, column] = cell
    except OverflowError:
        raise BadInput(f"{name} has numbers that are far too large; {expected(size, most)}.") from None
    return array


def within(array: np.ndarray, name: str, size: tuple[int, int], most: int) -> None:
    if not np.isfinite(array).all():
        raise BadInput(f"{name} has NaN or infinity in it; {expected(size, most)}.")
    if array.min() < 0 or array.max() > most:
        raise BadInput(f"{name} has values from {array.min():g} to {array.max():g}; {expected(size, most)}.")


def expected(size: tuple[int, int], most: int) -> str:
    return f"expected {size[0]} rows of {size[1]} numbers from 0 to {most}"


def whole_number(value: object, name: str, least: int, most: int) -> int:
    # 4.0 is a whole number too: JSON does not tell the two apart.
    if not least <= number(value) <= most or value != int(value):
        raise BadInput(f"{name} is {shown(value)}; give a whole number from {least} to {most}.")
    return int(value)


def positive(value: object, name: str) -> float:
    if not 0 < number(value) < math.inf:
        raise BadInput(f"{name} is {shown(value)}; give a number above 0, 1 for the model's own probabilities.")
    return float(value)


def number(value: object) -> float:
    """The value as a float: NaN for what is no number, infinity for what is too large for one."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)


def shown(value: object) -> str:
    """What was given, short enough for a sentence."""
    if isinstance(value, int) and abs(value) > 10**20:
        return "far too large" if value > 0 else "far below zero"
    if isinstance(value, str | int | float | np.number | None):
        text = repr(value[:40] if isinstance(value, str) else value)
        return text if len(text) <= 40 else text[:37] + "..."
    return f"a {type(value).__name__}"
