"""PixelCNN++: gray levels as a mixture of logistic distributions, at three resolutions with skip connections.

    [1] T. Salimans, A. Karpathy, X. Chen, D. P. Kingma, "PixelCNN++: Improving the PixelCNN with Discretized Logistic
        Mixture Likelihood and Other Modifications", 2017, arXiv:1701.05517.

Two streams, as in Gated PixelCNN: u reads the rows above a pixel; ul also reads its row up to the pixel, and u.
Each halves the resolution twice (28 -> 14 -> 7 pixels a side) and doubles it again, with a skip connection from every block
of the first half to its counterpart in the second ([1], Fig. 2, which calls the halves "up" and "down").

    u:   u u u      reads 2 x 3 pixels, shifted    ul:  ul ul      reads 2 x 2 pixels
         u x u      down one row at the start           ul x

The u stream of a row depends on the rows above it only. When steps enter a row, u is computed for the whole row and
stored where the ul stream reads it. ul advances pixel by pixel; at half the resolution, at every second pixel and row.

Deviations: one channel. Resolution is doubled by a convolution to four times the channels, rearranged to 2 x 2 pixels, of
which a transposed convolution is a special case. Instead of data-dependent weight normalization, initial weights keep the
scale of the features, and means learn slowly (see `Head`), because MNIST's many levels 252 to 254 are narrow bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.distributions import DiscretizedLogisticMixture
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import CachedLayer, Taps
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import FeatureCache, MaskedConv2d, TypedModuleList, scale_weight_

E = TypeVar("E", FullPass, CachedStep, Execution)
U: Taps = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1))
UL: Taps = ((-1, -1), (-1, 0), (0, -1), (0, 0))


@dataclass(frozen=True)
class Config(ModelConfig):
    """Height and width are divisible by 2 to the power of scales - 1."""

    RANGES = ModelConfig.RANGES | {
        "blocks": range(1, 9),
        "scales": range(1, 6),
        "mixtures": range(1, 101),
        "levels": range(2, 257),
    }

    channels: int = 32
    blocks: int = 2  # per resolution
    scales: int = 3
    mixtures: int = 5
    levels: int = 256
    dropout_percent: int = 30
    batch_norm: int = 0  # 1 for batch normalization after both convolutions of every block

    def __post_init__(self) -> None:
        super().__post_init__()
        unit = 2 ** (self.scales - 1)
        for side in ("height", "width"):
            self.check(side, range(unit, self.RANGES[side].stop, unit))


def concat_elu(x: Tensor) -> Tensor:
    """[1], appendix: ELU of x and of -x, twice the channels."""
    return F.elu(torch.cat([x, -x], -1))


# Gains on torch's initial weights that keep the variance of the input, and of a normal input before concat_elu.
KEEP = 3**0.5
KEEP_ELU = 2.15


class GatedResnet(nn.Module):
    """[1], Fig. 2: two convolutions with an optional skip connection between them, gated, added to the input."""

    def __init__(self, config: Config, taps: Taps, scale: int, extra: int):
        super().__init__()
        channels, batch_norm = config.channels, bool(config.batch_norm)
        self.first = scale_weight_(MaskedConv2d(2 * channels, channels, taps, scale, batch_norm), KEEP_ELU)
        self.extra = scale_weight_(nn.Linear(2 * extra, channels), KEEP_ELU) if extra else None
        self.dropout = nn.Dropout(config.dropout_percent / 100)
        self.second = MaskedConv2d(2 * channels, 2 * channels, taps, scale, batch_norm)

    def forward(self, x: Tensor, extra: Tensor | None, execution: Execution) -> Tensor:
        h = self.first(concat_elu(x), execution)
        if self.extra is not None and extra is not None:
            h = h + self.extra(concat_elu(extra))
        value, strength = self.second(self.dropout(concat_elu(h)), execution).chunk(2, -1)
        return x + value * torch.sigmoid(strength)


class Downsample(MaskedConv2d):
    """A convolution with stride 2; its memory has the finer resolution."""

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        execution.store(self, h)
        height, width = h.shape[1] // 2, h.shape[2] // 2
        padding = (self.rows - 1, self.half_width)
        out = F.conv2d(h.permute(0, 3, 1, 2), self.kernel(), self.bias, padding=padding, stride=2)
        return out[:, :, :height, :width].permute(0, 2, 3, 1)

    def forward_step(self, h: Tensor | None, step: CachedStep) -> Tensor:
        """(B, C) at the finer resolution to (B', C') at the coarser, for the pixels in even rows and columns."""
        memory, coarse = step.cache.memory[self], step.coarser()
        if h is not None:
            self.write(h, step)
        row, column = coarse.pixels // coarse.grid.width, coarse.pixels % coarse.grid.width
        fine = CachedStep(step.cache, coarse.slots, 2 * row * step.grid.width + 2 * column, scale=step.scale)
        inputs = memory.index_select(0, fine.neighbor_positions(self.taps)).view(len(row), len(self.taps) * self.fan_in)
        return torch.addmm(self.bias, inputs, self.weight.flatten(0, 1))


class Upsample(MaskedConv2d):
    """A convolution to four times the channels, rearranged to 2 x 2 pixels; its memory has the coarser resolution."""

    def __init__(self, channels: int, taps: Taps, scale: int):
        super().__init__(channels, 4 * channels, taps, scale)

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        four = super().forward_full(h, execution).unflatten(3, (2, 2, -1))  # (B, H, W, 2, 2, C)
        return four.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)

    def forward_step(self, h: Tensor | None, step: CachedStep) -> Tensor:
        """(B', C) at the coarser resolution, for the pixels in even rows and columns, to (B, C) at the finer."""
        memory, parents = step.cache.memory[self], step.parents()
        if h is not None:
            self.write(h, step.coarser())
        neighbors = memory.index_select(0, parents.neighbor_positions(self.taps))
        inputs = neighbors.view(len(step.positions), len(self.taps) * self.fan_in)
        four = torch.addmm(self.bias, inputs, self.weight.flatten(0, 1)).unflatten(1, (4, -1))
        part = step.pixels // step.grid.width % 2 * 2 + step.pixels % step.grid.width % 2
        return four.gather(1, part[:, None, None].expand(-1, 1, four.shape[2]))[:, 0]


class Stream(nn.Module):
    """One of the two streams: to the lowest resolution ("up" in [1]) and back ("down")."""

    def __init__(self, config: Config, taps: Taps, extra: int):
        super().__init__()
        scales, channels = range(config.scales), config.channels

        def blocks(count: int, scale: int, width: int) -> TypedModuleList[GatedResnet]:
            return TypedModuleList(GatedResnet(config, taps, scale, width) for _ in range(count))

        self.up: TypedModuleList[TypedModuleList[GatedResnet]] = TypedModuleList(
            blocks(config.blocks, scale, extra) for scale in scales
        )
        coarser = (Downsample(channels, channels, taps, scale) for scale in scales[:-1])
        self.coarser: TypedModuleList[Downsample] = TypedModuleList(scale_weight_(layer, KEEP) for layer in coarser)
        # One block for each block of the first half, and one for the input of the resolution.
        self.down: TypedModuleList[TypedModuleList[GatedResnet]] = TypedModuleList(
            blocks(config.blocks + 1, scale, channels + extra) for scale in scales
        )
        sideways = tuple(tap for tap in taps if tap[0] == 0)
        finer = (Upsample(channels, sideways, scale + 1) for scale in scales[:-1])
        self.finer: TypedModuleList[Upsample] = TypedModuleList(scale_weight_(layer, KEEP) for layer in finer)

    def forward(self, x: Tensor, extras: list[Tensor] | None, executions: Sequence[Execution]) -> list[Tensor]:
        """The output of every block, in order, as extra inputs of the other stream; the last is the result."""
        remaining = iter(extras) if extras is not None else None
        outputs, skips = [], []
        for scale, blocks in enumerate(self.up):
            skips.append(x)
            for block in blocks:
                x = block(x, next(remaining) if remaining else None, executions[scale])
                skips.append(x)
                outputs.append(x)
            if scale < len(self.coarser):
                x = self.coarser[scale](x, executions[scale])
        for scale in reversed(range(len(self.down))):
            for block in self.down[scale]:
                skip = skips.pop()
                x = block(x, torch.cat([skip, next(remaining)], -1) if remaining else skip, executions[scale])
                outputs.append(x)
            if scale > 0:
                x = self.finer[scale - 1](x, executions[scale - 1])
        return outputs


class Head(nn.Linear):
    """Features to params. Initial means cover the range, and change a tenth as fast as the other params.

    An optimizer step that moves a mean by several narrow bins would be noise.
    """

    def __init__(self, fan_in: int, mixtures: int):
        super().__init__(fan_in, 3 * mixtures)
        self.slope = nn.Buffer(torch.tensor([1.0, 0.1, 1.0]).repeat_interleave(mixtures), persistent=False)
        with torch.device("cpu"):  # on "meta", torch.linspace would import torch's compiler
            initial = torch.cat([torch.zeros(mixtures), torch.linspace(-10, 10, mixtures), torch.full((mixtures,), -2.0)])
        with torch.no_grad():
            self.weight.mul_(0.3)
            self.bias.copy_(initial)

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(h) * self.slope


class PixelCNNpp(AutoregressiveModel):
    config: Config
    name = "pixelcnn_pp"
    margin = 2

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = DiscretizedLogisticMixture(config.levels, config.mixtures)
        channels = config.channels
        self.first_u = scale_weight_(MaskedConv2d(2, channels, tuple((row - 1, column) for row, column in U)), KEEP)
        self.first_above = scale_weight_(MaskedConv2d(2, channels, ((-1, -1), (-1, 0), (-1, 1))), KEEP)
        self.first_left = scale_weight_(MaskedConv2d(2, channels, ((-1, -1), (0, -1))), KEEP)
        self.u = Stream(config, U, 0)
        self.ul = Stream(config, UL, channels)
        scales = [scale for scale in range(config.scales) for _ in range(config.blocks)]
        scales += [scale for scale in reversed(range(config.scales)) for _ in range(config.blocks + 1)]
        self.stored: TypedModuleList[FeatureCache] = TypedModuleList(
            FeatureCache(channels, scale=scale) for scale in scales
        )
        self.head = Head(channels, config.mixtures)

    @property
    def input_layers(self) -> list[CachedLayer]:
        return [self.first_u, self.first_above, self.first_left]

    def embed(self, levels: Tensor) -> Tensor:
        """Levels (...) as features (..., 2): -1..1, and a constant 1 that marks pixels inside the picture."""
        x = super().embed(levels) * 2 - 1
        return torch.cat([x, torch.ones_like(x)], -1)

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        executions = self.resolutions(execution)
        rows = execution.select(self.row_stream, self.begin_rows)(picture, execution)
        extras = [stored(u, executions[stored.scale]) for stored, u in zip(self.stored, rows, strict=True)]
        ul = self.first_above(picture, execution) + self.first_left(picture, execution)
        return self.head(F.elu(self.ul(ul, extras, executions)[-1]))

    def resolutions(self, execution: E) -> list[E]:
        """The execution at every resolution, the finest first."""
        executions = [execution]
        while len(executions) < self.config.scales:
            executions.append(executions[-1].coarser())
        return executions

    def row_stream(self, picture: Tensor | None, execution: Execution) -> list[Tensor | None]:
        """All features of the u stream, in order."""
        return [*self.u(self.first_u(picture, execution), None, self.resolutions(execution))]

    def begin_rows(self, picture: None, step: CachedStep) -> list[Tensor | None]:
        """When steps enter new rows, compute the u stream of those rows into the memory."""
        rows = step.entered_rows()
        if rows is not None:
            steps = self.resolutions(rows)
            for stored, u in zip(self.stored, self.u(self.first_u(None, rows), None, steps), strict=True):
                stored.write(u, steps[stored.scale])
        return [None] * len(self.stored)
