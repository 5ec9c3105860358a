"""weights/manifest.json, the list of all weights: where it is, what it holds, reading it."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from pixelcnn.errors import WeightsError, describe

EXHIBIT = "exhibit"  # the kind of an entry that has no likelihood
REPO_NAME = r"\w[\w.-]*/\w[\w.-]*"

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

    model: str  # name in pixelcnn.models.MODELS, or in pixelcnn.exhibits.EXHIBITS
    file: str  # in the folder of the manifest
    sha256: str
    page: bool  # whether the page offers it
    repo: str | None  # Hub repository, user/name
    revision: str | None  # commit, 40 hex digits
    kind: NotRequired[str]  # "exhibit" for one of pixelcnn.exhibits
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
    """The manifest of a folder. Its entries are not checked yet; see `checked_entry`. Raises WeightsError."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        complete = manifest["default"] in manifest["entries"] and isinstance(manifest["entries"], dict)
    except PermissionError:
        raise not_permitted(path) from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsError(
            "manifest_unreadable",
            "The manifest {path} is missing or is not a manifest in JSON. Restore it from the repository.",
            path=str(path),
        ) from error
    if not complete:
        raise WeightsError(
            "manifest_incomplete",
            "The manifest {path} lacks its default entry. Restore it from the repository.",
            path=str(path),
        )
    return manifest


def not_permitted(path: Path) -> WeightsError:
    return WeightsError(
        "weights_not_permitted",
        "{path} may not be read by this user. Change the permissions of the file or of its folder.",
        path=str(path),
    )


def matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def in_range(first: int, last: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and first <= value <= last


# For each field of an entry whether a value can be used, and what is expected. Facts may be missing.
FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "model": (matches(r"\w+"), '"pixelcnn"'),
    "file": (matches(r"\w[\w.-]*\.safetensors"), '"NAME.safetensors"'),
    "sha256": (matches("[0-9a-f]{64}"), "[0-9a-f]{64}"),
    "page": (lambda value: isinstance(value, bool), "true, false"),
    "repo": (lambda value: value is None or matches(REPO_NAME)(value), '"user/name", null'),
    "revision": (lambda value: value is None or matches(r"[\w./-]+")(value), "[0-9a-f]{40}, null"),
    "kind": (lambda value: value == EXHIBIT, '"exhibit"'),
    "levels": (in_range(2, 256), "2 ... 256"),
    "classes": (in_range(0, 100), "0 ... 100"),
    "height": (in_range(1, 256), "1 ... 256"),
    "width": (in_range(1, 256), "1 ... 256"),
    "any_mask": (lambda value: isinstance(value, bool), "true, false"),
}


def checked_entry(manifest: Manifest, name: str) -> Entry:
    """An entry of a manifest with usable fields. Raises WeightsError."""
    found: object = manifest["entries"][name]
    entry = found if isinstance(found, dict) else {}
    for field, (usable, expected) in FIELDS.items():
        if (field in entry or field in Entry.__required_keys__) and not usable(entry.get(field)):
            raise WeightsError(
                "manifest_entry",
                "The entry {entry} of the manifest has {field} {given}. Expected: {expected}.",
                entry=name[:80],
                field=field,
                given=describe(entry.get(field)),
                expected=expected,
            )
    return cast(Entry, entry)


def is_exhibit(entry: object) -> bool:
    """Whether an entry, not checked yet, is for one of pixelcnn.exhibits."""
    return isinstance(entry, dict) and entry.get("kind") == EXHIBIT


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
