"""Pictures of any kind as ink: a folder of them, or an image data set of the Hub, brought to one size.

Ink is what stands on the paper: 255 where it is thickest, 0 for paper, whichever of the two is dark in the file. A picture
that cannot be used is named in the log and skipped, never silently.
"""

import io
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pixelcnn.errors import BadInput
from pixelcnn.patience import within

log = logging.getLogger(__name__)

KINDS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
DEADLINE_S = 20.0  # for the Hub to say what it has
Named = tuple[str, bytes, int]  # where it is from, the file, a label 0..9 or -1


def ink_of(content: bytes, height: int, width: int) -> np.ndarray:
    """One picture file as ink, (height, width) uint8. Raises ValueError, OSError for no picture, or too odd a one."""
    with Image.open(io.BytesIO(content)) as image:
        image = image.convert("RGBA")
    if min(image.size) < 4 or max(image.size) > 4 * min(image.size):
        raise ValueError(f"it is {image.width} x {image.height}")
    gray = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
    edge = np.concatenate([np.asarray(gray)[[0, -1]].ravel(), np.asarray(gray)[:, [0, -1]].ravel()])
    if np.median(edge) > 127:  # the paper is the lighter of the two
        gray = ImageOps.invert(gray)
    return np.asarray(gray if gray.size == (width, height) else ImageOps.pad(gray, (width, height), color=0))


def collect(named: Iterable[Named], height: int, width: int, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) and labels (N,) of all pictures that can be used. Raises BadInput where there is none."""
    ink, labels, skipped = [], [], 0
    for name, content, label in named:
        try:
            ink.append(ink_of(content, height, width))
            labels.append(label)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            skipped += 1
            log.warning("skipped %s: %s", name, error)
    if not ink:
        raise BadInput(f"{source} has no pictures that can be used; give a folder of {', '.join(KINDS)} files.")
    if skipped:
        log.warning("%s: %d pictures, %d skipped", source, len(ink), skipped)
    return np.stack(ink), np.asarray(labels, np.int8)


def in_folder(folder: Path) -> Iterable[Named]:
    """All picture files below a folder, by name; those in a folder called 0 to 9 have that label."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in KINDS:
            label = int(path.parent.name) if path.parent.name in "0123456789" and len(path.parent.name) == 1 else -1
            try:
                yield str(path), path.read_bytes(), label
            except OSError as error:
                log.warning("skipped %s: %s", path, error)


def on_the_hub(name: str, part: str = "train") -> Iterable[Named]:
    """All pictures in the Parquet files of a Hub data set whose names hold `part`, or in all of them if none does."""
    from huggingface_hub import HfApi, snapshot_download  # half a second to import
    from huggingface_hub.errors import LocalEntryNotFoundError

    def listed() -> list[str]:
        return HfApi().list_repo_files(name, repo_type="dataset")

    try:
        files = within(DEADLINE_S, listed, f"The data set {name}", "give a folder instead, --data DIR")
        files = chosen([file for file in files if file.endswith(".parquet")], part)
        paths = [download(name, file) for file in files]
    except BadInput as silent:
        try:
            cached = Path(snapshot_download(name, repo_type="dataset", local_files_only=True))
        except LocalEntryNotFoundError:
            raise silent from None
        paths = chosen(sorted(cached.rglob("*.parquet")), part)
    for path in paths:
        yield from in_parquet(path)


def download(name: str, file: str) -> Path:
    """One file of a data set, however long it takes."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, file, repo_type="dataset"))
    except Exception as error:  # of the Hub, of the network, of the library below: they have no common base
        raise BadInput(f"{file} of {name} could not be had ({type(error).__name__}); give a folder, --data DIR.") from None


def chosen(files: list, part: str) -> list:
    return [file for file in files if part in str(file).rsplit("/", 1)[-1]] or files


def in_parquet(path: Path) -> Iterable[Named]:
    """The pictures of one file of a Hub data set: a column of {bytes, path}, and `label` where there is one."""
    try:
        import pyarrow
        import pyarrow.parquet  # the app does not need it
    except ImportError:
        raise BadInput("Reading data sets of the Hub needs pyarrow; pip install -r requirements-train.txt.") from None

    table = pyarrow.parquet.read_table(path)
    structs = [field.name for field in table.schema if pyarrow.types.is_struct(field.type)]
    columns = [name for name in structs if "bytes" in [part.name for part in table.schema.field(name).type]]
    if not columns:
        raise BadInput(f"{path.name} has no column of pictures; give an image data set.")
    whole = "label" in table.schema.names and pyarrow.types.is_integer(table.schema.field("label").type)
    labels = table["label"].to_pylist() if whole else [-1] * len(table)
    for row, (image, label) in enumerate(zip(table[columns[0]].to_pylist(), labels, strict=True)):
        digit = label if label is not None and 0 <= label <= 9 else -1
        yield f"{path.name}, row {row}", (image or {}).get("bytes") or b"", digit
