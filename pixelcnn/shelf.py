"""The models that one server shows: each is loaded when it is first asked for, onto one device."""

import threading
from pathlib import Path

import torch

from pixelcnn.errors import BadInput
from pixelcnn.hub import WEIGHTS, load, load_entry, manifest
from pixelcnn.models.base import AutoregressiveModel


class Shelf:
    """Loaded models by their entries; safe to ask from several threads."""

    def __init__(self, first: str = "", device: str = "auto", folder: Path = WEIGHTS):
        """first: what to begin with, an entry or a file; device: auto, cpu or cuda. Raises WeightsError, BadInput."""
        if device == "cuda" and not torch.cuda.is_available():
            raise BadInput("There is no CUDA device that this torch can use; give --device cpu or auto.")
        self.device = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        self.folder = folder
        self._entries = manifest(folder)["entries"]
        self._loading = threading.Lock()
        model = load(first, folder).to(self.device)
        self._loaded = {model.entry: model}
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
                self._loaded[name] = load_entry(name, self.folder).to(self.device)
            return self._loaded[name]

    def device_name(self) -> str:
        """The device in words, for people."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"
