"""Sampling the unknown pixels: `sample_reference` is the definition, `sample_cached` the fast version. Same pictures.

`sample_reference` makes one full pass over the picture for every pixel. `sample_cached` is a `ContinuousBatch` with one
job: steps over a cache, a window of pixels at a time.
"""

from collections.abc import Iterator

import torch

from pixelcnn.distributions import sample
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.class_posterior import prefix_log_likelihoods
from pixelcnn.sampling.isolation import isolated
from pixelcnn.sampling.request import ClassChoice, Request
from pixelcnn.sampling.result import Job, SamplingResult, prepare


def sample_reference(job: Job) -> Iterator[SamplingResult]:
    """The definition: one full pass over the whole picture for every pixel."""
    model, result = job.model, job.result
    with isolated(model):
        x = job.picture.view(1, *result.shape).repeat(job.samples, 1, 1).to(model.device)
        noise, digits = job.noise.to(model.device), torch.from_numpy(job.result.digits).to(model.device)
        if job.digit == ClassChoice.SAMPLED:
            digits = job.sample_digits(prefix_log_likelihoods(model, x[:1])[0].cpu()).to(model.device)
        hints = None if job.hints is None else job.hints.expand(job.samples, -1, -1).to(model.device)
    for pixel in result.order.tolist():
        with isolated(model):
            params = model(x, digits, hints)  # (samples, H, W, P)
            if result.done == 0 and job.digit != ClassChoice.SAMPLED:
                job.record_known_probabilities(params[0])
            pixel_params = params.flatten(1, 2)[:, pixel].double()
            levels, drawn_probs = sample(model.distribution, pixel_params, noise[:, pixel], job.temperature)
            x.flatten(1)[:, pixel] = levels
            result.x = x.flatten(1).numpy(force=True)
            result.drawn_probs[:, pixel] = drawn_probs.numpy(force=True)
            result.pixel_nats[:, pixel] = -model.distribution.log_prob(pixel_params, levels).numpy(force=True)
        result.done, result.steps = result.done + 1, result.steps + 1
        yield result


def sample_cached(job: Job, window: int | None = None) -> Iterator[SamplingResult]:
    """The same pictures from steps over a cache; `window` fixes how many pixels of each sample a step computes."""
    batch = ContinuousBatch(job.model, job.samples)
    batch.admit([job])
    while not job.result.finished:
        batch.step(window=window)
        batch.update_result(job)
        yield job.result


def stream(model: AutoregressiveModel, request: Request, *, cached: bool = True) -> Iterator[SamplingResult]:
    """The result of a request after every step; one object, changed in place.

    With cached=False from `sample_reference`. Raises InputError, before the first step, for an invalid request.
    """
    job = prepare(model, request)
    yield from sample_cached(job) if cached else sample_reference(job)


def complete(
    model: AutoregressiveModel,
    drawing: object = None,
    known: object = None,
    *,
    samples: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
    digit: int = ClassChoice.NONE,
    first_sample: int = 0,
    cached: bool = True,
) -> SamplingResult:
    """Sample the unknown pixels of a drawing: H x W ink in 0..255, known H x W of 0/1. See `Request` and `SamplingResult`.

    Raises InputError for an invalid request.
    """
    request = Request(drawing, known, samples, temperature, seed, digit, first_sample)
    *_, result = stream(model, request, cached=cached)
    return result
