"""Layers that know two ways: all pixels at once, and one pixel at a time over a cache.

A network is written once, as a function of features `h` and of `where` it runs:

    Everywhere()              h is (B, H, W, C): training, evaluation, the definition of the model
    Everywhere(cache=, slots=)  the same, and every layer leaves in the cache what later steps will read
    Here(cache, slots, pixels)  h is (B, C): one pixel of each of B pictures, each at a place of its own

Features are channels-last, so that whatever works on one pixel alone (`nn.Linear` as 1x1 convolution, ReLU, sums)
is the same code in both ways; only layers that look at *other* pixels (`Spatial`) are written twice, side by side, and
tests hold the two equal. Knows nothing of pictures, levels or sampling.
"""

import math
import mmap
from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Taps = tuple[tuple[int, int], ...]  # (row, column) offsets of the pixels a layer reads, in raster order


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


def zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Zeros with the dtype and device of `like`; many of them take, on a CPU, no time or memory before they are touched.

    So a cache can have room for a crowd, and cost what those in it need.
    """
    size = math.prod(shape) * like.itemsize
    if like.device.type != "cpu" or size < 4 * 2**20:  # wiping so little is quicker than paging
        return like.new_zeros(shape)
    # Pages straight from the system come as zeros; malloc would keep them when they are freed, and wipe them each time.
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages.madvise(mmap.MADV_HUGEPAGE)  # fetching them in small ones takes eight times as long
    else:
        pages = mmap.mmap(-1, size)
    return torch.frombuffer(pages, dtype=like.dtype).view(shape)


@dataclass(frozen=True)
class Grid:
    """Where the pixels of many pictures lie in one flat memory, with a margin of zeros above and to the left.

    The right margin of a row is the left margin of the next, so taps that leave the picture read zeros.
    """

    height: int
    width: int
    margin: int

    @property
    def stride(self) -> int:
        return self.width + self.margin

    @property
    def area(self) -> int:
        return (self.height + self.margin + 1) * self.stride

    def new(self, slots: int, channels: int, like: Tensor) -> Tensor:
        """Zeros (slots * area, channels) with the dtype and device of `like`."""
        return zeros((slots * self.area, channels), like)

    def positions(self, slots: Tensor, pixels: Tensor) -> Tensor:
        """Rows of the memory, (B,), of raster-numbered `pixels` (B,) in `slots` (B,)."""
        row, column = pixels // self.width, pixels % self.width
        return slots * self.area + (row + self.margin) * self.stride + column + self.margin

    def fill(self, memory: Tensor, slots: Tensor, h: Tensor) -> None:
        """Put features h (B, h, W, C) of pictures, or of their upper h rows, into their slots (B,)."""
        top, left = self.margin, self.margin
        view = memory.view(-1, self.height + self.margin + 1, self.stride, memory.shape[1])
        view[slots, top : top + h.shape[1], left:] = h.to(memory.dtype)

    def offset(self, tap: tuple[int, int]) -> int:
        return tap[0] * self.stride + tap[1]

    def halved(self, times: int) -> "Grid":
        """The grid of a picture of half the height and width, so many times over."""
        return Grid(self.height >> times, self.width >> times, self.margin) if times else self


@dataclass
class Cache:
    """What the steps remember: for every spatial layer its memory. Allocated once, passed in, never global.

    digits: the digit that each slot was told to draw, (slots,) long, for models with classes; their number for none.
    told: whether a slot was told of pixels, (slots,) bool, for models that take any mask.
    """

    grid: Grid
    memory: dict[nn.Module, Tensor]
    digits: Tensor
    told: Tensor

    def rows_before(self, pixel: int) -> int:
        """How many rows, from the top, a full pass must see so that steps can go on from this pixel."""
        # Whole pixels of the coarsest resolution; and eight, for of too small a picture torch makes slow convolutions.
        together = max(8, 2 ** max(layer.scale for layer in self.memory))
        return min(self.grid.height, -(-pixel // self.grid.width // together) * together or together)


@dataclass
class Everywhere:
    """All pixels at once. With a cache, layers fill slots (B,) of it.

    digits: (B,) long, where classes are given. told: bool (B, H, W), pixels whose values all others may know, where
    a model can make use of some that are not before the others.
    """

    digits: Tensor | None = None
    told: Tensor | None = None
    cache: Cache | None = None
    slots: Tensor | None = None

    def run(self, layer: "Spatial", h: Tensor) -> Tensor:
        return layer.all_pixels(h, self)

    def remember(self, layer: "Spatial", h: Tensor) -> None:
        """Leave h (B, H, W, C) as the layer's memory, if there is a cache."""
        if self.cache is not None:
            self.cache.grid.halved(layer.scale).fill(self.cache.memory[layer], self.slots, h)

    def forget(self, layer: "Spatial") -> None:
        """Leave zeros as the layer's memory, if there is a cache."""
        if self.cache is not None:
            memory = self.cache.memory[layer]
            memory.view(len(self.cache.digits), -1, memory.shape[1])[self.slots] = 0

    def coarser(self) -> "Everywhere":
        """All pixels of half the resolution."""
        return self


