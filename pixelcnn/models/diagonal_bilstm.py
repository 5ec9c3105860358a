"""Diagonal BiLSTM: two LSTMs scan the picture along its diagonals, and every pixel depends on all earlier ones.

    [1] A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016, arXiv:1601.06759.

        picture -> 7x7 conv, mask A -> residual blocks around a Diagonal BiLSTM -> 2 x (ReLU, 1x1 conv) -> logit

    left scan: the state at (r, c) depends on those at (r, c-1) and (r-1, c), so on everything above and to the left.
    right scan: on those at (r, c+1) and (r-1, c), so on everything above and to the right, later pixels of row r included.
    Its states are therefore read one row up ([1], section 3.2: "shifted down by one row"), which keeps the sum causal.

A full pass computes one diagonal at a time. In one-pixel steps the left scan advances with the pixels; the right scan
of a row is computed when the row is finished.

Deviations: states outside the picture are zero. The first right scan also reads each pixel's own value, which is allowed
one row down. With mask A alone, no feature of a row would depend on its last pixel. Batch normalization and dropout
are optional.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import CachedLayer, Grid
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import Linear, MaskedConv2d, Readout, TypedModuleList, dropout, mask_a
from pixelcnn.nn.lstm import ScanPath, lstm, lstm_scan
from pixelcnn.nn.module import Module


@dataclass(frozen=True)
class Config(ModelConfig):
    channels: int = 16  # h of [1]: its best MNIST result has seven layers of 16
    layers: int = 7
    head: int = 32
    batch_norm: int = 0  # 1 for batch normalization after every input-to-state convolution
    dropout_percent: int = 0  # of the h of every block


class DiagonalBiLSTMCell(CachedLayer):
    """LSTM scans over diagonals from the left and from the right: h of the first plus, one row up, h of the second.

    The input is the picture and the gates of both scans, (..., 8h). `own` adds the picture to the first right scan.
    """

    BESIDE, ABOVE = (0, -1), (-1, 0)
    BEFORE = (BESIDE, ABOVE)

    def __init__(self, channels: int, first: bool):
        super().__init__()
        self.channels = channels
        bound = (2 * channels) ** -0.5
        self.weight = nn.Parameter(torch.empty(2, 2 * channels, 4 * channels).uniform_(-bound, bound))  # left, right
        self.own = MaskedConv2d(1, 4 * channels, ((0, 0),)) if first else None

    def forward_full(self, picture: Tensor, gates: Tensor, execution: FullPass) -> Tensor:
        to_left, to_right = gates.chunk(2, -1)  # (B, H, W, 4h) each
        full = to_right if self.own is None else to_right + self.own(picture, execution)
        path = ScanPath(gates.shape[1], gates.shape[2], self.BEFORE, self.BESIDE, diagonal=True)
        both = torch.stack([to_left, full.flip(2)])
        # float32, because a state passes through 55 diagonals; bfloat16 would not be faster.
        with torch.autocast(gates.device.type, enabled=False):
            (left, right), c = lstm_scan(both, self.weight, self.weight.new_zeros(2, 2, self.channels), path)
        right = right.flip(2)
        if execution.features is not None:
            execution.store(self, torch.cat([left, c[0], right, c[1].flip(2), to_right], -1))
        return left + F.pad(right, (0, 0, 0, 0, 1, -1))  # one row up

    def advance(self, weight: Tensor, gates: Tensor, h: Tensor, c: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
        """New h and c of one scan from gates (..., 4h), h and c of the neighbor beside, and h above ([1], section 3.2)."""
        return lstm(gates + torch.cat([h, above], -1) @ weight, c)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """h and c of the left and of the right scan, and the gates (4h) from which the right scan is computed later."""
        return grid.allocate(slots, 8 * self.channels, like=self.weight)

    def forward_step(self, picture: None, gates: Tensor, step: CachedStep) -> Tensor:
        memory, n = step.cache.memory[self], self.channels
        out = gates.new_empty(len(gates), n)
        for index in step.dependency_levels(step.pixels):
            part = step.subset(index)
            self.scan_finished_rows(part)
            beside, above = memory.index_select(0, part.neighbor_positions(self.BEFORE)).view(len(index), 2, -1).unbind(1)
            to_left, to_right = gates[index].chunk(2, -1)
            left, c = self.advance(self.weight[0], to_left, beside[:, :n], beside[:, n : 2 * n], above[:, :n])
            nothing = left.new_zeros(len(left), 2 * n)
            memory.index_copy_(0, part.positions, torch.cat([left, c, nothing, to_right], -1))
            out[index] = left + above[:, 2 * n : 3 * n]
        return out

    def scan_finished_rows(self, step: CachedStep) -> None:
        """The right scan of the rows just finished, from the gates in the memory."""
        rows = step.finished_rows()
        if rows is None:
            return
        grid, memory, n = step.grid, step.cache.memory[self], self.channels
        at = rows.positions.view(-1, grid.width)
        gates = memory[rows.positions, 4 * n :]
        if self.own is not None:
            gates = gates + self.own(None, rows)
        gates = gates.view(*at.shape, -1)
        h = c = memory.new_zeros(len(at), n)
        for column in reversed(range(grid.width)):
            above = memory[at[:, column] + grid.offset(self.ABOVE), 2 * n : 3 * n]
            h, c = self.advance(self.weight[1], gates[:, column], h, c, above)
            memory[at[:, column], 2 * n : 4 * n] = torch.cat([h, c], -1)


class ResidualBlock(Module):
    """[1], Fig. 5 right: 2h -> 1x1 input-to-state convolution -> Diagonal BiLSTM, h -> 1x1 convolution -> 2h, added."""

    def __init__(self, config: Config, first: bool):
        super().__init__()
        channels = config.channels
        self.input_to_state = Linear(2 * channels, 8 * channels, bool(config.batch_norm))  # the gates of both scans
        self.lstm = DiagonalBiLSTMCell(channels, first)
        self.dropout = config.dropout_percent / 100
        self.up = Linear(channels, 2 * channels)

    def forward(self, x: Tensor, picture: Tensor | None, execution: Execution) -> Tensor:
        h = self.lstm(picture, self.input_to_state(x), execution)
        return x + self.up(dropout(h, self.dropout, self.training))


class DiagonalBiLSTM(AutoregressiveModel):
    config: Config
    name = "diagonal_bilstm"
    margin = 3
    window = 5  # states depend on the pixel before, so only the layers between the LSTMs gain from a larger window

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = Bernoulli()
        self.first = MaskedConv2d(1, 2 * config.channels, mask_a(7))
        self.blocks: TypedModuleList[ResidualBlock] = TypedModuleList(
            ResidualBlock(config, first=layer == 0) for layer in range(config.layers)
        )
        self.head = Readout(2 * config.channels, config.head, self.distribution.num_params)

    @property
    def input_layers(self) -> list[CachedLayer]:
        own = self.blocks[0].lstm.own
        return [self.first, own] if own is not None else [self.first]

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        h = self.first(picture, execution)  # (B, H, W, 2h) or (B, 2h)
        for block in self.blocks:
            h = block(h, picture, execution)
        return self.head(h)
