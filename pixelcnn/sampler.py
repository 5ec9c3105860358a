"""Filling the unknown pixels, twice: by the definition, slowly, and over the cache, fast. Both draw the same pictures.

`specification` makes one full pass over the picture for every pixel. `windowed` is a `Batch` with one job: steps over a
cache, a window of pixels at a time. Knows no model by name, no page and no person.
"""

from collections.abc import Iterator

import torch

from pixelcnn.batch import Batch
from pixelcnn.likelihoods import draw
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.request import Request
from pixelcnn.trace import Job, Trace, prepare


@torch.inference_mode()
def specification(job: Job) -> Iterator[Trace]:
    """The definition: for every pixel one full pass over the whole picture."""
    model, trace, likelihood = job.model, job.trace, job.model.likelihood
    x = job.picture.view(1, *trace.shape).repeat(job.samples, 1, 1).to(model.device)
    noise, digits = job.noise.to(model.device), job.draw_digits().to(model.device)
    told = None if job.told is None else job.told.expand(job.samples, -1, -1).to(model.device)
    trace.chosen, trace.pixel_nats = torch.zeros_like(noise).numpy(force=True), torch.zeros_like(noise).numpy(force=True)
    for pixel in trace.order.tolist():
        params = model(x, digits, told)  # (n, H, W, P)
        if trace.done == 0:
            job.record_known(params)
        here = params.flatten(1, 2)[:, pixel].double()
        levels, chosen = draw(likelihood, here, noise[:, pixel], job.temperature)
        x.flatten(1)[:, pixel] = levels
        trace.x = x.flatten(1).numpy(force=True)
        trace.chosen[:, pixel] = chosen.numpy(force=True)
        trace.pixel_nats[:, pixel] = -likelihood.log_prob(here, levels).numpy(force=True)
        trace.done, trace.steps = trace.done + 1, trace.steps + 1
        yield trace


def windowed(job: Job, window: int | None = None) -> Iterator[Trace]:
    """The same pictures from steps over a cache; `window` fixes how many pixels of each sample go together."""
    batch = Batch(job.model, job.samples)
    batch.seat(job)
    while not job.trace.finished:
        batch.step(window=window)
        batch.report(job)
        yield job.trace


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
