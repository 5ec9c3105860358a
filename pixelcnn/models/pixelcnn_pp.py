"""PixelCNN++: gray levels as a mixture of logistics, at three resolutions with short-cuts.

    [1] T. Salimans, A. Karpathy, X. Chen, D. P. Kingma, "PixelCNN++: Improving the PixelCNN with Discretized Logistic
        Mixture Likelihood and Other Modifications", 2017, arXiv:1701.05517.

Two streams, as in Gated PixelCNN: u of a pixel has seen the rows above its own, ul the row so far too, and u through u.
Each goes up (28 -> 14 -> 7 pixels a side) and down again, every block of the way down fed by its mirror on the way up
([1], Fig. 2).

    u:   u u u      reads 2 x 3 pixels, moved      ul:  ul ul      reads 2 x 2 pixels
         u x u      down one row at the start           ul x

The whole u stream of a row follows from the rows above it. So when steps enter a row, u is worked out for all of it at
once, and kept where the ul stream will read it; ul goes pixel by pixel, and in every second one at half the resolution.

Deviations: one channel; resolution is doubled by a convolution to four times the channels, dealt out to four pixels, of
which a transposed convolution is a case. In place of weight normalization set by data, weights begin at a size that keeps
that of the features, and means move slowly (see `Head`), for the bins of MNIST's many 252 to 254 are narrow.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.layers import Kept, MaskedConv2d, Spatial, scaled
from pixelcnn.likelihoods import DiscretizedLogisticMixture
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Everywhere, Here, Taps, Where

U: Taps = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1))
UL: Taps = ((-1, -1), (-1, 0), (0, -1), (0, 0))


@dataclass(frozen=True)
class Config:
    height: int = 28  # divisible by 2 to the power of scales - 1, width too
    width: int = 28
    channels: int = 32
    blocks: int = 2  # a resolution
    scales: int = 3
    mixtures: int = 5
    levels: int = 256
    dropout_percent: int = 30


def concat_elu(x: Tensor) -> Tensor:
    """[1], appendix: ELU of both signs, twice the channels."""
    return F.elu(torch.cat([x, -x], -1))


KEEP = 3**0.5  # from torch's initial weights to those that keep the size of what comes in,
KEEP_ELU = 2.15  # and of what was normal before concat_elu


class GatedResnet(nn.Module):
    """[1], Fig. 2: two convolutions around an optional short-cut, gated, added to the input."""

    def __init__(self, config: Config, taps: Taps, scale: int, extra: int):
        super().__init__()
        channels = config.channels
        self.first = scaled(MaskedConv2d(2 * channels, channels, taps, scale), KEEP_ELU)
        self.extra = scaled(nn.Linear(2 * extra, channels), KEEP_ELU) if extra else None
        self.dropout = nn.Dropout(config.dropout_percent / 100)
        self.second = MaskedConv2d(2 * channels, 2 * channels, taps, scale)

    def forward(self, x: Tensor, extra: Tensor | None, where: Where) -> Tensor:
        h = self.first(concat_elu(x), where)
        if self.extra is not None:
            h = h + self.extra(concat_elu(extra))
        value, strength = self.second(self.dropout(concat_elu(h)), where).chunk(2, -1)
        return x + value * torch.sigmoid(strength)


class Halve(MaskedConv2d):
    """A convolution at every second pixel of every second row; its memory lies at the finer resolution."""

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        where.remember(self, h)
        height, width = h.shape[1] // 2, h.shape[2] // 2
        padding = (self.rows - 1, self.reach)
        out = F.conv2d(h.permute(0, 3, 1, 2), self.kernel(), self.bias, padding=padding, stride=2)
        return out[:, :, :height, :width].permute(0, 2, 3, 1)

    def one_pixel(self, h: Tensor, here: Here) -> Tensor:
        """(B, C) at the finer resolution to (B', C') at the coarser, of the pixels that are there."""
        memory, coarse = here.cache.memory[self], here.coarser()
        memory.index_copy_(0, here.at, h)
        row, column = coarse.pixels // coarse.grid.width, coarse.pixels % coarse.grid.width
        fine = Here(here.cache, coarse.slots, 2 * row * here.grid.width + 2 * column, scale=here.scale)
        seen = memory.index_select(0, fine.neighbours(self.taps)).view(len(row), len(self.taps) * self.fan_in)
        return torch.addmm(self.bias, seen, self.weight.flatten(0, 1))


class Double(MaskedConv2d):
    """A convolution to four times the channels, dealt out to four pixels; its memory lies at the coarser resolution."""

    def __init__(self, channels: int, taps: Taps, scale: int):
        super().__init__(channels, 4 * channels, taps, scale)

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        four = super().all_pixels(h, where).unflatten(3, (2, 2, -1))  # (B, H, W, 2, 2, C)
        return four.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)

    def one_pixel(self, h: Tensor, here: Here) -> Tensor:
        """(B', C) at the coarser resolution, of the pixels that are there, to (B, C) at the finer one of `here`."""
        memory, parents = here.cache.memory[self], here.parents()
        memory.index_copy_(0, here.coarser().at, h)
        seen = memory.index_select(0, parents.neighbours(self.taps)).view(len(here.at), len(self.taps) * self.fan_in)
        four = torch.addmm(self.bias, seen, self.weight.flatten(0, 1)).unflatten(1, (4, -1))
        part = here.pixels // here.grid.width % 2 * 2 + here.pixels % here.grid.width % 2
        return four.gather(1, part[:, None, None].expand(-1, 1, four.shape[2]))[:, 0]


class Stream(nn.Module):
    """One of the two streams: up to the coarsest resolution and down again."""

    def __init__(self, config: Config, taps: Taps, extra: int):
        super().__init__()
        scales, channels = range(config.scales), config.channels

        def blocks(count: int, scale: int, width: int) -> nn.ModuleList:
            return nn.ModuleList(GatedResnet(config, taps, scale, width) for _ in range(count))

        self.up = nn.ModuleList(blocks(config.blocks, scale, extra) for scale in scales)
        self.coarser = nn.ModuleList(scaled(Halve(channels, channels, taps, scale), KEEP) for scale in scales[:-1])
        # On the way down each block has its mirror: as many as there were blocks, and one for what began the resolution.
        self.down = nn.ModuleList(blocks(config.blocks + 1, scale, channels + extra) for scale in scales)
        sideways = tuple(tap for tap in taps if tap[0] == 0)
        self.finer = nn.ModuleList(scaled(Double(channels, sideways, scale + 1), KEEP) for scale in scales[:-1])

    def forward(self, x: Tensor, extras: list[Tensor] | None, wheres: list[Where]) -> list[Tensor]:
        """All features on the way, in order, to be extras of the other stream; the last is the result."""
        given = iter(extras) if extras is not None else None
        seen, mirror = [], []
        for scale, blocks in enumerate(self.up):
            mirror.append(x)
            for block in blocks:
                x = block(x, next(given) if given else None, wheres[scale])
                mirror.append(x)
                seen.append(x)
            if scale < len(self.coarser):
                x = self.coarser[scale](x, wheres[scale])
        for scale in reversed(range(len(self.down))):
            for block in self.down[scale]:
                short_cut = mirror.pop()
                x = block(x, torch.cat([short_cut, next(given)], -1) if given else short_cut, wheres[scale])
                seen.append(x)
            if scale > 0:
                x = self.finer[scale - 1](x, wheres[scale - 1])
        return seen


class Head(nn.Linear):
    """Params from features. Means begin all over the range, and move a tenth as far as the rest for the same change of a
    weight: a step of the optimizer that moves the mean of a narrow bin by several bins is noise.
    """

    def __init__(self, fan_in: int, mixtures: int):
        super().__init__(fan_in, 3 * mixtures)
        self.slope = nn.Buffer(torch.tensor([1.0, 0.1, 1.0]).repeat_interleave(mixtures), persistent=False)
        with torch.no_grad():
            self.weight.mul_(0.3)
            means = torch.linspace(-10, 10, mixtures)
            self.bias.copy_(torch.cat([torch.zeros(mixtures), means, torch.full((mixtures,), -2.0)]))

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(h) * self.slope


class PixelCNNpp(AutoregressiveModel):
    name = "pixelcnn_pp"
    margin = 2

    def __init__(self, config: Config):
        super().__init__()
        unit = 2 ** (config.scales - 1)
        if config.height % unit or config.width % unit:
            raise ValueError(
                f"{self.name} with {config.scales} scales takes heights and widths that {unit} divides, not "
                f"{config.height} x {config.width}; change --config height, width or scales."
            )
        self.config = config
        self.likelihood = DiscretizedLogisticMixture(config.levels, config.mixtures)
        channels = config.channels
        self.first_u = scaled(MaskedConv2d(2, channels, tuple((row - 1, column) for row, column in U)), KEEP)
        self.first_above = scaled(MaskedConv2d(2, channels, ((-1, -1), (-1, 0), (-1, 1))), KEEP)
        self.first_left = scaled(MaskedConv2d(2, channels, ((-1, -1), (0, -1))), KEEP)
        self.u = Stream(config, U, 0)
        self.ul = Stream(config, UL, channels)
        scales = [scale for scale in range(config.scales) for _ in range(config.blocks)]
        scales += [scale for scale in reversed(range(config.scales)) for _ in range(config.blocks + 1)]
        self.kept = nn.ModuleList(Kept(channels, scale=scale) for scale in scales)
        self.head = Head(channels, config.mixtures)

    @property
    def input_layers(self) -> list[Spatial]:
        return [self.first_u, self.first_above, self.first_left]

    def embed(self, levels: Tensor) -> Tensor:
        """Levels (...) as features (..., 2): -1..1, and a one that tells the picture from its margin."""
        x = super().embed(levels) * 2 - 1
        return torch.cat([x, torch.ones_like(x)], -1)

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        wheres = self.resolutions(where)
        if isinstance(where, Everywhere):
            rows = self.u(self.first_u(picture, where), None, wheres)
        else:
            rows = self.begin_rows(where)
        extras = [kept(u, wheres[kept.scale]) for kept, u in zip(self.kept, rows, strict=True)]
        ul = self.first_above(picture, where) + self.first_left(picture, where)
        return self.head(F.elu(self.ul(ul, extras, wheres)[-1]))

    def resolutions(self, where: Where) -> list[Where]:
        wheres = [where]
        while len(wheres) < self.config.scales:
            wheres.append(wheres[-1].coarser())
        return wheres

    def begin_rows(self, here: Here) -> list[None]:
        """When steps enter rows, the u stream of all of each; its place is in the memory."""
        rows = here.rows_begun()
        if rows is not None:
            wheres = self.resolutions(rows)
            for kept, u in zip(self.kept, self.u(self.first_u(None, rows), None, wheres), strict=True):
                here.cache.memory[kept].index_copy_(0, wheres[kept.scale].at, u)
        return [None] * len(self.kept)
