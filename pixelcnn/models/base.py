"""The contract of every model: one network, run everywhere or here.

A model is complete when it has what AutoregressiveModel names and a `network`. All else (the cache, prefill, the
step) follows, because the layers know both ways. Knows nothing of noise, seeds or people.
"""

import torch
from torch import Tensor, nn

from pixelcnn.layers import Spatial
from pixelcnn.orders import raster
from pixelcnn.where import Cache, Everywhere, Grid, Here, Where


class AutoregressiveModel(nn.Module):
    """p(x) as a product of p(pixel | pixels before it), pixels in raster order.

    config: a frozen dataclass with at least height and width; with the model's registry name it rebuilds the model.
    likelihood: what params mean, see likelihoods.py.
    margin: how far the widest layer looks, in pixels.
    classes: how many digits the model can be told to draw, 0 for none.
    takes_any_mask: whether known pixels may come after unknown ones.
    window: pixels that a picture alone tries for in one step; benchmarks/RESULTS.md has the measurements.
    input_layers: the spatial layers that read the picture itself; a drawn level is written to their memories.
    """

    name: str
    entry: str = ""  # which weights these are, once loaded
    config: object
    likelihood: object
    margin: int
    classes: int = 0
    takes_any_mask: bool = False
    window: int = 64
    input_layers: list[Spatial]

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        """Params from features of the picture: (B, H, W, C) to (B, H, W, P), or None to (B, P) for one pixel."""
        raise NotImplementedError

    def embed(self, levels: Tensor) -> Tensor:
        """Levels (...) as features (..., 1) in 0..1."""
        dtype = next(self.parameters()).dtype
        return (levels.to(dtype) / (self.likelihood.levels - 1))[..., None]

    def forward(self, x: Tensor, digits: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """All pixels at once: levels x (B, H, W), long in 0..K-1, to params (B, H, W, P).

        digits: for models with classes, which one each picture is of, (B,) long, -1 or None for not told.
        told: for models that take any mask, what `told` says of each picture's known pixels, bool (B, H, W).
        """
        return self.network(self.embed(x), Everywhere(digits, told))

    def order(self, known: Tensor) -> Tensor:
        """The unknown pixels in the order of filling, raster numbers (U,); known is bool (H, W).

        Raises BadInput for a mask that the model cannot make use of.
        """
        return raster(known, self.name)

    def told(self, known: Tensor) -> Tensor | None:
        """Those of the known pixels, bool (..., H, W), that the network must be told of beside its past; None if none."""
        return None

    def nats(self, x: Tensor, digits: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """-ln p of every pixel of x (B, H, W), given those before it and those told, of which it says nothing."""
        return -self.likelihood.log_prob(self(x, digits, told), x)

    def new_cache(self, slots: int) -> Cache:
        """Memory for so many pictures at once, on the model's device."""
        grid = Grid(self.config.height, self.config.width, self.margin)
        layers = [layer for layer in self.modules() if isinstance(layer, Spatial)]
        memory = {layer: layer.new_memory(grid.halved(layer.scale), slots) for layer in layers}
        told = torch.zeros(slots, dtype=torch.bool, device=self.device)
        return Cache(grid, memory, torch.full((slots,), self.classes, device=self.device), told)

    def prefill(
        self, cache: Cache, slots: Tensor, x: Tensor, digits: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """Seat pictures x (B, H, W) in slots (B,), all pixels in one pass; returns params (B, H, W, P).

        One picture, (1, H, W) with digits (1,) and told (1, H, W), is seated in all the slots, at the cost of one.
        What lies under pixels that are still to be filled does not matter: every step overwrites its own. Where nothing is
        told, x may be the upper rows alone, as many as `cache.rows_before` the first of those pixels.
        """
        cache.digits[slots] = self.classes if digits is None else digits % (self.classes + 1)
        cache.told[slots] = told is not None
        return self.network(self.embed(x), Everywhere(digits, told, cache, slots))

    def step(self, cache: Cache, slots: Tensor, pixels: Tensor, each: int = 1, kind: type[Here] = Here) -> Tensor:
        """Params (B, P) of pixels (B,), raster numbers, in slots (B,); all pixels before each are in the cache.

        each: so many rows, one after the other, are of one slot, throughout. kind: Fixed, for the same work at any pixels.
        """
        return self.network(None, kind(cache, slots, pixels, each))

    def write(self, cache: Cache, slots: Tensor, pixels: Tensor, levels: Tensor) -> None:
        """Tell the cache the levels (B,) that were drawn at pixels (B,)."""
        here, features = Here(cache, slots, pixels), self.embed(levels)
        for layer in self.input_layers:
            layer.write(features, here)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device
