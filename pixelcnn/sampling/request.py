"""Validation of a completion request. Page, HTTP API and Python use it; the sampler does not check again."""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pixelcnn.errors import InputError, describe
from pixelcnn.images import ink_to_levels
from pixelcnn.masks import is_prefix
from pixelcnn.models.base import AutoregressiveModel

MAX_SAMPLES = 64
MIN_TEMPERATURE = 1e-100  # anything lower gives the same result, the most likely level, but underflows in float64
MAX_SEED = 2**53 - 1  # the largest whole number that JSON carries exactly


class ClassChoice(IntEnum):
    """What `digit` can be instead of a digit."""

    NONE = -1  # no class condition
    SAMPLED = -2  # sample the class first, from p(digit | known pixels)


@dataclass(frozen=True)
class ValidatedRequest:
    """A request that can be carried out."""

    picture: Tensor  # levels, long (H, W), zero where unknown
    order: Tensor  # the unknown pixels in the order of sampling, raster numbers (U,)
    hints: Tensor | None  # bool (H, W), known pixels after an unknown one; None if there are none
    samples: int
    temperature: float
    seed: int
    digit: int
    first_sample: int


@dataclass(frozen=True)
class Request:
    """A partial drawing and how to complete it, not yet validated.

    drawing: H x W ink, 0 (paper) to 255; None for blank. Values at unknown pixels are ignored.
    known: H x W of 0 and 1, 1 for given pixels; None for none.
    samples: how many completions, 1 to 64.
    temperature: above 0; divides the logits.
    seed: of the noise, 0 to 2^53 - 1.
    digit: 0 to 9 for class-conditional models; -1 for no class (ClassChoice.NONE); -2 to sample a class for each completion
    from p(digit | known pixels) first (ClassChoice.SAMPLED).
    first_sample: the number of the first completion. Completion i depends on (seed, i) only, so a request with
    first_sample=5, samples=1 gives the sixth completion of a request with samples=6.
    """

    drawing: object = None
    known: object = None
    samples: object = 1
    temperature: object = 1.0
    seed: object = 0
    digit: object = ClassChoice.NONE
    first_sample: object = 0

    def validate(self, model: AutoregressiveModel) -> ValidatedRequest:
        """The request with types and ranges as documented above. Raises InputError for everything else."""
        if not isinstance(model, AutoregressiveModel):
            raise InputError(
                "not_a_model", "The model is {given}. Give a loaded model, for example load(NAME).", given=describe(model)
            )
        ink, known = read_drawing(self.drawing, self.known, (model.config.height, model.config.width))
        samples = whole_number(self.samples, "samples", 1, MAX_SAMPLES)
        first_sample = whole_number(self.first_sample, "first_sample", 0, MAX_SAMPLES - 1)
        seed = whole_number(self.seed, "seed", 0, MAX_SEED)
        digit = whole_number(self.digit, "digit", ClassChoice.SAMPLED, 9)
        temperature = max(MIN_TEMPERATURE, positive_number(self.temperature, "temperature"))
        mask = torch.from_numpy(known)
        check_digit(digit, mask, model)
        picture = ink_to_levels(ink, model.distribution.levels)
        order, hints = model.fill_order(mask), model.hints(mask)
        return ValidatedRequest(picture, order, hints, samples, temperature, seed, digit, first_sample)


