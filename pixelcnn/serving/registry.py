"""The models that one server offers. Each is loaded when it is first used, onto one device."""

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import torch

from pixelcnn.cuda.device import choose_device
from pixelcnn.errors import InputError, Message, WeightsError
from pixelcnn.exhibits import Exhibit, load_exhibit
from pixelcnn.hub import WEIGHTS, facts_of
from pixelcnn.hub.files import unknown_entry
from pixelcnn.hub.manifest import Facts
from pixelcnn.hub.sources import WeightsSource, bundled, hub_repo, single_file
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.serving.visitor_models import VisitorModels

log = logging.getLogger(__name__)


class ModelFacts(TypedDict):
    """What the page knows about one model."""

    model: str
    levels: int
    classes: int
    any_mask: bool
    nats: float | None  # of a picture of the test set, on average; None if that is not known
    sha: str  # the first 8 digits of the sha256 of the weights, "" for a file that no manifest lists


class ExhibitFacts(TypedDict):
    """What the page knows about one exhibit."""

    model: str
    sha: str  # the first 8 digits of the sha256 of the weights


class RegistryFacts(TypedDict):
    """What the page knows about all models that it can offer."""

    default: str
    device: str
    models: dict[str, ModelFacts]
    exhibits: dict[str, ExhibitFacts]


class Catalog:
    """The weights that can be chosen, and the models loaded from them so far. Thread-safe."""

    def __init__(self, source: WeightsSource, device: torch.device):
        """Loads the default. Raises WeightsError."""
        self.weights, self.default, self.left_out = source.weights, source.default, source.left_out
        default = self.default
        self._device = device
        self._models: dict[str, AutoregressiveModel] = {}
        self._exhibits: dict[str, Exhibit] = {}
        self._loading = threading.Lock()
        # The page is built for the size of the default.
        self.facts = {default: facts_of(self.model(default))}
        height, width = self.facts[default]["height"], self.facts[default]["width"]
        for entry, candidate in self.weights.items():
            facts = candidate.facts
            if entry != default and candidate.page and facts and (facts["height"], facts["width"]) == (height, width):
                self.facts[entry] = facts
        self.exhibits = {name: found for name, found in source.exhibits.items() if found.size == (height, width)}

    def model(self, entry: str) -> AutoregressiveModel:
        """The model of an entry, loaded if necessary. Raises WeightsError."""
        if isinstance(entry, str) and entry not in self.weights and entry in self.left_out:
            raise self.left_out[entry].with_traceback(None)
        if not isinstance(entry, str) or entry not in self.weights:
            raise unknown_entry(entry, list(self.weights))
        if entry in self._models:  # without the lock, which may be held during a download
            return self._models[entry]
        with self._loading:
            if entry not in self._models:
                self._models[entry] = self.weights[entry].load().to(self._device)
            return self._models[entry]

    def exhibit(self, entry: str) -> Exhibit:
        """An exhibit, loaded if necessary. Raises InputError if there is none, and WeightsError."""
        if not self.exhibits:
            raise InputError(
                "no_exhibits",
                "This server has no exhibits: it has no weights for them, or it computes on other machines. Use /complete.",
            )
        if not isinstance(entry, str) or entry not in self.exhibits:
            raise unknown_entry(entry, list(self.exhibits))
        with self._loading:
            if entry not in self._exhibits:
                self._exhibits[entry] = load_exhibit(self.exhibits[entry].find())
            return self._exhibits[entry]


