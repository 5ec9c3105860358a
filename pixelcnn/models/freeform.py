"""Freeform: a causal network with attention that accepts known pixels anywhere.

    [1] A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, "Conditional Image Generation
        with PixelCNN Decoders", 2016, arXiv:1606.05328.
    [2] X. Chen, N. Mishra, M. Rohaninejad, P. Abbeel, "PixelSNAIL: An Improved Autoregressive Generative Model", 2017,
        arXiv:1712.09763.

        hints -> unmasked convolutions -> feature map, once per request
        picture -> 7x7 conv, mask A -> blocks of causal conv + feature map -> gate, causal attention after every few of them
                -> 1x1 -> narrow blocks of causal conv + class bias -> gate -> 1x1, added -> logit

Pixels are sampled in raster order, skipping known ones. The causal network sees everything before a pixel by itself, so
hints are only the known pixels that come after the first unknown one. If the top is known there are none, and one pass
gives the exact probability of the known pixels and of the rest. With hints, all probabilities are conditional on them.

The class enters the narrow blocks only, so p(digit | known pixels), which takes a pass for every class, computes the wide
blocks once for all classes. Without narrow blocks (class_blocks=0) the class enters the wide ones, as in [1].

The architecture is ours. Gates, class conditioning and conditioning on a feature map are from [1]; attention between
convolutions, with keys and values that include their own pixel's level, is from [2].
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.attention import CausalAttention
from pixelcnn.nn.cache import CachedLayer, Grid
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import (
    ClassBias,
    Gate,
    Linear,
    MaskedConv2d,
    Readout,
    TypedModuleList,
    dropout,
    mask_a,
    mask_b,
    normal_parameter,
)
from pixelcnn.nn.module import Module


@dataclass(frozen=True)
class Config(ModelConfig):
    RANGES = ModelConfig.RANGES | {
        "attend_every": range(1, 65),
        "heads": range(1, 65),
        "dim": range(1, 257),
        "given": range(1, 4097),
        "class_blocks": range(65),
        "class_channels": range(1, 4097),
    }

    channels: int = 48
    blocks: int = 8
    attend_every: int = 4  # blocks between attention layers
    heads: int = 2
    dim: int = 16  # of the queries, keys and values of a head
    given: int = 32  # channels of the feature map of the hints
    head: int = 64
    classes: int = 10
    dropout_percent: int = 0
    batch_norm: int = 0  # 1 for batch normalization between each convolution and its gate
    class_blocks: int = 0  # blocks that the class enters, after the others; 0 if it enters all blocks
    class_channels: int = 32  # of the class blocks


class HintEncoder(CachedLayer):
    """A feature map of the hints, visible to every pixel: unmasked convolutions over (level, is hint)."""

    DILATIONS = (1, 2, 4, 8, 1)  # of the 3x3 kernels, layer by layer: a receptive field of 33 pixels

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        fans = [2] + [channels] * (len(self.DILATIONS) - 1)
        convs = [
            nn.Conv2d(fan, channels, 3, 1, dilation, dilation) for fan, dilation in zip(fans, self.DILATIONS, strict=True)
        ]
        self.convs: TypedModuleList[nn.Conv2d] = TypedModuleList(convs)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.allocate(slots, self.channels, like=self.convs[0].weight)

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor | None:
        """Features of the picture h (B, H, W, 1); None, which stands for zeros, if no picture has hints."""
        if execution.hints is None:
            execution.store(self, None)
            return None
        hinted = execution.hints.flatten(1).any(1)
        if h.is_cuda:  # selecting the hinted pictures would wait for the device
            out = self.encode(h, execution.hints) * hinted[:, None, None, None]
        else:
            index = torch.nonzero(hinted)[:, 0]
            out = h.new_zeros(*h.shape[:3], self.channels)
            out = out.index_copy(0, index, self.encode(h[index], execution.hints[index]).to(out.dtype))
        execution.store(self, out)
        return out

    def encode(self, h: Tensor, hints: Tensor) -> Tensor:
        hints = hints[..., None].to(h.dtype)
        first, *others = self.convs
        out = first(torch.cat([h * hints, hints], -1).permute(0, 3, 1, 2))
        for conv in others:
            out = out + conv(F.relu(out))
        return out.permute(0, 2, 3, 1)

    def forward_step(self, h: Tensor | None, step: CachedStep) -> Tensor | None:
        return step.cache.memory[self].index_select(0, step.positions) if step.hinted else None


class PositionEmbedding(CachedLayer):
    """Adds a learned embedding of every row and of every column."""

    def __init__(self, config: Config):
        super().__init__()
        self.rows = normal_parameter(config.height, 1, config.channels, std=0.1)
        self.columns = normal_parameter(config.width, config.channels, std=0.1)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return self.rows.new_empty(0)  # nothing to store

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        return h + (self.rows[: h.shape[1]] + self.columns)

    def forward_step(self, h: Tensor, step: CachedStep) -> Tensor:
        return h + (self.rows + self.columns).flatten(0, 1).index_select(0, step.pixels)


class Block(Module):
    """A gated residual block ([1], equations 2 and 4), with the feature map of the hints added before the gate."""

    def __init__(self, channels: int, size: int, config: Config):
        super().__init__()
        self.conv = MaskedConv2d(channels, 2 * channels, mask_b(size), batch_norm=bool(config.batch_norm))
        self.given = Linear(config.given, 2 * channels, bias=False)
        self.digit = None if config.class_blocks else ClassBias(config.classes, 2 * channels)
        self.gate = Gate(channels)
        self.dropout = config.dropout_percent / 100
        self.out = Linear(channels, channels)

    def forward(self, h: Tensor, hints: Tensor | None, execution: Execution) -> Tensor:
        mixed = self.conv(h, execution)
        if hints is not None:
            mixed = mixed + self.given(hints)
        if self.digit is not None:
            mixed = mixed + self.digit(mixed, execution)
        gated = self.gate(mixed)
        return h + self.out(dropout(gated, self.dropout, self.training))


CLASS_BIAS_SCALE = 0.3  # of initial class biases; smaller ones are learned late


class ClassBlock(Module):
    """A gated residual block with a class bias and without hints, which the blocks below it have read."""

    def __init__(self, channels: int, size: int, config: Config):
        super().__init__()
        self.conv = MaskedConv2d(channels, 2 * channels, mask_b(size), batch_norm=bool(config.batch_norm))
        self.digit = ClassBias(config.classes, 2 * channels, CLASS_BIAS_SCALE)
        self.gate = Gate(channels)
        self.dropout = config.dropout_percent / 100
        self.out = Linear(channels, channels)

    def forward(self, h: Tensor, execution: Execution) -> Tensor:
        mixed = self.conv(h, execution)
        gated = self.gate(mixed + self.digit(mixed, execution))
        return h + self.out(dropout(gated, self.dropout, self.training))


class ClassStack(Module):
    """Narrow blocks that the class enters; computed for every class of a picture from features common to all."""

    def __init__(self, config: Config):
        super().__init__()
        self.reduce = Linear(config.channels, config.class_channels)
        self.blocks: TypedModuleList[ClassBlock] = TypedModuleList(
            ClassBlock(config.class_channels, (5, 3)[number % 2], config) for number in range(config.class_blocks)
        )
        self.expand = Linear(config.class_channels, config.channels)

    def forward(self, h: Tensor, execution: Execution) -> Tensor:
        narrow = execution.expand(self.reduce(h))
        for block in self.blocks:
            narrow = block(narrow, execution)
        return execution.expand(h) + self.expand(narrow)


class Freeform(AutoregressiveModel):
    config: Config
    name = "freeform"
    margin = 3
    accepts_any_mask = True

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.classes = config.classes
        self.distribution = Bernoulli()
        self.given = HintEncoder(config.given)
        self.first = MaskedConv2d(1, config.channels, mask_a(7))
        self.place = PositionEmbedding(config)
        self.blocks: TypedModuleList[Block] = TypedModuleList(
            Block(config.channels, (3, 5)[number % 2], config) for number in range(config.blocks)
        )
        self.attention: TypedModuleList[CausalAttention] = TypedModuleList(
            CausalAttention(config.channels, config.heads, config.dim) for _ in range(config.blocks // config.attend_every)
        )
        self.class_stack = ClassStack(config) if config.class_blocks else None
        self.head = Readout(config.channels, config.head, self.distribution.num_params)

    @property
    def input_layers(self) -> list[CachedLayer]:
        return [self.first, *self.attention]

    def fill_order(self, known: Tensor) -> Tensor:
        return torch.nonzero(~known.flatten())[:, 0]

    def hints(self, known: Tensor) -> Tensor | None:
        after_unknown = (~known.flatten(-2)).cumsum(-1).view_as(known) > 0
        hints = known & after_unknown
        return hints if hints.any() else None

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        hints = self.given(picture, execution)  # (B, H, W, G) or (B, G), or None
        h = self.place(self.first(picture, execution), execution)  # (B, H, W, C) or (B, C)
        if self.class_stack is None:
            h = execution.expand(h)
            picture, hints = (None if part is None else execution.expand(part) for part in (picture, hints))
        for number, block in enumerate(self.blocks):
            h = block(h, hints, execution)
            if (number + 1) % self.config.attend_every == 0:
                h = h + self.attention[number // self.config.attend_every](h, picture, execution)
        if self.class_stack is not None:
            h = self.class_stack(h, execution)
        return self.head(h)
