"""What a person at the page may ask beside completions: where a model looks, and which digit it takes a picture for.

One question at a time, in the thread of whoever asks; answers about a model alone are kept. Knows no page.
"""

import threading
from collections.abc import Callable

import numpy as np
import torch

from pixelcnn.errors import BadInput
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.orders import comes_first
from pixelcnn.posterior import course
from pixelcnn.request import levels_of, whole_number
from pixelcnn.sampler import complete
from pixelcnn.sight import sight

DREAMS = 8  # pictures that a model's gradient is averaged over
DECADES = 5  # of strength that are told apart, from the strongest down


class Insight:
    """models: from an entry to the model that is loaded for it. Safe to ask from several threads."""

    def __init__(self, models: Callable[[object], AutoregressiveModel]):
        self.models = models
        self._dreams: dict[AutoregressiveModel, torch.Tensor] = {}
        self._seen: dict[tuple[AutoregressiveModel, int], np.ndarray] = {}
        self._one_at_a_time = threading.Lock()

    def sight(self, entry: object, pixel: object) -> np.ndarray:
        """How much a pixel's prediction looks at every other, uint8 (H, W): 0 not at all, then 1 to 255 over five decades.

        The real gradient, averaged over pictures that the model has dreamt. Raises BadInput for what is not a pixel.
        """
        model = self.models(entry)
        pixel = whole_number(pixel, "pixel", 0, model.config.height * model.config.width - 1)
        with self._one_at_a_time:
            if (model, pixel) not in self._seen:
                self._seen[model, pixel] = strength(sight(model, self.dreams(model), pixel).numpy(force=True))
            return self._seen[model, pixel]

    def dreams(self, model: AutoregressiveModel) -> torch.Tensor:
        """Some pictures of the model's own, levels (B, H, W), always the same."""
        if model not in self._dreams:
            self._dreams[model] = torch.from_numpy(complete(model, samples=DREAMS).images).to(model.device)
        return self._dreams[model]

    def digits(self, entry: object, ink: np.ndarray, known: np.ndarray) -> np.ndarray:
        """p(digit | all before it) at each unknown pixel of a whole picture, and at its end, (U + 1, 10).

        ink (H, W) in 0..255 of all pixels, known bool (H, W), which of them were given. Raises BadInput for a model that
        knows no digits, and where known pixels come after unknown ones, for then no prefix is known by itself.
        """
        model = self.models(entry)
        if not comes_first(torch.from_numpy(known)):
            raise BadInput(
                "Which digit it is can be told where the known pixels come first, row by row; "
                "here known ones come after unknown ones, so draw the top alone."
            )
        with self._one_at_a_time:
            picture = levels_of(ink.astype(float), model.likelihood.levels)[None].to(model.device)
            return course(model, picture)[0, int(known.sum()) :].numpy(force=True)


def strength(field: np.ndarray) -> np.ndarray:
    """A field of gradients, not below zero, as uint8: 0 for none, then evenly in its logarithm up to 255 for the most."""
    if not field.any():
        return np.zeros(field.shape, np.uint8)
    with np.errstate(divide="ignore"):
        share = np.clip(1 + np.log10(field / field.max()) / DECADES, 0, 1)
    return np.where(field > 0, 1 + 254 * share, 0).round().astype(np.uint8)
