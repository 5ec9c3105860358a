"""Execution contexts that networks pass to their layers: a full pass over all pixels, or a step at one pixel per picture.

FullPass()                            features are (B, H, W, C): training, evaluation, the definition of the model
FullPass(features={})                 the same, and every layer stores what later steps read (prefill)
CachedStep(cache, slots, pixels)      features are (B, C): one pixel of each of B pictures, at independent positions
CapturableStep(cache, slots, pixels)  the same with data-independent control flow, for CUDA graph capture
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from pixelcnn.nn.cache import Cache, CachedLayer, Grid, Taps

T = TypeVar("T")


@dataclass
class FullPass:
    """All pixels at once.

    digits: long, the class of each picture, for class-conditional models; -1 for none. (B,), or (B * n,) for n classes of
    each picture: layers below the point where the class enters then run once per picture.
    pictures: long (R,), the picture of each class, for digits (R,) of some pictures more than once.
    hints: bool (B, H, W), pixels whose values every pixel may read although they come later in raster order.
    features: if not None, layers store here what later steps read.
    """

    digits: Tensor | None = None
    hints: Tensor | None = None
    features: dict[CachedLayer, Tensor | None] | None = None
    pictures: Tensor | None = None

    def select(self, full: Callable[..., T], step: Callable[..., T]) -> Callable[..., T]:
        """The implementation for this kind of execution. This is the only place where layers branch on it."""
        return full

    def store(self, layer: CachedLayer, h: Tensor | None) -> None:
        """Store h (B, H, W, C) for later steps, if they are wanted; None stands for zeros."""
        if self.features is not None:
            self.features[layer] = h

    def expand(self, h: Tensor) -> Tensor:
        """h (B, ...) repeated for every class of each picture, (B * n, ...) or (R, ...)."""
        if self.pictures is not None:
            return h.index_select(0, self.pictures)
        if self.digits is None or len(self.digits) == len(h):
            return h
        return h.repeat_interleave(len(self.digits) // len(h), 0)

    def coarser(self) -> "FullPass":
        """The same at half the resolution: all pixels there."""
        return self


@dataclass
class CachedStep:
    """Pixels (B,), raster numbers, of the pictures in slots (B,).

    Several pixels of one picture may be computed together; each assumes that the cached values before it are right.
    pixels_per_slot: rows of one slot are adjacent, always this many, so that layers can look up a slot once for all.
    scale: how many times the resolution is halved; pixels are numbered in the grid of that resolution.
    """

    cache: Cache
    slots: Tensor
    pixels: Tensor
    pixels_per_slot: int = 1
    scale: int = 0
    _neighbor_positions: dict[Taps, Tensor] = field(default_factory=dict)

    def select(self, full: Callable[..., T], step: Callable[..., T]) -> Callable[..., T]:
        """The implementation for this kind of execution. This is the only place where layers branch on it."""
        return step

    def expand(self, h: Tensor) -> Tensor:
        """In a step every row has its own class already."""
        return h

    @cached_property
    def grid(self) -> Grid:
        return self.cache.grid.halved(self.scale)

    @cached_property
    def positions(self) -> Tensor:
        """Memory rows of the pixels, (B,)."""
        return self.grid.positions(self.slots, self.pixels)

    @cached_property
    def digits(self) -> Tensor:
        """The class of each row, (B,); the number of classes stands for none."""
        return self.cache.digits[self.slots]

    @cached_property
    def hinted(self) -> bool:
        """Whether any of the pictures has hints."""
        return bool(self.cache.hinted[self.slots].any())

    def neighbor_positions(self, taps: Taps) -> Tensor:
        """Memory rows that the taps read, (B * taps,). Computed once per step and shared by all layers."""
        rows = self._neighbor_positions.get(taps)
        if rows is None:
            rows = (self.positions[:, None] + self.cache.offsets(self.grid, taps)).flatten()
            self._neighbor_positions[taps] = rows
        return rows

    @cached_property
    def kv_index(self) -> Tensor:
        """Rows (B,) of key-value memories, which have no margins and one row before the first pixel of each slot."""
        return self.slots * (1 + self.grid.height * self.grid.width) + 1 + self.pixels

    @cached_property
    def slot_ids(self) -> list[int] | Tensor:
        """Each slot once, in the order of the rows."""
        return self.slots[:: self.pixels_per_slot].tolist()

    @cached_property
    def dense_slots(self) -> int:
        """One more than the last slot if at least half of the slots up to it are used, else 0.

        Reading the memories of all slots up to it is then cheaper than copying those that are used.
        """
        ids = [int(slot) for slot in self.slot_ids]
        dense = ids[-1] < 2 * len(ids) and all(a < b for a, b in pairwise(ids))
        return ids[-1] + 1 if dense else 0

    def group_by_slot(self, h: Tensor) -> Tensor:
        """h (B, ...) as (slots, pixels_per_slot, ...): all slots below `dense_slots` (zeros if unused), else the used."""
        h = h.view(len(self.slot_ids), self.pixels_per_slot, *h.shape[1:])
        if self.dense_slots in (0, len(h)):
            return h
        return h.new_zeros(self.dense_slots, *h.shape[1:]).index_copy_(0, self.slots[:: self.pixels_per_slot], h)

    def ungroup(self, h: Tensor) -> Tensor:
        """The inverse of `group_by_slot`: (slots, pixels_per_slot, ...) to (B, ...)."""
        used = h if self.dense_slots in (0, len(self.slot_ids)) else h[self.slots[:: self.pixels_per_slot]]
        return used.flatten(0, 1)

    @cached_property
    def key_count(self) -> int:
        """How many rows of a key-value memory any pixel of this step may attend to."""
        return int(self.pixels.max()) + 1

    @cached_property
    def causal_bias(self) -> Tensor:
        """Added to attention scores so that a pixel attends to earlier pixels only: 0 or -inf.

        (slots as in `group_by_slot`, 1, pixels_per_slot, key_count). The first key is the null key, visible to all.
        """
        pixels = self.group_by_slot(self.pixels)
        later = torch.arange(self.key_count, device=pixels.device) > pixels[:, None, :, None]
        like = next(iter(self.cache.memory.values()))
        return torch.zeros(later.shape, dtype=like.dtype, device=like.device).masked_fill_(later, -torch.inf)

    def finished_rows(self) -> "CachedStep | None":
        """For each pixel that begins a row, all pixels of the row above it; None if there are none."""
        return self._rows((self.pixels % self.grid.width == 0) & (self.pixels > 0), -self.grid.width)

    def entered_rows(self) -> "CachedStep | None":
        """For each pixel that begins a row, all pixels of that row; None if there are none."""
        return self._rows(self.pixels % self.grid.width == 0, 0)

    def _rows(self, begins: Tensor, start: int) -> "CachedStep | None":
        if not begins.any():
            return None
        columns = start + torch.arange(self.grid.width, device=self.pixels.device)
        pixels = (self.pixels[begins][:, None] + columns).flatten()
        return CachedStep(self.cache, self.slots[begins].repeat_interleave(self.grid.width), pixels, scale=self.scale)

    def coarser(self) -> "CachedStep":
        """The pixels in even rows and columns, at half the resolution."""
        row, column = self.pixels // self.grid.width, self.pixels % self.grid.width
        even = (row % 2 == 0) & (column % 2 == 0)
        pixels = (row // 2 * (self.grid.width // 2) + column // 2)[even]
        return CachedStep(self.cache, self.slots[even], pixels, scale=self.scale + 1)

    def parents(self) -> "CachedStep":
        """For each pixel, the pixel at half the resolution that contains it."""
        row, column = self.pixels // self.grid.width, self.pixels % self.grid.width
        return CachedStep(self.cache, self.slots, row // 2 * (self.grid.width // 2) + column // 2, scale=self.scale + 1)

    def dependency_levels(self, key: Tensor) -> list[Tensor]:
        """Row indices in groups to be computed one after the other: within a picture, a larger key (B,) comes later.

        For recurrent layers, whose state at a pixel depends on states at other pixels of the same step.
        """
        smallest = torch.full_like(self.cache.digits, torch.iinfo(key.dtype).max).scatter_reduce(0, self.slots, key, "amin")
        level = key - smallest[self.slots]
        return [torch.nonzero(level == value)[:, 0] for value in level.unique()]

    def subset(self, index: Tensor) -> "CachedStep":
        """The rows of an index only."""
        return CachedStep(self.cache, self.slots[index], self.pixels[index], scale=self.scale)


class NotCapturable(Exception):
    """The work of a step depends on which pixels it computes, so it cannot be captured as a CUDA graph."""


@dataclass
class CapturableStep(CachedStep):
    """Same result with data-independent control flow, so that the step can be captured as a CUDA graph.

    Work that `CachedStep` skips is done for every pixel: whole memories are read, and the row above is recomputed at every
    step. The pixels of a slot are consecutive or all the same. Raises NotCapturable in layers that cannot run so.
    """

    @cached_property
    def hinted(self) -> bool:
        return True  # slots without hints read zeros

    @cached_property
    def slot_ids(self) -> Tensor:
        return self.slots[:: self.pixels_per_slot]

    @cached_property
    def dense_slots(self) -> int:
        return 0

    @cached_property
    def key_count(self) -> int:
        return 1 + self.grid.height * self.grid.width

    def finished_rows(self) -> CachedStep:
        """The row above every row that has a pixel in this step; for the first row, which has none above, that row."""
        width, device, count = self.grid.width, self.pixels.device, self.pixels_per_slot
        first, last = self.pixels[::count] // width, self.pixels[count - 1 :: count] // width
        rows = torch.arange(1 + (count + width - 2) // width, device=device)  # the most rows that `count` pixels can touch
        rows = torch.minimum(first[:, None] + rows, last[:, None]).sub(1).clamp(min=0)
        pixels = (rows[..., None] * width + torch.arange(width, device=device)).flatten()
        slots = self.slot_ids.repeat_interleave(len(pixels) // len(self.slot_ids))
        return CachedStep(self.cache, slots, pixels, scale=self.scale)

    def entered_rows(self) -> CachedStep:
        raise NotCapturable

    def coarser(self) -> CachedStep:
        raise NotCapturable

    def dependency_levels(self, key: Tensor) -> list[Tensor]:
        raise NotCapturable


Execution = FullPass | CachedStep
