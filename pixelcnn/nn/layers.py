"""Layers: masked convolutions (mask A and mask B), gates and class biases, as full passes and as one-pixel steps.

A network is written once, as a function of features `h` and of an `execution` (see `execution.py`). Features are
channels-last, so pointwise layers (`nn.Linear` as 1x1 convolution, ReLU, sums) are the same code in both. Only layers
that read *other* pixels (`CachedLayer`, in `cache.py`) have two implementations, and tests compare the two.
"""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.nn.cache import CachedLayer, Grid, Taps
from pixelcnn.nn.execution import CachedStep, Execution, FullPass
from pixelcnn.nn.module import Module

M = TypeVar("M", bound=nn.Module)
L = TypeVar("L", bound=nn.Module)


def mask_a(size: int) -> Taps:
    """Offsets that mask A of 1601.06759 (Fig. 2) keeps in a size x size kernel: the pixels before the center.

    size 3:   x x x        size is odd; weights that the mask would set to zero (.) are not stored.
              x . .
              . . .
    """
    half = size // 2
    above = tuple((row, column) for row in range(-half, 0) for column in range(-half, half + 1))
    return above + tuple((0, column) for column in range(-half, 0))


def mask_b(size: int) -> Taps:
    """Mask B: mask A plus the center, for layers whose input at a pixel does not depend on that pixel's own value."""
    return (*mask_a(size), (0, 0))


class TypedModuleList(nn.ModuleList, Generic[M]):
    """A ModuleList whose items have a known type."""

    def __iter__(self) -> Iterator[M]:
        return super().__iter__()  # type: ignore[return-value]

    def __getitem__(self, index: int) -> M:  # type: ignore[override]
        return super().__getitem__(index)  # type: ignore[return-value]


