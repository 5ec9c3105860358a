"""PixelCNN: a stack of masked convolutions.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks with 3x3 conv, mask B -> 2 x (ReLU, 1x1 conv) -> logit

Deviations: the paper gives no depth and width for MNIST; ours were chosen for two CPU cores. Larger kernels and batch
normalization in the blocks are optional. The stack has a blind spot above and to the right (1606.05328, section 2.2), as in
the paper; larger kernels make it smaller.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.execution import Execution
from pixelcnn.nn.layers import Linear, MaskedConv2d, Readout, TypedModuleList, mask_a, mask_b
from pixelcnn.nn.module import Module


@dataclass(frozen=True)
class Config(ModelConfig):
    channels: int = 48  # h of [1], Fig. 5; the residual stream has 2h
    blocks: int = 12  # each adds (kernel - 1) / 2 rows to the receptive field: 3 + 12 rows of MNIST's 20
    head: int = 32  # [1], Table 1: 32 feature maps for MNIST
    kernel: int = 3  # of the blocks; odd, at most 7
    batch_norm: int = 0  # 1 for batch normalization before the second and the third ReLU of every block


class ResidualBlock(Module):
    """[1], Fig. 5 left: 2h -> ReLU, 1x1 -> h -> ReLU, 3x3 mask B -> h -> ReLU, 1x1 -> 2h, added to the input."""

    def __init__(self, config: Config):
        super().__init__()
        channels, batch_norm = config.channels, bool(config.batch_norm)
        self.reduce = Linear(2 * channels, channels, batch_norm)
        self.conv = MaskedConv2d(channels, channels, mask_b(config.kernel), batch_norm=batch_norm)
        self.expand = Linear(channels, 2 * channels)

    def forward(self, x: Tensor, execution: Execution) -> Tensor:
        h = self.reduce(F.relu(x))
        h = self.conv(F.relu(h), execution)
        return x + self.expand(F.relu(h))


class PixelCNN(AutoregressiveModel):
    config: Config
    name = "pixelcnn"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks: TypedModuleList[ResidualBlock] = TypedModuleList(ResidualBlock(config) for _ in range(config.blocks))
        self.head = Readout(2 * config.channels, config.head, self.distribution.num_params)

    @property
    def input_layers(self):
        return [self.first]

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        h = self.first(picture, execution)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, execution)
        return self.head(h)  # (B, H, W, 1) or (B, 1)
