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
from pixelcnn.where import Everywhere, Grid, Here, Where


@dataclass(frozen=True)
class Config:
    height: int = 28
    width: int = 28
    channels: int = 16  # h of [1]: seven layers of 16 gave its best MNIST figure
    layers: int = 7
    head: int = 32


def skew(x: Tensor) -> Tensor:
    """Row r moved right by r, zeros around it: (B, H, W, C) to (B, H, H + W - 1, C)."""
    height, width = x.shape[1:3]
    wide = F.pad(x, (0, 0, 0, height)).flatten(1, 2)  # rows of H + W; each loses one at its end below
    return wide[:, : height * (height + width - 1)].unflatten(1, (height, height + width - 1))


def unskew(x: Tensor, width: int) -> Tensor:
    """The other way: (B, H, H + W - 1, C) to (B, H, W, C)."""
    height = x.shape[1]
    flat = F.pad(x.flatten(1, 2), (0, 0, 0, height))
    return flat.unflatten(1, (height, height + width))[:, :, :width]


class Sweep(nn.Module):
    """An LSTM over diagonals: gates from the input and from two states of the diagonal before ([1], section 3.2)."""

    def __init__(self, channels: int):
        super().__init__()
        bound = (2 * channels) ** -0.5
        self.weight = nn.Parameter(torch.empty(2 * channels, 4 * channels).uniform_(-bound, bound))

    def advance(self, gates: Tensor, beside: Tensor, above: Tensor) -> Tensor:
        """New state (..., 2h), h and c, from gates (..., 4h) and the states beside and above, (..., 2h) each."""
        channels = self.weight.shape[0] // 2
        seen = torch.cat([beside[..., :channels], above[..., :channels]], -1)
        o, f, i, g = (gates + seen @ self.weight).chunk(4, -1)
        c = torch.sigmoid(f) * beside[..., channels:] + torch.sigmoid(i) * torch.tanh(g)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], -1)

    def forward(self, gates: Tensor) -> Tensor:
        """States of all pixels, (B, H, W, 2h), from the left; gates (B, H, W, 4h)."""
        height, width = gates.shape[1:3]
        row = torch.arange(height, device=gates.device)[:, None]
        state = self.weight.new_zeros(len(gates), height, self.weight.shape[0])
        columns = []
        for place, column in enumerate(skew(gates).unbind(2)):
            inside = (row <= place) & (place < row + width)
            above = F.pad(state, (0, 0, 1, 0))[:, :-1]
            state = self.advance(column, state, above) * inside  # outside the picture states are zero
            columns.append(state)
        return unskew(torch.stack(columns, 2), width)


class DiagonalBiLSTMCell(Spatial):
    """Both sweeps: h from the left plus, one row up, h from the right.

    The input is the gates of both, (..., 8h); of the first cell, to whose right sweep `own` adds, picture and gates.
    """

    def __init__(self, channels: int, first: bool):
        super().__init__()
        self.channels = channels
        self.left, self.right = Sweep(channels), Sweep(channels)
        self.own = MaskedConv2d(1, 4 * channels, ((0, 0),)) if first else None

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """States from the left and the right (2h each) of a pixel, and the gates (4h) that the right is made up from."""
        return grid.new(slots, 8 * self.channels, like=self.left.weight)

    def all_pixels(self, h: tuple[Tensor, Tensor], where: Everywhere) -> Tensor:
        picture, gates = h
        to_left, to_right = gates.chunk(2, -1)  # (B, H, W, 4h) each
        left = self.left(to_left)
        full = to_right if self.own is None else to_right + self.own(picture, where)
        right = self.right(full.flip(2)).flip(2)
        where.remember(self, torch.cat([left, right, to_right], -1))
        row_above = F.pad(right, (0, 0, 0, 0, 1, 0))[:, :-1]
        return (left + row_above)[..., : self.channels]

    def one_pixel(self, h: tuple[None, Tensor], here: Here) -> Tensor:
        gates, memory, n = h[1], here.cache.memory[self], 2 * self.channels
        out = gates.new_empty(len(gates), self.channels)
        for index in here.waves(here.pixels):
            part = here.some(index)
            self.make_up_rows(part)
            beside, above = memory.index_select(0, part.neighbours(((0, -1), (-1, 0)))).view(len(index), 2, -1).unbind(1)
            to_left, to_right = gates[index].chunk(2, -1)
            left = self.left.advance(to_left, beside[:, :n], above[:, :n])
            memory.index_copy_(0, part.at, torch.cat([left, torch.zeros_like(left), to_right], -1))
            out[index] = (left + above[:, n : 2 * n])[:, : self.channels]
        return out

    def make_up_rows(self, here: Here) -> None:
        """Sweep the rows just finished from the right; their gates lie in the memory."""
        rows = here.rows_above()
        if rows is None:
            return
        grid, memory, n = here.grid, here.cache.memory[self], 2 * self.channels
        at = rows.at.view(-1, grid.width)
        gates = memory[rows.at, 2 * n :] if self.own is None else memory[rows.at, 2 * n :] + self.own(None, rows)
        gates = gates.view(*at.shape, -1)
        beside = memory.new_zeros(len(at), n)
        for column in reversed(range(grid.width)):
            above = memory[at[:, column] + grid.offset((-1, 0)), n : 2 * n]
            beside = self.right.advance(gates[:, column], beside, above)
            memory[at[:, column], n : 2 * n] = beside


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
