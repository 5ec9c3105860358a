"""Where a network runs: over all pixels at once, or here, at one pixel of each of many pictures over a cache.

    Everywhere()              features are (B, H, W, C): training, evaluation, the definition of the model
    Everywhere(cache=, slots=)  the same, and every layer leaves in the cache what later steps will read
    Here(cache, slots, pixels)  features are (B, C): one pixel of each of B pictures, each at a place of its own
    Fixed(cache, slots, pixels)   the same, by work that does not depend on which pixels they are

Knows where things lie in memory and which pixels are there; no weights, no levels and no sampling.
"""

import math
import mmap
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor, nn

Taps = tuple[tuple[int, int], ...]  # (row, column) offsets of the pixels a layer reads, in raster order


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
    _offsets: dict[tuple[Grid, Taps], Tensor] = field(default_factory=dict)

    def offsets(self, grid: Grid, taps: Taps) -> Tensor:
        """How far from a pixel's row of a memory the taps lie, (taps,): on the device, once and for all."""
        if (grid, taps) not in self._offsets:
            self._offsets[grid, taps] = torch.tensor([grid.offset(tap) for tap in taps], device=self.digits.device)
        return self._offsets[grid, taps]

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

    def run(self, layer: nn.Module, h: Tensor) -> Tensor:
        return layer.all_pixels(h, self)

    def remember(self, layer: nn.Module, h: Tensor) -> None:
        """Leave h (B, H, W, C) as the layer's memory, if there is a cache."""
        if self.cache is not None:
            self.cache.grid.halved(layer.scale).fill(self.cache.memory[layer], self.slots, h)

    def forget(self, layer: nn.Module) -> None:
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

    def run(self, layer: nn.Module, h: Tensor | None) -> Tensor:
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
            rows = self._neighbours[taps] = (self.at[:, None] + self.cache.offsets(self.grid, taps)).flatten()
        return rows

    @cached_property
    def serial(self) -> Tensor:
        """Rows, (B,), of memories without margins, in which one row of a slot comes before its first pixel."""
        return self.slots * (1 + self.grid.height * self.grid.width) + 1 + self.pixels

    @cached_property
    def crowd(self) -> list[int] | Tensor:
        """The slots here, each once, in the order of coming."""
        return self.slots[:: self.each].tolist()

    @cached_property
    def top(self) -> int:
        """One more than the last slot, if the slots lie so close together that whole memories up to it are best read; or 0.

        Asking for those between as well then costs less than to copy what those here remember.
        """
        close = self.crowd[-1] < 2 * len(self.crowd) and all(a < b for a, b in pairwise(self.crowd))
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
    def reach(self) -> int:
        """One more than the last pixel here."""
        return int(self.pixels.max()) + 1

    @cached_property
    def past(self) -> Tensor:
        """What to add to scores so that each pixel sees those before it alone: (slots by `by_slot`, 1, each, K), 0 or -inf.

        K is `reach`: a row before the first pixel, seen by all, and the pixels before the last.
        """
        pixels = self.by_slot(self.pixels)
        beyond = torch.arange(self.reach, device=pixels.device) > pixels[:, None, :, None]
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


class Varies(Exception):
    """What a step does depends on which pixels it is at, so that it cannot be the same work every time."""


@dataclass
class Fixed(Here):
    """Pixels here, looked at with the same work whichever they are, so that a device can do it by heart (`replay.py`).

    What `Here` skips is done for all: whole memories are read, and every row above worked out again. The pixels of a slot
    follow each other, or are one. Raises Varies to layers that cannot do so.
    """

    @cached_property
    def told(self) -> bool:
        return True  # who was not told of anything reads zeros

    @cached_property
    def crowd(self) -> Tensor:
        return self.slots[:: self.each]

    @cached_property
    def top(self) -> int:
        return 0

    @cached_property
    def reach(self) -> int:
        return 1 + self.grid.height * self.grid.width

    def rows_above(self) -> Here:
        """The row above every row that has a pixel here; above the first row, where there is none, that row itself."""
        width, device = self.grid.width, self.pixels.device
        first, last = self.pixels[:: self.each] // width, self.pixels[self.each - 1 :: self.each] // width
        rows = torch.arange(1 + (self.each + width - 2) // width, device=device)  # as many as so many pixels can touch
        rows = torch.minimum(first[:, None] + rows, last[:, None]).sub(1).clamp(min=0)
        pixels = (rows[..., None] * width + torch.arange(width, device=device)).flatten()
        return Here(self.cache, self.crowd.repeat_interleave(len(pixels) // len(self.crowd)), pixels, scale=self.scale)

    def rows_begun(self) -> Here:
        raise Varies

    def coarser(self) -> Here:
        raise Varies

    def waves(self, key: Tensor) -> list[Tensor]:
        raise Varies


Where = Everywhere | Here
