"""Which pixels are known: regions by name, for scoring, and random ones as people may give them, for training.

A mask is bool (H, W), true where a pixel is known.
"""

import numpy as np

REGIONS = ("all", "top", "bottom", "left", "right")


def hidden(region: str, height: int, width: int) -> np.ndarray:
    """The mask in which the pixels of a region are the unknown ones."""
    known = np.ones((height, width), bool)
    rows = {"top": slice(None, height // 2), "bottom": slice(height // 2, None)}.get(region, slice(None))
    columns = {"left": slice(None, width // 2), "right": slice(width // 2, None)}.get(region, slice(None))
    known[rows, columns] = False
    return known


def random_known(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A mask of a random kind: one side, a box, what a brush has rubbed out or left, or scattered pixels."""
    kind = rng.integers(5)
    if kind == 0:
        return scattered(rng, height, width)
    if kind == 1:
        known = box(rng, height, width)
    elif kind == 2:
        known = brushed(rng, height, width)
    else:  # the likeliest: everything to one side of a straight cut
        known = side(rng, height, width)
    return ~known if rng.random() < 0.5 else known


def scattered(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    return rng.random((height, width)) < rng.random()


def side(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    if rng.random() < 0.5:
        return side(rng, width, height).T
    return np.broadcast_to((np.arange(height) < rng.integers(1, height))[:, None], (height, width)).copy()


def box(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    top, bottom = np.sort(rng.integers(0, height + 1, 2))
    left, right = np.sort(rng.integers(0, width + 1, 2))
    known = np.zeros((height, width), bool)
    known[top:bottom, left:right] = True
    return known


def brushed(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A few strokes of a round brush, each a straight line of discs."""
    row, column = np.mgrid[:height, :width]
    known = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):
        start, end = rng.random((2, 2)) * (height, width)
        radius = rng.uniform(0.25, 1) * max(height, width) / 5
        for along in np.linspace(0, 1, max(height, width)):
            middle = start + (end - start) * along
            known |= (row - middle[0]) ** 2 + (column - middle[1]) ** 2 <= radius**2
    return known
