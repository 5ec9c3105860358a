"""Where the weights of a server come from: this repository, one file, or a Hub repository. All are used alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pixelcnn.errors import Message, WeightsError
from pixelcnn.hub.download import download_repo
from pixelcnn.hub.files import check_bundled, facts_of, facts_of_file, is_bundled, load_entry, load_file
from pixelcnn.hub.manifest import WEIGHTS, Facts, Manifest, checked_entry, read_manifest, stated_facts
from pixelcnn.models.base import AutoregressiveModel


@dataclass(frozen=True)
class Weights:
    """Weights that can be loaded, and what is known about them before."""

    model: str  # name in pixelcnn.models.MODELS
    sha256: str  # "" for a file that no manifest lists
    page: bool  # whether the page offers them
    facts: Facts | None  # None if they are not known before loading
    load: Callable[[], AutoregressiveModel]  # raises WeightsError


@dataclass(frozen=True)
class WeightsSource:
    """Weights by entry, the default entry, a description for the page, and why other entries cannot be used."""

    weights: dict[str, Weights]
    default: str
    status: Message
    left_out: dict[str, WeightsError] = field(default_factory=dict)


def bundled(folder: Path = WEIGHTS) -> WeightsSource:
    """The entries of a folder with a manifest. Raises WeightsError if the manifest cannot be read.

    Entries that cannot be used are left out. If the default is one of them, another entry for the page is the default.
    """
    manifest = read_manifest(folder)
    weights, left_out = _usable(list(manifest["entries"]), lambda name: _bundled_entry(folder, manifest, name))
    default = manifest["default"]
    if default in left_out:
        default = next((name for name, found in weights.items() if found.page), default)
    return WeightsSource(weights, default, Message("weights_bundled", "the bundled weights"), left_out)


def _bundled_entry(folder: Path, manifest: Manifest, name: str) -> Weights:
    entry = checked_entry(manifest, name)
    path, facts = folder / entry["file"], None
    if entry["repo"] and not is_bundled(path, entry):  # downloaded when it is chosen
        facts = stated_facts(entry)
    elif entry["page"] or name == manifest["default"]:
        check_bundled(path, entry)
        facts = facts_of_file(path)
    return Weights(entry["model"], entry["sha256"], entry["page"], facts, partial(load_entry, name, folder))


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
        return Weights(entry["model"], entry["sha256"], entry["page"], facts_of_file(path), partial(load_file, path))

    weights, left_out = _usable(list(downloaded.files), check)
    if default in left_out:
        raise left_out[default]
    params: dict[str, str | int | float] = {"repo": downloaded.repo, "revision": downloaded.revision[:7]}
    status = Message("weights_repo", "the weights of {repo} at {revision}", params)
    return WeightsSource(weights, default, status, downloaded.left_out | left_out)


def _usable(names: list[str], check: Callable[[str], Weights]) -> tuple[dict[str, Weights], dict[str, WeightsError]]:
    """The weights that pass a check, and the errors of the others."""
    weights, left_out = {}, {}
    for name in names:
        try:
            weights[name] = check(name)
        except WeightsError as error:
            left_out[name] = error
    return weights, left_out
