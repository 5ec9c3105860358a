"""Masks of known pixels (not of convolutions): sampling order, regions to evaluate, and random masks for training.

A mask is bool (H, W), true where a pixel is known. Raster order is row by row, left to right.
"""

import numpy as np
import torch
from torch import Tensor

from pixelcnn.errors import InputError

REGIONS = ("all", "top", "bottom", "left", "right")


def is_prefix(known: Tensor) -> bool:
    """Whether all known pixels of a mask come before all unknown ones in raster order."""
    return bool((known.flatten().cummin(0).values == known.flatten()).all())


def raster_order(known: Tensor, model: str) -> Tensor:
    """The unknown pixels of a mask in raster order, as raster numbers (U,).

    Raises InputError, naming `model`, if a known pixel comes after an unknown one: a raster model could not use it.
    """
    order = torch.nonzero(~known.flatten())[:, 0]
    if not is_prefix(known):
        hole, width = int(order[0]), known.shape[1]
        after = hole + int(torch.nonzero(known.flatten()[hole:])[0])
        raise InputError(
            "known_after_unknown",
            "{model} fills pixels from top to bottom and cannot use the known pixel in row {row}, column {column}, which "
            "comes after the unknown pixel in row {unknown_row}, column {unknown_column}. Make all pixels after the first "
            "unknown one unknown, or choose freeform, which accepts any mask.",
            model=model,
            row=after // width + 1,
            column=after % width + 1,
            unknown_row=hole // width + 1,
            unknown_column=hole % width + 1,
        )
    return order


def region_known(region: str, height: int, width: int) -> np.ndarray:
    """The mask in which the pixels of a region (one of REGIONS) are unknown and all others known."""
    known = np.ones((height, width), bool)
    rows = {"top": slice(None, height // 2), "bottom": slice(height // 2, None)}.get(region, slice(None))
    columns = {"left": slice(None, width // 2), "right": slice(width // 2, None)}.get(region, slice(None))
    known[rows, columns] = False
    return known


def random_known(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A random mask: one side (most likely), a box, brush strokes, scattered pixels, or the complement of one of them."""
    kind = rng.integers(5)
    if kind == 0:
        return scattered(rng, height, width)
    if kind == 1:
        known = box(rng, height, width)
    elif kind == 2:
        known = brush_strokes(rng, height, width)
    else:
        known = side(rng, height, width)
    return ~known if rng.random() < 0.5 else known


def scattered(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    return rng.random((height, width)) < rng.random()


def side(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Everything on one side of a horizontal or vertical line."""
    if rng.random() < 0.5:
        return side(rng, width, height).T
    return np.broadcast_to((np.arange(height) < rng.integers(1, height))[:, None], (height, width)).copy()


def box(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    top, bottom = np.sort(rng.integers(0, height + 1, 2))
    left, right = np.sort(rng.integers(0, width + 1, 2))
    known = np.zeros((height, width), bool)
    known[top:bottom, left:right] = True
    return known


def brush_strokes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One to three strokes of a round brush, each a straight line of discs."""
    row, column = np.mgrid[:height, :width]
    known = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):
        start, end = rng.random((2, 2)) * (height, width)
        radius = rng.uniform(0.25, 1) * max(height, width) / 5
        for along in np.linspace(0, 1, max(height, width)):
            center = start + (end - start) * along
            known |= (row - center[0]) ** 2 + (column - center[1]) ** 2 <= radius**2
    return known
