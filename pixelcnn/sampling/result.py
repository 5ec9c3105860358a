"""The result of a completion as it grows, and the noise that determines it.

All randomness enters here, as noise from a seed; everything else is a function of it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.isolation import cpu_by_default
from pixelcnn.sampling.request import ClassChoice, Request


def noise_for(seed: int, samples: int, pixels: int, first: int = 0) -> Tensor:
    """Uniform numbers in [0, 1), (samples, pixels), float64; row i depends on (seed, first + i) only."""
    rows = [np.random.default_rng([first + i, seed]).random(pixels) for i in range(samples)]
    return torch.from_numpy(np.stack(rows))


@dataclass
class SamplingResult:
    """Everything that /complete returns. The first `done` pixels of `order` are final in every sample."""

    model: str
    seed: int
    levels: int
    shape: tuple[int, int]
    order: np.ndarray  # the unknown pixels in the order of sampling, raster numbers
    known_order: np.ndarray  # the known pixels whose probability is exact
    x: np.ndarray  # levels, (samples, H * W)
    drawn_probs: np.ndarray  # probability of the level drawn, at the temperature used, (samples, H * W)
    pixel_nats: np.ndarray  # -ln p at temperature 1, (samples, H * W)
    known_probabilities: np.ndarray  # in known_order, at temperature 1
    digits: np.ndarray  # the class that each sample is conditioned on, -1 for none, (samples,)
    done: int = 0
    steps: int = 0  # batched steps (or full passes) so far

    @property
    def filled(self) -> np.ndarray:
        """The pixels that are final in every sample, in the order of sampling."""
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
        """(samples, done), in the order of sampling."""
        return self.drawn_probs[:, self.filled]

    @property
    def nats(self) -> np.ndarray:
        """-ln p of all filled pixels of each sample, (samples,), at temperature 1."""
        return self.pixel_nats[:, self.filled].sum(1)

    def snapshot(self) -> "SamplingResult":
        """A copy that later steps do not change."""
        return replace(self, x=self.x.copy(), drawn_probs=self.drawn_probs.copy(), pixel_nats=self.pixel_nats.copy())

    def coordinates(self, pixels: np.ndarray) -> list[list[int]]:
        """Raster numbers as [row, column]."""
        return np.stack(np.divmod(pixels, self.shape[1]), 1).tolist()

    def to_dict(self) -> dict:
        """The answer of /complete and /stream, as plain lists."""
        return {
            "model": self.model,
            "seed": self.seed,
            "levels": self.levels,
            "order": self.coordinates(self.filled),
            "images": self.images.tolist(),
            "probabilities": self.probabilities.round(6).tolist(),
            "nats": self.nats.round(4).tolist(),
            "known_order": self.coordinates(self.known_order),
            "known_probabilities": self.known_probabilities.round(6).tolist(),
            "digits": self.digits.tolist(),
        }


@dataclass(eq=False)
class Job:
    """A validated request for one model: what every sample starts with, its noise, and the result to fill in."""

    model: AutoregressiveModel
    picture: Tensor  # levels, (H * W,), zero where unknown
    unknown: Tensor  # bool (H * W,)
    hints: Tensor | None  # bool (1, H, W), known pixels after an unknown one, for models that accept them
    noise: Tensor  # (samples, H * W)
    class_uniforms: Tensor  # the uniform number that samples the class, (samples,)
    digit: int  # as in `Request`
    temperature: float
    result: SamplingResult

    @property
    def samples(self) -> int:
        return len(self.noise)

    def sample_digits(self, log_p: Tensor) -> Tensor:
        """The class of each sample, (samples,), from ln p(the first n pixels | class), (classes, at least known + 1).

        Sampling inverts p(digit | known pixels) at the request's temperature at one uniform number per sample. The
        probabilities of the known pixels are then those of the mixture over all classes.
        """
        log_p = log_p[:, : len(self.result.known_order) + 1]
        self.result.known_probabilities = torch.logsumexp(log_p, 0).diff().exp().numpy()
        posterior = (log_p[:, -1] / self.temperature).softmax(0)
        digits = (self.class_uniforms[:, None] >= posterior.cumsum(0)[:-1]).sum(1)
        self.result.digits = digits.numpy()
        self.result.steps += 1  # one pass over a batch of one picture per class
        return digits

    def record_known_probabilities(self, params: Tensor) -> None:
        """Record the probabilities of the known pixels from params (H, W, P) of a full pass over the picture."""
        known = torch.from_numpy(self.result.known_order)
        params = params.flatten(0, 1)[known.to(params.device)].double()
        nats = -self.model.distribution.log_prob(params, self.picture[known].to(params.device))
        self.result.known_probabilities = np.exp(-nats.numpy(force=True))


@cpu_by_default()
def prepare(model: AutoregressiveModel, request: Request) -> Job:
    """Validate a request and draw its noise. Raises InputError."""
    valid = request.validate(model)
    picture = valid.picture.flatten()
    unknown = torch.zeros(len(picture), dtype=torch.bool)
    unknown[valid.order] = True
    result = SamplingResult(
        model=model.entry or model.name,
        seed=valid.seed,
        levels=model.distribution.levels,
        shape=(valid.picture.shape[0], valid.picture.shape[1]),
        order=valid.order.numpy(),
        # With hints, known-pixel probabilities are conditional, not marginal, so none are reported.
        known_order=np.arange(int(valid.order[0]) if valid.hints is None else 0),
        x=picture.repeat(valid.samples, 1).numpy(),
        drawn_probs=np.zeros((valid.samples, len(picture))),
        pixel_nats=np.zeros((valid.samples, len(picture))),
        known_probabilities=np.zeros(0),
        digits=np.full(valid.samples, max(valid.digit, ClassChoice.NONE)),
    )
    hints = None if valid.hints is None else valid.hints[None]
    # One number more than there are pixels: the last one samples the class.
    noise = noise_for(valid.seed, valid.samples, len(picture) + 1, valid.first_sample)
    return Job(model, picture, unknown, hints, noise[:, :-1], noise[:, -1], valid.digit, valid.temperature, result)
