"""MNIST in its four guises, and other pictures: read, checked, and turned into levels.

    binarized-mnist   the static binarization of the literature (Salakhutdinov & Murray 2008, Larochelle's split)
    mnist-threshold   ink from 128 on is black: clean edges, as strokes on a canvas have
    mnist-resampled   a pixel of ink v is black with probability v/255, drawn anew each time: speckled edges
    mnist-gray        the 256 levels as they are
    pens              pen trajectories inked with the page's brush, ink from 128 on is black (see pens.py)
    mnist-and-pens    both: mnist-threshold, and the pens of the same split
    pictures          any folder of pictures or Hub image data set, ink from 128 on is black (see pictures.py)
    pictures-gray     the same in 256 levels

Nats on them are not comparable. The splits of the other guises of MNIST are its own: the first 50 000 training digits, the
last 10 000 of them to choose by (`valid`), the 10 000 test digits. The static rows come in another order: never mix.
"""

import gzip
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pixelcnn.pens import read_pens
from pixelcnn.pictures import collect, in_folder, on_the_hub

DATASETS = ("binarized-mnist", "mnist-threshold", "mnist-resampled", "mnist-gray", "pens", "mnist-and-pens")
DATASETS += ("pictures", "pictures-gray")
SPLITS = ("train", "valid", "test")
HUB_DATASET = "ylecun/mnist"


@dataclass(frozen=True)
class Digits:
    """Pictures of one split: ink (N, H, W) uint8, 0 paper to 255 ink; labels (N,) 0..9, or -1; how ink becomes levels."""

    ink: np.ndarray
    labels: np.ndarray
    dataset: str

    @property
    def levels(self) -> int:
        return 256 if self.dataset.endswith("-gray") else 2

    def __len__(self) -> int:
        return len(self.ink)

    def batch(self, index: np.ndarray, rng: np.random.Generator, shift: int = 0) -> np.ndarray:
        """Levels (len(index), H, W), int64, of some pictures, each moved by up to `shift` pixels in both directions."""
        ink = self.ink[index]
        if shift:
            ink = shifted(ink, rng.integers(-shift, shift + 1, (len(ink), 2)))
        if self.levels == 256:
            return ink.astype(np.int64)
        if self.dataset == "mnist-resampled":
            return (rng.random(ink.shape) * 255 < ink).astype(np.int64)
        return (ink >= 128).astype(np.int64)


