"""Freeform: a causal network with attention that can be told of known pixels anywhere.

    [1] A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, "Conditional Image Generation
        with PixelCNN Decoders", 2016, arXiv:1606.05328.
    [2] X. Chen, N. Mishra, M. Rohaninejad, P. Abbeel, "PixelSNAIL: An Improved Autoregressive Generative Model", 2017,
        arXiv:1712.09763.

        told pixels -> unmasked convolutions -> given, once a request
        picture -> 7x7 conv, mask A -> blocks of causal conv + given + digit -> gate -> 1x1 -> logit
                                       with causal attention after every few of them

Pixels are filled in raster order, known ones skipped. The causal network sees whatever is before a pixel by itself, so
it is told only of the known pixels that come after the first unknown one. With the top known that is none: one pass then
says how probable the known pixels are and how probable the rest is. Otherwise all it says is given what it was told.

Ours; the parts are not: gates, classes and conditioning on a map of features are of [1], attention between convolutions
with keys and values that know their own pixel's level is of [2].
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.layers import (
    DigitBias,
    Everywhere,
    Grid,
    Here,
    MaskedConv2d,
    Spatial,
    Where,
    gate,
    mask_a,
    mask_b,
    readout,
    zeros,
)
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel


@dataclass(frozen=True)
class Config:
    height: int = 28
    width: int = 28
    channels: int = 48
    blocks: int = 8
    attend_every: int = 4  # blocks from one attention to the next
    heads: int = 2
    dim: int = 16  # of a head's queries, keys and values
    given: int = 32  # features of what is told
    head: int = 64
    classes: int = 10
    dropout_percent: int = 0


class Given(Spatial):
    """What every pixel knows of the told pixels, wherever they are: convolutions without masks over (level, told)."""

    STEPS = (1, 2, 4, 8, 1)  # from tap to tap of a 3x3 kernel, layer after layer: 33 pixels across in all

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        fans = [2] + [channels] * (len(self.STEPS) - 1)
        convs = [nn.Conv2d(fan, channels, 3, 1, step, step) for fan, step in zip(fans, self.STEPS, strict=True)]
        self.convs = nn.ModuleList(convs)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.new(slots, self.channels, like=self.convs[0].weight)

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        """Features of the picture h (B, H, W, 1); zero, at no cost, where nothing is told."""
        out = h.new_zeros(*h.shape[:3], self.channels)
        if where.told is not None:
            some = torch.nonzero(where.told.flatten(1).any(1))[:, 0]
            out = out.index_copy(0, some, self.encode(h[some], where.told[some]).to(out.dtype))
        where.remember(self, out)
        return out

    def encode(self, h: Tensor, told: Tensor) -> Tensor:
        told = told[..., None].to(h.dtype)
        first, *others = self.convs
        out = first(torch.cat([h * told, told], -1).permute(0, 3, 1, 2))
        for conv in others:
            out = out + conv(F.relu(out))
        return out.permute(0, 2, 3, 1)

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        return here.cache.memory[self].index_select(0, here.at)


class Place(Spatial):
    """Adds what is learned of every row and of every column, so that the network knows where it is."""

    def __init__(self, config: Config):
        super().__init__()
        self.rows = nn.Parameter(torch.randn(config.height, 1, config.channels) / 10)
        self.columns = nn.Parameter(torch.randn(config.width, config.channels) / 10)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return self.rows.new_empty(0)  # nothing to remember

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        return h + self.rows + self.columns

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        width = len(self.columns)
        return h + self.rows[here.pixels // width, 0] + self.columns[here.pixels % width]


class Levels(Spatial):
    """Remembers the picture itself, (slots, 1 + H * W), in raster order behind one zero."""

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return zeros((slots, 1 + grid.height * grid.width), self.like)

    def __init__(self):
        super().__init__()
        self.like = nn.Buffer(torch.zeros(1), persistent=False)  # tells dtype and device

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        if where.cache is not None:
            where.cache.memory[self][where.slots, 1:] = h.flatten(1)
        return h

    def write(self, h: Tensor, here: Here) -> None:
        here.cache.memory[self][here.slots, 1 + here.pixels] = h[:, 0]


class CausalAttention(Spatial):
    """Every pixel looks at all pixels before it, or at nothing: a null key stands before the first ([2], section 2.2).

    Keys and values are features, which have not seen their own pixel's level, plus a learned vector times that level. It
    is added where it is read rather than where it is remembered: a step does not know yet what it will draw.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.heads, self.dim = config.heads, config.dim
        self.inner = config.heads * config.dim
        self.norm = nn.LayerNorm(config.channels)
        self.query = nn.Linear(config.channels, self.inner)
        self.key_value = nn.Linear(config.channels, 2 * self.inner)
        self.own = nn.Parameter(torch.randn(2 * self.inner) / 2)
        self.null = nn.Parameter(torch.randn(2 * self.inner) / 10)
        self.out = nn.Linear(self.inner, config.channels)
        self.levels = Levels()

    def by_head(self, h: Tensor) -> Tensor:
        """(B, N, heads * dim) to (B, heads, N, dim)."""
        return h.unflatten(-1, (-1, self.dim)).transpose(1, 2)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """Keys and values, (2, slots, heads, 1 + H * W, dim), the null ones first."""
        memory = zeros((2, slots, self.heads, 1 + grid.height * grid.width, self.dim), like=self.null)
        memory[:, :, :, 0] = self.null.detach().view(2, 1, self.heads, self.dim)
        return memory

    def forward(self, h: Tensor, picture: Tensor | None, where: Where) -> Tensor:
        if picture is None:
            return self.one_pixel(h, where)
        return self.all_pixels(h, where, self.levels(picture, where))

    def all_pixels(self, h: Tensor, where: Everywhere, picture: Tensor) -> Tensor:
        normed = self.norm(h).flatten(1, 2)
        pairs = self.key_value(normed)
        if where.cache is not None:
            for memory, part in zip(where.cache.memory[self], pairs.chunk(2, -1), strict=True):
                memory[where.slots, :, 1:] = self.by_head(part)
        pairs = pairs + picture.flatten(1, 2) * self.own
        # One place on: the null pair comes first, the last pixel's is seen by none, and "up to its own" is "before it".
        pairs = torch.cat([self.null.to(pairs.dtype).expand(len(h), 1, -1), pairs[:, :-1]], 1)
        query = self.by_head(self.query(normed))
        key, value = self.by_head(pairs.to(query.dtype)).chunk(2, 1)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(seen.transpose(1, 2).flatten(2)).view_as(h)

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        normed = self.norm(h)
        keys, values = here.cache.memory[self]
        for memory, part in zip((keys, values), self.key_value(normed).chunk(2, -1), strict=True):
            memory[here.slots, :, 1 + here.pixels] = part.view(len(h), self.heads, self.dim)
        slots, last = here.slots[:: here.each], int(here.pixels.max()) + 1  # no pixel here looks further than `last`
        query = self.query(normed).view(len(slots), here.each, -1)
        top = int(slots[-1]) + 1
        if top <= 2 * len(slots) and bool((slots[1:] > slots[:-1]).all()):
            # The slots lie close together: better to ask for those between as well than to copy all keys and values.
            crowd = query.new_zeros(top, *query.shape[1:]).index_copy(0, slots, query)
            pixels = here.pixels.new_zeros(top, here.each).index_copy(0, slots, here.pixels.view(-1, here.each))
            levels = here.cache.memory[self.levels][:top, :last]
            seen = self.look(crowd, keys[:top, :, :last], values[:top, :, :last], levels, pixels)[slots]
        else:
            levels = here.cache.memory[self.levels][slots, :last]
            pixels = here.pixels.view(-1, here.each)
            seen = self.look(query, keys[slots, :, :last], values[slots, :, :last], levels, pixels)
        return self.out(seen.reshape(len(h), -1))

    def look(self, query: Tensor, key: Tensor, value: Tensor, level: Tensor, pixels: Tensor) -> Tensor:
        """What pixels (n, each) see: queries (n, each, heads * dim), keys and values (n, heads, K, dim), levels (n, K)."""
        query, level = self.by_head(query), level[:, None, None]  # (n, heads, each, dim), (n, 1, 1, K)
        own_key, own_value = self.own.view(2, self.heads, self.dim, 1)
        scores = query @ key.mT + (query @ own_key) * level
        future = torch.arange(key.shape[2], device=query.device) > pixels[:, None, :, None]
        weights = (scores * self.dim**-0.5).masked_fill(future, -torch.inf).softmax(-1)  # (n, heads, each, K)
        seen = weights @ value + (weights * level).sum(-1, keepdim=True) * own_value.mT
        return seen.transpose(1, 2).flatten(2)


