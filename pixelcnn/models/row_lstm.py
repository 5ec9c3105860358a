"""Row LSTM: rows one after the other, each from the one above, in one convolution.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks around a Row LSTM -> 2 x (ReLU, 1x1 conv) -> logit

    s s s s s s s      the state at x comes from three states in the row above, each of them from three above it:
    . s s s s s .      a triangle of context ([1], Fig. 4 middle), which misses what lies left and right of it,
    . . s s s . .      except through the input, which sees the row so far
    . . i x . . .

Deviations: [1] does not give depth and width for MNIST; ours are those of its Diagonal BiLSTM there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pixelcnn.layers import MaskedConv2d, Spatial, mask_a, readout
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sweep import Path, lstm, sweep
from pixelcnn.where import Everywhere, Grid, Here, Where


@dataclass(frozen=True)
class Config:
    height: int = 28
    width: int = 28
    channels: int = 16  # h of [1], Fig. 5; the residual stream has 2h
    layers: int = 7
    head: int = 32


class RowLSTMCell(Spatial):
    """Equation 3 of [1]: gates from the input, and from the states of the row above by a convolution of width three."""

    ABOVE = ((-1, -1), (-1, 0), (-1, 1))

    def __init__(self, channels: int):
        super().__init__()
        bound = (3 * channels) ** -0.5
        self.weight = nn.Parameter(torch.empty(3 * channels, 4 * channels).uniform_(-bound, bound))
        self.initial = nn.Parameter(torch.zeros(2, channels).uniform_(-bound, bound))  # learned h and c above the picture

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """h and c side by side; the row above a picture that is seated holds the learned initial state."""
        return grid.new(slots, self.initial.numel(), like=self.weight)

    def all_pixels(self, gates: Tensor, where: Everywhere) -> Tensor:
        path = Path(*gates.shape[1:3], self.ABOVE, (-1, 0))
        with torch.autocast(gates.device.type, enabled=False):
            (h,), (c,) = sweep(gates[None], self.weight[None], self.initial[:, None], path)
        if where.cache is not None:
            where.remember(self, torch.cat([h, c], -1))
            grid, row = where.cache.grid, self.initial.detach().flatten()
            view = where.cache.memory[self].view(-1, grid.area // grid.stride, grid.stride, len(row))
            view[where.slots, grid.margin - 1, grid.margin :] = row
        return h

    def one_pixel(self, gates: Tensor, here: Here) -> Tensor:
        memory, channels = here.cache.memory[self], self.initial.shape[1]
        out = gates.new_empty(len(gates), channels)
        for index in here.waves(here.pixels // here.grid.width):
            part = here.some(index)
            above = memory.index_select(0, part.neighbours(self.ABOVE)).view(len(index), 3, 2 * channels)
            seen = above[:, :, :channels].flatten(1)  # (B, 3h)
            h, c = lstm(gates[index] + seen @ self.weight, above[:, 1, channels:])
            memory.index_copy_(0, part.at, torch.cat([h, c], -1))
            out[index] = h
        return out


class ResidualBlock(nn.Module):
    """[1], Fig. 5 right: 2h -> input-to-state 3x1 conv -> Row LSTM, h -> 1x1 conv, 2h, added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.input_to_state = MaskedConv2d(2 * channels, 4 * channels, ((0, -1), (0, 0)))  # a 3x1 kernel under mask B
        self.lstm = RowLSTMCell(channels)
        self.up = nn.Linear(channels, 2 * channels)

    def forward(self, x: Tensor, where: Where) -> Tensor:
        gates = self.input_to_state(x, where)
        return x + self.up(self.lstm(gates, where))


class RowLSTM(AutoregressiveModel):
    name = "row_lstm"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.likelihood = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks = nn.ModuleList(ResidualBlock(config.channels) for _ in range(config.layers))
        self.head = readout(2 * config.channels, config.head, self.likelihood.params)

    @property
    def input_layers(self) -> list[Spatial]:
        return [self.first]

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        h = self.first(picture, where)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, where)
        return self.head(h)
