"""Distributions over the levels of one pixel, as functions of the network's output `params` (..., P).

Noise to level, level to log-probability in nats. Pure functions; a model names its distribution.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Distribution(Protocol):
    """What a model needs of the distribution of a pixel."""

    @property
    def levels(self) -> int:
        """The number of levels K; a level is 0..K-1."""

    @property
    def num_params(self) -> int:
        """The number of parameters P per pixel."""

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of every level, (..., K); temperature is one number or a tensor (...)."""

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""


def append_axes(temperature: float | Tensor, axes: int) -> float | Tensor:
    """A temperature (...) with `axes` axes of size 1 appended; a number is returned as it is."""
    return temperature[(..., *[None] * axes)] if isinstance(temperature, Tensor) else temperature


@dataclass(frozen=True)
class Bernoulli:
    """Binary pixels: params (..., 1) are the logit of ink (1601.06759, section 5.1)."""

    levels: int = 2
    num_params: int = 1

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of both levels, (..., 2), with the logit divided by the temperature: one number or (...)."""
        logit = params / append_axes(temperature, 1)
        return torch.cat([F.logsigmoid(-logit), F.logsigmoid(logit)], -1)

    def thresholds(self, noise: Tensor, temperature: float | Tensor) -> Tensor:
        """The smallest logit for which `sample` draws ink from noise u in [0, 1), float64: u >= sigmoid(-logit / T) solved.

        temperature: one number, or a tensor that broadcasts to noise.
        """
        noise = noise.double()
        return temperature * (torch.log1p(-noise) - torch.log(noise))  # inf for u = 0, which never draws ink

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""
        return F.logsigmoid(params[..., 0] * (2 * x - 1))


@dataclass(frozen=True)
class DiscretizedLogisticMixture:
    """Gray levels as bins under a mixture of logistic distributions (1701.05517, section 2.1).

    Levels 0..K-1 stand for -1..1; the first and the last bin extend to infinity. params (..., 3M): M mixture logits, M
    means, M log-scales. A temperature T divides the mixture logits and multiplies every scale.
    """

    levels: int = 256
    mixtures: int = 5

    @property
    def num_params(self) -> int:
        return 3 * self.mixtures

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of every level, (..., K); temperature is one number or (...)."""
        every = torch.arange(self.levels, device=params.device)
        return self._mixture(params[..., None, :], every.expand(*params.shape[:-1], -1), append_axes(temperature, 2))

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""
        return self._mixture(params, x, 1.0)

    def _mixture(self, params: Tensor, x: Tensor, temperature: float | Tensor) -> Tensor:
        logits, means, log_scales = params.chunk(3, -1)
        log_scales = log_scales.clamp(min=-7)
        sharpness = torch.exp(-log_scales) / temperature
        width = 2 / (self.levels - 1)
        left = (x[..., None].to(params.dtype) * width - 1 - width / 2 - means) * sharpness
        right = left + width * sharpness
        # sigmoid(r) - sigmoid(l) = sigmoid(r) sigmoid(-l) (1 - e^(l - r)): exact, without subtracting nearly equal numbers
        # For log-scales of 100, e^(l - r) is 1 in float32. Beyond 50, ln(1 - e^(l - r)) equals ln(r - l), which is linear.
        bounded = log_scales.clamp(max=50)
        log_difference = torch.log(-torch.expm1(-width * torch.exp(-bounded) / temperature)) + (bounded - log_scales)
        inside = F.logsigmoid(right) + F.logsigmoid(-left) + log_difference
        below, above = x[..., None] == 0, x[..., None] == self.levels - 1
        bins = torch.where(below, F.logsigmoid(right), torch.where(above, F.logsigmoid(-left), inside))
        return torch.logsumexp(F.log_softmax(logits / temperature, -1) + bins, -1)


def sample(
    distribution: Distribution, params: Tensor, noise: Tensor, temperature: float | Tensor = 1.0
) -> tuple[Tensor, Tensor]:
    """Inverse transform sampling from uniform noise (...) in [0, 1): the smallest level whose cumulative p exceeds it.

    Returns levels (...), long, and the probability of each at this temperature.
    """
    probabilities = distribution.log_probs(params, temperature).exp()
    cumulative = probabilities.cumsum(-1)[..., :-1]  # the last level takes whatever rounding leaves
    levels = (noise[..., None] >= cumulative).sum(-1)
    return levels, probabilities.gather(-1, levels[..., None])[..., 0]