class Block(nn.Module):
    """A gated residual block ([1], equations 2 and 4), with the map of what is told added before the gate."""

    def __init__(self, config: Config, size: int):
        super().__init__()
        self.conv = MaskedConv2d(config.channels, 2 * config.channels, mask_b(size))
        self.given = nn.Linear(config.given, 2 * config.channels, bias=False)
        self.digit = DigitBias(config.classes, 2 * config.channels)
        self.dropout = nn.Dropout(config.dropout_percent / 100)
        self.out = nn.Linear(config.channels, config.channels)

    def forward(self, h: Tensor, given: Tensor, where: Where) -> Tensor:
        mixed = self.conv(h, where) + self.given(given)
        mixed = mixed + self.digit(where, mixed)
        return h + self.out(self.dropout(gate(mixed)))


class Freeform(AutoregressiveModel):
    name = "freeform"
    margin = 3
    takes_any_mask = True

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.classes = config.classes
        self.likelihood = Bernoulli()
        self.given = Given(config.given)
        self.first = MaskedConv2d(1, config.channels, mask_a(7))
        self.place = Place(config)
        self.blocks = nn.ModuleList(Block(config, (3, 5)[number % 2]) for number in range(config.blocks))
        self.attention = nn.ModuleList(CausalAttention(config) for _ in range(config.blocks // config.attend_every))
        self.head = readout(config.channels, config.head, self.likelihood.params)

    @property
    def input_layers(self) -> list[Spatial]:
        return [self.first, *(attention.levels for attention in self.attention)]

    def order(self, known: Tensor) -> Tensor:
        return torch.nonzero(~known.flatten())[:, 0]

    def told(self, known: Tensor) -> Tensor | None:
        after_unknown = (~known.flatten(-2)).cumsum(-1).view_as(known) > 0
        told = known & after_unknown
        return told if told.any() else None

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        given = self.given(picture, where)  # (B, H, W, G) or (B, G)
        h = self.place(self.first(picture, where), where)  # (B, H, W, C) or (B, C)
        for number, block in enumerate(self.blocks, 1):
            h = block(h, given, where)
            if number % self.config.attend_every == 0:
                h = h + self.attention[number // self.config.attend_every - 1](h, picture, where)
        return self.head(h)
