"""Where the weights of a server come from: this repository, one file, or a Hub repository. All are used alike."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pixelcnn.errors import Message, WeightsError
from pixelcnn.hub.download import download_repo
from pixelcnn.hub.files import facts_of, facts_of_file, load_entry, load_file
from pixelcnn.hub.manifest import WEIGHTS, Entry, Facts, read_manifest, stated_facts
from pixelcnn.models.base import AutoregressiveModel

log = logging.getLogger(__name__)


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
class WeightsSource:
    """Weights by entry, the default entry, and a description for the page."""

    weights: dict[str, Weights]
    default: str
    status: Message


def bundled(folder: Path = WEIGHTS) -> WeightsSource:
    """The entries of a folder with a manifest. Raises WeightsError if the manifest cannot be read."""
    manifest = read_manifest(folder)
    weights = {
        name: _from_entry(name, entry, folder / entry["file"], stated_facts(entry), partial(load_entry, name, folder))
        for name, entry in manifest["entries"].items()
    }
    return WeightsSource(weights, manifest["default"], Message("weights_bundled", "the bundled weights"))


def single_file(path: Path) -> WeightsSource:
    """One file; the entry is its stem. Raises WeightsError if it cannot be loaded."""
    model = load_file(path)
    weights = Weights(model.name, "", True, facts_of(model), lambda: model)
    status = Message("weights_file", "the weights of {file}", {"file": path.name})
    return WeightsSource({path.stem: weights}, path.stem, status)


def hub_repo(name: str) -> WeightsSource:
    """The weights of `user/name` or `user/name@revision`, downloaded. Raises WeightsError."""
    downloaded = download_repo(name)
    entries = downloaded.manifest["entries"]
    # The facts come from the files, because repositories pushed by older versions do not state them.
    weights = {
        entry: _from_entry(entry, entries[entry], path, None, partial(load_file, path))
        for entry, path in downloaded.files.items()
    }
    params: dict[str, str | int | float] = {"repo": downloaded.repo, "revision": downloaded.revision[:7]}
    status = Message("weights_repo", "the weights of {repo} at {revision}", params)
    return WeightsSource(weights, downloaded.manifest["default"], status)


def _from_entry(
    name: str, entry: Entry, path: Path, facts: Facts | None, load: Callable[[], AutoregressiveModel]
) -> Weights:
    if facts is None:
        try:
            facts = facts_of_file(path)
        except WeightsError as error:
            log.warning("The entry %s is not offered: %s", name, error)
    nats = entry.get("nats")
    stated = float(nats) if isinstance(nats, int | float) and math.isfinite(nats) else None
    return Weights(entry["model"], entry["sha256"], bool(entry["page"]), facts, load, stated)
