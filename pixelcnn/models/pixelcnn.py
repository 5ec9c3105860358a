"""PixelCNN: a stack of masked convolutions.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks with 3x3 conv, mask B -> 2 x (ReLU, 1x1 conv) -> logit

Deviations: the paper gives no depth and width for MNIST; ours were chosen for two CPU cores. Of a 3x3 stack the paper
later says [1606.05328] that it has a blind spot to the right above; it is here as it was there.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.layers import MaskedConv2d, mask_a, mask_b, readout
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Where


@dataclass(frozen=True)
class Config:
    height: int = 28
    width: int = 28
    channels: int = 48  # h of [1], Fig. 5; the residual stream has 2h
    blocks: int = 12  # each sees one row further up: 3 + 12 of MNIST's 20
    head: int = 32  # [1], Table 1: 32 feature maps for MNIST


class ResidualBlock(nn.Module):
    """[1], Fig. 5 left: 2h -> ReLU, 1x1 -> h -> ReLU, 3x3 mask B -> h -> ReLU, 1x1 -> 2h, added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.reduce = nn.Linear(2 * channels, channels)
        self.conv = MaskedConv2d(channels, channels, mask_b(3))
        self.expand = nn.Linear(channels, 2 * channels)

    def forward(self, x: Tensor, where: Where) -> Tensor:
        h = self.reduce(F.relu(x))
        h = self.conv(F.relu(h), where)
        return x + self.expand(F.relu(h))


class PixelCNN(AutoregressiveModel):
    name = "pixelcnn"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.likelihood = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks = nn.ModuleList(ResidualBlock(config.channels) for _ in range(config.blocks))
        self.head = readout(2 * config.channels, config.head, self.likelihood.params)

    @property
    def input_layers(self):
        return [self.first]

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        h = self.first(picture, where)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, where)
        return self.head(h)  # (B, H, W, 1) or (B, 1)
