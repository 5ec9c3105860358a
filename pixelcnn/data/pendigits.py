"""Digits drawn with a pen: recorded trajectories, drawn with the page's own brush.

Pen-Based Recognition of Handwritten Digits, original version (E. Alpaydin, F. Alimoglu; UCI, CC BY 4.0), in UNIPEN
text: trajectories by 30 writers. Writers 1 to 22 are the training split, 23 and 24 the validation split, 25 to 30 the test
split.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

FILE = "pendigits-orig-tra.txt.gz"
WRITERS = {"train": range(1, 23), "valid": range(23, 25), "test": range(25, 31)}
SIZE = 28  # height and width of the pictures
RADIUS = 1.05  # of the brush in pixels, as in web/static/canvas/drawing.js
BOX = 20  # height and width of the guide box on the page; MNIST's digits have the same size
VARIANTS = 3  # pictures of every training digit: one as written, the others transformed at random
Strokes = list[np.ndarray]  # each (points, 2): x to the right, y down


def read_strokes(path: Path) -> Iterator[tuple[Strokes, int, int]]:
    """Strokes, label and writer of every digit of a file.

    Raises ValueError for a damaged file, FileNotFoundError for a missing one.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; put the pen trajectories there or choose another data set.")
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
        for segment in text.split(".SEGMENT")[1:]:
            comment = re.search(r"\.COMMENT\s+(\d+)\s+(\d+)", segment)
            if comment is None:
                raise ValueError("a segment has no label and writer")
            label, writer = map(int, comment.groups())
            downs = re.findall(r"\.PEN_DOWN(.*?)\.PEN_UP", segment, re.S)
            strokes = [np.fromstring(down, sep=" ").reshape(-1, 2) * (1, -1) for down in downs]
            yield [stroke for stroke in strokes if len(stroke)], label, writer
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError):
        raise ValueError(f"{path} is not a complete file of pen trajectories; copy it again.") from None


def render_strokes(strokes: Strokes) -> np.ndarray:
    """Ink (28, 28), uint8, of strokes in pixels, drawn like the page's brush draws them."""
    points = np.concatenate([interpolate_stroke(stroke) for stroke in strokes])
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    distance = np.hypot(column[..., None] - points[:, 0], row[..., None] - points[:, 1]).min(-1)
    return np.round(255 * np.clip(RADIUS + 0.5 - distance, 0, 1)).astype(np.uint8)


def interpolate_stroke(stroke: np.ndarray) -> np.ndarray:
    """Points along a stroke, at most a third of a pixel apart."""
    steps = np.maximum(1, np.ceil(3 * np.hypot(*np.diff(stroke, axis=0).T))).astype(int)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stroke[:-1], stroke[1:], steps, strict=True)]
    return np.concatenate([*parts, stroke[-1:]])


def fit_to_box(strokes: Strokes, matrix: np.ndarray | None = None, offset: tuple[float, float] = (0, 0)) -> Strokes:
    """Strokes scaled to fill the guide box and centered; multiplied by a 2 x 2 matrix before, moved by an offset after."""
    transformed = [stroke @ matrix if matrix is not None else stroke for stroke in strokes]
    points = np.concatenate(transformed)
    low, high = points.min(0), points.max(0)
    scale = (BOX - 2 * RADIUS) / max(*(high - low), 1e-6)
    return [(stroke - (low + high) / 2) * scale + SIZE / 2 + offset for stroke in transformed]


def random_transform(rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """A small rotation, slant and stretch as a 2 x 2 matrix, and an offset in pixels."""
    angle, slant = rng.uniform(-0.17, 0.17), rng.uniform(-0.15, 0.15)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.array([[1, 0], [slant, 1]]) * rng.uniform(0.8, 1.25, (1, 2))
    x, y = rng.uniform(-1.5, 1.5, 2)
    return matrix, (x, y)


def random_scale(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Strokes scaled about the center of the picture, because people fill the box more or less."""
    scale = rng.uniform(0.75, 1.05)
    return [(stroke - SIZE / 2) * scale + SIZE / 2 for stroke in strokes]


def read_pendigits(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28) and labels (N,) of a split's writers; the training split has random variants of every digit too.

    Raises ValueError for a damaged file, FileNotFoundError for a missing one.
    """
    ink: list[np.ndarray] = []
    labels: list[int] = []
    for number, (strokes, label, writer) in enumerate(read_strokes(folder / FILE)):
        if writer not in WRITERS[split] or not strokes:
            continue
        ink.append(render_strokes(fit_to_box(strokes)))
        if split == "train":
            rng = np.random.default_rng([number, 0])
            for _ in range(VARIANTS - 1):
                ink.append(render_strokes(random_scale(fit_to_box(strokes, *random_transform(rng)), rng)))
        labels += [label] * (len(ink) - len(labels))
    if not ink:
        raise ValueError(f"{folder / FILE} has no digits of the writers of {split}; copy it again.")
    return np.stack(ink), np.asarray(labels, np.uint8)
