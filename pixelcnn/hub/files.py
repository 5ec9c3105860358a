"""Read and write weights: safetensors files that rebuild their own models, by path or by entry of the manifest.

The metadata of a file holds the model's name, its config and the data set, as JSON under the key "pixelcnn". Loading is
strict, and pickles are never read.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypedDict, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pixelcnn.atomic import write_atomically
from pixelcnn.errors import WeightsError
from pixelcnn.hub.download import download_entry
from pixelcnn.hub.manifest import WEIGHTS, Entry, Facts, read_manifest, sha256
from pixelcnn.models import build
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import describe

METADATA_KEY = "pixelcnn"


M = TypeVar("M", bound=nn.Module)


class Saved(Protocol):
    """What is saved: a network with its registry name and its config, a dataclass of plain numbers."""

    name: str
    config: Any

    def state_dict(self) -> dict[str, Any]: ...


class Metadata(TypedDict):
    """What a weights file says about itself."""

    model: str  # name in pixelcnn.models.MODELS or pixelcnn.exhibits.EXHIBITS
    config: dict
    dataset: str
    commit: str


def load(entry_or_path: str | Path = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model in eval mode on the CPU: an entry of the manifest ("" for its default) or a .safetensors file.

    Weights of an entry come from the folder of the manifest, else from the local cache of the Hub, else from the Hub.
    Raises WeightsError.
    """
    if str(entry_or_path).endswith(".safetensors"):
        return load_file(Path(entry_or_path))
    return load_entry(str(entry_or_path), folder)


def load_entry(name: str = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model by its entry in the manifest. Raises WeightsError."""
    return load_file(find_entry(name, folder))


def find_entry(name: str = "", folder: Path = WEIGHTS) -> Path:
    """The weights file of an entry in the manifest; the name never becomes part of a path. Raises WeightsError."""
    manifest = read_manifest(folder)
    name = name or manifest["default"]
    if not isinstance(name, str) or name not in manifest["entries"]:
        raise unknown_entry(name, list(manifest["entries"]))
    entry = manifest["entries"][name]
    path = folder / entry["file"]
    if entry["repo"] and not (path.exists() and sha256(path) == entry["sha256"]):
        return download_entry(entry)
    check_bundled(path, entry)
    return path


def unknown_entry(given: object, entries: list[str]) -> WeightsError:
    """The error for a name that is none of the entries."""
    return WeightsError(
        "unknown_entry", "The model is {given}. Choose one of {entries}.", given=describe(given), entries=", ".join(entries)
    )


def check_bundled(path: Path, entry: Entry) -> None:
    """Raises WeightsError if the file in the folder of the manifest is not the one that the manifest lists."""
    if not path.exists():
        raise WeightsError(
            "weights_missing",
            "The weights file {path} of the manifest is missing. Restore it from the repository.",
            path=str(path),
        )
    if sha256(path) != entry["sha256"]:
        raise WeightsError(
            "weights_damaged",
            "The weights file {path} is damaged: its sha256 differs from the manifest. Restore it from the repository.",
            path=str(path),
        )


def load_file(path: Path, *, fold_batch_norm: bool = True) -> AutoregressiveModel:
    """A model from its file, in eval mode on the CPU. Raises WeightsError unless the file has exactly its parameters.

    fold_batch_norm: compute batch normalization in the convolutions before it, for sampling; not for further training.
    """
    model = build_and_load(path, build)
    model.entry = path.stem
    if fold_batch_norm:
        model.fold_batch_norm_()
    return model.eval()


def build_and_load(path: Path, build: Callable[..., M]) -> M:
    """What `build(name, **config)` returns for the metadata of a file, with the file's tensors as its state.

    Raises WeightsError unless the file has exactly its parameters.
    """
    metadata, tensors = _read(path)
    model = _build(path, metadata, build)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:  # missing, unexpected or differently shaped parameters
        raise _does_not_fit(path, metadata["model"], error) from error
    return model


def facts_of(model: AutoregressiveModel) -> Facts:
    """What a manifest says about a model, so that a page can offer it before it is loaded."""
    return Facts(
        levels=model.distribution.levels,
        classes=model.classes,
        height=model.config.height,
        width=model.config.width,
        any_mask=model.accepts_any_mask,
    )


def facts_of_file(path: Path) -> Facts:
    """The facts of the model in a file, from its metadata alone. Raises WeightsError."""
    metadata, _ = _read(path, tensors=False)
    with torch.device("meta"):  # without memory for parameters
        return facts_of(_build(path, metadata, build))


def save_weights(model: Saved, path: Path, *, dataset: str, commit: str = "") -> None:
    """Write a file that rebuilds its own model, atomically."""
    metadata = Metadata(model=model.name, config=asdict(model.config), dataset=dataset, commit=commit)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: save_file(tensors, temporary, {METADATA_KEY: json.dumps(metadata)}))


def _read(path: Path, tensors: bool = True) -> tuple[Metadata, dict[str, Tensor]]:
    """The metadata of a file and, if asked for, its tensors. Raises WeightsError."""
    try:
        with safe_open(path, "pt") as file:
            metadata: Metadata = json.loads(file.metadata()[METADATA_KEY])
            described = {"model", "config"} <= set(metadata)
            found = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118 (not a dict)
        if not described:
            raise ValueError("no model or no config in the metadata")
        return metadata, found
    except FileNotFoundError:
        raise WeightsError(
            "weights_not_found",
            "There is no weights file {path}. Give an entry of the manifest or the path of a .safetensors file.",
            path=str(path),
        ) from None
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(
            "weights_unreadable",
            "{path} is not a complete weights file of this project ({reason}). Copy it again.",
            path=str(path),
            reason=type(error).__name__,
        ) from error


def _build(path: Path, metadata: Metadata, build: Callable[..., M]) -> M:
    """The model that the metadata of a file describes, with new parameters. Raises WeightsError."""
    try:
        return build(metadata["model"], **metadata["config"])
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _does_not_fit(path, metadata["model"], error) from error


def _does_not_fit(path: Path, model: object, error: Exception) -> WeightsError:
    return WeightsError(
        "weights_do_not_fit",
        "{path} does not fit the model {model} that its metadata names ({reason}). Copy it again or train it again.",
        path=str(path),
        model=describe(model),
        reason=type(error).__name__,
    )
