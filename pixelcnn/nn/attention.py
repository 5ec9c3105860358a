"""Causal self-attention over the pixels of a picture, as a full pass and over a key-value cache."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.nn.cache import Cache, CachedLayer, Grid, lazy_zeros
from pixelcnn.nn.execution import CachedStep, FullPass
from pixelcnn.nn.layers import Linear, normal_parameter


class CausalAttention(CachedLayer):
    """Every pixel attends to all earlier pixels; a null key stands before the first (1712.09763, section 2.2).

    Keys and values are projected features, which do not depend on their own pixel's level l, plus a learned vector `own`
    times l. A step stores them before l is sampled, so l is one more number behind each key and value:
    q (k + l own) = (q, q own) (k, l), and the sum of w (v + l own) is the sum of w v plus `own` times the sum of w l.
    """

    def __init__(self, channels: int, heads: int, dim: int):
        """dim: of the queries, keys and values of a head."""
        super().__init__()
        self.heads, self.dim = heads, dim
        self.inner = heads * dim
        self.norm = nn.LayerNorm(channels)
        self.query = Linear(channels, self.inner)
        self.key_value = Linear(channels, 2 * self.inner)
        self.own = normal_parameter(2 * self.inner, std=0.5)
        self.null = normal_parameter(2 * self.inner, std=0.1)
        self.out = Linear(self.inner, channels)

    def by_head(self, h: Tensor) -> Tensor:
        """(B, N, heads * dim) to (B, heads, N, dim)."""
        return h.unflatten(-1, (-1, self.dim)).transpose(1, 2)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """Keys and values of all heads, each followed by its level, (slots, 1 + H * W, 2 * heads, dim + 1).

        The first row is the null pair, written at prefill; then the pixels in raster order.
        """
        return lazy_zeros((slots, 1 + grid.height * grid.width, 2 * self.heads, self.dim + 1), like=self.null)

    def forward_full(self, h: Tensor, picture: Tensor, execution: FullPass) -> Tensor:
        """h (B, H, W, C), picture (B, H, W, 1): the levels."""
        normed, levels = self.norm(h).flatten(1, 2), picture.flatten(1, 2)
        pairs = self.key_value(normed)
        if execution.features is not None:
            levels_of_pairs = levels[..., None].expand(-1, -1, 2 * self.heads, -1)
            execution.store(self, torch.cat([pairs.unflatten(2, (-1, self.dim)), levels_of_pairs], 3))
        pairs = pairs + levels * self.own
        # Shifted by one: the null pair comes first, so a causal mask up to a pixel's own row means the pixels before it.
        pairs = torch.cat([self.null.to(pairs.dtype).expand(len(h), 1, -1), pairs[:, :-1]], 1)
        query = self.by_head(self.query(normed))
        key, value = self.by_head(pairs.to(query.dtype)).chunk(2, 1)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(attended.transpose(1, 2).flatten(2)).view_as(h)

    def fill(self, cache: Cache, slots: Tensor, h: Tensor) -> None:
        """h: keys and values with their levels, (B, pixels, 2 * heads, dim + 1)."""
        cache.memory[self][slots, 1 : 1 + h.shape[1]] = h.to(self.null.dtype)
        cache.memory[self][slots, 0, :, : self.dim] = self.null.detach().view(-1, self.dim)

    def write(self, h: Tensor, step: CachedStep) -> None:
        levels = step.cache.memory[self].flatten(0, 1)[..., self.dim]
        levels.index_copy_(0, step.kv_index, h.expand(-1, 2 * self.heads))

    def forward_step(self, h: Tensor, picture: None, step: CachedStep) -> Tensor:
        normed, memory = self.norm(h), step.cache.memory[self]
        pairs = self.key_value(normed).view(len(h), 2 * self.heads, self.dim)
        memory.flatten(0, 1)[..., : self.dim].index_copy_(0, step.kv_index, pairs)
        own_key, own_value = self.own.view(2, self.heads, self.dim)
        query = self.query(normed).view(len(h), self.heads, self.dim)
        query = step.group_by_slot(torch.cat([query, (query * own_key).sum(-1, keepdim=True)], -1))
        pairs = memory[: step.dense_slots] if step.dense_slots else memory[step.slots[:: step.pixels_per_slot]]
        key, value = pairs[:, : step.causal_bias.shape[-1]].transpose(1, 2).chunk(2, 1)  # (slots, heads, K, dim + 1)
        query, bias = query.transpose(1, 2), step.causal_bias
        attended = F.scaled_dot_product_attention(query, key, value, bias, scale=self.dim**-0.5)
        attended = step.ungroup(attended.transpose(1, 2))  # (B, heads, dim + 1)
        return self.out((attended[..., : self.dim] + attended[..., self.dim :] * own_value).flatten(1))
