"""What the page asks beside completions: receptive field and anatomy of a pixel, and the class posterior by prefix."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from pixelcnn.analysis.anatomy import PixelAnatomy, pixel_anatomy
from pixelcnn.analysis.digit_classifier import DigitClassifier, classify, load_digit_classifier
from pixelcnn.analysis.memory_view import MemoryView, memory_view
from pixelcnn.analysis.receptive_field import receptive_field
from pixelcnn.data.dataset import THRESHOLD
from pixelcnn.images import ink_to_levels
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.class_posterior import class_posterior_by_prefix, count_known_prefix
from pixelcnn.sampling.request import Request, whole_number
from pixelcnn.sampling.sampler import complete
from pixelcnn.serving.work_queue import WorkQueue

SAMPLES = 8  # pictures over which a gradient is averaged
DECADES = 5  # of gradient strength that are distinguished, from the maximum down


@dataclass
class ModelCache:
    """Results about one model."""

    samples: Tensor  # pictures of the model, levels (B, H, W)
    receptive_fields: dict[int, np.ndarray] = field(default_factory=dict)  # by pixel


class Probes:
    """Answers one call at a time in a `WorkQueue`, which raises UnavailableError if there are too many."""

    def __init__(self, models: Callable[[str], AutoregressiveModel]):
        """models: gives a model by its entry, or raises InputError, like `ModelRegistry.model`."""
        self.models = models
        self._caches: WeakKeyDictionary[AutoregressiveModel, ModelCache] = WeakKeyDictionary()  # replaced models are freed
        self._queue = WorkQueue("probes")

    async def receptive_field(self, entry: str, pixel: object) -> np.ndarray:
        """How much the prediction of a pixel depends on every pixel, uint8 (H, W): see `log_scaled`.

        pixel: its raster number. The gradient is averaged over samples of the model. Raises InputError.
        """
        return await self._queue.run(self._receptive_field, entry, pixel)

    async def class_posterior(self, entry: str, ink: np.ndarray, known: np.ndarray) -> np.ndarray:
        """p(class | all earlier pixels) at each unknown pixel of a finished picture, and at its end, (U + 1, classes).

        ink: of all pixels, 0..255, (H, W). known: which of them were given, bool (H, W). Raises InputError for a model
        without classes, and if a known pixel comes after an unknown one.
        """
        return await self._queue.run(self._class_posterior, entry, ink, known)

    async def anatomy(self, entry: str, request: Request, ink: np.ndarray, pixel: object) -> PixelAnatomy:
        """How a pixel of a completion was drawn: see `pixel_anatomy`. Raises InputError."""
        return await self._queue.run(lambda: pixel_anatomy(self.models(entry), request, ink, pixel))

    async def memory(self, entry: str, ink: np.ndarray) -> MemoryView:
        """What the memory of a model does while it reads a picture, 0..255 (H, W): see `memory_view`. Raises InputError."""
        return await self._queue.run(lambda: memory_view(self.models(entry), ink))

    async def read_digits(self, ink: np.ndarray) -> np.ndarray:
        """The digits that the project's classifier reads, (N,), in pictures of 0..255, (N, 28, 28). Raises InputError."""
        return await self._queue.run(lambda: classify(digit_classifier(), ink >= THRESHOLD))

    def _receptive_field(self, entry: str, pixel: object) -> np.ndarray:
        model = self.models(entry)
        number = whole_number(pixel, "pixel", 0, model.config.height * model.config.width - 1)
        if model not in self._caches:
            self._caches[model] = ModelCache(torch.from_numpy(complete(model, samples=SAMPLES).images).to(model.device))
        cache = self._caches[model]
        if number not in cache.receptive_fields:
            gradient = receptive_field(model, cache.samples, number)
            cache.receptive_fields[number] = log_scaled(gradient.numpy(force=True))
        return cache.receptive_fields[number]

    def _class_posterior(self, entry: str, ink: np.ndarray, known: np.ndarray) -> np.ndarray:
        model = self.models(entry)
        start = count_known_prefix(model, torch.from_numpy(known))
        picture = ink_to_levels(ink.astype(float), model.distribution.levels)[None].to(model.device)
        return class_posterior_by_prefix(model, picture)[0, start:].numpy(force=True)


@cache
def digit_classifier() -> DigitClassifier:
    return load_digit_classifier()


def log_scaled(gradient: np.ndarray) -> np.ndarray:
    """Gradient magnitudes as uint8 on a logarithmic scale.

    0 stands for exactly 0, 1 to 255 for the five decades up to the maximum.
    """
    if not gradient.any():
        return np.zeros(gradient.shape, np.uint8)
    with np.errstate(divide="ignore"):
        share = np.clip(1 + np.log10(gradient / gradient.max()) / DECADES, 0, 1)
    return np.where(gradient > 0, 1 + 254 * share, 0).round().astype(np.uint8)
