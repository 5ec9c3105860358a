"""What the network's params mean: a distribution over the levels of one pixel.

Pure functions of params (..., P): noise in, level out; log-probabilities in nats. Knows no network and no picture.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def spread(temperature: float | Tensor, axes: int) -> float | Tensor:
    """A temperature per pixel, (...), with so many axes more."""
    return temperature[(..., *[None] * axes)] if isinstance(temperature, Tensor) else temperature


@dataclass(frozen=True)
class Bernoulli:
    """Black or white: params (..., 1) are the logit of ink (1601.06759, section 5.1)."""

    levels: int = 2
    params: int = 1

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of every level, (..., 2), with the logit divided by the temperature: one for all or (...)."""
        logit = params / spread(temperature, 1)
        return torch.cat([F.logsigmoid(-logit), F.logsigmoid(logit)], -1)

    def thresholds(self, noise: Tensor, temperature: float | Tensor) -> Tensor:
        """The logit from which on `draw` draws ink, float64, of noise u in [0, 1): u >= sigmoid(-logit / T), turned round.

        temperature: one for all, or a tensor that broadcasts to noise.
        """
        noise = noise.double()
        return temperature * (torch.log1p(-noise) - torch.log(noise))  # inf for u = 0, which never draws ink

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""
        return F.logsigmoid(params[..., 0] * (2 * x - 1))


@dataclass(frozen=True)
class DiscretizedLogisticMixture:
    """Gray levels as bins under a mixture of logistic curves (1701.05517, section 2.1).

    Levels 0..K-1 stand for -1..1; the first and the last bin reach to infinity. params (..., 3M): M mixture logits, M
    means, M log-scales. A temperature T divides the mixture logits and stretches every scale by T.
    """

    levels: int = 256
    mixtures: int = 5

    @property
    def params(self) -> int:
        return 3 * self.mixtures

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of every level, (..., K); temperature is one for all or (...)."""
        every = torch.arange(self.levels, device=params.device)
        return self._mixture(params[..., None, :], every.expand(*params.shape[:-1], -1), spread(temperature, 2))

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""
        return self._mixture(params, x, 1.0)

    def _mixture(self, params: Tensor, x: Tensor, temperature: float | Tensor) -> Tensor:
        logits, means, log_scales = params.chunk(3, -1)
        sharpness = torch.exp(-log_scales.clamp(min=-7)) / temperature
        width = 2 / (self.levels - 1)
        left = (x[..., None].to(params.dtype) * width - 1 - width / 2 - means) * sharpness
        right = left + width * sharpness
        # sigmoid(r) - sigmoid(l) = sigmoid(r) sigmoid(-l) (1 - e^(l - r)): exact, and no difference of nearly equal numbers
        inside = F.logsigmoid(right) + F.logsigmoid(-left) + torch.log(-torch.expm1(-width * sharpness))
        below, above = x[..., None] == 0, x[..., None] == self.levels - 1
        bins = torch.where(below, F.logsigmoid(right), torch.where(above, F.logsigmoid(-left), inside))
        return torch.logsumexp(F.log_softmax(logits / temperature, -1) + bins, -1)


def draw(likelihood, params: Tensor, noise: Tensor, temperature: float | Tensor = 1.0) -> tuple[Tensor, Tensor]:
    """Invert the distribution at uniform noise (...) in [0, 1): the smallest level whose cumulated p exceeds it.

    Returns levels (...), long, and the probability given to each at this temperature.
    """
    probabilities = likelihood.log_probs(params, temperature).exp()
    below = probabilities.cumsum(-1)[..., :-1]  # the last level takes whatever rounding leaves
    levels = (noise[..., None] >= below).sum(-1)
    return levels, probabilities.gather(-1, levels[..., None])[..., 0]
