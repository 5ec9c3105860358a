"""weights/manifest.json, the list of all weights: where it is, what it holds, reading it."""

import hashlib
import json
from pathlib import Path
from typing import NotRequired, TypedDict

from pixelcnn.errors import WeightsError

PACKAGE = Path(__file__).parents[1]
# In a checkout, the folder beside the package; in an installed wheel, a folder inside the package.
WEIGHTS = next(
    (folder for folder in (PACKAGE / "weights", PACKAGE.parent / "weights") if folder.is_dir()), PACKAGE / "weights"
)


class Facts(TypedDict):
    """What a page needs to know about a model before it is loaded."""

    levels: int  # of a pixel
    classes: int  # that the model can be conditioned on; 0 for none
    height: int
    width: int
    any_mask: bool  # whether known pixels may come after unknown ones


class Entry(TypedDict):
    """One file of weights. The fields of `Facts` are in the same object; pushes before 0.2 have none of them."""

    model: str  # name in pixelcnn.models.MODELS
    file: str  # in the folder of the manifest
    sha256: str
    page: bool  # whether the page offers it
    repo: str | None  # Hub repository, user/name
    revision: str | None  # commit, 40 hex digits
    bytes: NotRequired[int]
    dataset: NotRequired[str]
    split: NotRequired[str]
    nats: NotRequired[float]
    bits_per_dim: NotRequired[float]
    licence: NotRequired[str]
    commit: NotRequired[str]
    levels: NotRequired[int]
    classes: NotRequired[int]
    height: NotRequired[int]
    width: NotRequired[int]
    any_mask: NotRequired[bool]


class Manifest(TypedDict):
    """All weights by entry, and the entry that is used if none is named."""

    default: str
    entries: dict[str, Entry]


def read_manifest(folder: Path = WEIGHTS) -> Manifest:
    """The manifest of a folder. Raises WeightsError if it cannot be read or is incomplete."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        complete = manifest["default"] in manifest["entries"] and all(
            Entry.__required_keys__ <= set(entry) for entry in manifest["entries"].values()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(
            "manifest_unreadable",
            "The manifest {path} cannot be read ({reason}). Restore it from the repository.",
            path=str(path),
            reason=type(error).__name__,
        ) from error
    if not complete:
        raise WeightsError(
            "manifest_incomplete",
            "The manifest {path} lacks its default entry or a required field of an entry. Restore it from the repository.",
            path=str(path),
        )
    return manifest


def stated_facts(entry: Entry) -> Facts | None:
    """The facts that an entry states, None if it states none or only some."""
    try:
        return Facts(
            levels=entry["levels"],
            classes=entry["classes"],
            height=entry["height"],
            width=entry["width"],
            any_mask=entry["any_mask"],
        )
    except KeyError:
        return None


def sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