@dataclass
class Here:
    """Pixels (B,), raster numbers, of the pictures in slots (B,).

    Several pixels of one picture may go together, each taking what the cache says of those before it for granted.
    each: so many rows, one after the other, are of one slot, throughout: layers may look a slot up once for all of them.
    scale: how many times the resolution is halved; pixels are numbered in the grid of that resolution.
    """

    cache: Cache
    slots: Tensor
    pixels: Tensor
    each: int = 1
    scale: int = 0
    _neighbours: dict[Taps, Tensor] = field(default_factory=dict)

    def run(self, layer: "Spatial", h: Tensor | None) -> Tensor:
        return layer.one_pixel(h, self)

    @cached_property
    def grid(self) -> Grid:
        return self.cache.grid.halved(self.scale)

    @cached_property
    def at(self) -> Tensor:
        """Rows of the memories, (B,)."""
        return self.grid.positions(self.slots, self.pixels)

    @cached_property
    def digits(self) -> Tensor:
        return self.cache.digits[self.slots]

    @cached_property
    def told(self) -> bool:
        """Whether any of the pictures here was told of pixels."""
        return bool(self.cache.told[self.slots].any())

    def neighbours(self, taps: Taps) -> Tensor:
        """Rows of the memory, (B * taps,), that the taps read; worked out once a step, shared by all layers."""
        rows = self._neighbours.get(taps)
        if rows is None:
            offsets = torch.tensor([self.grid.offset(tap) for tap in taps], device=self.at.device)
            rows = self._neighbours[taps] = (self.at[:, None] + offsets).flatten()
        return rows

    @cached_property
    def serial(self) -> Tensor:
        """Rows, (B,), of memories without margins, in which one row of a slot comes before its first pixel."""
        return self.slots * (1 + self.grid.height * self.grid.width) + 1 + self.pixels

    @cached_property
    def crowd(self) -> list[int]:
        """The slots here, each once, in the order of coming."""
        return self.slots[:: self.each].tolist()

    @cached_property
    def top(self) -> int:
        """One more than the last slot, if the slots lie so close together that whole memories up to it are best read; or 0.

        Asking for those between as well then costs less than to copy what those here remember.
        """
        close = self.crowd[-1] < 2 * len(self.crowd) and all(
            a < b for a, b in zip(self.crowd, self.crowd[1:], strict=False)
        )
        return self.crowd[-1] + 1 if close else 0

    def by_slot(self, h: Tensor) -> Tensor:
        """h (B, ...) as (slots, each, ...): of all up to `top`, zero of those not here, or of those here alone."""
        h = h.view(len(self.crowd), self.each, *h.shape[1:])
        if self.top in (0, len(h)):
            return h
        return h.new_zeros(self.top, *h.shape[1:]).index_copy_(0, self.slots[:: self.each], h)

    def by_pixel(self, h: Tensor) -> Tensor:
        """The way back: (slots, each, ...) to (B, ...)."""
        return (h if self.top in (0, len(self.crowd)) else h[self.slots[:: self.each]]).flatten(0, 1)

    @cached_property
    def past(self) -> Tensor:
        """What to add to scores so that each pixel sees those before it alone: (slots by `by_slot`, 1, each, K), 0 or -inf.

        K is one more than the last pixel here: a row before the first pixel, seen by all, and the pixels before that one.
        """
        pixels = self.by_slot(self.pixels)
        beyond = torch.arange(int(self.pixels.max()) + 1, device=pixels.device) > pixels[:, None, :, None]
        like = next(iter(self.cache.memory.values()))
        return torch.zeros(beyond.shape, dtype=like.dtype, device=like.device).masked_fill_(beyond, -torch.inf)

    def rows_above(self) -> "Here | None":
        """All pixels of the rows just finished: of each pixel here that begins a row, the row above it, if any."""
        return self._rows((self.pixels % self.grid.width == 0) & (self.pixels > 0), -self.grid.width)

    def rows_begun(self) -> "Here | None":
        """All pixels of the rows that are entered: of each pixel here that begins a row, its row, if any."""
        return self._rows(self.pixels % self.grid.width == 0, 0)

    def _rows(self, begins: Tensor, start: int) -> "Here | None":
        if not begins.any():
            return None
        columns = start + torch.arange(self.grid.width, device=self.pixels.device)
        pixels = (self.pixels[begins][:, None] + columns).flatten()
        return Here(self.cache, self.slots[begins].repeat_interleave(self.grid.width), pixels, scale=self.scale)

    def coarser(self) -> "Here":
        """Of the pixels here, those in even rows and columns, at half the resolution."""
        row, column = self.pixels // self.grid.width, self.pixels % self.grid.width
        even = (row % 2 == 0) & (column % 2 == 0)
        pixels = (row // 2 * (self.grid.width // 2) + column // 2)[even]
        return Here(self.cache, self.slots[even], pixels, scale=self.scale + 1)

    def parents(self) -> "Here":
        """For each pixel here, the one of half the resolution that it is a part of."""
        row, column = self.pixels // self.grid.width, self.pixels % self.grid.width
        return Here(self.cache, self.slots, row // 2 * (self.grid.width // 2) + column // 2, scale=self.scale + 1)

    def waves(self, key: Tensor) -> list[Tensor]:
        """Indices of the pixels here in groups: of one picture, a pixel of larger key (B,) is in a later group.

        For layers whose state at a pixel follows from states at pixels that may be here too.
        """
        least = torch.full_like(self.cache.digits, torch.iinfo(key.dtype).max).scatter_reduce(0, self.slots, key, "amin")
        rank = key - least[self.slots]
        return [torch.nonzero(rank == turn)[:, 0] for turn in rank.unique()]

    def some(self, index: Tensor) -> "Here":
        """Only the pixels of an index."""
        return Here(self.cache, self.slots[index], self.pixels[index], scale=self.scale)


Where = Everywhere | Here


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
        value, strength = torch.sigmoid(h * self.slope).chunk(2, -1)
        return torch.lerp(-strength, strength, value)


class DigitBias(nn.Embedding):
    """What the digit asked for adds to features (1606.05328, equation 4), the same at every pixel."""

    def __init__(self, classes: int, channels: int):
        super().__init__(classes + 1, channels)  # the last row is for "not told", which is what digit -1 picks

    def forward(self, where: Where, like: Tensor) -> Tensor:
        """To be added to features `like`: (B, 1, 1, C) everywhere, (B, C) here."""
        if isinstance(where, Here):
            return self.weight.index_select(0, where.digits)
        digits = where.digits if where.digits is not None else torch.full(like.shape[:1], -1, device=like.device)
        added = super().forward(digits % self.num_embeddings)
        return added.view(len(added), *[1] * (like.dim() - 2), -1)
