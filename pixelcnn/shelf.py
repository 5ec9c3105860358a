"""The models that one server shows: each is loaded when it is first asked for, onto one device.

They are those of this repository, until those of a Hub repository have been pulled beside the page and take their place.
"""

import logging
import threading
from pathlib import Path

import torch

from pixelcnn.errors import BadInput, WeightsError
from pixelcnn.hub import WEIGHTS, Pulled, load, load_entry, load_file, manifest, pull_all, skeleton
from pixelcnn.models import build
from pixelcnn.models.base import AutoregressiveModel

log = logging.getLogger(__name__)


def kind(model: AutoregressiveModel) -> str:
    """What a page must be made for: size and levels."""
    return f"{model.config.height} x {model.config.width} in {model.likelihood.levels} levels"


class Shelf:
    """Loaded models by their entries; safe to ask from several threads."""

    def __init__(self, first: str = "", device: str = "auto", folder: Path = WEIGHTS):
        """first: what to begin with, an entry or a file; device: auto, cpu or cuda. Raises WeightsError, BadInput."""
        if device == "cuda" and not torch.cuda.is_available():
            raise BadInput("There is no CUDA device that this torch can use; give --device cpu or auto.")
        self.device = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        self.folder = folder
        given = str(first).endswith(".safetensors")
        self.origin = f"the weights of {Path(first).name}" if given else "the weights that came with it"  # for people
        self._entries = manifest(folder)["entries"]
        self._files: dict[str, Path] = {}
        self._loading = threading.Lock()
        model = load(first, folder).to(self.device)
        self._loaded = {model.entry: model}
        if given:  # it is not what the list has under this name, if it has
            self._entries = {name: entry for name, entry in self._entries.items() if name != model.entry}
        self.default = model.entry

    def names(self) -> list[str]:
        """The entries that can be chosen, the default first."""
        shown = [name for name, entry in self._entries.items() if entry["page"]]
        return [self.default] + [name for name in shown if name != self.default]

    def model(self, name: object = "") -> AutoregressiveModel:
        """A model by its entry, "" for the default; never by a path. Raises WeightsError, listing the names there are."""
        name = name or self.default
        if isinstance(name, str) and name in self._loaded:  # without the lock, which may be held for a download
            return self._loaded[name]
        with self._loading:
            if not isinstance(name, str) or name not in self._loaded:
                pulled = self._files.get(name) if isinstance(name, str) else None
                model = load_file(pulled) if pulled else load_entry(name, self.folder)
                self._loaded[name] = model.to(self.device)
            return self._loaded[name]

    def pull(self, where: str) -> threading.Thread:
        """Beside everything else, take the weights of a Hub repository, `user/name[@revision]`; `origin` says how it went.

        What is under way goes on with the weights it began with.
        """

        def work() -> None:
            try:
                self.adopt(pull_all(where))
            except WeightsError as error:
                self.origin = f"the weights that came with it ({error})"
            except Exception as error:  # nobody waits for this thread, but the page must not wait either
                log.exception("The weights of %s could not be taken", where)
                self.origin = f"the weights that came with it (those of {where} could not be taken: {type(error).__name__})"

        self.origin = f"the weights that came with it, until those of {where} are here"
        thread = threading.Thread(target=work, name="pull", daemon=True)
        thread.start()
        return thread

    def adopt(self, pulled: Pulled) -> None:
        """Show pulled weights from now on. Raises WeightsError where they would not fit the page that is open."""
        name, now = pulled.manifest["default"], self.model()
        model = load_file(pulled.files[name]).to(self.device)
        if kind(model) != kind(now):
            raise WeightsError(
                f"{name} of {pulled.repo} draws {kind(model)}; start with its file to see it, --weights FILE."
            )
        with self._loading:
            self._entries = {**self._entries, **{key: pulled.manifest["entries"][key] for key in pulled.files}}
            self._files, self._loaded, self.default = dict(pulled.files), {name: model}, name
            self.origin = f"the weights of {pulled.repo} at {pulled.revision[:7]}"

    def facts(self) -> dict:
        """What there is to choose from, for a page: {"default", "device", "models": {entry: {"model", "levels", "classes",
        "any_mask", "sha"}}}; sha is the beginning of the weights' own, "" for a file that no list names.

        From the weights' metadata, so that nothing is loaded for it.
        """
        models = {name: self._facts_of(name) for name in self.names()}
        return {"default": self.default, "device": self.device_name(), "models": models}

    def _facts_of(self, name: str) -> dict:
        entry = self._entries.get(name)
        model = self._loaded.get(name) or self._outline(name)
        return {
            "model": model.name,
            "levels": model.likelihood.levels,
            "classes": model.classes,
            "any_mask": model.takes_any_mask,
            "sha": entry["sha256"][:8] if entry else "",
        }

    def _outline(self, name: str) -> AutoregressiveModel:
        """What an entry's file would rebuild; where the file is still at the Hub, the model as it is by default."""
        entry = self._entries[name]
        path = self._files.get(name) or self.folder / entry["file"]
        return skeleton(path) if path.exists() or not entry.get("repo") else build(entry["model"])

    def device_name(self) -> str:
        """The device in words, for people."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"
