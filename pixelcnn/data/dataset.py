"""The data sets by name: one split as ink and labels, and batches of levels from it.

    binarized-mnist   the static binarization of the literature (Salakhutdinov & Murray 2008, Larochelle's split)
    mnist-threshold   a pixel is black from ink 128 on: smooth edges, like strokes on a canvas
    bundled-digits    5 000 digits of mnist-threshold and 500 to validate, which come with this package; no test split
    mnist-resampled   a pixel of ink v is black with probability v / 255, drawn again for every batch: speckled edges
    mnist-gray        the 256 levels
    pens              pen trajectories drawn with the page's brush, black from ink 128 on (see pendigits.py)
    mnist-and-pens    mnist-threshold and pens of the same split
    pictures          a folder of pictures or a Hub image data set, black from ink 128 on (see image_folder.py)
    pictures-gray     the same with 256 levels

Nats on different data sets are not comparable. Except for the static binarization, the splits of MNIST are: `train`, the
first 50 000 training digits; `valid`, the last 10 000; `test`, the 10 000 test digits. The static binarization has the
digits in another order, so its training split must not be mixed with another validation split.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from pixelcnn.data.image_folder import read_images
from pixelcnn.data.mnist import read_binarized_mnist, read_bundled_digits, read_mnist
from pixelcnn.data.pendigits import read_pendigits

DATASETS = (
    "binarized-mnist",
    "mnist-threshold",
    "bundled-digits",
    "mnist-resampled",
    "mnist-gray",
    "pens",
    "mnist-and-pens",
    "pictures",
    "pictures-gray",
)
SPLITS = ("train", "valid", "test")
THRESHOLD = 128  # the least ink that is black in a data set of two levels
Ink = TypeVar("Ink", np.ndarray, Tensor)


@dataclass(frozen=True)
class Digits:
    """Pictures of one split: ink (N, H, W), uint8, from 0 for paper to 255; labels (N,), 0..9 or -1 for none."""

    ink: np.ndarray
    labels: np.ndarray
    dataset: str

    @property
    def levels(self) -> int:
        return 256 if self.dataset.endswith("-gray") else 2

    def __len__(self) -> int:
        return len(self.ink)

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Levels (len(index), H, W), int64, of some pictures. rng is used if the data set is resampled."""
        ink = self.ink[index]
        uniform = rng.random(ink.shape) if self.is_resampled else None
        return self.quantize(ink, uniform).astype(np.int64)

    @property
    def is_resampled(self) -> bool:
        """Whether levels are drawn again for every batch."""
        return self.dataset == "mnist-resampled"

    def quantize(self, ink: Ink, uniform: Ink | None) -> Ink:
        """Ink (..., H, W) as levels; for a resampled data set, with random numbers in [0, 1) of the same shape."""
        if self.levels == 256:
            return ink
        return ink >= THRESHOLD if uniform is None else uniform * 255 < ink

    def fingerprint(self) -> str:
        """A hash of the pictures, 16 hexadecimal digits, the same for equal ink in equal order."""
        return hashlib.sha256(self.ink.tobytes()).hexdigest()[:16]


def shift_images(ink: Tensor, offsets: Tensor) -> Tensor:
    """Pictures (N, H, W) moved down and right by offsets (N, 2), long, in pixels, filled with paper at the borders."""
    height, width = ink.shape[1:]
    rows = torch.arange(height, device=ink.device) - offsets[:, 0, None]  # (N, H): where each pixel comes from
    columns = torch.arange(width, device=ink.device) - offsets[:, 1, None]  # (N, W)
    pictures = torch.arange(len(ink), device=ink.device)[:, None, None]
    moved = ink[pictures, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    return moved * inside


def load_digits(dataset: str, source: Path | str | None, split: str, size: tuple[int, int] = (28, 28)) -> Digits:
    """One split of a data set; see `load_splits`."""
    return load_splits(dataset, source, (split,), size)[0]


def load_splits(
    dataset: str, source: Path | str | None, splits: Sequence[str], size: tuple[int, int] = (28, 28)
) -> list[Digits]:
    """Splits of a data set. Files that several splits share are read once.

    source: a folder; for pictures also the name of a Hub data set, user/name; None for MNIST from the Hub.
    size: (H, W) for `mnist-*` and pictures, which are scaled to fit and padded; other data sets are 28 x 28.

    Raises ValueError for an unknown name or files that cannot be used, FileNotFoundError for a missing file.
    """
    if dataset not in DATASETS:
        raise ValueError(f"There is no data set {dataset!r}; choose one of {', '.join(DATASETS)}.")
    for split in splits:
        if split not in SPLITS:
            raise ValueError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    if dataset in ("pictures", "pictures-gray"):
        arrays = read_images(source, splits, size)
    elif dataset == "binarized-mnist":
        arrays = [read_binarized_mnist(_folder(source, dataset), split) for split in splits]
    elif dataset == "bundled-digits":
        arrays = [read_bundled_digits(split) for split in splits]
    elif dataset == "pens":
        arrays = [read_pendigits(_folder(source, dataset), split) for split in splits]
    elif dataset == "mnist-and-pens":
        folder = _folder(source, dataset)
        parts = [load_splits(part, folder, splits) for part in ("mnist-threshold", "pens")]
        return [concatenate(pair, dataset) for pair in zip(*parts, strict=True)]
    else:
        arrays = read_mnist(source, splits, size)
    return [Digits(ink, labels, dataset) for ink, labels in arrays]


def concatenate(parts: Sequence[Digits], dataset: str) -> Digits:
    """The pictures of several parts, in order, as one data set."""
    return Digits(np.concatenate([part.ink for part in parts]), np.concatenate([part.labels for part in parts]), dataset)


def _folder(source: Path | str | None, dataset: str) -> Path:
    if source is None:
        raise ValueError(f"{dataset} is not on the Hub; give the folder that holds its files.")
    return Path(source)


def guess_dataset(source: Path | str | None, levels: int) -> str:
    """The data set that a source most likely holds, for a model of that many levels."""
    has_mnist = source is None or any(Path(source).glob("train-images-idx3-ubyte*"))
    if levels == 256:
        return "mnist-gray" if has_mnist else "pictures-gray"
    if has_mnist:
        return "mnist-threshold"
    return "binarized-mnist" if Path(source or "", "binarized_mnist.npz").exists() else "pictures"