def read_drawing(drawing: object, known: object, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Ink, float (H, W) in 0..255 and 0 where unknown, and the known pixels, bool (H, W), as `Request` describes them.

    Raises InputError for anything else, and if no pixel is unknown.
    """
    mask = np.zeros(size) if known is None else read_table(known, "known", size, 1)
    check_range(mask, "known", size, 1)
    if not np.isin(mask, (0, 1)).all():
        raise InputError(
            "known_not_binary", "known has values between 0 and 1. Give 1 for every given pixel and 0 for all others."
        )
    ink = np.zeros(size) if drawing is None else read_table(drawing, "drawing", size, 255, mask == 1)
    check_range(ink, "drawing", size, 255)
    check_ink_scale(drawing, ink)
    if mask.all():
        raise InputError("nothing_unknown", "All pixels are known. Leave some pixels unknown, below the cut line.")
    return ink, mask == 1


def check_digit(digit: int, known: Tensor, model: AutoregressiveModel) -> None:
    """Raises InputError if the model cannot be conditioned on this digit, or cannot sample one for this mask."""
    if digit >= model.classes:
        raise InputError(
            "digit_not_supported", "{model} cannot draw a given digit ({digit}). Use -1.", model=model.name, digit=digit
        )
    if digit == ClassChoice.SAMPLED and not model.classes:
        raise InputError(
            "no_classes", "{model} was trained without digit labels and cannot sample a digit. Use -1.", model=model.name
        )
    if digit == ClassChoice.SAMPLED and not is_prefix(known):
        raise InputError(
            "digit_needs_prefix",
            "A digit can only be sampled first if all known pixels come before all unknown ones, row by row. Use -1.",
        )


def read_table(value: object, name: str, size: tuple[int, int], maximum: int, used: np.ndarray | None = None) -> np.ndarray:
    """Rows of numbers as float (H, W). The shape is checked before anything is allocated.

    used: bool (H, W), the cells to read; all others, whatever they hold, become 0.
    """
    expected = {"name": name, "rows": size[0], "columns": size[1], "maximum": maximum}
    if hasattr(value, "__array__"):
        try:
            value = np.asarray(value)
        except (TypeError, ValueError, RuntimeError):  # a tensor that is on a GPU, requires gradients or is bfloat16
            raise not_a_table(expected) from None
        shape: tuple | None = value.shape
    else:
        rows = value if isinstance(value, list | tuple) else []
        value = [row.tolist() if isinstance(row, np.ndarray) else row for row in rows]
        lengths = {len(row) if isinstance(row, list | tuple) else None for row in value}
        shape = (len(value), *lengths) if len(lengths) == 1 and None not in lengths else None
    if shape is None:
        raise not_a_table(expected)
    if shape != size:
        raise InputError(
            "wrong_shape",
            "{name} has shape {given}. Give {rows} rows of {columns} numbers from 0 to {maximum}.",
            given=" x ".join(map(str, shape)) or "()",
            **expected,
        )
    array = np.zeros(size)
    try:
        for row, column in np.ndindex(size) if used is None else np.argwhere(used).tolist():
            cell = value[row][column]
            if not isinstance(cell, int | float | np.integer | np.floating | np.bool):
                raise not_a_table(expected)
            array[row, column] = cell
    except OverflowError:
        raise InputError(
            "number_too_large",
            "{name} has a number that is too large. Give {rows} rows of {columns} numbers from 0 to {maximum}.",
            **expected,
        ) from None
    return array


def not_a_table(expected: dict) -> InputError:
    return InputError(
        "not_a_table",
        "{name} is not a table of numbers. Give {rows} rows of {columns} numbers from 0 to {maximum}.",
        **expected,
    )


def check_range(array: np.ndarray, name: str, size: tuple[int, int], maximum: int) -> None:
    """Raises InputError unless all numbers are finite and from 0 to the maximum."""
    if not np.isfinite(array).all():
        raise InputError(
            "not_finite", "{name} contains NaN or infinity. Give numbers from 0 to {maximum}.", name=name, maximum=maximum
        )
    if array.min() < 0 or array.max() > maximum:
        raise InputError(
            "value_out_of_range",
            "{name} has values from {lowest} to {highest}. Give numbers from 0 to {maximum}.",
            name=name,
            lowest=f"{array.min():g}",
            highest=f"{array.max():g}",
            maximum=maximum,
        )


def check_ink_scale(drawing: object, ink: np.ndarray) -> None:
    """Raises InputError if the largest ink (H, W) is a float up to 1 or a bool in the drawing: almost paper by mistake.

    The integer 1 is accepted; a model with 256 levels draws such pixels.
    """
    row, column = np.unravel_index(ink.argmax(), ink.shape)
    if not 0 < ink[row, column] <= 1:
        return
    table: Any = np.asarray(drawing) if hasattr(drawing, "__array__") else drawing
    if np.asarray(table[row][column]).dtype.kind in "fb":
        raise InputError(
            "ink_not_scaled",
            "drawing has floats or booleans up to {highest}. Give ink from 0 (paper) to 255, such as 255 * drawing.",
            highest=f"{ink[row, column]:g}",
        )


def whole_number(value: object, name: str, minimum: int, maximum: int) -> int:
    """A whole number in a range; 4.0 counts, because JSON does not distinguish it from 4. Raises InputError."""
    if not minimum <= as_float(value) <= maximum or as_float(value) % 1:
        raise InputError(
            "not_a_whole_number",
            "{name} is {given}. Give a whole number from {minimum} to {maximum}.",
            name=name,
            given=describe(value),
            minimum=int(minimum),
            maximum=maximum,
        )
    return int(as_float(value))


def positive_number(value: object, name: str) -> float:
    """A finite number above 0. Raises InputError."""
    if not 0 < as_float(value) < math.inf:
        raise InputError(
            "not_positive",
            "{name} is {given}. Give a number above 0; 1 uses the model's own probabilities.",
            name=name,
            given=describe(value),
        )
    return as_float(value)


def as_float(value: object) -> float:
    """The value as a float: NaN if it is not a number, infinity if it is too large for a float."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
