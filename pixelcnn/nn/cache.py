"""Activation cache for one-pixel steps: the memory of every layer, and where each pixel of each picture is stored in it."""

import math
import mmap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pixelcnn.nn.module import Module

if TYPE_CHECKING:
    from pixelcnn.nn.execution import CachedStep

Taps = tuple[tuple[int, int], ...]  # (row, column) offsets of the pixels a layer reads, in raster order
SMALL_BYTES = 4 * 2**20  # below this, clearing memory takes less time than page faults
MIN_PREFILL_ROWS = 8  # convolutions over fewer rows are slow in torch


def lazy_zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Zeros with the dtype and device of `like`. On a CPU, large ones use no memory until they are written.

    A cache can therefore reserve room for many pictures and cost only what the pictures in it use.
    """
    size = math.prod(shape) * like.itemsize
    if like.device.type != "cpu" or size < SMALL_BYTES:
        return like.new_zeros(shape)
    # Anonymous pages arrive as zeros and return to the system when freed. malloc would keep them and clear them each time.
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages.madvise(mmap.MADV_HUGEPAGE)  # page faults on small pages take eight times as long
    else:
        pages = mmap.mmap(-1, size)
    return torch.frombuffer(pages, dtype=like.dtype).view(shape)


@dataclass(frozen=True)
class Grid:
    """Layout of the pixels of many pictures in one flat memory, with a margin of zeros above and to the left.

    The right margin of a row is the left margin of the next row, so taps outside the picture read zeros.
    """

    height: int
    width: int
    margin: int

    @property
    def stride(self) -> int:
        """Memory rows from a pixel to the pixel below it."""
        return self.width + self.margin

    @property
    def area(self) -> int:
        """Memory rows of one picture."""
        return (self.height + self.margin + 1) * self.stride

    def allocate(self, slots: int, channels: int, like: Tensor) -> Tensor:
        """Zeros (slots * area, channels) with the dtype and device of `like`."""
        return lazy_zeros((slots * self.area, channels), like)

    def positions(self, slots: Tensor, pixels: Tensor) -> Tensor:
        """Memory rows (B,) of raster-numbered `pixels` (B,) in `slots` (B,)."""
        row, column = pixels // self.width, pixels % self.width
        return slots * self.area + (row + self.margin) * self.stride + column + self.margin

    def fill(self, memory: Tensor, slots: Tensor, h: Tensor) -> None:
        """Write features h (B, h, W, C) of whole pictures, or of their first h rows, into slots (B,)."""
        top, left = self.margin, self.margin
        view = memory.view(-1, self.height + self.margin + 1, self.stride, memory.shape[1])
        view[slots, top : top + h.shape[1], left:] = h.to(memory.dtype)

    def offset(self, tap: tuple[int, int]) -> int:
        """Memory rows from a pixel to the pixel that the tap reads."""
        return tap[0] * self.stride + tap[1]

    def halved(self, times: int) -> "Grid":
        """The grid at a resolution that is halved `times` times."""
        return Grid(self.height >> times, self.width >> times, self.margin) if times else self


class CachedLayer(Module):
    """A layer that reads other pixels, with two implementations that must agree: a full pass and a one-pixel step.

    `forward_full(h, ..., execution)` is the definition, (B, H, W, C) to (B, H, W, C'); it stores in the cache what steps
    read. `forward_step(h, ..., step)` maps (B, C) to (B, C'); h is None if the input is already in the memory.
    scale: the resolution of its memory, as in `CachedStep`.
    """

    scale: int = 0
    forward_full: Callable[..., Any]
    forward_step: Callable[..., Any]

    def forward(self, *args: Any) -> Any:
        """Features to features; the last argument is the execution."""
        return args[-1].select(self.forward_full, self.forward_step)(*args)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """An empty memory for `forward_step`."""
        raise NotImplementedError

    def fill(self, cache: "Cache", slots: Tensor, h: Tensor) -> None:
        """Write what a full pass stored, h (B, h, W, C) of whole pictures or of their first h rows, to slots (B,)."""
        cache.grid.halved(self.scale).fill(cache.memory[self], slots, h)

    def clear(self, cache: "Cache", slots: Tensor) -> None:
        """Write zeros to slots (B,)."""
        memory = cache.memory[self]
        memory.view(len(cache.digits), -1, memory.shape[1])[slots] = 0

    def write(self, h: Tensor, step: "CachedStep") -> None:
        """Write features h (B, C) of single pixels to the memory, for layers that read the picture itself."""
        step.cache.memory[self].index_copy_(0, step.positions, h)


@dataclass
class Cache:
    """What one-pixel steps read: one memory per cached layer. Allocated once and passed in, never global.

    digits: (slots,) long, the class that each slot is conditioned on; the number of classes stands for none.
    hinted: (slots,) bool, whether a slot has hints (known pixels that come after an unknown one).
    """

    grid: Grid
    memory: dict[CachedLayer, Tensor]
    digits: Tensor
    hinted: Tensor
    _offsets: dict[tuple[Grid, Taps], Tensor] = field(default_factory=dict)

    def offsets(self, grid: Grid, taps: Taps) -> Tensor:
        """Memory rows from a pixel to each of its taps, (taps,), computed once and kept on the device."""
        if (grid, taps) not in self._offsets:
            self._offsets[grid, taps] = torch.tensor([grid.offset(tap) for tap in taps], device=self.digits.device)
        return self._offsets[grid, taps]

    def prefill_rows(self, pixel: int) -> int:
        """How many rows from the top a full pass must cover so that steps can continue at this pixel."""
        coarsest = 1 << max(layer.scale for layer in self.memory)  # whole pixels of the lowest resolution
        rows = max(MIN_PREFILL_ROWS, -(-pixel // self.grid.width))
        return min(self.grid.height, -(-rows // coarsest) * coarsest)


@dataclass
class Activations:
    """What the cached layers computed in a full pass over pictures (B,), to be written to slots of a cache.

    Layers below the point where the class enters run once for all classes of a picture, so their features may have fewer
    rows: each then stands for B / rows consecutive pictures. None stands for zeros.
    """

    digits: Tensor  # (B,), the class of each picture; the number of classes stands for none
    hinted: Tensor  # bool (B,)
    features: dict[CachedLayer, Tensor | None] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return sum(h.nbytes for h in self.features.values() if h is not None)

    def of_picture(self, number: int, classes: int) -> "Activations":
        """Those of one picture with every class, as views: rows number * classes to (number + 1) * classes."""
        rows = slice(number * classes, (number + 1) * classes)
        features: dict[CachedLayer, Tensor | None] = {}
        for layer, h in self.features.items():
            shared = h is not None and len(h) != len(self.digits)
            features[layer] = None if h is None else h[number : number + 1] if shared else h[rows]
        return Activations(self.digits[rows], self.hinted[rows], features)

    def clone(self) -> "Activations":
        """A copy that does not keep the whole batch in memory."""
        features = {layer: None if h is None else h.clone() for layer, h in self.features.items()}
        return Activations(self.digits.clone(), self.hinted.clone(), features)

    def write(self, cache: Cache, slots: Tensor, pictures: Tensor) -> None:
        """Write pictures (S,), numbers in 0..B-1, to slots (S,)."""
        cache.digits[slots], cache.hinted[slots] = self.digits[pictures], self.hinted[pictures]
        for layer, h in self.features.items():
            if h is None:
                layer.clear(cache, slots)
            else:
                layer.fill(cache, slots, h[pictures // (len(self.digits) // len(h))])
