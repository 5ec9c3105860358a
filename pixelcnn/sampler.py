"""Filling the unknown pixels, twice: by the definition, slowly, and over the cache, fast. Both draw the same pictures.

`specification` makes one full pass over the picture for every pixel. `windowed` steps over the cache instead, a window
of pixels at a time: it guesses the levels in the window, works out in one batched step what each pixel would be if the
guesses before it were right, and keeps all up to the first that turns out otherwise. With the noise fixed, a pixel's
level is a function of the pixels before it, so what is kept is exactly what one step per pixel would have drawn (the
fixed-point view of 2002.09928). Guesses are free: the last step's draws.

Randomness enters once, as noise from a seed. Knows no model by name, no page and no person.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pixelcnn.likelihoods import draw
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.request import Request

ROWS_PER_STEP = 64  # pixels that advance in one step, over all samples; benchmarks/RESULTS.md has the measurements


def noise_for(seed: int, samples: int, pixels: int) -> Tensor:
    """Uniform numbers in [0, 1), (samples, pixels), float64; row i depends on (seed, i) alone, never on `samples`."""
    return torch.from_numpy(np.stack([np.random.default_rng([i, seed]).random(pixels) for i in range(samples)]))


@dataclass
class Trace:
    """A completion as it grows: everything /complete answers with. `done` pixels are final in every sample."""

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
        }


@dataclass
class Job:
    """One request made ready: samples side by side, noise drawn, a trace to fill in."""

    model: AutoregressiveModel
    x: Tensor  # levels, (samples, H * W), zero where unknown
    order: Tensor  # the unknown pixels as they are filled, (U,)
    unknown: Tensor  # bool (H * W,)
    noise: Tensor  # (samples, H * W)
    digits: Tensor  # the digit asked for, (samples,), -1 for none
    told: Tensor | None  # known pixels that are not before all unknown ones, (1, H, W), for models that take them
    temperature: float
    trace: Trace = field(repr=False)

    def record(self, samples: Tensor, pixels: Tensor, params: Tensor) -> Tensor:
        """Draw pixels (N,) of samples (N,) from params (N, P), note what they were given; returns the levels (N,).

        Pixels that are known keep their level, and what is noted of them is not looked at.
        """
        likelihood = self.model.likelihood
        params = params.double()  # so that no temperature above zero overflows
        levels, chosen = draw(likelihood, params, self.noise[samples, pixels], self.temperature)
        levels = torch.where(self.unknown[pixels], levels, self.x[samples, pixels])
        nats = -likelihood.log_prob(params, levels)
        where = (samples.numpy(force=True), pixels.numpy(force=True))
        self.trace.x[where] = levels.numpy(force=True)
        self.trace.chosen[where] = chosen.numpy(force=True)
        self.trace.pixel_nats[where] = nats.numpy(force=True)
        return levels

    def record_known(self, params: Tensor) -> None:
        """Note what the model gave the known pixels, as far as it can say; params (n, H * W, P) of all pixels."""
        known = torch.from_numpy(self.trace.known_order).to(self.x.device)
        nats = self.model.likelihood.log_prob(params[0, known].double(), self.x[0, known])
        self.trace.known_probabilities = nats.exp().numpy(force=True)


def prepare(model: AutoregressiveModel, request: Request) -> Job:
    """Check the request and draw its noise. Raises BadInput."""
    asked = request.check(model)
    x = asked.picture.flatten().repeat(asked.samples, 1)
    # Of pixels that it was told of, the network says nothing; and of others given those, not what they are by themselves.
    known_order = np.arange(int(asked.order[0]) if asked.told is None else 0)
    trace = Trace(
        model=model.entry or model.name,
        seed=asked.seed,
        levels=model.likelihood.levels,
        shape=tuple(asked.picture.shape),
        order=asked.order.numpy(),
        known_order=known_order,
        x=x.numpy().copy(),
        chosen=np.zeros(tuple(x.shape)),
        pixel_nats=np.zeros(tuple(x.shape)),
        known_probabilities=np.zeros(0),
    )
    noise = noise_for(asked.seed, *x.shape)
    digits = torch.full((asked.samples,), asked.digit)
    unknown = torch.zeros(x.shape[1], dtype=torch.bool)
    unknown[asked.order] = True
    parts = [part.to(model.device) for part in (x, asked.order, unknown, noise, digits)]
    told = None if asked.told is None else asked.told[None].to(model.device)
    return Job(model, *parts, told, asked.temperature, trace)


@torch.inference_mode()
def specification(job: Job) -> Iterator[Trace]:
    """The definition: for every pixel one full pass over the whole picture."""
    model, x, trace = job.model, job.x, job.trace
    samples = torch.arange(len(x), device=x.device)
    told = None if job.told is None else job.told.expand(len(x), -1, -1)
    for pixel in job.order:
        params = model(x.view(-1, *trace.shape), job.digits, told).flatten(1, 2)  # (n, H * W, P)
        x[:, pixel] = job.record(samples, pixel.expand(len(x)), params[:, pixel])
        job.record_known(params)
        trace.done, trace.steps = trace.done + 1, trace.steps + 1
        yield trace


@torch.inference_mode()
def windowed(job: Job, window: int | None = None) -> Iterator[Trace]:
    """The same pictures from steps over a cache, up to `window` pixels of each sample at a time.

    Known pixels between unknown ones are stepped over too: what the layers make of them depends on what was drawn before.
    """
    model, x, trace, n = job.model, job.x, job.trace, len(job.x)
    path = torch.arange(int(job.order[0]), int(job.order[-1]) + 1, device=x.device)
    filled = job.unknown[path].cumsum(0)  # unknown pixels up to each place on the path
    window = window or max(1, ROWS_PER_STEP // n)
    slots = torch.arange(n, device=x.device)
    cache = model.new_cache(n)
    top = x[:1].view(1, *trace.shape)  # all samples begin alike
    job.record_known(model.prefill(cache, slots, top, job.digits[:1], job.told).flatten(1, 2))
    samples = slots.repeat_interleave(window)
    ahead = torch.arange(window, device=x.device)
    front = torch.zeros_like(slots)  # each sample's place on the path: all before it is final
    while not trace.finished:
        pixels = path[(front[:, None] + ahead).clamp(max=len(path) - 1).flatten()]
        guesses = x[samples, pixels]
        levels = job.record(samples, pixels, model.step(cache, samples, pixels, window))
        x[samples, pixels] = levels
        model.write(cache, samples, pixels, levels)
        # A pixel stands if all guesses before it were right; the first always does.
        right = (levels == guesses).view(n, window)[:, :-1]
        front = (front + 1 + right.int().cumprod(1).sum(1)).clamp(max=len(path))
        trace.done, trace.steps = int(filled[front.min() - 1]), trace.steps + 1
        yield trace


def stream(model: AutoregressiveModel, request: Request, *, cached: bool = True) -> Iterator[Trace]:
    """The trace of a request, again and again as it grows; it is one object, changed in place.

    With cached=False by the specification. Raises BadInput, before the first step, for what cannot be done.
    """
    job = prepare(model, request)
    yield from windowed(job) if cached else specification(job)


def complete(
    model: AutoregressiveModel,
    drawing: object = None,
    known: object = None,
    *,
    samples: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
    digit: int = -1,
    cached: bool = True,
) -> Trace:
    """Fill in what is not known of a drawing: H x W ink in 0..255, known H x W of 0/1. See `Request` and `Trace`.

    Raises BadInput for what cannot be done.
    """
    request = Request(drawing, known, samples, temperature, seed, digit)
    *_, trace = stream(model, request, cached=cached)
    return trace
