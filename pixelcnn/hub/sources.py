"""Where the weights of a server come from: this repository, one file, or a Hub repository. All are used alike."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from pixelcnn.errors import Message, WeightsError
from pixelcnn.hub.download import download_repo
from pixelcnn.hub.files import check_bundled, facts_of, facts_of_file, find_entry, is_bundled, load_entry, load_file
from pixelcnn.hub.manifest import WEIGHTS, Entry, Facts, Manifest, checked_entry, is_exhibit, read_manifest, stated_facts
from pixelcnn.models.base import AutoregressiveModel

T = TypeVar("T")


@dataclass(frozen=True)
class Weights:
    """Weights that can be loaded, and what is known about them before."""

    model: str  # name in pixelcnn.models.MODELS
    sha256: str  # "" for a file that no manifest lists
    page: bool  # whether the page offers them
    facts: Facts | None  # None if they are not known before loading
    load: Callable[[], AutoregressiveModel]  # raises WeightsError
    nats: float | None = None  # of a test picture, on average; None if no manifest says so


@dataclass(frozen=True)
class ExhibitWeights:
    """Weights of an exhibit. What loads them is in pixelcnn.exhibits."""

    model: str  # name in pixelcnn.exhibits.EXHIBITS
    sha256: str
    size: tuple[int | None, int | None]  # height and width, as the manifest states them
    find: Callable[[], Path]  # raises WeightsError


@dataclass(frozen=True)
class WeightsSource:
    """Weights by entry, the default entry, a description for the page, and why other entries cannot be used."""

    weights: dict[str, Weights]
    default: str
    status: Message
    left_out: dict[str, WeightsError] = field(default_factory=dict)
    exhibits: dict[str, ExhibitWeights] = field(default_factory=dict)  # those of the page, by entry


def bundled(folder: Path = WEIGHTS) -> WeightsSource:
    """The entries of a folder with a manifest. Raises WeightsError if the manifest cannot be read.

    Entries that cannot be used are left out. If the default is one of them, another entry for the page is the default.
    """
    manifest = read_manifest(folder)
    models, exhibits = _by_kind(manifest, list(manifest["entries"]))
    weights, left_out = _usable(models, lambda name: _bundled_entry(folder, manifest, name))
    shown, damaged = _usable(exhibits, lambda name: _bundled_exhibit(folder, manifest, name))
    default = manifest["default"]
    if default in left_out:
        default = next((name for name, found in weights.items() if found.page), default)
    status = Message("weights_bundled", "the bundled weights")
    return WeightsSource(weights, default, status, left_out | damaged, shown)


def _by_kind(manifest: Manifest, names: list[str]) -> tuple[list[str], list[str]]:
    """The entries of autoregressive models, and those of exhibits that the page shows."""
    entries = manifest["entries"]
    exhibits = [name for name in names if is_exhibit(entries[name])]
    return [name for name in names if name not in exhibits], [name for name in exhibits if entries[name].get("page")]


def _bundled_entry(folder: Path, manifest: Manifest, name: str) -> Weights:
    entry = checked_entry(manifest, name)
    path, facts = folder / entry["file"], None
    if entry["repo"] and not is_bundled(path, entry):  # downloaded when it is chosen
        facts = stated_facts(entry)
    elif entry["page"] or name == manifest["default"]:
        check_bundled(path, entry)
        facts = facts_of_file(path)
    load = partial(load_entry, name, folder)
    return Weights(entry["model"], entry["sha256"], entry["page"], facts, load, stated_nats(entry))


def _bundled_exhibit(folder: Path, manifest: Manifest, name: str) -> ExhibitWeights:
    entry = checked_entry(manifest, name)
    if not entry["repo"]:
        check_bundled(folder / entry["file"], entry)
    return _exhibit(entry, partial(find_entry, name, folder))


def _exhibit(entry: Entry, find: Callable[[], Path]) -> ExhibitWeights:
    return ExhibitWeights(entry["model"], entry["sha256"], (entry.get("height"), entry.get("width")), find)


def single_file(path: Path) -> WeightsSource:
    """One file; the entry is its stem. Raises WeightsError if it cannot be loaded."""
    model = load_file(path)
    weights = Weights(model.name, "", True, facts_of(model), lambda: model)
    status = Message("weights_file", "the weights of {file}", {"file": path.name})
    return WeightsSource({path.stem: weights}, path.stem, status)


def hub_repo(name: str) -> WeightsSource:
    """The weights of `user/name` or `user/name@revision`, downloaded. Raises WeightsError if its default cannot be used."""
    downloaded = download_repo(name)
    entries, default = downloaded.manifest["entries"], downloaded.manifest["default"]

    def check(name: str) -> Weights:
        entry, path = entries[name], downloaded.files[name]
        # The facts come from the files, because repositories pushed by older versions do not state them.
        facts, load = facts_of_file(path), partial(load_file, path)
        return Weights(entry["model"], entry["sha256"], entry["page"], facts, load, stated_nats(entry))

    models, exhibits = _by_kind(downloaded.manifest, list(downloaded.files))
    weights, left_out = _usable(models, check)
    if default in left_out:
        raise left_out[default]
    params: dict[str, str | int | float] = {"repo": downloaded.repo, "revision": downloaded.revision[:7]}
    status = Message("weights_repo", "the weights of {repo} at {revision}", params)
    shown = {name: _exhibit(entries[name], partial(Path, downloaded.files[name])) for name in exhibits}
    return WeightsSource(weights, default, status, downloaded.left_out | left_out, shown)


def _usable(names: list[str], check: Callable[[str], T]) -> tuple[dict[str, T], dict[str, WeightsError]]:
    """The weights that pass a check, and the errors of the others."""
    weights: dict[str, T] = {}
    left_out: dict[str, WeightsError] = {}
    for name in names:
        try:
            weights[name] = check(name)
        except WeightsError as error:
            left_out[name] = error
    return weights, left_out


def stated_nats(entry: Entry) -> float | None:
    """The nats of a test picture, on average, as the manifest states them; None if it states no finite number."""
    nats = entry.get("nats")
    return float(nats) if isinstance(nats, int | float) and math.isfinite(nats) else None
