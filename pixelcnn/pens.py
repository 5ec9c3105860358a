"""Digits as people draw them with a pen, inked with the page's own brush: what a visitor draws.

Pen-Based Recognition of Handwritten Digits, original version (E. Alpaydin, F. Alimoglu; UCI, CC BY 4.0), in UNIPEN
text: trajectories by 30 writers. 1 to 22 train, 23 and 24 are to choose by, 25 to 30 are unseen: the test split.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

FILE = "pendigits-orig-tra.txt.gz"
WRITERS = {"train": range(1, 23), "valid": range(23, 25), "test": range(25, 31)}
SIZE = 28  # of the pictures, either way
RADIUS = 1.05  # of the brush, as in web/js/drawing.js
BOX = 20  # the guide box on the page, where MNIST's digits sit
VARIANTS = 3  # of every digit to train with, each turned, slanted, scaled and moved a little
Strokes = list[np.ndarray]  # each (points, 2): x to the right, y down


def read(path: Path) -> Iterator[tuple[Strokes, int, int]]:
    """Strokes, label and writer of every digit of the file. Raises FileNotFoundError, ValueError with a sentence."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; put the pen trajectories there or choose another data set.")
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
        for segment in text.split(".SEGMENT")[1:]:
            label, writer = map(int, re.search(r"\.COMMENT\s+(\d+)\s+(\d+)", segment).groups())
            downs = re.findall(r"\.PEN_DOWN(.*?)\.PEN_UP", segment, re.S)
            strokes = [np.fromstring(down, sep=" ").reshape(-1, 2) * (1, -1) for down in downs]
            yield [stroke for stroke in strokes if len(stroke)], label, writer
    except (gzip.BadGzipFile, zlib.error, EOFError, AttributeError, ValueError):
        raise ValueError(f"{path} is not a whole file of pen trajectories; copy it again.") from None


def inked(strokes: Strokes) -> np.ndarray:
    """Strokes in pixels as the page's brush inks them: (28, 28) uint8."""
    points = np.concatenate([along(stroke) for stroke in strokes])
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    distance = np.hypot(column[..., None] - points[:, 0], row[..., None] - points[:, 1]).min(-1)
    return np.round(255 * np.clip(RADIUS + 0.5 - distance, 0, 1)).astype(np.uint8)


def along(stroke: np.ndarray) -> np.ndarray:
    """Points no further apart than a third of a pixel."""
    steps = np.maximum(1, np.ceil(3 * np.hypot(*np.diff(stroke, axis=0).T))).astype(int)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stroke[:-1], stroke[1:], steps, strict=True)]
    return np.concatenate([*parts, stroke[-1:]])


def placed(strokes: Strokes, turn: np.ndarray | None = None, move: tuple[float, float] = (0, 0)) -> Strokes:
    """Strokes in the guide box: as large as fits, in the middle; turned by a 2 x 2 matrix before, moved after."""
    turned = [stroke @ turn if turn is not None else stroke for stroke in strokes]
    points = np.concatenate(turned)
    low, high = points.min(0), points.max(0)
    scale = (BOX - 2 * RADIUS) / max(*(high - low), 1e-6)
    return [(stroke - (low + high) / 2) * scale + SIZE / 2 + move for stroke in turned]


def varied(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A small turn, slant and stretch as a 2 x 2 matrix, and a move in pixels."""
    angle, slant = rng.uniform(-0.17, 0.17), rng.uniform(-0.15, 0.15)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return turn @ np.array([[1, 0], [slant, 1]]) * rng.uniform(0.8, 1.25, (1, 2)), rng.uniform(-1.5, 1.5, 2)


def read_pens(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28) and labels (N,) of a split's writers; to train with, also varied."""
    ink, labels = [], []
    for number, (strokes, label, writer) in enumerate(read(folder / FILE)):
        if writer not in WRITERS[split] or not strokes:
            continue
        ink.append(inked(placed(strokes)))
        if split == "train":
            rng = np.random.default_rng([number, 0])
            ink += [inked(shrunk(placed(strokes, *varied(rng)), rng)) for _ in range(VARIANTS - 1)]
        labels += [label] * (len(ink) - len(labels))
    if not ink:
        raise ValueError(f"{folder / FILE} has no digits of the writers of {split}; copy it again.")
    return np.stack(ink), np.asarray(labels, np.uint8)


def shrunk(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Not everybody fills the box."""
    share = rng.uniform(0.75, 1.05)
    return [(stroke - SIZE / 2) * share + SIZE / 2 for stroke in strokes]