class ModelRegistry:
    """The models of a server by entry: the bundled ones or one file, until a Hub repository replaces them. Thread-safe."""

    def __init__(self, weights: str | Path = "", device: str = "auto", folder: Path = WEIGHTS, with_exhibits: bool = True):
        """weights: the default, an entry of the manifest or a .safetensors file. device: auto, cpu or cuda.

        with_exhibits: whether exhibits are offered, which are computed by this process and on the CPU.

        Raises InputError for "cuda" if CUDA cannot be used, and WeightsError.
        """
        self.device = choose_device(device)
        source = bundled(folder)
        if str(weights).endswith(".safetensors"):
            file = single_file(Path(weights))
            source = replace(
                file, weights=source.weights | file.weights, left_out=source.left_out, exhibits=source.exhibits
            )
        elif weights:
            source = replace(source, default=str(weights))
        self._with_exhibits = with_exhibits
        self.weights_status: Message = source.status  # for people
        self._repo_error: InputError | None = None
        log_left_out(source)
        self._catalog = self._new_catalog(source)
        self.visitor_models = VisitorModels()

    def _new_catalog(self, source: WeightsSource) -> Catalog:
        return Catalog(source if self._with_exhibits else replace(source, exhibits={}), self.device)

    @property
    def default(self) -> str:
        """The entry that "" stands for."""
        return self._catalog.default

    def names(self) -> list[str]:
        """The entries that the page can offer, the default first. All have the size of the default."""
        return list(self._catalog.facts)

    def problems(self) -> list[InputError]:
        """Why the weights of a repository are not used, and why entries are not offered."""
        errors: list[InputError] = [self._repo_error] if self._repo_error else []
        return errors + list(self._catalog.left_out.values())

    def model(self, entry: str = "") -> AutoregressiveModel:
        """The model of an entry, "" for the default; never of a path. Raises WeightsError."""
        catalog = self._catalog
        return self.visitor_models.get(entry) or catalog.model(entry or catalog.default)

    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures of all models that the page can offer."""
        facts = self._catalog.facts[self.default]
        return facts["height"], facts["width"]

    def add_visitor_model(self, data: bytes, name: str) -> tuple[str, ModelFacts]:
        """Load the weights that a visitor brought. Returns their entry, which nobody else knows, and their facts.

        data: of a safetensors file; name: of that file. Raises WeightsError, UnavailableError.
        """
        entry, digest = self.visitor_models.add(data, name, self.size(), self.device)
        model = self.model(entry)
        facts = facts_of(model)
        return entry, page_facts(facts, model.name, None, digest)

    def exhibit(self, entry: str) -> Exhibit:
        """The exhibit of an entry. Raises InputError if there is none, and WeightsError."""
        return self._catalog.exhibit(entry)

    def use_repo(self, name: str) -> threading.Thread:
        """Download a Hub repository, `user/name[@revision]`, in the background and replace the weights by its weights.

        `weights_status` says how far this is. Completions in progress keep the model that they started with.
        """

        def work() -> None:
            try:
                self.replace_weights(hub_repo(name))
            except Exception as error:  # keep the weights of now
                log.warning("The weights of %s cannot be used: %s", name, error, exc_info=not isinstance(error, InputError))
                self._repo_error = error if isinstance(error, InputError) else unexpected_error(name, error)
                self.weights_status = Message(
                    "weights_repo_failed",
                    "the bundled weights, because those of {repo} could not be used",
                    {"repo": name},
                )

        self.weights_status = Message(
            "weights_repo_pending", "the bundled weights, until those of {repo} are downloaded", {"repo": name}
        )
        thread = threading.Thread(target=work, name="use-repo", daemon=True)
        thread.start()
        return thread

    def replace_weights(self, source: WeightsSource) -> None:
        """Offer other weights from now on, with those of the same name replaced.

        Raises WeightsError, and changes nothing, if the default cannot be loaded or does not fit the open page.
        """
        before = self._catalog
        weights = before.weights | source.weights
        left_out = {entry: error for entry, error in before.left_out.items() if entry not in weights} | source.left_out
        log_left_out(source)
        exhibits = before.exhibits | source.exhibits
        catalog = self._new_catalog(replace(source, weights=weights, left_out=left_out, exhibits=exhibits))
        facts, expected = catalog.facts[catalog.default], before.facts[before.default]
        if any(facts[key] != expected[key] for key in ("height", "width", "levels")):
            raise WeightsError(
                "weights_do_not_fit_page",
                "{entry} has {height} x {width} pixels with {levels} levels, unlike the weights that the page was opened "
                "with. Start with --weights FILE to use it.",
                entry=catalog.default,
                height=facts["height"],
                width=facts["width"],
                levels=facts["levels"],
            )
        self._catalog = catalog
        self.weights_status = source.status

    def facts(self) -> RegistryFacts:
        """What the page needs to know; nothing is loaded for it."""
        catalog = self._catalog
        models = {
            entry: page_facts(
                facts, catalog.weights[entry].model, catalog.weights[entry].nats, catalog.weights[entry].sha256
            )
            for entry, facts in catalog.facts.items()
        }
        exhibits = {name: ExhibitFacts(model=e.model, sha=e.sha256[:8]) for name, e in catalog.exhibits.items()}
        return {"default": catalog.default, "device": self.device_name(), "models": models, "exhibits": exhibits}

    def device_name(self) -> str:
        """The device, for people."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"


def page_facts(facts: Facts, model: str, nats: float | None, digest: str) -> ModelFacts:
    """What the page knows about a model. digest: the sha256 of its weights."""
    return ModelFacts(
        model=model,
        levels=facts["levels"],
        classes=facts["classes"],
        any_mask=facts["any_mask"],
        nats=nats,
        sha=digest[:8],
    )


def log_left_out(source: WeightsSource) -> None:
    for entry, error in source.left_out.items():
        log.warning("The entry %s is not offered: %s", entry, error)


def unexpected_error(repo: str, error: Exception) -> WeightsError:
    """The error for an exception that nothing foresaw; the log has its traceback."""
    return WeightsError(
        "weights_repo_error",
        "The weights of {repo} could not be used because of an unexpected error ({reason}). The server's log has details.",
        repo=repo,
        reason=type(error).__name__,
    )
