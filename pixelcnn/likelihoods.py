"""What the network's params mean: a distribution over the levels of one pixel.

Pure functions of params (..., P): noise in, level out; log-probabilities in nats. Knows no network and no picture.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Bernoulli:
    """Black or white: params (..., 1) are the logit of ink (1601.06759, section 5.1)."""

    levels: int = 2
    params: int = 1

    def log_probs(self, params: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
        """ln p of every level, (..., 2), with the logit divided by the temperature."""
        logit = params / temperature
        return torch.cat([F.logsigmoid(-logit), F.logsigmoid(logit)], -1)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """ln p of levels x (...), in nats, at temperature 1."""
        return F.logsigmoid(params[..., 0] * (2 * x - 1))


def draw(likelihood, params: Tensor, noise: Tensor, temperature: float | Tensor = 1.0) -> tuple[Tensor, Tensor]:
    """Invert the distribution at uniform noise (...) in [0, 1): the smallest level whose cumulated p exceeds it.

    Returns levels (...), long, and the probability given to each at this temperature.
    """
    probabilities = likelihood.log_probs(params, temperature).exp()
    below = probabilities.cumsum(-1)[..., :-1]  # the last level takes whatever rounding leaves
    levels = (noise[..., None] >= below).sum(-1)
    return levels, probabilities.gather(-1, levels[..., None])[..., 0]
