"""Weights: one safetensors file each, listed in weights/manifest.json; bundled first, then the cache, then the Hub.

A file's metadata holds model, config and data set, so it rebuilds its own model; loading is strict, and a pickle is
never read. Knows nothing of pictures or pages.
"""

import hashlib
import json
import os
import threading
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pixelcnn.errors import WeightsError
from pixelcnn.models import build, config_of
from pixelcnn.models.base import AutoregressiveModel

WEIGHTS = Path(__file__).parent.parent / "weights"
HUB_DEADLINE_S = 10.0  # the Hub's own timeouts retry for minutes on a silent network


def manifest(folder: Path = WEIGHTS) -> dict:
    """The list of all weights. Raises WeightsError where it cannot be read."""
    path = folder / "manifest.json"
    try:
        listed = json.loads(path.read_text())
        whole = listed["default"] in listed["entries"] and all(
            {"model", "file", "sha256", "page", "repo", "revision"} <= set(entry) for entry in listed["entries"].values()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{path} cannot be read ({type(error).__name__}); check it out again.") from None
    if not whole:
        raise WeightsError(f"{path} lacks its default or fields of an entry; check it out again.")
    return listed


def load(entry_or_path: str = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model in eval mode on the CPU: an entry of the manifest ("" for its default) or a .safetensors file.

    Raises WeightsError, one sentence, for whatever cannot be loaded.
    """
    if str(entry_or_path).endswith(".safetensors"):
        return load_file(Path(entry_or_path))
    return load_entry(entry_or_path, folder)


def load_entry(name: str = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model by its name in the manifest; the name never becomes part of a path."""
    listed = manifest(folder)
    name = name or listed["default"]
    if not isinstance(name, str) or name not in listed["entries"]:
        given = repr(name[:40]) if isinstance(name, str) else f"of type {type(name).__name__}"
        raise WeightsError(f"There is no model {given}; choose one of {', '.join(listed['entries'])}.")
    entry = listed["entries"][name]
    bundled = folder / entry["file"]
    if bundled.exists() and sha256(bundled) == entry["sha256"]:
        return load_file(bundled)
    if not entry["repo"]:
        state = "is damaged (its sha256 is not the manifest's)" if bundled.exists() else "is missing"
        raise WeightsError(f"{bundled} {state} and no Hub repository is known for it; check it out again.")
    pulled = pull(entry)
    if sha256(pulled) != entry["sha256"]:
        raise WeightsError(f"{name} from {entry['repo']} is not the file of the manifest; check the revision there.")
    return load_file(pulled)


def pull(entry: dict) -> Path:
    """The file of an entry from the local cache of its pinned revision, else from the Hub within the deadline."""
    from huggingface_hub import hf_hub_download  # half a second to import, and bundled weights do without
    from huggingface_hub.errors import LocalEntryNotFoundError

    what = {"repo_id": entry["repo"], "filename": entry["file"], "revision": entry["revision"]}
    try:
        return Path(hf_hub_download(**what, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    outcome = {}

    def download() -> None:
        try:
            outcome["path"] = hf_hub_download(**what)
        except Exception as error:  # whatever went wrong is told from the waiting thread
            outcome["error"] = error

    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    thread.join(HUB_DEADLINE_S)
    if "path" in outcome:
        return Path(outcome["path"])
    reason = type(outcome["error"]).__name__ if "error" in outcome else f"no answer within {HUB_DEADLINE_S:.0f} s"
    raise WeightsError(
        f"{entry['file']} could not be had from {entry['repo']} ({reason}); try again or use --weights FILE."
    )


def load_file(path: Path) -> AutoregressiveModel:
    """A model from its file, strictly: what the metadata says is what is in it."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["pixelcnn"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise WeightsError(f"There are no weights at {path}; give an entry of the manifest or an existing file.") from None
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole file of pixelcnn weights ({error}); copy it again.") from None
    try:
        model = build(facts["model"], **facts["config"])
        model.load_state_dict(tensors, strict=True)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not fit the model that it names ({reason}); train or copy it again.") from None
    model.entry = path.stem
    return model.eval()


def save_weights(model: AutoregressiveModel, path: Path, *, dataset: str, commit: str = "") -> None:
    """Write a file that rebuilds its own model, whole or not at all."""
    facts = {"model": model.name, "config": config_of(model), "dataset": dataset, "commit": commit}
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    beside = path.with_suffix(".part")
    save_file(tensors, beside, {"pixelcnn": json.dumps(facts)})
    os.replace(beside, path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
