"""Diagonal BiLSTM: two LSTMs sweep the picture along its diagonals, and every pixel sees its whole past.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks around a Diagonal BiLSTM -> 2 x (ReLU, 1x1 conv) -> logit

    from the left: the state at (r, c) follows from those at (r, c-1) and (r-1, c), so from all above and to the left;
    from the right: from those at (r, c+1) and (r-1, c), so from all above and to the right, its own row's future too.
    The second is therefore read one row up ([1], section 3.2: "shifted down by one row"), which keeps the sum causal.

All pixels at once, a diagonal is one step: row r is shifted right by r (skewed), and a column of the skewed map follows
from the column before. One pixel at a time, the sweep from the left advances with the pixels; the one from the
right is made up for a whole row when that row is done.

Deviations: states outside the picture are zero. The first sweep from the right also reads each pixel's own value, which one
row down is past: with mask A alone, no feature of a row knows its last pixel, and the row below would not see it from afar.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
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
    channels: int = 16  # h of [1]: seven layers of 16 gave its best MNIST figure
    layers: int = 7
    head: int = 32


class DiagonalBiLSTMCell(Spatial):
    """LSTMs over diagonals from the left and from the right: h of the first plus, one row up, h of the second.

    The input is the gates of both, (..., 8h); of the first cell, to whose right sweep `own` adds, picture and gates.
    """

    BESIDE, ABOVE = (0, -1), (-1, 0)
    BEFORE = (BESIDE, ABOVE)

    def __init__(self, channels: int, first: bool):
        super().__init__()
        self.channels = channels
        bound = (2 * channels) ** -0.5
        self.weight = nn.Parameter(torch.empty(2, 2 * channels, 4 * channels).uniform_(-bound, bound))  # left, right
        self.own = MaskedConv2d(1, 4 * channels, ((0, 0),)) if first else None

    def all_pixels(self, h: tuple[Tensor, Tensor], where: Everywhere) -> Tensor:
        picture, gates = h
        to_left, to_right = gates.chunk(2, -1)  # (B, H, W, 4h) each
        full = to_right if self.own is None else to_right + self.own(picture, where)
        path = Path(*gates.shape[1:3], self.BEFORE, self.BESIDE, diagonal=True)
        both = torch.stack([to_left, full.flip(2)])
        # A state that is carried through 55 diagonals is not rounded at each; bfloat16 would not be quicker.
        with torch.autocast(gates.device.type, enabled=False):
            (left, right), c = sweep(both, self.weight, self.weight.new_zeros(2, 2, self.channels), path)
        right = right.flip(2)
        if where.cache is not None:
            where.remember(self, torch.cat([left, c[0], right, c[1].flip(2), to_right], -1))
        return left + F.pad(right, (0, 0, 0, 0, 1, -1))  # one row up

    def advance(self, weight: Tensor, gates: Tensor, h: Tensor, c: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
        """New h and c of one sweep from gates (..., 4h), h and c beside, and h above ([1], section 3.2)."""
        return lstm(gates + torch.cat([h, above], -1) @ weight, c)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """h and c from the left and from the right of a pixel, and the gates (4h) that the right is made up from."""
        return grid.new(slots, 8 * self.channels, like=self.weight)

    def one_pixel(self, h: tuple[None, Tensor], here: Here) -> Tensor:
        gates, memory, n = h[1], here.cache.memory[self], self.channels
        out = gates.new_empty(len(gates), n)
        for index in here.waves(here.pixels):
            part = here.some(index)
            self.make_up_rows(part)
            beside, above = memory.index_select(0, part.neighbours(self.BEFORE)).view(len(index), 2, -1).unbind(1)
            to_left, to_right = gates[index].chunk(2, -1)
            left, c = self.advance(self.weight[0], to_left, beside[:, :n], beside[:, n : 2 * n], above[:, :n])
            nothing = left.new_zeros(len(left), 2 * n)
            memory.index_copy_(0, part.at, torch.cat([left, c, nothing, to_right], -1))
            out[index] = left + above[:, 2 * n : 3 * n]
        return out

    def make_up_rows(self, here: Here) -> None:
        """Sweep the rows just finished from the right; their gates lie in the memory."""
        rows = here.rows_above()
        if rows is None:
            return
        grid, memory, n = here.grid, here.cache.memory[self], self.channels
        at = rows.at.view(-1, grid.width)
        gates = memory[rows.at, 4 * n :] if self.own is None else memory[rows.at, 4 * n :] + self.own(None, rows)
        gates = gates.view(*at.shape, -1)
        h = c = memory.new_zeros(len(at), n)
        for column in reversed(range(grid.width)):
            above = memory[at[:, column] + grid.offset(self.ABOVE), 2 * n : 3 * n]
            h, c = self.advance(self.weight[1], gates[:, column], h, c, above)
            memory[at[:, column], 2 * n : 4 * n] = torch.cat([h, c], -1)


class ResidualBlock(nn.Module):
    """[1], Fig. 5 right: 2h -> input-to-state 1x1 conv -> Diagonal BiLSTM, h -> 1x1 conv, 2h, added to the input."""

    def __init__(self, channels: int, first: bool):
        super().__init__()
        self.input_to_state = nn.Linear(2 * channels, 8 * channels)  # the gates of both sweeps
        self.lstm = DiagonalBiLSTMCell(channels, first)
        self.up = nn.Linear(channels, 2 * channels)

    def forward(self, x: Tensor, picture: Tensor | None, where: Where) -> Tensor:
        return x + self.up(self.lstm((picture, self.input_to_state(x)), where))


class DiagonalBiLSTM(AutoregressiveModel):
    name = "diagonal_bilstm"
    margin = 3
    window = 5  # a state goes from pixel to pixel, so together they take as long as apart; only the layers between gain

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.likelihood = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks = nn.ModuleList(ResidualBlock(config.channels, first=layer == 0) for layer in range(config.layers))
        self.head = readout(2 * config.channels, config.head, self.likelihood.params)

    @property
    def input_layers(self) -> list[Spatial]:
        return [self.first, self.blocks[0].lstm.own]

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        h = self.first(picture, where)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, picture, where)
        return self.head(h)
