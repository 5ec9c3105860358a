"""The models that one server shows: each is loaded when it is first asked for, onto one device.

They are those of this repository, until those of a Hub repository have been pulled beside the page and take their place.
"""

import logging
import threading
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Stock:
    """What there is to choose from, replaced as a whole when other weights come; models and outlines come on demand.

    entries: of the manifest. files: those that were pulled, by entry. outlines: models to ask what they can do.
    """

    entries: dict[str, dict]
    default: str
    loaded: dict[str, AutoregressiveModel]
    files: dict[str, Path] = field(default_factory=dict)
    outlines: dict[str, AutoregressiveModel] = field(default_factory=dict)


class Shelf:
    """Loaded models by their entries; safe to ask from several threads."""

    def __init__(self, first: str = "", device: str = "auto", folder: Path = WEIGHTS):
        """first: what to begin with, an entry or a file; device: auto, cpu or cuda. Raises WeightsError, BadInput."""
        if device == "cuda" and not torch.cuda.is_available():
            raise BadInput("There is no CUDA device that this torch can use; give --device cpu or auto.")
        self.device = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        if self.device.type == "cuda":  # whole passes must say what steps say, which cuDNN by itself rounds to ten bits
            torch.backends.cudnn.allow_tf32 = False
        self.folder = folder
        given = str(first).endswith(".safetensors")
        self.origin = f"the weights of {Path(first).name}" if given else "the weights that came with it"  # for people
        entries = manifest(folder)["entries"]
        self._loading = threading.Lock()
        model = load(first, folder).to(self.device)
        if given:  # it is not what the list has under this name, if it has
            entries = {name: entry for name, entry in entries.items() if name != model.entry}
        self._stock = Stock(entries, model.entry, {model.entry: model})

    @property
    def default(self) -> str:
        """The entry that stands for "" as a name."""
        return self._stock.default

    def names(self) -> list[str]:
        """The entries that can be chosen, those of the default's size, which the page is made for, the default first."""
        return self._names(self._stock)

    def _names(self, stock: Stock) -> list[str]:
        shown = [name for name, entry in stock.entries.items() if entry["page"] and name != stock.default]
        return [stock.default] + [name for name in shown if self._fits(stock, name)]

    def _fits(self, stock: Stock, name: str) -> bool:
        """Whether an entry is of the default's size, as far as one can know; who chooses it hears what else is wrong."""
        if self._file(stock, name) is None:
            return True
        try:
            one, other = (self._outline(stock, each).config for each in (name, stock.default))
        except WeightsError:
            return True
        return (one.height, one.width) == (other.height, other.width)

    def model(self, name: object = "") -> AutoregressiveModel:
        """A model by its entry, "" for the default; never by a path. Raises WeightsError, listing the names there are."""
        stock = self._stock
        name = name or stock.default
        if not isinstance(name, str):
            return load_entry(name, self.folder)  # which refuses it
        if name in stock.loaded:  # without the lock, which may be held for a download
            return stock.loaded[name]
        with self._loading:
            if name not in stock.loaded:
                pulled = stock.files.get(name)
                model = load_file(pulled) if pulled else load_entry(name, self.folder)
                stock.loaded[name] = model.to(self.device)
            return stock.loaded[name]

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
        entries = self._stock.entries | {key: pulled.manifest["entries"][key] for key in pulled.files}
        self._stock = Stock(entries, name, {name: model}, dict(pulled.files))
        self.origin = f"the weights of {pulled.repo} at {pulled.revision[:7]}"

    def facts(self) -> dict:
        """What there is to choose from, for a page: {"default", "device", "models": {entry: {"model", "levels", "classes",
        "any_mask", "sha"}}}; sha is the beginning of the weights' own, "" for a file that no list names.

        From the weights' metadata, so that nothing is loaded for it.
        """
        stock = self._stock
        models = {name: self._facts_of(stock, name) for name in self._names(stock)}
        return {"default": stock.default, "device": self.device_name(), "models": models}

    def _facts_of(self, stock: Stock, name: str) -> dict:
        entry, model = stock.entries.get(name), self._outline(stock, name)
        return {
            "model": model.name,
            "levels": model.likelihood.levels,
            "classes": model.classes,
            "any_mask": model.takes_any_mask,
            "sha": entry["sha256"][:8] if entry else "",
        }

    def _outline(self, stock: Stock, name: str) -> AutoregressiveModel:
        """What an entry's file would rebuild; where the file is still at the Hub, the model as it is by default."""
        if name in stock.loaded:
            return stock.loaded[name]
        if name not in stock.outlines:
            path = self._file(stock, name)
            stock.outlines[name] = skeleton(path) if path else build(stock.entries[name]["model"])
        return stock.outlines[name]

    def _file(self, stock: Stock, name: str) -> Path | None:
        """Where an entry's file lies; None while it is at the Hub alone."""
        entry = stock.entries[name]
        path = stock.files.get(name) or self.folder / entry["file"]
        return path if path.exists() or not entry.get("repo") else None

    def device_name(self) -> str:
        """The device in words, for people."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"
