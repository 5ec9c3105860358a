"""MNIST in its four guises: read, checked, and turned into levels.

    binarized-mnist   the static binarization of the literature (Salakhutdinov & Murray 2008, Larochelle's split)
    mnist-threshold   ink from 128 on is black: clean edges, as strokes on a canvas have
    mnist-resampled   a pixel of ink v is black with probability v/255, drawn anew each time: speckled edges
    mnist-gray        the 256 levels as they are

Nats on the four are not comparable. The splits of the last three are MNIST's own: the first 50 000 training digits, the
last 10 000 of them to choose by (`valid`), the 10 000 test digits. The static rows come in another order: never mix.
"""

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

DATASETS = ("binarized-mnist", "mnist-threshold", "mnist-resampled", "mnist-gray")
SPLITS = ("train", "valid", "test")
HUB_DATASET = "ylecun/mnist"


@dataclass(frozen=True)
class Digits:
    """Pictures of one split: ink (N, H, W) uint8, 0 paper to 255 ink; labels (N,) 0..9; how ink becomes levels."""

    ink: np.ndarray
    labels: np.ndarray
    dataset: str

    @property
    def levels(self) -> int:
        return 256 if self.dataset == "mnist-gray" else 2

    def __len__(self) -> int:
        return len(self.ink)

    def batch(self, index: np.ndarray, rng: np.random.Generator, shift: int = 0) -> np.ndarray:
        """Levels (len(index), H, W), int64, of some pictures, each moved by up to `shift` pixels in both directions."""
        ink = self.ink[index]
        if shift:
            ink = shifted(ink, rng.integers(-shift, shift + 1, (len(ink), 2)))
        if self.dataset == "mnist-gray":
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


def load_digits(dataset: str, directory: Path | None, split: str) -> Digits:
    """One split of a data set, from a directory or, where that is None, from the Hub (`ylecun/mnist`).

    Raises ValueError with a sentence for an unknown data set or split, FileNotFoundError for a missing file.
    """
    if dataset not in DATASETS:
        raise ValueError(f"There is no data set {dataset!r}; choose one of {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    if dataset == "binarized-mnist":
        ink, labels = read_static(directory, split)
        return Digits(ink, labels, dataset)
    part = "t10k" if split == "test" else "train"
    ink, labels = read_hub(part) if directory is None else read_idx_pair(directory, part)
    if split != "test":
        held_out = len(ink) // 6  # 10 000 of 60 000
        chosen = slice(-held_out, None) if split == "valid" else slice(None, -held_out)
        ink, labels = ink[chosen], labels[chosen]
    return Digits(ink, labels, dataset)


def read_static(directory: Path | None, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The static binarization from `binarized_mnist.npz`: packed rows of 98 bytes and their labels."""
    if directory is None:
        raise ValueError("The static binarization is not on the Hub; give --data-dir with binarized_mnist.npz in it.")
    path = directory / "binarized_mnist.npz"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; put the static binarization there or choose mnist-threshold.")
    try:
        with np.load(path, allow_pickle=False) as file:
            rows, labels = file[split], file[f"{split}_labels"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
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


def read_hub(part: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST from the Hub, into its cache the first time."""
    from huggingface_hub import hf_hub_download  # here, for scoring local files needs no Hub

    name = f"mnist/{'test' if part == 't10k' else 'train'}-00000-of-00001.parquet"
    return read_parquet(Path(hf_hub_download(HUB_DATASET, name, repo_type="dataset")))


def read_parquet(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and labels of a Hub image data set's file: columns image.bytes (PNG) and label."""
    try:
        import pyarrow.parquet  # the app does not need it
    except ImportError:
        raise ValueError("Reading MNIST from the Hub needs pyarrow; pip install -r requirements-train.txt.") from None

    table = pyarrow.parquet.read_table(path, columns=["image", "label"])
    pictures = [Image.open(io.BytesIO(image["bytes"])).convert("L") for image in table["image"].to_pylist()]
    return np.stack([np.asarray(picture) for picture in pictures]), np.asarray(table["label"], np.uint8)
