"""Layers that know two ways: all pixels at once, and one pixel at a time over a cache.

A network is written once, as a function of features `h` and of `where` it runs (see `where.py`). Features are
channels-last, so that whatever works on one pixel alone (`nn.Linear` as 1x1 convolution, ReLU, sums) is the same code in
both ways; only layers that look at *other* pixels (`Spatial`) are written twice, side by side, and tests hold the two
equal. Knows nothing of pictures, levels or sampling.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.where import Everywhere, Grid, Here, Taps, Where


def mask_a(size: int) -> Taps:
    """Offsets that mask A of 1601.06759 (Fig. 2) keeps in a size x size kernel: the pixels before the centre.

    size 3:   x x x        size is odd; the weights that the mask would set to zero (.) are simply not stored.
              x . .
              . . .
    """
    half = size // 2
    above = tuple((row, column) for row in range(-half, 0) for column in range(-half, half + 1))
    return above + tuple((0, column) for column in range(-half, 0))


def mask_b(size: int) -> Taps:
    """Mask B: as mask A, and the centre too, for layers whose input at a pixel has not seen that pixel's own value."""
    return (*mask_a(size), (0, 0))


class Spatial(nn.Module):
    """A layer that reads other pixels than its own, and so is written in two ways that must agree.

    scale: at which resolution its memory lies, as in `Here`.
    """

    scale: int = 0

    def forward(self, h: Tensor | None, where: Where) -> Tensor:
        """Features in, features out: (B, H, W, C) everywhere, (B, C) here."""
        return where.run(self, h)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """The memory that `one_pixel` will read, empty."""
        raise NotImplementedError

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        """The definition, (B, H, W, C) to (B, H, W, C'); remembers what `one_pixel` would leave behind."""
        raise NotImplementedError

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        """One step, (B, C) to (B, C'); None where the input is in the memory already, as far as it is known."""
        raise NotImplementedError

    def write(self, h: Tensor, here: Here) -> None:
        """Put features h (B, C) of single pixels into the memory: of the picture itself, once a level is drawn."""
        here.cache.memory[self].index_copy_(0, here.at, h)


class MaskedConv2d(Spatial):
    """Convolution that reads, of each pixel's surroundings, the taps alone (1601.06759, section 3.4).

    The weight holds one (fan_in, fan_out) matrix a tap: what a mask would multiply by zero does not exist, and a step
    is one matrix product with the weight as it lies. All taps are in the pixel's row or above it.
    """

    def __init__(self, fan_in: int, fan_out: int, taps: Taps, scale: int = 0):
        super().__init__()
        self.taps, self.scale = taps, scale
        self.fan_in = fan_in
        self.rows = 1 - min(row for row, _ in taps)  # rows of the kernel, the pixel's own the last
        self.reach = max(abs(column) for _, column in taps)  # columns of the kernel on either side
        bound = (len(taps) * fan_in) ** -0.5  # as nn.Conv2d, for the taps that there are
        self.weight = nn.Parameter(torch.empty(len(taps), fan_in, fan_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(fan_out).uniform_(-bound, bound))
        columns = 2 * self.reach + 1
        places = [(row + self.rows - 1) * columns + column + self.reach for row, column in taps]
        self.register_buffer("places", torch.tensor(places), persistent=False)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.new(slots, self.fan_in, like=self.weight)

    def kernel(self) -> Tensor:
        """The weight as `F.conv2d` wants it, (fan_out, fan_in, rows, columns), zeros where no tap is."""
        columns = 2 * self.reach + 1
        empty = self.weight.new_zeros(self.rows * columns, *self.weight.shape[1:])
        return empty.index_copy(0, self.places, self.weight).unflatten(0, (self.rows, columns)).permute(3, 2, 0, 1)

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        where.remember(self, h)
        # Padding below is of no use but comes with padding above; cutting it off after is cheaper than padding before.
        padding = (self.rows - 1, self.reach)
        out = F.conv2d(h.permute(0, 3, 1, 2), self.kernel(), self.bias, padding=padding)
        return out[:, :, : h.shape[1]].permute(0, 2, 3, 1)

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        memory = here.cache.memory[self]
        if h is not None:
            self.write(h, here)
        seen = memory.index_select(0, here.neighbours(self.taps)).view(len(here.at), len(self.taps) * self.fan_in)
        return torch.addmm(self.bias, seen, self.weight.flatten(0, 1))


class Kept(Spatial):
    """Features as another stream left them, of the pixel itself or of one some rows up."""

    def __init__(self, channels: int, rows_up: int = 0, scale: int = 0):
        super().__init__()
        self.channels, self.rows_up, self.scale = channels, rows_up, scale
        self.like = nn.Buffer(torch.zeros(1), persistent=False)  # tells dtype and device

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.new(slots, self.channels, like=self.like)

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        where.remember(self, h)
        return F.pad(h, (0, 0, 0, 0, self.rows_up, 0))[:, : h.shape[1]]

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        at = here.neighbours(((-self.rows_up, 0),)) if self.rows_up else here.at
        return here.cache.memory[self].index_select(0, at)


@torch.no_grad()
def scaled(layer: nn.Module, gain: float) -> nn.Module:
    """A new layer with its weight so many times as large."""
    layer.weight.mul_(gain)
    return layer


def readout(fan_in: int, hidden: int, params: int) -> nn.Sequential:
    """From features to params: two 1x1 convolutions after ReLUs, and the output (1601.06759, Table 1)."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Linear(fan_in, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, params),
    )


class Gate(nn.Module):
    """Equation 2 of 1606.05328: tanh of one half of the channels by the sigmoid of the other, (..., 2C) to (..., C).

    tanh x = 2 sigmoid(2x) - 1, so one sigmoid does for both; torch takes three times as long over tanh and sigmoid apart.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.slope = nn.Buffer(torch.tensor([2.0, 1.0]).repeat_interleave(channels), persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        value, strength = torch.sigmoid(h * self.slope.to(h.dtype)).chunk(2, -1)
        return torch.lerp(-strength, strength, value)


class DigitBias(nn.Embedding):
    """What the digit asked for adds to features (1606.05328, equation 4), the same at every pixel."""

    def __init__(self, classes: int, channels: int):
        super().__init__(classes + 1, channels)  # the last row is for "not told", which is what digit -1 picks
        scaled(self, 0.1)  # torch begins with N(0, 1), which drowns what the features say

    def forward(self, where: Where, like: Tensor) -> Tensor:
        """To be added to features `like`: (B, 1, 1, C) everywhere, (B, C) here."""
        if isinstance(where, Here):
            return self.weight.index_select(0, where.digits)
        digits = where.digits if where.digits is not None else torch.full(like.shape[:1], -1, device=like.device)
        added = super().forward(digits % self.num_embeddings)
        return added.view(len(added), *[1] * (like.dim() - 2), -1)
