"""MNIST: IDX files or the Hub's copy, the static binarization, a bundled part, and their splits."""

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from pixelcnn.data.image_file import fit_to_size
from pixelcnn.data.image_folder import images_on_hub

HUB_DATASET = "ylecun/mnist"
BUNDLED_DIGITS = Path(__file__).with_name("bundled_digits.npz")


def read_mnist(
    source: Path | str | None, splits: Iterable[str], size: tuple[int, int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ink (N, H, W) and labels (N,) of each split, from a folder with IDX files or, for None, from the Hub.

    The last sixth of the training digits (10 000 of 60 000) is the validation split. Raises ValueError for damaged files,
    FileNotFoundError for missing ones.
    """
    splits = list(splits)
    parts = {part: read_part(source, part, size) for part in {part_of(split) for split in splits}}
    return [split_part(*parts[part_of(split)], split) for split in splits]


def part_of(split: str) -> str:
    """The part of MNIST, "train" or "test", that a split is taken from."""
    return "test" if split == "test" else "train"


def read_part(source: Path | str | None, part: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    ink, labels = read_hub(part) if source is None else read_idx_pair(Path(source), "t10k" if part == "test" else "train")
    return ink if ink.shape[1:] == size else resize_images(ink, size), labels


def split_part(ink: np.ndarray, labels: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray]:
    if split == "test":
        return ink, labels
    held_out = len(ink) // 6
    chosen = slice(-held_out, None) if split == "valid" else slice(None, -held_out)
    return ink[chosen], labels[chosen]


def read_hub(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28) and labels (N,) of the Hub's copy, whose gray levels are the ink; nothing is stretched.

    Raises ValueError for a picture that cannot be read.
    """
    ink, labels = [], []
    for name, file, label in images_on_hub(HUB_DATASET, part):
        try:
            ink.append(np.asarray(Image.open(file).convert("L")))
        except (OSError, ValueError, SyntaxError):
            raise ValueError(f"{name} of {HUB_DATASET} is damaged; delete it from the cache of the Hub.") from None
        labels.append(label)
    return np.stack(ink), np.asarray(labels, np.int8)


def resize_images(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pictures (N, H, W) at another size (H', W'): scaled to fit with their aspect ratio kept, padded with paper."""
    return np.stack([np.asarray(fit_to_size(Image.fromarray(picture), *size)) for picture in ink])


def read_bundled_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28), 0 or 255, and labels (N,) of the digits in this package: 5 000 to train, 500 to validate.

    They are thresholded digits of MNIST's first 50 000 and last 10 000 training digits. Raises ValueError for a damaged
    file or another split.
    """
    if split not in ("train", "valid"):
        raise ValueError(f"The bundled digits have no split {split!r}; choose train or valid.")
    return read_packed(BUNDLED_DIGITS, split)


def read_binarized_mnist(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28) and labels (N,) from `binarized_mnist.npz`: packed rows of 98 bytes, and labels.

    Raises ValueError for a damaged file, FileNotFoundError for a missing one.
    """
    path = folder / "binarized_mnist.npz"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; put the static binarization there or choose mnist-threshold.")
    return read_packed(path, split)


def read_packed(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, 28, 28), 0 or 255, and labels (N,) from packed rows of 98 bytes. Raises ValueError for a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            rows, labels = file[split], file[f"{split}_labels"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        raise ValueError(f"{path} is not a complete file of packed digits and labels; copy it again.") from None
    return np.unpackbits(rows, axis=1, count=784).reshape(-1, 28, 28) * np.uint8(255), labels


def read_idx(path: Path) -> np.ndarray:
    """An IDX file, gzipped or not: two zero bytes, type 8 (uint8), the number of axes, their sizes, the data.

    Raises ValueError for a damaged file, FileNotFoundError for a missing one.
    """
    zipped = path.with_name(path.name + ".gz")
    if not (path.exists() or zipped.exists()):
        raise FileNotFoundError(f"Neither {path} nor {zipped.name} exists; put MNIST's IDX files there.")
    try:
        data = path.read_bytes() if path.exists() else gzip.decompress(zipped.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ValueError(f"{zipped} is not a complete gzip file; copy it again.") from None
    axes = data[3] if len(data) > 4 else 0
    shape = tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes))
    body = np.frombuffer(data, np.uint8)[4 + 4 * axes :]
    if data[:3] != b"\0\0\x08" or not axes or body.size != np.prod(shape):
        raise ValueError(f"{path} is not a complete IDX file of bytes; copy it again.")
    return body.reshape(shape)


def read_idx_pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) and labels (N,) of `part`, which is "train" or "t10k"."""
    ink = read_idx(folder / f"{part}-images-idx3-ubyte")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte")
    if len(ink) != len(labels):
        raise ValueError(f"{folder} holds {len(ink)} {part} pictures and {len(labels)} labels; copy both again.")
    return ink, labels
