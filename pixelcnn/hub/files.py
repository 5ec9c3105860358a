"""Read and write weights: safetensors files that rebuild their own models, by path or by entry of the manifest.

The metadata of a file holds the model's name, its config and the data set, as JSON under the key "pixelcnn". Every file is
checked first (`check.py`), and pickles are never read.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from pixelcnn.atomic import write_atomically
from pixelcnn.errors import WeightsError, describe
from pixelcnn.hub.check import METADATA_KEY, Metadata, check_finite, read_weights
from pixelcnn.hub.download import download_entry
from pixelcnn.hub.manifest import WEIGHTS, Entry, Facts, checked_entry, not_permitted, read_manifest, sha256
from pixelcnn.models import MODELS, config_of
from pixelcnn.models.base import AutoregressiveModel, N, Network, Registry


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
    entry = checked_entry(manifest, name)
    path = folder / entry["file"]
    if entry["repo"] and not is_bundled(path, entry):
        return download_entry(entry)
    check_bundled(path, entry)
    return path


def unknown_entry(given: object, entries: list[str]) -> WeightsError:
    """The error for a name that is none of the entries."""
    return WeightsError(
        "unknown_entry", "The model is {given}. Choose one of {entries}.", given=describe(given), entries=", ".join(entries)
    )


def is_bundled(path: Path, entry: Entry) -> bool:
    """Whether the file in the folder of the manifest is the one that the manifest lists."""
    try:
        return sha256(path) == entry["sha256"]
    except OSError:
        return False


def check_bundled(path: Path, entry: Entry) -> None:
    """Raises WeightsError, with the reason, unless `is_bundled`."""
    try:
        found = sha256(path)
    except PermissionError:
        raise not_permitted(path) from None
    except OSError:
        raise WeightsError(
            "weights_missing",
            "The weights file {path} of the manifest is missing. Restore it from the repository.",
            path=str(path),
        ) from None
    if found != entry["sha256"]:
        raise WeightsError(
            "weights_damaged",
            "The weights file {path} is damaged: its sha256 differs from the manifest. Restore it from the repository.",
            path=str(path),
        )


def load_file(path: Path, *, fold_batch_norm: bool = True) -> AutoregressiveModel:
    """A model from its file, in eval mode on the CPU. Raises WeightsError unless the file has exactly its parameters.

    fold_batch_norm: compute batch normalization in the convolutions before it, for sampling; not for further training.
    """
    model = load_network(path, MODELS)
    model.entry = path.stem
    if fold_batch_norm:
        model.fold_batch_norm_()
        check_finite(path, model.state_dict())  # a negative variance becomes NaN here
    return model.eval()


def load_network(path: Path, registry: Registry[N]) -> N:
    """A model, or another network of a registry, from its file on the CPU. Raises WeightsError as `read_weights` does."""
    skeleton, tensors = read_weights(path, registry)
    network = build_again(skeleton)
    network.load_state_dict(tensors)
    return network


def build_again(skeleton: N) -> N:
    """The same network with memory for its parameters, on the CPU."""
    with torch.device("cpu"):
        return type(skeleton)(skeleton.config).float()


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
    """The facts of the model in a file, after the same checks as for loading it. Raises WeightsError."""
    return facts_of(read_weights(path, MODELS)[0])


def save_weights(model: Network, path: Path, *, dataset: str, commit: str = "") -> None:
    """Write a file that rebuilds its own model, atomically."""
    metadata = Metadata(model=model.name, config=config_of(model), dataset=dataset, commit=commit)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: save_file(tensors, temporary, {METADATA_KEY: json.dumps(metadata)}))
