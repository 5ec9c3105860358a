"""Gated PixelCNN: a vertical and a horizontal stack of convolutions, without a blind spot, and gated activations.

    [1] A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, "Conditional Image Generation
        with PixelCNN Decoders", 2016, arXiv:1606.05328.

    vertical stack, row r:   rows up to r         v v v v v      horizontal stack, pixel x:   v v v v v
                                                  v v v v v      the row up to x, and the     v v v v v
                                                  . . . . .      vertical stack one row up    h h x . .

The vertical stack depends on whole rows only. When steps enter a new row, it is computed for the whole row above; within
the row, steps only read it.

Deviations: [1] has no MNIST model; depth and width were chosen for two CPU cores. Larger kernels, batch normalization and
dropout are optional.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import CachedLayer, Taps
from pixelcnn.nn.execution import CachedStep, Execution
from pixelcnn.nn.layers import (
    ClassBias,
    FeatureCache,
    Gate,
    Linear,
    MaskedConv2d,
    Readout,
    TypedModuleList,
    dropout,
    mask_a,
    scale_weight_,
)


@dataclass(frozen=True)
class Config(ModelConfig):
    channels: int = 40  # p of [1], Fig. 2
    layers: int = 12
    head: int = 64
    classes: int = 10  # classes that it can be conditioned on; 0 for an unconditional model
    kernel: int = 3  # of all layers but the first; odd, at most 7
    batch_norm: int = 0  # 1 for batch normalization after the convolutions of both stacks
    dropout_percent: int = 0  # of the gated features of both stacks


def rows_up_to(size: int) -> Taps:
    """A size x size kernel without the rows below its center: n x n in [1], Fig. 2."""
    half = size // 2
    return tuple((row, column) for row in range(-half, 1) for column in range(-half, half + 1))


def row_up_to(size: int) -> Taps:
    """The center and the pixels to its left: 1 x n in [1], Fig. 2."""
    return tuple((0, column) for column in range(-(size // 2), 1))


GATE_GAIN = 3.0  # a gate shrinks its input; initial weights this much larger keep the scale of the features


class GatedLayer(nn.Module):
    """[1], Fig. 2, with the class bias of equation 4 added before both gates."""

    def __init__(self, fan_in: int, config: Config, vertical: Taps, horizontal: Taps):
        super().__init__()
        channels, batch_norm = config.channels, bool(config.batch_norm)
        self.vertical = scale_weight_(MaskedConv2d(fan_in, 2 * channels, vertical, batch_norm=batch_norm), GATE_GAIN)
        self.link = FeatureCache(2 * channels, rows_up=1)
        self.across = Linear(2 * channels, 2 * channels, bias=False)
        self.horizontal = scale_weight_(MaskedConv2d(fan_in, 2 * channels, horizontal, batch_norm=batch_norm), GATE_GAIN)
        self.gate = Gate(channels)
        self.dropout = config.dropout_percent / 100
        self.out = Linear(channels, channels)
        self.digit = ClassBias(config.classes, 4 * channels) if config.classes else None

    def gated(self, mixed: Tensor) -> Tensor:
        """The gate, and dropout in training."""
        return dropout(self.gate(mixed), self.dropout, self.training)

    def class_bias(self, execution: Execution, like: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """The class bias of the vertical and of the horizontal stack, to be added to features `like`."""
        if self.digit is None:
            return 0.0, 0.0
        vertical, horizontal = self.digit(like, execution).chunk(2, -1)
        return vertical, horizontal


class GatedPixelCNN(AutoregressiveModel):
    config: Config
    name = "gated_pixelcnn"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.classes = config.classes
        self.distribution = Bernoulli()
        first = GatedLayer(1, config, rows_up_to(7), mask_a(7)[-3:])
        taps = rows_up_to(config.kernel), row_up_to(config.kernel)
        others = [GatedLayer(config.channels, config, *taps) for _ in range(config.layers - 1)]
        self.layers: TypedModuleList[GatedLayer] = TypedModuleList([first, *others])
        self.head = Readout(config.channels, config.head, self.distribution.num_params)

    @property
    def input_layers(self) -> list[CachedLayer]:
        return [self.layers[0].vertical, self.layers[0].horizontal]

    @property
    def neighborhood(self) -> Taps:
        # The link moves the vertical stack down by one row.
        above = [(row - 1, column) for row, column in self.layers[0].vertical.taps]
        return tuple(sorted({*above, *self.layers[0].horizontal.taps}))

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        picture = None if picture is None else execution.expand(picture)
        stacks: Callable[..., Sequence[Tensor | None]] = execution.select(self.vertical_stack, self.finish_rows)
        h = picture
        for layer, v in zip(self.layers, stacks(picture, execution), strict=True):
            mixed = layer.horizontal(h, execution) + layer.across(layer.link(v, execution))
            mixed = mixed + layer.class_bias(execution, mixed)[1]
            out = layer.out(layer.gated(mixed))
            h = out if layer is self.layers[0] else h + out
        return self.head(h)

    def vertical_stack(self, picture: Tensor | None, execution: Execution) -> list[Tensor]:
        """The vertical stack before each gate, which the horizontal stack reads: per layer (B, H, W, 2p) or (B, 2p)."""
        v, before = picture, []
        for layer in self.layers:
            mixed = layer.vertical(v, execution)
            mixed = mixed + layer.class_bias(execution, mixed)[0]
            before.append(mixed)
            v = layer.gated(mixed)
        return before

    def finish_rows(self, picture: None, step: CachedStep) -> Sequence[None]:
        """When steps enter new rows, compute the vertical stack of the rows above them into the memory."""
        rows = step.finished_rows()
        if rows is not None:
            for layer, mixed in zip(self.layers, self.vertical_stack(None, rows), strict=True):
                layer.link.write(mixed, rows)
        return [None] * len(self.layers)
