"""The base class of every autoregressive model.

A model is a `network` plus the attributes below. Cache, prefill and one-pixel steps are implemented here once, because
the layers run in both ways (see `pixelcnn/nn`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from pixelcnn.distributions import Distribution
from pixelcnn.errors import InputError, describe
from pixelcnn.masks import raster_order
from pixelcnn.nn.cache import Activations, Cache, CachedLayer, Grid, Taps
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import Linear, MaskedConv2d, class_index


class ConfigError(InputError):
    """A field of a config that no model can have; params: field, given, expected."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a model, all whole numbers. Stored in the metadata of a weights file, from which the model is rebuilt.

    Raises ConfigError for a value that is not in RANGES, the values of each field. They bound the time in which a model is
    built on the device "meta", not its memory, which is bounded by the size of the file.
    """

    RANGES: ClassVar[dict[str, range]] = {
        "height": range(1, 257),
        "width": range(1, 257),
        "channels": range(1, 4097),
        "head": range(1, 4097),
        "blocks": range(1, 65),
        "layers": range(1, 65),
        "kernel": range(1, 8, 2),
        "batch_norm": range(2),
        "classes": range(101),
        "dropout_percent": range(100),
    }

    height: int = 28
    width: int = 28

    def __post_init__(self) -> None:
        for option in fields(self):
            self.check(option.name, self.RANGES[option.name])

    def check(self, field: str, allowed: range) -> None:
        """Raises ConfigError unless the value of a field is one of those allowed."""
        value = getattr(self, field)
        if type(value) is not int or value not in allowed:
            raise ConfigError(
                "config_field",
                "{field} of the model is {given}. Give a whole number: {expected}.",
                field=field,
                given=describe(value),
                expected=describe_range(allowed),
            )


def describe_range(allowed: range) -> str:
    """Numbers for a message, such as "0, 1", "1 ... 64" or "4, 8 ... 256"."""
    if len(allowed) <= 4:
        return ", ".join(map(str, allowed))
    return f"{allowed[0]} ... {allowed[-1]}" if allowed.step == 1 else f"{allowed[0]}, {allowed[1]} ... {allowed[-1]}"


class Network(nn.Module):
    """What a weights file holds: a network that its name in a registry and its config rebuild."""

    name: str
    config: ModelConfig


N = TypeVar("N", bound=Network)
Registry = Mapping[str, tuple[type[N], type[ModelConfig], *tuple[Any, ...]]]  # by name: the network, its config, and more


class AutoregressiveModel(Network):
    """p(x) as the product of p(pixel | earlier pixels), pixels in raster order.

    config: with the model's registry name it rebuilds the model.
    distribution: what the network's output means.
    margin: how many pixels the widest layer reads to each side.
    classes: the number of classes that the model can be conditioned on, 0 for none.
    accepts_any_mask: whether known pixels may come after unknown ones.
    window: how many pixels of a single picture to compute in one step; benchmarks/RESULTS.md has measurements.
    input_layers: the layers that read the picture itself; sampled levels are written to their memories.
    """

    entry: str = ""  # the name of the weights in the manifest, once loaded
    distribution: Distribution
    margin: int
    classes: int = 0
    accepts_any_mask: bool = False
    window: int = 64

    @property
    def input_layers(self) -> list[CachedLayer]:
        raise NotImplementedError

    @property
    def neighborhood(self) -> Taps:
        """The earlier pixels that the first masked convolutions read around a pixel, as (rows, columns) in raster order."""
        convolutions = [layer for layer in self.input_layers if isinstance(layer, MaskedConv2d)]
        return tuple(sorted({tap for layer in convolutions for tap in layer.taps if tap < (0, 0)}))

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        """Features of the picture (B, H, W, C) to params (B, H, W, P); in a step, None to (B, P)."""
        raise NotImplementedError

    def embed(self, levels: Tensor) -> Tensor:
        """Levels (...) as features (..., 1) in 0..1."""
        dtype = next(self.parameters()).dtype
        return (levels.to(dtype) / (self.distribution.levels - 1))[..., None]

    def forward(
        self, x: Tensor, digits: Tensor | None = None, hints: Tensor | None = None, pictures: Tensor | None = None
    ) -> Tensor:
        """A full pass: levels x (B, H, W), long in 0..K-1, to params (B, H, W, P).

        digits: the class of each picture, (B,) long, -1 or None for none; ignored by models without classes. (B * n,) gives
            params (B * n, H, W, P) for n classes of each picture.
        pictures: for digits (R,), the picture of each, (R,) long; params are (R, H, W, P). Only for models with classes.
        hints: what `hints` returns for the mask of each picture, bool (B, H, W); for models that accept any mask.
        """
        return self.network(self.embed(x), FullPass(digits, hints, pictures=pictures))

    def fill_order(self, known: Tensor) -> Tensor:
        """The unknown pixels in the order of sampling, raster numbers (U,); known is bool (H, W).

        Raises InputError for a mask that the model cannot use.
        """
        return raster_order(known, self.name)

    def hints(self, known: Tensor) -> Tensor | None:
        """The known pixels, bool (..., H, W), that come after an unknown one; None if there are none."""
        return None

    def nats(self, x: Tensor, digits: Tensor | None = None, hints: Tensor | None = None) -> Tensor:
        """-ln p of every pixel of x (B, H, W) given the pixels before it, the class and the hints.

        The values at hints themselves mean nothing.
        """
        return -self.distribution.log_prob(self(x, digits, hints), x)

    def new_cache(self, slots: int) -> Cache:
        """A cache for `slots` pictures, on the model's device."""
        grid = Grid(self.config.height, self.config.width, self.margin)
        layers = [layer for layer in self.modules() if isinstance(layer, CachedLayer)]
        memory = {layer: layer.new_memory(grid.halved(layer.scale), slots) for layer in layers}
        hinted = torch.zeros(slots, dtype=torch.bool, device=self.device)
        return Cache(grid, memory, torch.full((slots,), self.classes, device=self.device), hinted)

    def full_pass(self, x: Tensor, digits: Tensor | None = None, hints: Tensor | None = None) -> tuple[Tensor, Activations]:
        """`forward`, and what its layers computed, to be written to a cache.

        digits (B * n,) instead of (B,) gives params of n classes of each picture, (B * n, H, W, P).
        """
        execution = FullPass(digits, hints, {})
        params = self.network(self.embed(x), execution)
        none = torch.full((len(params),), self.classes, device=x.device)
        index = none if digits is None else class_index(digits, self.classes).expand(len(params))
        hinted = torch.full((len(params),), hints is not None, device=x.device)
        return params, Activations(index, hinted, execution.features or {})

    def prefill(
        self, cache: Cache, slots: Tensor, x: Tensor, digits: Tensor | None = None, hints: Tensor | None = None
    ) -> Tensor:
        """Write pictures x (B, H, W) to slots (B,) of the cache in one full pass; returns params (B, H, W, P).

        One picture, (1, H, W) with digits (1,) and hints (1, H, W), is broadcast to all the slots. Values at unknown pixels
        do not matter: every step overwrites its own. Without hints, x may be the first rows only, as many as
        `cache.prefill_rows` says for the first unknown pixel.
        """
        params, activations = self.full_pass(x, digits, hints)
        activations.write(cache, slots, torch.arange(len(params), device=slots.device).expand_as(slots))
        return params

    def step(
        self,
        cache: Cache,
        slots: Tensor,
        pixels: Tensor,
        pixels_per_slot: int = 1,
        kind: type[CachedStep] = CachedStep,
    ) -> Tensor:
        """Params (B, P) of pixels (B,), raster numbers, in slots (B,); all pixels before each are in the cache.

        pixels_per_slot: rows of one slot are adjacent, always this many. kind: CapturableStep for CUDA graph capture.
        """
        return self.network(None, kind(cache, slots, pixels, pixels_per_slot))

    def write(self, cache: Cache, slots: Tensor, pixels: Tensor, levels: Tensor) -> None:
        """Write sampled levels (B,) at pixels (B,) to the cache."""
        step, features = CachedStep(cache, slots, pixels), self.embed(levels)
        for layer in self.input_layers:
            layer.write(features, step)

    @torch.no_grad()
    def fold_batch_norm_(self) -> None:
        """Replace every batch normalization of evaluation mode by other weights of its layer; the function is the same.

        Steps then do not compute it. The config says what the model is now, so that a file of it can be loaded.
        """
        for layer in self.modules():
            if isinstance(layer, MaskedConv2d | Linear):
                layer.fold_norm_()
        if vars(self.config).get("batch_norm"):
            self.config = replace(self.config, batch_norm=0)  # type: ignore[call-arg]

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device
