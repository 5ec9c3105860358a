"""Freeform: a causal network with attention that accepts known pixels anywhere.

    [1] A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, "Conditional Image Generation
        with PixelCNN Decoders", 2016, arXiv:1606.05328.
    [2] X. Chen, N. Mishra, M. Rohaninejad, P. Abbeel, "PixelSNAIL: An Improved Autoregressive Generative Model", 2017,
        arXiv:1712.09763.

        hints -> unmasked convolutions -> feature map, once per request
        picture -> 7x7 conv, mask A -> blocks of causal conv + feature map + class bias -> gate -> 1x1 -> logit
                                       with causal attention after every few of them

Pixels are sampled in raster order, skipping known ones. The causal network sees everything before a pixel by itself, so
hints are only the known pixels that come after the first unknown one. If the top is known there are none, and one pass
gives the exact probability of the known pixels and of the rest. With hints, all probabilities are conditional on them.

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
from pixelcnn.nn.layers import BatchNorm, ClassBias, Gate, MaskedConv2d, TypedModuleList, mask_a, mask_b, readout


@dataclass(frozen=True)
class Config(ModelConfig):
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
    class_from: int = 0  # the first block with a class bias; the blocks before it run once for all classes


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
        self.rows = nn.Parameter(torch.randn(config.height, 1, config.channels) / 10)
        self.columns = nn.Parameter(torch.randn(config.width, config.channels) / 10)

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return self.rows.new_empty(0)  # nothing to store

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        return h + (self.rows[: h.shape[1]] + self.columns)

    def forward_step(self, h: Tensor, step: CachedStep) -> Tensor:
        return h + (self.rows + self.columns).flatten(0, 1).index_select(0, step.pixels)


class Block(nn.Module):
    """A gated residual block ([1], equations 2 and 4), with the feature map of the hints added before the gate.

    Batch normalization directly after the convolution folds into it exactly, also at the border.
    """

    def __init__(self, config: Config, size: int, class_bias: bool):
        super().__init__()
        self.conv = MaskedConv2d(config.channels, 2 * config.channels, mask_b(size))
        self.norm = BatchNorm(2 * config.channels) if config.batch_norm else None
        self.given = nn.Linear(config.given, 2 * config.channels, bias=False)
        self.digit = ClassBias(config.classes, 2 * config.channels) if class_bias else None
        self.gate = Gate(config.channels)
        self.dropout = nn.Dropout(config.dropout_percent / 100)
        self.out = nn.Linear(config.channels, config.channels)

    def forward(self, h: Tensor, hints: Tensor | None, execution: Execution) -> Tensor:
        mixed = self.conv(h, execution)
        if self.norm is not None:
            mixed = self.norm(mixed)
        if hints is not None:
            mixed = mixed + self.given(hints)
        if self.digit is not None:
            mixed = mixed + self.digit(mixed, execution)
        return h + self.out(self.dropout(self.gate(mixed)))

    def folded_conv(self) -> tuple[Tensor, Tensor]:
        """Weight (taps, C, 2 C) and bias (2 C,) of the convolution with the normalization of evaluation mode."""
        if self.norm is None:
            return self.conv.weight, self.conv.bias
        scale, shift = self.norm.scale_and_shift()
        return self.conv.weight * scale, self.conv.bias * scale + shift


class Freeform(AutoregressiveModel):
    config: Config
    name = "freeform"
    margin = 3
    accepts_any_mask = True

    def __init__(self, config: Config):
        super().__init__()
        if config.class_from >= config.blocks:
            raise ValueError(
                f"{self.name} has {config.blocks} blocks and class_from {config.class_from}; give a smaller class_from."
            )
        self.config = config
        self.classes = config.classes
        self.distribution = Bernoulli()
        self.given = HintEncoder(config.given)
        self.first = MaskedConv2d(1, config.channels, mask_a(7))
        self.place = PositionEmbedding(config)
        self.blocks: TypedModuleList[Block] = TypedModuleList(
            Block(config, (3, 5)[number % 2], number >= config.class_from) for number in range(config.blocks)
        )
        self.attention: TypedModuleList[CausalAttention] = TypedModuleList(
            CausalAttention(config.channels, config.heads, config.dim) for _ in range(config.blocks // config.attend_every)
        )
        self.head = readout(config.channels, config.head, self.distribution.num_params)

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
        for number, block in enumerate(self.blocks):
            if number == self.config.class_from:
                h = execution.expand(h)
                picture, hints = (None if part is None else execution.expand(part) for part in (picture, hints))
            h = block(h, hints, execution)
            if (number + 1) % self.config.attend_every == 0:
                h = h + self.attention[number // self.config.attend_every](h, picture, execution)
        return self.head(h)
