"""Independent pixels: the baseline that reads nothing, p(x) as the product of one probability for each position.

The maximum of its likelihood is the mean picture of the training set. What it lacks, compared with the other models, is all
that pixels say about each other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import CachedLayer, Grid
from pixelcnn.nn.execution import CachedStep, Execution, FullPass


@dataclass(frozen=True)
class Config(ModelConfig):
    pass


class PixelLogits(CachedLayer):
    """A learned logit for every position."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.logits = nn.Parameter(torch.full((height, width), -2.0))

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return self.logits.new_empty(0)  # nothing to store

    def forward_full(self, picture: Tensor, execution: FullPass) -> Tensor:
        return self.logits[: picture.shape[1]].expand(len(picture), -1, -1)[..., None]

    def forward_step(self, picture: None, step: CachedStep) -> Tensor:
        return self.logits.flatten().index_select(0, step.pixels)[:, None]


class Independent(AutoregressiveModel):
    config: Config
    name = "independent"
    margin = 0

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = Bernoulli()
        self.pixels = PixelLogits(config.height, config.width)

    @property
    def input_layers(self) -> list[CachedLayer]:
        return []

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        return self.pixels(picture, execution)
