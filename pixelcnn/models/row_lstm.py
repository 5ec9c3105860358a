"""Row LSTM: a recurrence from row to row, with a convolution as the transition.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks around a Row LSTM -> 2 x (ReLU, 1x1 conv) -> logit

    s s s s s s s      the state at x depends on three states in the row above, each of them on three above it:
    . s s s s s .      a triangle of context ([1], Fig. 4 middle). Pixels outside it are seen only through the
    . . s s s . .      input convolutions, which read the current row up to x
    . . i x . . .

Deviations: [1] gives no depth and width for MNIST; ours are those of its Diagonal BiLSTM. Batch normalization and dropout
are optional.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import Cache, CachedLayer, Grid
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import Linear, MaskedConv2d, Readout, TypedModuleList, dropout, mask_a
from pixelcnn.nn.lstm import ScanPath, lstm, lstm_scan
from pixelcnn.nn.module import Module


@dataclass(frozen=True)
class Config(ModelConfig):
    channels: int = 16  # h of [1], Fig. 5; the residual stream has 2h channels
    layers: int = 7
    head: int = 32
    batch_norm: int = 0  # 1 for batch normalization after every input-to-state convolution
    dropout_percent: int = 0  # of the h of every block


class RowLSTMCell(CachedLayer):
    """[1], equation 3: gates from the input, plus a convolution of width three over the states of the row above."""

    ABOVE = ((-1, -1), (-1, 0), (-1, 1))

    def __init__(self, channels: int):
        super().__init__()
        bound = (3 * channels) ** -0.5
        self.weight = nn.Parameter(torch.empty(3 * channels, 4 * channels).uniform_(-bound, bound))
        # Learned initial h and c, of the row above the picture.
        self.initial = nn.Parameter(torch.zeros(2, channels).uniform_(-bound, bound))

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """h and c side by side; the row above each picture holds the learned initial state."""
        return grid.allocate(slots, self.initial.numel(), like=self.weight)

    def forward_full(self, gates: Tensor, execution: FullPass) -> Tensor:
        path = ScanPath(gates.shape[1], gates.shape[2], self.ABOVE, (-1, 0))
        with torch.autocast(gates.device.type, enabled=False):
            (h,), (c,) = lstm_scan(gates[None], self.weight[None], self.initial[:, None], path)
        if execution.features is not None:
            execution.store(self, torch.cat([h, c], -1))
        return h

    def fill(self, cache: Cache, slots: Tensor, h: Tensor) -> None:
        super().fill(cache, slots, h)
        grid, row = cache.grid, self.initial.detach().flatten()
        view = cache.memory[self].view(-1, grid.area // grid.stride, grid.stride, len(row))
        view[slots, grid.margin - 1, grid.margin :] = row

    def forward_step(self, gates: Tensor, step: CachedStep) -> Tensor:
        memory, channels = step.cache.memory[self], self.initial.shape[1]
        out = gates.new_empty(len(gates), channels)
        for index in step.dependency_levels(step.pixels // step.grid.width):
            part = step.subset(index)
            above = memory.index_select(0, part.neighbor_positions(self.ABOVE)).view(len(index), 3, 2 * channels)
            states = above[:, :, :channels].flatten(1)  # (B, 3h)
            h, c = lstm(gates[index] + states @ self.weight, above[:, 1, channels:])
            memory.index_copy_(0, part.positions, torch.cat([h, c], -1))
            out[index] = h
        return out


class ResidualBlock(Module):
    """[1], Fig. 5 right: 2h -> 3x1 input-to-state convolution -> Row LSTM, h -> 1x1 convolution -> 2h, added."""

    TAPS = ((0, -1), (0, 0))  # a 3x1 kernel with mask B

    def __init__(self, config: Config):
        super().__init__()
        channels, batch_norm = config.channels, bool(config.batch_norm)
        self.input_to_state = MaskedConv2d(2 * channels, 4 * channels, self.TAPS, batch_norm=batch_norm)
        self.lstm = RowLSTMCell(channels)
        self.dropout = config.dropout_percent / 100
        self.up = Linear(channels, 2 * channels)

    def forward(self, x: Tensor, execution: Execution) -> Tensor:
        h = self.lstm(self.input_to_state(x, execution), execution)
        return x + self.up(dropout(h, self.dropout, self.training))


class RowLSTM(AutoregressiveModel):
    config: Config
    name = "row_lstm"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks: TypedModuleList[ResidualBlock] = TypedModuleList(ResidualBlock(config) for _ in range(config.layers))
        self.head = Readout(2 * config.channels, config.head, self.distribution.num_params)

    @property
    def input_layers(self) -> list[CachedLayer]:
        return [self.first]

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        h = self.first(picture, execution)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, execution)
        return self.head(h)
