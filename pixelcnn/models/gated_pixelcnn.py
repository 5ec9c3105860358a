"""Gated PixelCNN: two stacks of convolutions, so that there is no blind spot, and gates.

    [1] A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, "Conditional Image Generation
        with PixelCNN Decoders", 2016, arXiv:1606.05328.

    vertical stack, of row r:  all rows up to r     v v v v v      horizontal stack, at pixel x:   v v v v v
                                                    v v v v v      the row so far, and the         v v v v v
                                                    . . . . .      vertical stack one row up       h h x . .

The vertical stack of a row depends on whole rows alone. So when steps enter a new row, it is worked out for all of the row
above at once; within the row, steps only read it.

Deviations: [1] has no MNIST model; depth and width were chosen for two CPU cores.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from pixelcnn.layers import DigitBias, Gate, Kept, MaskedConv2d, Spatial, mask_a, readout, scaled
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Everywhere, Here, Taps, Where


@dataclass(frozen=True)
class Config:
    height: int = 28
    width: int = 28
    channels: int = 40  # p of [1], Fig. 2
    layers: int = 12
    head: int = 64
    classes: int = 10  # digits that it can be told to draw; 0 for a model without


def rows_up_to(size: int) -> Taps:
    """All of a size x size kernel but the rows below its centre: n x n in [1], Fig. 2."""
    half = size // 2
    return tuple((row, column) for row in range(-half, 1) for column in range(-half, half + 1))


def row_so_far(size: int) -> Taps:
    """The centre and what is to the left of it: 1 x n in [1], Fig. 2."""
    return tuple((0, column) for column in range(-(size // 2), 1))


THROUGH_GATES = 3.0  # so much larger than torch's the first weights must be for what gates shrink to keep its size


class GatedLayer(nn.Module):
    """[1], Fig. 2, with the class of equation 4 added before both gates."""

    def __init__(self, fan_in: int, config: Config, vertical: Taps, horizontal: Taps):
        super().__init__()
        channels = config.channels
        self.vertical = scaled(MaskedConv2d(fan_in, 2 * channels, vertical), THROUGH_GATES)
        self.link = Kept(2 * channels, rows_up=1)
        self.across = nn.Linear(2 * channels, 2 * channels, bias=False)
        self.horizontal = scaled(MaskedConv2d(fan_in, 2 * channels, horizontal), THROUGH_GATES)
        self.gate = Gate(channels)
        self.out = nn.Linear(channels, channels)
        self.digit = DigitBias(config.classes, 4 * channels) if config.classes else None

    def about_digit(self, where: Where, like: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """What the class adds to the vertical and the horizontal stack, to be added to features `like`."""
        if self.digit is None:
            return 0.0, 0.0
        return self.digit(where, like).chunk(2, -1)


class GatedPixelCNN(AutoregressiveModel):
    name = "gated_pixelcnn"
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.classes = config.classes
        self.likelihood = Bernoulli()
        first = GatedLayer(1, config, rows_up_to(7), mask_a(7)[-3:])
        others = [GatedLayer(config.channels, config, rows_up_to(3), row_so_far(3)) for _ in range(config.layers - 1)]
        self.layers = nn.ModuleList([first, *others])
        self.head = readout(config.channels, config.head, self.likelihood.params)

    @property
    def input_layers(self) -> list[Spatial]:
        return [self.layers[0].vertical, self.layers[0].horizontal]

    def network(self, picture: Tensor | None, where: Where) -> Tensor:
        above = self.vertical_stack(picture, where) if isinstance(where, Everywhere) else self.finish_rows(where)
        h = picture
        for layer, v in zip(self.layers, above, strict=True):
            mixed = layer.horizontal(h, where) + layer.across(layer.link(v, where))
            mixed = mixed + layer.about_digit(where, mixed)[1]
            out = layer.out(layer.gate(mixed))
            h = out if layer is self.layers[0] else h + out
        return self.head(h)

    def vertical_stack(self, picture: Tensor | None, where: Where) -> list[Tensor]:
        """The vertical stack before each gate, where the horizontal one taps it: per layer (B, H, W, 2p) or (B, 2p)."""
        v, before = picture, []
        for layer in self.layers:
            mixed = layer.vertical(v, where)
            mixed = mixed + layer.about_digit(where, mixed)[0]
            before.append(mixed)
            v = layer.gate(mixed)
        return before

    def finish_rows(self, here: Here) -> list[None]:
        """Before steps enter new rows, the vertical stack of the rows above them; its place is in the memory."""
        rows = here.rows_above()
        if rows is not None:
            for layer, mixed in zip(self.layers, self.vertical_stack(None, rows), strict=True):
                here.cache.memory[layer.link].index_copy_(0, rows.at, mixed)
        return [None] * len(self.layers)
