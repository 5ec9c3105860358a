"""A completion as it grows, and the noise that decides it.

Randomness enters here, once, as noise from a seed: all that follows is a function of it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.posterior import so_far
from pixelcnn.request import ANY, DRAWN, Request


def noise_for(seed: int, samples: int, pixels: int) -> Tensor:
    """Uniform numbers in [0, 1), (samples, pixels), float64; row i depends on (seed, i) alone, never on `samples`."""
    return torch.from_numpy(np.stack([np.random.default_rng([i, seed]).random(pixels) for i in range(samples)]))


@dataclass
class Trace:
    """Everything /complete answers with. `done` pixels of the order are final in every sample."""

    model: str
    seed: int
    levels: int
    shape: tuple[int, int]
    order: np.ndarray  # the unknown pixels, raster numbers, as they are filled
    known_order: np.ndarray  # the known pixels of which the model says exactly how probable they were
    x: np.ndarray  # levels, (samples, H * W)
    chosen: np.ndarray  # probability given to the level drawn, at the temperature used, (samples, H * W)
    pixel_nats: np.ndarray  # -ln p at temperature 1, (samples, H * W)
    known_probabilities: np.ndarray  # in known_order, at temperature 1
    digits: np.ndarray  # the digit that each sample was told to draw, -1 for none, (samples,)
    done: int = 0
    steps: int = 0  # batched steps (or full passes) made so far

    @property
    def filled(self) -> np.ndarray:
        """The pixels that are final in every sample, as they were filled."""
        return self.order[: self.done]

    @property
    def finished(self) -> bool:
        return self.done == len(self.order)

    @property
    def images(self) -> np.ndarray:
        """Levels, (samples, H, W); pixels that are not final yet are 0."""
        images = self.x.copy()
        images[:, self.order[self.done :]] = 0
        return images.reshape(-1, *self.shape)

    @property
    def probabilities(self) -> np.ndarray:
        """(samples, done), in the order of filling."""
        return self.chosen[:, self.filled]

    @property
    def nats(self) -> np.ndarray:
        """-ln p of all filled pixels of each sample, (samples,), at temperature 1."""
        return self.pixel_nats[:, self.filled].sum(1)

    def frozen(self) -> "Trace":
        """The trace as it is now, which later steps do not change."""
        return replace(self, x=self.x.copy(), chosen=self.chosen.copy(), pixel_nats=self.pixel_nats.copy())

    def places(self, pixels: np.ndarray) -> list[list[int]]:
        """Raster numbers as [row, column]."""
        return np.stack(np.divmod(pixels, self.shape[1]), 1).tolist()

    def answer(self) -> dict:
        """The answer of /complete and /stream, in plain lists."""
        return {
            "model": self.model,
            "seed": self.seed,
            "levels": self.levels,
            "order": self.places(self.filled),
            "images": self.images.tolist(),
            "probabilities": self.probabilities.round(6).tolist(),
            "nats": self.nats.round(4).tolist(),
            "known_order": self.places(self.known_order),
            "known_probabilities": self.known_probabilities.round(6).tolist(),
            "digits": self.digits.tolist(),
        }


@dataclass(eq=False)
class Job:
    """One request made ready for a model: what every sample begins with, the noise of each, a trace to fill in."""

    model: AutoregressiveModel
    picture: Tensor  # levels, (H * W,), zero where unknown
    unknown: Tensor  # bool (H * W,)
    told: Tensor | None  # known pixels that are not before all unknown ones, (1, H, W), for models that take them
    noise: Tensor  # (samples, H * W)
    lots: Tensor  # the number of each sample that its digit is drawn by, (samples,)
    digit: int  # the digit asked for, -1 for none, DRAWN to draw it first
    temperature: float
    trace: Trace

    @property
    def samples(self) -> int:
        return len(self.noise)

    def draw_digits(self) -> Tensor:
        """The digit that each sample is told to draw, (samples,), -1 for none; drawn now, if that is asked for.

        By inverting p(digit | known), at the temperature, at a number of the sample's own. The known pixels are given what
        all digits together give them.
        """
        if self.digit != DRAWN:
            return torch.from_numpy(self.trace.digits)
        known, (height, width) = len(self.trace.known_order), self.trace.shape
        upper = self.picture.view(1, height, width)[:, : max(1, -(-known // width))]
        told = so_far(self.model, upper.to(self.model.device))[0, :, : known + 1].cpu()  # (10, known + 1)
        self.trace.known_probabilities = torch.logsumexp(told, 0).diff().exp().numpy()
        odds = (told[:, -1] / self.temperature).softmax(0)
        digits = (self.lots[:, None] >= odds.cumsum(0)[:-1]).sum(1)
        self.trace.digits = digits.numpy()
        self.trace.steps += 1  # ten pictures in one pass
        return digits

    def record_known(self, params: Tensor) -> None:
        """Note what the model gave the known pixels, as far as it can say; params (n, H, W, P) of all pixels.

        Where the digit was drawn, `draw_digits` has noted it already, of all digits together.
        """
        if self.digit == DRAWN:
            return
        known = torch.from_numpy(self.trace.known_order)
        params = params[0].flatten(0, 1)[known.to(params.device)].double()
        nats = -self.model.likelihood.log_prob(params, self.picture[known].to(params.device))
        self.trace.known_probabilities = np.exp(-nats.numpy(force=True))


def prepare(model: AutoregressiveModel, request: Request) -> Job:
    """Check the request and draw its noise. Raises BadInput."""
    asked = request.check(model)
    picture = asked.picture.flatten()
    unknown = torch.zeros(len(picture), dtype=torch.bool)
    unknown[asked.order] = True
    empty = np.zeros((asked.samples, len(picture)))
    trace = Trace(
        model=model.entry or model.name,
        seed=asked.seed,
        levels=model.likelihood.levels,
        shape=tuple(asked.picture.shape),
        order=asked.order.numpy(),
        # Of pixels that it was told of, a network says nothing; of others given those, not what they are by themselves.
        known_order=np.arange(int(asked.order[0]) if asked.told is None else 0),
        x=picture.repeat(asked.samples, 1).numpy(),
        chosen=empty,
        pixel_nats=empty,
        known_probabilities=np.zeros(0),
        digits=np.full(asked.samples, max(asked.digit, ANY)),
    )
    told = None if asked.told is None else asked.told[None]
    # One number more than there are pixels: the last is for the digit, and changes none of those before it.
    noise = noise_for(asked.seed, asked.samples, len(picture) + 1)
    return Job(model, picture, unknown, told, noise[:, :-1], noise[:, -1], asked.digit, asked.temperature, trace)
