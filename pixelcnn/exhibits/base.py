"""What exhibits have in common: their frames, and what is checked and kept around them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pixelcnn.data.dataset import THRESHOLD
from pixelcnn.errors import Message
from pixelcnn.models.base import ModelConfig, Network
from pixelcnn.sampling.request import MAX_SAMPLES, MAX_SEED, read_drawing, whole_number


@dataclass(frozen=True)
class Config(ModelConfig):
    """Sizes of an exhibit, whose height and width are halved twice."""

    RANGES = ModelConfig.RANGES | {"height": range(4, 257, 4), "width": range(4, 257, 4)}


@dataclass(frozen=True)
class Frame:
    """Pictures on the way to the last frame. Known pixels are always those of the drawing."""

    step: int  # 1 to steps
    steps: int
    images: np.ndarray  # ink, uint8 (samples, H, W)
    captions: list[Message]  # one a sample
    seconds: float = 0.0  # of computing since the start, without the time between two frames


class Draft(NamedTuple):
    """What `Exhibit.improve` makes frames of."""

    step: int
    steps: int
    pictures: Tensor  # (samples, 1, H, W) in 0..1
    captions: list[Message]  # one a sample, with "?" as the parameter `digit`


class Exhibit(Network):
    """A network that completes pictures. Not autoregressive: it has no likelihood, so no nats, and takes any mask.

    A subclass defines `improve`. Sample i depends on the drawing and on (seed, i) only.
    """

    config: Config
    # Binary pictures (N, H, W) to the digits that captions name, (N,); set by `load_exhibit`.
    read_digits: Callable[[np.ndarray], np.ndarray] | None = None

    def improve(self, ink: Tensor, known: Tensor, samples: int, seed: int) -> Iterator[Draft]:
        """The pictures as they improve.

        ink: (1, 1, H, W) in 0..1, zero where unknown. known: the same shape, 1 where known, else 0.
        """
        raise NotImplementedError

    @torch.no_grad()
    def frames(
        self, drawing: object = None, known: object = None, samples: object = 1, seed: object = 0
    ) -> Iterator[Frame]:
        """The pictures as they improve; the last frame is the result. Closing the iterator stops the work.

        drawing, known, samples and seed are as in `pixelcnn.Request`. Raises InputError.
        """
        ink, mask = read_drawing(drawing, known, (self.config.height, self.config.width))
        count = whole_number(samples, "samples", 1, MAX_SAMPLES)
        number = whole_number(seed, "seed", 0, MAX_SEED)
        given, given_mask = (torch.from_numpy(part).float()[None, None] for part in (ink / 255, mask))
        seconds, resumed = 0.0, time.perf_counter()
        for draft in self.improve(given, given_mask, count, number):
            images = np.where(mask, ink, 255 * draft.pictures[:, 0].numpy()).round().astype(np.uint8)
            digits = ["?"] * count if self.read_digits is None else self.read_digits(images >= THRESHOLD)
            captions = [
                replace(caption, params=caption.params | {"digit": str(digit)})
                for caption, digit in zip(draft.captions, digits, strict=True)
            ]
            seconds += time.perf_counter() - resumed
            yield Frame(draft.step, draft.steps, images, captions, seconds)
            resumed = time.perf_counter()
