"""A network whose convolutions see this row and three rows above; what lies further up passes through a memory.

    r - 4:  m m m m m m m     The memory m has read the rows that are final, one after the other, and its state for this row
    r - 3:  v v v v v v v     does not depend on the row. Like the features v of the three rows above, it is computed for a
    r - 2:  v v v v v v v     whole row at once, when steps enter the row. Features h are computed pixel by pixel.
    r - 1:  v v v v v v v
    r:      h h h x . . .

    rows above -> [1 x k conv, gate] x layers, some followed by a memory -> features of the row, one set per layer
    left pixels -> [1 x k conv + features of the row, gate, 1x1 conv] x layers -> 2 x (ReLU, 1x1 conv) -> logit

`fast_weights` and `dnc` are this network with two kinds of memory. With `memory=0` the memory computes but its output is
zero: a control of equal size and cost that sees three rows above. With `memory=2` only the recurrent network around the
memory is left: no fast weight matrix, or nothing read from the external memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel, ModelConfig
from pixelcnn.nn.cache import CachedLayer, Taps
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.layers import FeatureCache, Gate, Linear, MaskedConv2d, Readout, TypedModuleList, mask_a, scale_weight_
from pixelcnn.nn.module import Module
from pixelcnn.nn.row_memory import RowMemory

ROWS_ABOVE: Taps = tuple((row, column) for row in range(-3, 0) for column in range(-3, 4))
LEFT: Taps = mask_a(7)[-3:]
GATE_GAIN = 3.0  # a gate shrinks its input; initial weights this much larger keep the scale of the features
OFF, ON, RECURRENT_ONLY = range(3)  # values of `Config.memory`


@dataclass(frozen=True)
class Config(ModelConfig):
    RANGES = ModelConfig.RANGES | {"memory_every": range(1, 65), "hidden": range(1, 4097), "memory": range(3)}

    channels: int = 48
    layers: int = 6
    memory_every: int = 3  # every so many layers, the last of them is followed by a memory
    kernel: int = 5  # of the convolutions within a row above; odd, at most 7. To the left, half of it
    head: int = 64
    hidden: int = 48  # numbers of h in a memory
    memory: int = ON  # 0 for a memory whose output is zero, 2 for its recurrent part only
    batch_norm: int = 0  # 1 for batch normalization after the convolutions

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("memory_every", range(1, self.layers + 1))


def within_row(kernel: int) -> Taps:
    return tuple((0, column) for column in range(-(kernel // 2), kernel // 2 + 1))


class Layer(Module):
    """A convolution of the rows above, perhaps a memory, and a convolution of the pixels to the left."""

    def __init__(self, config: Config, first: bool, memory: RowMemory | None):
        super().__init__()
        channels, batch_norm = config.channels, bool(config.batch_norm)
        fan_in, row, left = (1, ROWS_ABOVE, LEFT) if first else (channels, *self.taps(config.kernel))
        self.rows = scale_weight_(MaskedConv2d(fan_in, 2 * channels, row, batch_norm=batch_norm), GATE_GAIN)
        self.memory = memory
        self.read = None if memory is None else Linear(memory.readable, channels)
        self.read_gain = float(config.memory != OFF)
        self.above = FeatureCache(channels)
        self.across = Linear(channels, 2 * channels, bias=False)
        self.left = scale_weight_(MaskedConv2d(fan_in, 2 * channels, left, batch_norm=batch_norm), GATE_GAIN)
        self.gate = Gate(channels)
        self.out = Linear(channels, channels)
        self.first = first

    @staticmethod
    def taps(kernel: int) -> tuple[Taps, Taps]:
        row = within_row(kernel)
        return row, row[: kernel // 2 + 1]

    def convolve_rows(self, v: Tensor | None, execution: Execution) -> Tensor:
        """Features of the rows above, before the memory: (B, H, W, C) or (N, C)."""
        new = self.gate(self.rows(v, execution))
        return new if self.first else v + new

    def remember(self, v: Tensor, execution: Execution) -> Tensor:
        """The same features with what the memory says about rows further up."""
        if self.memory is None or self.read is None:
            return v
        return v + self.read_gain * self.read(self.memory(v, execution))

    def forward(self, h: Tensor | None, v: Tensor | None, execution: Execution) -> Tensor:
        """Features of the pixels to the left and of the rows above to features of the pixels themselves."""
        mixed = self.left(h, execution) + self.across(self.above(v, execution))
        out = self.out(self.gate(mixed))
        return out if self.first else h + out


class RowMemoryModel(AutoregressiveModel):
    config: Config
    margin = 3

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.distribution = Bernoulli()
        has_memory = [(number + 1) % config.memory_every == 0 for number in range(config.layers)]
        self.layers: TypedModuleList[Layer] = TypedModuleList(
            Layer(config, number == 0, self.new_row_memory() if there else None) for number, there in enumerate(has_memory)
        )
        self.head = Readout(config.channels, config.head, self.distribution.num_params)

    def new_row_memory(self) -> RowMemory:
        raise NotImplementedError

    @property
    def input_layers(self) -> list[CachedLayer]:
        return [self.layers[0].rows, self.layers[0].left]

    def network(self, picture: Tensor | None, execution: Execution) -> Tensor:
        stacks: Callable[..., Sequence[Tensor | None]] = execution.select(self.features_above, self.begin_rows)
        h = picture
        for layer, v in zip(self.layers, stacks(picture, execution), strict=True):
            h = layer(h, v, execution)
        return self.head(h)

    def features_above(self, picture: Tensor | None, execution: Execution) -> list[Tensor]:
        """What every layer knows of the rows above: per layer (B, H, W, C) or (N, C)."""
        v, found = picture, []
        for layer in self.layers:
            v = layer.remember(layer.convolve_rows(v, execution), execution)
            found.append(v)
        return found

    def begin_rows(self, picture: None, step: CachedStep) -> Sequence[None]:
        """When steps enter new rows, compute the features of the rows above them into the cache."""
        rows = step.entered_rows()
        if rows is not None:
            for layer, v in zip(self.layers, self.features_above(None, rows), strict=True):
                layer.above.write(v, rows)
        return [None] * len(self.layers)

    @torch.no_grad()
    def memory_inputs_and_states(self, x: Tensor, number: int = -1) -> tuple[RowMemory, Tensor, Tensor]:
        """A memory by its number, and its inputs (B, H, W, C) and states (B, H, W, S) for levels x (B, H, W)."""
        chosen = [layer for layer in self.layers if layer.memory is not None][number]
        v: Tensor | None = self.embed(x)
        for layer in self.layers:
            v = layer.convolve_rows(v, FullPass())
            if layer is chosen:
                break
            v = layer.remember(v, FullPass())
        assert chosen.memory is not None and v is not None
        return chosen.memory, v, chosen.memory.scan(v)
