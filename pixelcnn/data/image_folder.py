"""Pictures of any kind as ink: a folder of picture files or an image data set of the Hub, brought to one size.

Files that cannot be used are skipped; one warning at the end names each of them with the reason. How a file becomes ink is
in image_file.py.
"""

import io
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelcnn.data.image_file import UnusableImageError, read_ink
from pixelcnn.hub.download import run_with_timeout

log = logging.getLogger(__name__)

LIST_TIMEOUT_S = 20.0  # for the Hub to list the files of a data set
ROWS_AT_ONCE = 256  # of a Parquet file, so that memory holds a few of its pictures


class ImageFile(NamedTuple):
    """A picture file or the content of one, with its name for messages and a label 0..9, or -1 for none."""

    name: str
    file: Path | io.BytesIO
    label: int


class Skipped(NamedTuple):
    """The name of a file or folder that cannot be used, and the reason, which starts with "it"."""

    name: str
    reason: str


def read_images(
    source: Path | str | None, splits: Iterable[str], size: tuple[int, int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ink (N, H, W) and labels (N,) of each split of a folder of pictures or of a Hub data set, user/name.

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
    chosen = [~held_out if split == "train" else held_out for split in splits]
    return [(ink[index], labels[index]) for index in chosen]


def decode_images(
    files: Iterable[ImageFile | Skipped], height: int, width: int, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) and labels (N,) of all pictures that can be used. Raises ValueError if there are none."""
    ink, labels, skipped = [], [], []
    for item in files:
        if isinstance(item, Skipped):
            skipped.append(item)
            continue
        try:
            ink.append(read_ink(item.file, height, width))
            labels.append(item.label)
        except UnusableImageError as error:
            skipped.append(Skipped(item.name, str(error)))
    if skipped:
        lines = "".join(f"\n  {name}: {reason}" for name, reason in skipped)
        log.warning("%s: %d pictures are used, %d skipped:%s", source, len(ink), len(skipped), lines)
    if not ink:
        raise ValueError(f"{source} has no pictures that can be used; give a folder of picture files, such as PNG or JPEG.")
    return np.stack(ink), np.asarray(labels, np.int8)


def images_in_folder(folder: Path) -> Iterator[ImageFile | Skipped]:
    """All files in a folder and its subfolders, sorted by name; a subfolder named 0 to 9 is the label.

    Links to folders are followed, but no folder is read twice. Hidden files and folders, such as .git, are left out.
    """
    skipped: list[Skipped] = []
    paths: list[Path] = []
    visited: set[str] = set()

    def skip_unreadable(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"it cannot be opened ({error.strerror})"))

    for place, folders, names in os.walk(folder, onerror=skip_unreadable, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        target = os.path.realpath(place)
        if target in visited:
            skipped.append(Skipped(place, "it is a link to a folder that is read already"))
            folders.clear()
            continue
        visited.add(target)
        paths += [Path(place, name) for name in names if not name.startswith(".")]
    yield from skipped
    for path in sorted(paths):
        label = int(path.parent.name) if re.fullmatch("[0-9]", path.parent.name) else -1
        yield ImageFile(str(path), path, label)


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
                f"The data set {name} cannot be downloaded ({type(error).__name__}); give a folder instead."
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

    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        structs = [field for field in schema if pyarrow.types.is_struct(field.type)]
        columns = [field.name for field in structs if "bytes" in [part.name for part in field.type]]
        if not columns:
            raise ValueError(f"{path.name} has no column of pictures; give an image data set.")
        labels = ["label"] if "label" in schema.names and pyarrow.types.is_integer(schema.field("label").type) else []
        row = 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns[:1] + labels):
            for item in batch.to_pylist():
                content, label = (item[columns[0]] or {}).get("bytes") or b"", item.get("label")
                digit = label if label is not None and 0 <= label <= 9 else -1
                yield ImageFile(f"{path.name}, row {row}", io.BytesIO(content), digit)
                row += 1
