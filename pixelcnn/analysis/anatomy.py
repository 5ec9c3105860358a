"""The anatomy of one sampled pixel: its prediction, which pixels caused it, its noise, and its share of the likelihood.

Attribution is gradient times (value - baseline), the first-order estimate of how much the prediction would change if a
pixel had the baseline value (Shrikumar et al., "Learning Important Features Through Propagating Activation Differences",
2017, arXiv:1704.02685, compare it with a baseline of 0). Our baseline is halfway between paper and ink, so that paper can
push, too. The gradient is the network's own at the given picture. It exists for every model, and says nothing about pixels
that would matter only together.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pixelcnn.distributions import Distribution, sample
from pixelcnn.images import ink_to_levels
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.execution import FullPass
from pixelcnn.sampling.class_posterior import prefix_log_likelihoods
from pixelcnn.sampling.request import ClassChoice, Request, whole_number
from pixelcnn.sampling.result import Job, prepare


@dataclass(frozen=True)
class PixelAnatomy:
    """Everything about how one pixel of a picture was drawn. N is the number of unknown pixels up to and including it."""

    prediction: float  # the logit of ink for two levels, otherwise the expected level, at temperature 1
    attribution: np.ndarray  # how far each pixel moved the prediction up or down, in its units, (H, W)
    probabilities: np.ndarray  # of every level, at the temperature of the request, (K,)
    noise: float  # the random number of the pixel, in [0, 1)
    level: int  # that the noise selects
    nats: np.ndarray  # -ln p of the unknown pixels in the order of sampling, at temperature 1, (N,)
    digit: int  # that conditions the pixels, -1 for none
    digit_nats: float | None  # -ln p(digit | known pixels), at temperature 1; None if there is no digit, or with hints


def pixel_anatomy(model: AutoregressiveModel, request: Request, ink: np.ndarray, pixel: object) -> PixelAnatomy:
    """How a pixel of the first sample of a request was drawn.

    ink: the picture as far as it is filled, 0..255, (H, W); values of unknown pixels after `pixel` do not matter.
    pixel: its raster number; a known pixel is explained as if it had been sampled. Raises InputError.
    """
    number = whole_number(pixel, "pixel", 0, model.config.height * model.config.width - 1)
    job = prepare(model, request)
    x = ink_to_levels(ink.astype(float), model.distribution.levels)[None].to(model.device)
    digit, digit_nats = condition(job, x)
    digits = torch.tensor([digit], device=model.device)
    hints = None if job.hints is None else job.hints.to(model.device)

    picture = model.embed(x).requires_grad_()
    with torch.enable_grad():
        params = model.network(picture, FullPass(digits, hints)).double()  # (1, H, W, P)
        prediction = predict(model.distribution, params[0].flatten(0, 1)[number])
        gradient = torch.autograd.grad(prediction, picture, allow_unused=True, materialize_grads=True)[0]
    paper, black = (model.embed(torch.full_like(x, level)) for level in (0, model.distribution.levels - 1))
    attribution = (gradient * (picture - (paper + black) / 2)).sum(-1)[0]

    params = params.detach()
    order = torch.from_numpy(job.result.order)
    nats = -model.distribution.log_prob(params, x).flatten()[order[order <= number].to(x.device)]
    own, noise = params[0].flatten(0, 1)[number], job.noise[0, number]
    level, _ = sample(model.distribution, own, noise.to(own.device), job.temperature)
    probabilities = model.distribution.log_probs(own, job.temperature).exp()
    return PixelAnatomy(
        prediction=prediction.item(),
        attribution=attribution.numpy(force=True),
        probabilities=probabilities.numpy(force=True),
        noise=noise.item(),
        level=int(level),
        nats=nats.numpy(force=True),
        digit=digit,
        digit_nats=digit_nats,
    )


def condition(job: Job, x: Tensor) -> tuple[int, float | None]:
    """The class of the first sample, -1 for none, and its -ln p given the known pixels of x, levels (1, H, W)."""
    if job.digit == ClassChoice.NONE or job.hints is not None:
        return job.digit, None
    known = len(job.result.known_order)
    rows = max(1, -(-known // x.shape[2]))  # the known pixels are in these
    log_p = prefix_log_likelihoods(job.model, x[:, :rows])[0].cpu()  # (classes, rows * W + 1)
    digit = int(job.sample_digits(log_p)[0]) if job.digit == ClassChoice.SAMPLED else job.digit
    return digit, -log_p[:, known].log_softmax(0)[digit].item()


def predict(distribution: Distribution, params: Tensor) -> Tensor:
    """One number that says what a pixel will be, from its params (P,): the logit of ink, or the expected level."""
    log_p = distribution.log_probs(params)
    if distribution.levels == 2:
        return log_p[1] - log_p[0]
    return log_p.exp() @ torch.arange(distribution.levels, dtype=log_p.dtype, device=log_p.device)
