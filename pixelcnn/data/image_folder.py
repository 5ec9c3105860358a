"""Pictures of any kind as ink: a folder of picture files or an image data set of the Hub, brought to one size.

Ink is 255 where the drawing is strongest and 0 for paper, whether the paper in the file is light or dark. Files that cannot
be used are skipped with a warning that names them.
"""

import io
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from pixelcnn.hub.download import run_with_timeout

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
LIST_TIMEOUT_S = 20.0  # for the Hub to list the files of a data set


class ImageFile(NamedTuple):
    """The content of a picture file, with its name for messages and a label 0..9, or -1 for none."""

    name: str
    content: bytes
    label: int


def read_images(source: Path | str | None, split: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) and labels (N,) of a split of a folder of pictures or of a Hub data set, user/name.

    Every sixth picture is held out; these pictures are both the validation and the test split. Raises ValueError.
    """
    if source is None:
        raise ValueError("No pictures are given; name a folder or a Hub data set, user/name.")
    is_folder = Path(source).is_dir()
    if not is_folder and not re.fullmatch(r"[\w.-]+/[\w.-]+", str(source)):
        raise ValueError(f"There is no folder {source}; give one, or a Hub data set, user/name.")
    files = images_in_folder(Path(source)) if is_folder else images_on_hub(str(source))
    ink, labels = decode_images(files, *size, str(source))
    if len(ink) < 6:
        raise ValueError(f"{source} has {len(ink)} pictures that can be used; give at least 6.")
    held_out = np.arange(len(ink)) % 6 == 5
    chosen = ~held_out if split == "train" else held_out
    return ink[chosen], labels[chosen]


def decode_images(files: Iterable[ImageFile], height: int, width: int, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) and labels (N,) of all pictures that can be used. Raises ValueError if there are none."""
    ink, labels, skipped = [], [], 0
    for name, content, label in files:
        try:
            ink.append(decode_ink(content, height, width))
            labels.append(label)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            skipped += 1
            log.warning("skipped %s: %s", name, error)
    if not ink:
        raise ValueError(f"{source} has no pictures that can be used; give a folder of {', '.join(SUFFIXES)} files.")
    if skipped:
        log.warning("%s: %d pictures, %d skipped", source, len(ink), skipped)
    return np.stack(ink), np.asarray(labels, np.int8)


def decode_ink(content: bytes, height: int, width: int) -> np.ndarray:
    """A picture file as ink (height, width), uint8.

    Raises ValueError or OSError for a file that is not a picture, is smaller than 4 pixels, or is more than four times as
    long as wide.
    """
    with Image.open(io.BytesIO(content)) as file:
        image = file.convert("RGBA")
    if min(image.size) < 4 or max(image.size) > 4 * min(image.size):
        raise ValueError(f"its size is {image.width} x {image.height}")
    gray = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
    pixels = np.asarray(gray)
    border = np.concatenate([pixels[[0, -1]].ravel(), pixels[:, [0, -1]].ravel()])
    if np.median(border) > 127:  # light paper
        gray = ImageOps.invert(gray)
    return np.asarray(fit_to_size(gray, height, width))


def fit_to_size(gray: Image.Image, height: int, width: int) -> Image.Image:
    """Ink as a gray image at another size: scaled to fit with its aspect ratio kept, padded with paper."""
    return gray if gray.size == (width, height) else ImageOps.pad(gray, (width, height), color=0)


def images_in_folder(folder: Path) -> Iterator[ImageFile]:
    """All picture files in a folder and its subfolders, sorted by name; a subfolder named 0 to 9 is the label."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            label = int(path.parent.name) if re.fullmatch("[0-9]", path.parent.name) else -1
            try:
                yield ImageFile(str(path), path.read_bytes(), label)
            except OSError as error:
                log.warning("skipped %s: %s", path, error)


def images_on_hub(name: str, part: str = "train") -> Iterator[ImageFile]:
    """All pictures in the Parquet files of a Hub data set whose names contain `part`, or in all of them if none does.

    If the Hub cannot be reached, files of an earlier download are used. Raises ValueError if there are none.
    """
    for path in parquet_files_on_hub(name, part):
        yield from images_in_parquet(path)


def parquet_files_on_hub(name: str, part: str) -> list[Path]:
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download  # the import takes half a second
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        listed = run_with_timeout(LIST_TIMEOUT_S, lambda: HfApi().list_repo_files(name, repo_type="dataset"))
        files = files_of_part([file for file in listed if file.endswith(".parquet")], part)
        return [Path(hf_hub_download(name, file, repo_type="dataset")) for file in files]
    except Exception as error:  # errors of the Hub, the network and the HTTP library have no common base class
        try:
            cached = Path(snapshot_download(name, repo_type="dataset", local_files_only=True))
        except LocalEntryNotFoundError:
            raise ValueError(
                f"The data set {name} cannot be downloaded ({type(error).__name__}); give a folder instead, --data DIR."
            ) from None
        return [Path(file) for file in files_of_part(sorted(map(str, cached.rglob("*.parquet"))), part)]


def files_of_part(files: list[str], part: str) -> list[str]:
    """The files whose names contain `part`, or all of them if none does."""
    return [file for file in files if part in file.rsplit("/", 1)[-1]] or files


def images_in_parquet(path: Path) -> Iterator[ImageFile]:
    """The pictures of a Parquet file of the Hub: a column of {bytes, path}, and a column `label` if there is one.

    Raises ValueError if there is no such column.
    """
    try:
        import pyarrow
        import pyarrow.parquet  # not a requirement of the app
    except ImportError:
        raise ValueError("Reading data sets of the Hub needs pyarrow; run pip install -r requirements-train.txt.") from None

    table = pyarrow.parquet.read_table(path)
    structs = [field.name for field in table.schema if pyarrow.types.is_struct(field.type)]
    columns = [name for name in structs if "bytes" in [part.name for part in table.schema.field(name).type]]
    if not columns:
        raise ValueError(f"{path.name} has no column of pictures; give an image data set.")
    has_labels = "label" in table.schema.names and pyarrow.types.is_integer(table.schema.field("label").type)
    labels = table["label"].to_pylist() if has_labels else [-1] * len(table)
    for row, (image, label) in enumerate(zip(table[columns[0]].to_pylist(), labels, strict=True)):
        digit = label if label is not None and 0 <= label <= 9 else -1
        yield ImageFile(f"{path.name}, row {row}", (image or {}).get("bytes") or b"", digit)