def shifted(ink: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W) moved down and right by (N, 2) pixels, paper coming in at the borders."""
    reach = int(np.abs(by).max(initial=0))
    height, width = ink.shape[1:]
    padded = np.pad(ink, ((0, 0), (reach, reach), (reach, reach)))
    rows = reach - by[:, 0, None] + np.arange(height)  # (N, H)
    columns = reach - by[:, 1, None] + np.arange(width)  # (N, W)
    return padded[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]]


def load_digits(dataset: str, source: Path | str | None, split: str, size: tuple[int, int] = (28, 28)) -> Digits:
    """One split of a data set at a size (H, W), from a folder, a data set of the Hub by its name, or MNIST there (None).

    Raises ValueError with a sentence for what is unknown or cannot be used, FileNotFoundError for a missing file.
    """
    if dataset not in DATASETS:
        raise ValueError(f"There is no data set {dataset!r}; choose one of {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    if dataset == "binarized-mnist":
        ink, labels = read_static(source, split)
        return Digits(ink, labels, dataset)
    if dataset == "pens":
        return Digits(*read_pens(folder_of(source, "the pen trajectories"), split), dataset)
    if dataset == "mnist-and-pens":
        parts = [load_digits(name, folder_of(source, "both"), split) for name in ("mnist-threshold", "pens")]
        ink, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("ink", "labels"))
        return Digits(ink, labels, dataset)
    if dataset.startswith("pictures"):
        return read_pictures(dataset, source, split, size)
    part = "t10k" if split == "test" else "train"
    if source is None:
        ink, labels = collect(on_the_hub(HUB_DATASET, "test" if split == "test" else "train"), *size, HUB_DATASET)
    else:
        ink, labels = read_idx_pair(Path(source), part)
        ink = ink if ink.shape[1:] == size else resized(ink, size)
    if split != "test":
        held_out = len(ink) // 6  # 10 000 of 60 000
        chosen = slice(-held_out, None) if split == "valid" else slice(None, -held_out)
        ink, labels = ink[chosen], labels[chosen]
    return Digits(ink, labels, dataset)


def folder_of(source: Path | str | None, what: str) -> Path:
    if source is None:
        raise ValueError(f"The Hub has not {what}; give the folder that holds it.")
    return Path(source)


def read_pictures(dataset: str, source: Path | str | None, split: str, size: tuple[int, int]) -> Digits:
    """Every sixth picture is held out; it is the validation and the test split, which such a set has not apart."""
    if source is None:
        raise ValueError("No pictures are given; name a folder or a Hub data set, user/name.")
    if not Path(source).is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+", str(source)):
        raise ValueError(f"There is no folder {source}; give one, or a Hub data set, user/name.")
    named = in_folder(Path(source)) if Path(source).is_dir() else on_the_hub(str(source))
    ink, labels = collect(named, *size, str(source))
    if len(ink) < 6:
        raise ValueError(f"{source} has {len(ink)} pictures that can be used; give at least 6.")
    held_out = np.arange(len(ink)) % 6 == 5
    chosen = ~held_out if split == "train" else held_out
    return Digits(ink[chosen], labels[chosen], dataset)


def guess(source: Path | str | None, levels: int) -> str:
    """The data set that a source most likely is, for a model of so many levels."""
    mnist = source is None or next(Path(source).glob("train-images-idx3-ubyte*"), None) is not None
    if levels == 256:
        return "mnist-gray" if mnist else "pictures-gray"
    return "mnist-threshold" if mnist else "pictures"


def resized(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pictures (N, H, W) brought to another size (H', W')."""
    height, width = size
    return np.stack([np.asarray(Image.fromarray(picture).resize((width, height))) for picture in ink])


def read_static(directory: Path | str | None, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The static binarization from `binarized_mnist.npz`: packed rows of 98 bytes and their labels."""
    if directory is None:
        raise ValueError("The static binarization is not on the Hub; give the folder with binarized_mnist.npz in it.")
    path = Path(directory) / "binarized_mnist.npz"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; put the static binarization there or choose mnist-threshold.")
    try:
        with np.load(path, allow_pickle=False) as file:
            rows, labels = file[split], file[f"{split}_labels"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        raise ValueError(f"{path} is not a whole file of packed digits and labels; copy it again.") from None
    return np.unpackbits(rows, axis=1, count=784).reshape(-1, 28, 28) * np.uint8(255), labels


def read_idx(path: Path) -> np.ndarray:
    """An IDX file, gzipped or not: two zero bytes, type 8 (uint8), the number of axes, their sizes, the data."""
    zipped = path.with_name(path.name + ".gz")
    if not (path.exists() or zipped.exists()):
        raise FileNotFoundError(f"Neither {path} nor {zipped.name} exists; put MNIST's IDX files there.")
    try:
        data = path.read_bytes() if path.exists() else gzip.decompress(zipped.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ValueError(f"{zipped} is not a whole gzip file; copy it again.") from None
    axes = data[3] if len(data) > 4 else 0
    shape = tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes))
    body = np.frombuffer(data, np.uint8)[4 + 4 * axes :]
    if data[:3] != b"\0\0\x08" or not axes or body.size != np.prod(shape):
        raise ValueError(f"{path} is not a whole IDX file of bytes; copy it again.")
    return body.reshape(shape)


def read_idx_pair(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    ink = read_idx(directory / f"{part}-images-idx3-ubyte")
    labels = read_idx(directory / f"{part}-labels-idx1-ubyte")
    if len(ink) != len(labels):
        raise ValueError(f"{directory} holds {len(ink)} {part} pictures and {len(labels)} labels; copy both again.")
    return ink, labels
