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

from pixelcnn.layers import DigitBias, Gate, MaskedConv2d, Spatial, mask_a, mask_b, readout
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Everywhere, Grid, Here, Where, zeros


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

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor | None:
        """Features of the picture h (B, H, W, 1); None, as good as zeros, where no picture is told anything."""
        if where.told is None:
            where.forget(self)
            return None
        some = where.told.flatten(1).any(1)
        if h.is_cuda:  # how many they are is asked of a CPU alone: a device would have to stop for the answer
            out = self.encode(h, where.told) * some[:, None, None, None]
        else:
            some = torch.nonzero(some)[:, 0]
            out = h.new_zeros(*h.shape[:3], self.channels)
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

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor | None:
        return here.cache.memory[self].index_select(0, here.at) if here.told else None


class Place(Spatial):
    """Adds what is learned of every row and of every column, so that the network knows where it is."""

    def __init__(self, config: Config):
        super().__init__()
        self.rows = nn.Parameter(torch.randn(config.height, 1, config.channels) / 10)
        self.columns = nn.Parameter(torch.randn(config.width, config.channels) / 10)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return self.rows.new_empty(0)  # nothing to remember

    def all_pixels(self, h: Tensor, where: Everywhere) -> Tensor:
        return h + (self.rows[: h.shape[1]] + self.columns)

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        return h + (self.rows + self.columns).flatten(0, 1).index_select(0, here.pixels)


class CausalAttention(Spatial):
    """Every pixel looks at all pixels before it, or at nothing: a null key stands before the first ([2], section 2.2).

    Keys and values are features, which have not seen their own pixel's level, plus a learned vector times that level. A
    step does not know yet what it will draw. So it remembers both without it, and the level, once it is there, as one
    number more in each: q (k + l own) = (q, q own) (k, l), and w (v + l own) sums to that of w v, and own by that of w l.
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

    def by_head(self, h: Tensor) -> Tensor:
        """(B, N, heads * dim) to (B, heads, N, dim)."""
        return h.unflatten(-1, (-1, self.dim)).transpose(1, 2)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        """Keys and values of all heads, each with its level behind it, (slots, 1 + H * W, 2 * heads, dim + 1).

        The null pair comes first, once a picture is seated, then the pixels in raster order.
        """
        return zeros((slots, 1 + grid.height * grid.width, 2 * self.heads, self.dim + 1), like=self.null)

    def forward(self, h: Tensor, picture: Tensor | None, where: Where) -> Tensor:
        if picture is None:
            return self.one_pixel(h, where)
        return self.all_pixels(h, where, picture)

    def all_pixels(self, h: Tensor, where: Everywhere, picture: Tensor) -> Tensor:
        normed, levels = self.norm(h).flatten(1, 2), picture.flatten(1, 2)
        pairs = self.key_value(normed)
        if where.cache is not None:
            with_level = torch.cat(
                [pairs.unflatten(2, (-1, self.dim)), levels[..., None].expand(-1, -1, 2 * self.heads, -1)], 3
            )
            where.cache.memory[self][where.slots, 1 : 1 + pairs.shape[1]] = with_level
            where.cache.memory[self][where.slots, 0, :, : self.dim] = self.null.detach().view(-1, self.dim)
        pairs = pairs + levels * self.own
        # One place on: the null pair comes first, the last pixel's is seen by none, and "up to its own" is "before it".
        pairs = torch.cat([self.null.to(pairs.dtype).expand(len(h), 1, -1), pairs[:, :-1]], 1)
        query = self.by_head(self.query(normed))
        key, value = self.by_head(pairs.to(query.dtype)).chunk(2, 1)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(seen.transpose(1, 2).flatten(2)).view_as(h)

    def write(self, h: Tensor, here: Here) -> None:
        levels = here.cache.memory[self].flatten(0, 1)[..., self.dim]
        levels.index_copy_(0, here.serial, h.expand(-1, 2 * self.heads))

    def one_pixel(self, h: Tensor | None, here: Here) -> Tensor:
        normed, memory = self.norm(h), here.cache.memory[self]
        pairs = self.key_value(normed).view(len(h), 2 * self.heads, self.dim)
        memory.flatten(0, 1)[..., : self.dim].index_copy_(0, here.serial, pairs)
        own_key, own_value = self.own.view(2, self.heads, self.dim)
        query = self.query(normed).view(len(h), self.heads, self.dim)
        query = here.by_slot(torch.cat([query, (query * own_key).sum(-1, keepdim=True)], -1))
        seen = memory[: here.top] if here.top else memory[here.slots[:: here.each]]
        key, value = seen[:, : here.past.shape[-1]].transpose(1, 2).chunk(2, 1)  # (slots, heads, K, dim + 1)
        seen = F.scaled_dot_product_attention(query.transpose(1, 2), key, value, here.past, scale=self.dim**-0.5)
        seen = here.by_pixel(seen.transpose(1, 2))  # (B, heads, dim + 1)
        return self.out((seen[..., : self.dim] + seen[..., self.dim :] * own_value).flatten(1))


class Block(nn.Module):
    """A gated residual block ([1], equations 2 and 4), with the map of what is told added before the gate."""

    def __init__(self, config: Config, size: int):
        super().__init__()
        self.conv = MaskedConv2d(config.channels, 2 * config.channels, mask_b(size))
        self.given = nn.Linear(config.given, 2 * config.channels, bias=False)
        self.digit = DigitBias(config.classes, 2 * config.channels)
        self.gate = Gate(config.channels)
        self.dropout = nn.Dropout(config.dropout_percent / 100)
        self.out = nn.Linear(config.channels, config.channels)

    def forward(self, h: Tensor, given: Tensor | None, where: Where) -> Tensor:
        mixed = self.conv(h, where)
        if given is not None:
            mixed = mixed + self.given(given)
        mixed = mixed + self.digit(where, mixed)
        return h + self.out(self.dropout(self.gate(mixed)))


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
        return [self.first, *self.attention]

    def order(self, known: Tensor) -> Tensor:
        return torch.nonzero(~known.flatten())[:, 0]

    def told(self, known: Tensor) -> Tensor | None:
        after_unknown = (~known.flatten(-2)).cumsum(-1).view_as(known) > 0
        told = known & after_unknown
        return told if told.any() else None

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        given = self.given(picture, where)  # (B, H, W, G) or (B, G), or None
        h = self.place(self.first(picture, where), where)  # (B, H, W, C) or (B, C)
        for number, block in enumerate(self.blocks, 1):
            h = block(h, given, where)
            if number % self.config.attend_every == 0:
                h = h + self.attention[number // self.config.attend_every - 1](h, picture, where)
        return self.head(h)