class MaskedConv2d(CachedLayer):
    """Masked convolution (1601.06759, section 3.4), stored as one (fan_in, fan_out) matrix per unmasked tap.

    A step is one matrix product with the parameter as stored. All taps are in the pixel's row or above it.
    batch_norm: whether the output is normalized. Normalization after a convolution folds into it exactly, also at the
        border; before it, the padding would stay zero.
    """

    def __init__(self, fan_in: int, fan_out: int, taps: Taps, scale: int = 0, batch_norm: bool = False):
        super().__init__()
        self.taps, self.scale = taps, scale
        self.fan_in = fan_in
        self.rows = 1 - min(row for row, _ in taps)  # kernel height; the pixel's own row is the last
        self.half_width = max(abs(column) for _, column in taps)  # kernel columns on either side
        bound = (len(taps) * fan_in) ** -0.5  # as in nn.Conv2d, with the unmasked taps as fan-in
        self.weight = nn.Parameter(torch.empty(len(taps), fan_in, fan_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(fan_out).uniform_(-bound, bound))
        columns = 2 * self.half_width + 1
        index = [(row + self.rows - 1) * columns + column + self.half_width for row, column in taps]
        self.tap_index: Tensor = nn.Buffer(torch.tensor(index), persistent=False)
        self.norm = BatchNorm(fan_out) if batch_norm else None

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.allocate(slots, self.fan_in, like=self.weight)

    def kernel(self) -> Tensor:
        """The weight as `F.conv2d` expects it, (fan_out, fan_in, rows, columns), with zeros at masked taps."""
        columns = 2 * self.half_width + 1
        empty = self.weight.new_zeros(self.rows * columns, *self.weight.shape[1:])
        return empty.index_copy(0, self.tap_index, self.weight).unflatten(0, (self.rows, columns)).permute(3, 2, 0, 1)

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        execution.store(self, h)
        # F.conv2d pads below as well as above; cutting the extra rows off is cheaper than padding above only.
        padding = (self.rows - 1, self.half_width)
        out = F.conv2d(h.permute(0, 3, 1, 2), self.kernel(), self.bias, padding=padding)
        out = out[:, :, : h.shape[1]].permute(0, 2, 3, 1)
        return out if self.norm is None else self.norm(out)

    def forward_step(self, h: Tensor | None, step: CachedStep) -> Tensor:
        if h is not None:
            self.write(h, step)
        neighbors = step.cache.memory[self].index_select(0, step.neighbor_positions(self.taps))
        inputs = neighbors.view(len(step.positions), len(self.taps) * self.fan_in)
        out = torch.addmm(self.bias, inputs, self.weight.flatten(0, 1))
        return out if self.norm is None else self.norm(out)

    def fold_norm_(self) -> None:
        """Replace the normalization of evaluation mode by other weights; the layer computes the same function."""
        if self.norm is not None:
            self.norm.fold_into_(self.weight, self.bias)
            self.norm = None


class Linear(Module, nn.Linear):
    """A 1x1 convolution, with optional batch normalization of its output."""

    def __init__(self, fan_in: int, fan_out: int, batch_norm: bool = False, bias: bool = True):
        super().__init__(fan_in, fan_out, bias)
        self.norm = BatchNorm(fan_out) if batch_norm else None

    def forward(self, h: Tensor) -> Tensor:
        out = super().forward(h)
        return out if self.norm is None else self.norm(out)

    def fold_norm_(self) -> None:
        """As in `MaskedConv2d`."""
        if self.norm is not None:
            self.norm.fold_into_(self.weight.T, self.bias)
            self.norm = None


class FeatureCache(CachedLayer):
    """Features that another stream stored, of the pixel itself or of the pixel `rows_up` rows above."""

    def __init__(self, channels: int, rows_up: int = 0, scale: int = 0):
        super().__init__()
        self.channels, self.rows_up, self.scale = channels, rows_up, scale
        self.like: Tensor = nn.Buffer(torch.zeros(1), persistent=False)  # holds the dtype and the device

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.allocate(slots, self.channels, like=self.like)

    def forward_full(self, h: Tensor, execution: FullPass) -> Tensor:
        execution.store(self, h)
        return F.pad(h, (0, 0, 0, 0, self.rows_up, 0))[:, : h.shape[1]]

    def forward_step(self, h: Tensor | None, step: CachedStep) -> Tensor:
        positions = step.neighbor_positions(((-self.rows_up, 0),)) if self.rows_up else step.positions
        return step.cache.memory[self].index_select(0, positions)


def normal_parameter(*shape: int, std: float) -> nn.Parameter:
    """A parameter with normal random numbers. On the device "meta" it has none: they would import torch's compiler."""
    empty = torch.empty(shape)
    return nn.Parameter(empty if empty.is_meta else std * torch.randn(shape))


@torch.no_grad()
def scale_weight_(layer: L, gain: float) -> L:
    """Multiply the initial weight of a layer by a gain, in place; returns the layer."""
    layer.get_parameter("weight").mul_(gain)
    return layer


def dropout(h: Tensor, rate: float, training: bool) -> Tensor:
    """Dropout (1207.0580) in training mode; no operation at all otherwise, or if the rate is 0."""
    return F.dropout(h, rate) if training and rate else h


class Readout(Module, nn.Sequential):
    """Features to distribution parameters: two 1x1 convolutions after ReLUs, and the output (1601.06759, Table 1)."""

    def __init__(self, fan_in: int, hidden: int, num_params: int):
        self.linears = Linear(fan_in, hidden), Linear(hidden, hidden), Linear(hidden, num_params)
        super().__init__(*(layer for linear in self.linears for layer in (nn.ReLU(), linear)))

    def forward(self, h: Tensor) -> Tensor:
        for linear in self.linears:
            h = linear(F.relu(h))
        return h


class Gate(Module):
    """Gated activation (1606.05328, equation 2): tanh of the first half of the channels times the sigmoid of the second.

    (..., 2C) to (..., C). tanh x = 2 sigmoid(2x) - 1, so one sigmoid call does both, in a third of the time.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.slope: Tensor = nn.Buffer(torch.tensor([2.0, 1.0]).repeat_interleave(channels), persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        if torch.is_grad_enabled() and h.requires_grad:
            if torch.compiler.is_compiling():  # which fuses the operations by itself
                value, gate = h.chunk(2, -1)
                return torch.tanh(value) * torch.sigmoid(gate)
            return GateFunction.apply(h, self.slope)
        value, gate = torch.sigmoid_(h * self.slope).chunk(2, -1)
        return torch.lerp(-gate, gate, value)


class GateFunction(torch.autograd.Function):
    """The gate with a gradient by hand, which takes half the time of autograd's.

    With t = tanh(a) = 2 v - 1 and the sigmoid g, the output is g t, and its derivatives are g (1 - t^2) and g t (1 - g).
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, slope: Tensor) -> Tensor:
        both = torch.sigmoid_(h * slope.to(h.dtype))
        value, gate = both.chunk(2, -1)
        out = torch.lerp(-gate, gate, value)
        ctx.save_for_backward(both, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        both, out = ctx.saved_tensors
        value, gate = both.chunk(2, -1)
        grads = torch.empty_like(both)
        to_value, to_gate = grads.chunk(2, -1)
        torch.mul(value, value - 1, out=to_value).mul_(gate).mul_(grad).mul_(-4)  # 1 - t^2 = 4 v (1 - v)
        torch.addcmul(out, out, gate, value=-1, out=to_gate).mul_(grad)
        return grads, None


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization (1502.03167) of channels-last features (..., C).

    In evaluation mode it is an affine map of each channel. In training mode the statistics are those of the batch, through
    which pixels influence each other; only evaluation mode gives exact likelihoods.
    """

    def __init__(self, channels: int):
        super().__init__(channels, momentum=0.05)

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(h.flatten(0, -2)).view_as(h)

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The affine map of evaluation mode, (C,) each."""
        assert self.running_mean is not None and self.running_var is not None
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        return scale, self.bias - self.running_mean * scale

    @torch.no_grad()
    def fold_into_(self, weight: Tensor, bias: Tensor) -> None:
        """Change the weight (..., C) and bias (C,) of the layer before, so that it computes what both compute now."""
        scale, shift = self.scale_and_shift()
        bias.mul_(scale).add_(shift)
        weight.mul_(scale)


class ClassBias(Module):
    """A learned bias per class (1606.05328, equation 4), the same at every pixel. The last row stands for no class."""

    def __init__(self, classes: int, channels: int, scale: float = 0.1):
        super().__init__()
        self.classes = classes
        self.weight = normal_parameter(classes + 1, channels, std=scale)

    def forward(self, like: Tensor, execution: Execution) -> Tensor:
        """The bias to be added to features `like`: (B, 1, 1, C) in a full pass, (B, C) in a step."""
        return execution.select(self.forward_full, self.forward_step)(like, execution)

    def forward_full(self, like: Tensor, execution: FullPass) -> Tensor:
        if execution.digits is None:
            index = torch.full(like.shape[:1], self.classes, device=like.device)
        else:
            index = class_index(execution.digits, self.classes)
        bias = F.embedding(index, self.weight)
        return bias.view(len(bias), *[1] * (like.dim() - 2), -1)

    def forward_step(self, like: Tensor, step: CachedStep) -> Tensor:
        return self.weight.index_select(0, step.digits)


def class_index(digits: Tensor, classes: int) -> Tensor:
    """Rows of a `ClassBias` for digits (B,) in -1..classes-1, where -1 (no class) is row `classes`.

    Raises ValueError for other digits, on a CPU. On a CUDA device the check would wait for the device; there other digits
    become rows that do not exist, and the lookup fails with a device-side assertion.
    """
    if digits.device.type == "cpu" and ((digits < -1) | (digits >= classes)).any():
        bad = digits[(digits < -1) | (digits >= classes)][0].item()
        raise ValueError(f"digit is {bad}; give -1 (none) or a class from 0 to {classes - 1}.")
    return torch.where(digits == -1, classes, torch.where(digits < classes, digits, classes + 1))
