"""LSTM scans over a picture: row by row for the Row LSTM, diagonal by diagonal for the Diagonal BiLSTM.

`lstm` is the cell (1601.06759, equation 3), `lstm_scan` runs it over a whole picture. Its gradient is implemented by hand:
autograd spends nearly half of the time of so many small steps on copies and padding, and weight gradients can be computed
once for all steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pixelcnn.nn.cache import Taps


def lstm(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """New h and c, (..., n), from gate logits (..., 4n) in the order o, f, i, g, and the previous c (..., n)."""
    o, f, i, g = gates.chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@dataclass(frozen=True)
class ScanPath:
    """The order of a scan over height x width pixels: which pixels are computed together, and which states they read.

    taps: (row, column) offsets of the h that a pixel's gates read; carry: the offset of the c that it continues.
    diagonal: pixels of one diagonal (equal row + column) are computed together, else those of one row.

    States have a margin of one pixel above, left and right, so that no tap leaves the memory.
    """

    height: int
    width: int
    taps: Taps
    carry: tuple[int, int]
    diagonal: bool = False

    @property
    def stride(self) -> int:
        return self.width + 2

    def offset(self, tap: tuple[int, int]) -> int:
        return tap[0] * self.stride + tap[1]

    def steps(self) -> list[tuple[slice, slice]]:
        """For every step, the slice of its pixels among the pixels and among the states."""
        return [(self.pixels(*ends, self.width), self.pixels(*ends, self.stride, margin=1)) for ends in self.ends()]

    def ends(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """First and last pixel, (row, column), of every step, from top to bottom."""
        if not self.diagonal:
            return [((row, 0), (row, self.width - 1)) for row in range(self.height)]
        turns = range(self.height + self.width - 1)
        tops = [(max(0, turn - self.width + 1), min(turn, self.width - 1)) for turn in turns]
        bottoms = [(min(turn, self.height - 1), max(0, turn - self.height + 1)) for turn in turns]
        return list(zip(tops, bottoms, strict=True))

    def pixels(self, first: tuple[int, int], last: tuple[int, int], stride: int, margin: int = 0) -> slice:
        start, stop = ((row + margin) * stride + column + margin for row, column in (first, last))
        return slice(start, stop + 1, max(1, stride - 1) if self.diagonal else 1)

    def inside(self, states: Tensor) -> Tensor:
        """States without their margin: (D, cells, B, n) to (D, H, W, B, n)."""
        return states.unflatten(1, (self.height + 1, self.stride))[:, 1:, 1:-1]

    def shifted(self, states: Tensor, tap: tuple[int, int]) -> Tensor:
        """The state that the tap reads, for every pixel, (D, H * W * B, n)."""
        row, column = 1 + tap[0], 1 + tap[1]
        grid = states.unflatten(1, (self.height + 1, self.stride))
        return grid[:, row : row + self.height, column : column + self.width].flatten(1, 3)


def shift_slice(at: slice, by: int) -> slice:
    return slice(at.start + by, at.stop + by, at.step)


def lstm_scan(gates: Tensor, weight: Tensor, initial: Tensor, path: ScanPath) -> tuple[Tensor, Tensor]:
    """h and c of all pixels, (D, B, H, W, n), for D scan directions at once; c has no gradient.

    gates: the input's part, (D, B, H, W, 4n). weight: applied to the states at the path's taps, (D, taps * n, 4n).
    initial: h and c of the row above the picture, (2, D, n).
    """
    pixels = gates.permute(0, 2, 3, 1, 4).to(weight.dtype).contiguous()
    h, c = LSTMScan.apply(pixels.flatten(1, 2), weight, initial, path)
    h, c = (state.unflatten(1, (path.height, path.width)).permute(0, 3, 1, 2, 4) for state in (h, c))
    return h, c


class LSTMScan(torch.autograd.Function):
    """Gates (D, H * W, B, 4n) to h and c, (D, H * W, B, n)."""

    @staticmethod
    def forward(ctx, gates: Tensor, weight: Tensor, initial: Tensor, path: ScanPath) -> tuple[Tensor, Tensor]:
        directions, _, batch, n = *gates.shape[:3], gates.shape[3] // 4
        h = gates.new_zeros(directions, (path.height + 1) * path.stride, batch, n)
        c = torch.zeros_like(h)
        for states, first in zip((h, c), initial, strict=True):
            states[:, 1 : path.width + 1] = first[:, None, None]
        # tanh x = 2 sigmoid(2x) - 1: one sigmoid computes all four gates, which is much faster.
        slope = slopes(n, gates)
        gates, scaled_weight = gates * slope, weight * slope
        for step, at in path.steps():
            states = torch.cat([h[:, shift_slice(at, path.offset(tap))] for tap in path.taps], -1).flatten(1, 2)
            activated = gates[:, step]
            activated.copy_(torch.baddbmm(activated.flatten(1, 2), states, scaled_weight).sigmoid_().view_as(activated))
            o, f, i, g = activated.chunk(4, -1)
            new = (f * c[:, shift_slice(at, path.offset(path.carry))]).addcmul_(i, g, value=2).sub_(i)
            c[:, at] = new
            h[:, at] = torch.addcmul(-o, o, torch.sigmoid(2 * new), value=2)
        ctx.path, ctx.saved = path, (gates, h, c, weight)
        inside = [path.inside(states).flatten(1, 2) for states in (h, c)]
        ctx.mark_non_differentiable(inside[1])
        return inside[0], inside[1]

    @staticmethod
    def backward(ctx, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        path, (activated, h, c, weight) = ctx.path, ctx.saved
        n = h.shape[-1]
        o, f, i, g = activated.chunk(4, -1)
        # Factors that do not depend on gradients of later steps, for all pixels at once.
        tanh = torch.sigmoid(2 * path.inside(c).flatten(1, 2)).mul_(2).sub_(1)
        h_to_c = o * (1 - tanh * tanh)
        local = torch.cat([tanh, path.shifted(c, path.carry).view_as(o), 2 * g - 1, 2 * i], -1)
        dgates = torch.ops.aten.sigmoid_backward(local, activated)  # to be multiplied by the gradients of h, c, c, c
        back = (weight * slopes(n, h)).transpose(1, 2)
        dh, dc = torch.zeros_like(h), torch.zeros_like(c)
        path.inside(dh).copy_(grad.unflatten(1, (path.height, path.width)))
        for step, at in reversed(path.steps()):
            out, forget = dh[:, at], f[:, step]
            state = torch.addcmul(dc[:, at], out, h_to_c[:, step])
            gate_grad = dgates[:, step]
            gate_grad *= torch.cat([out, state, state, state], -1)
            dc[:, shift_slice(at, path.offset(path.carry))].addcmul_(state, forget)
            dstates = torch.bmm(gate_grad.flatten(1, 2), back).view(*out.shape[:3], -1)
            for tap, part in zip(path.taps, dstates.split(n, -1), strict=True):
                dh[:, shift_slice(at, path.offset(tap))] += part
        flat = dgates.mul_(slopes(n, h)).flatten(1, 2)
        parts = path.height if h.is_cuda else 1  # one long product of small matrices leaves a GPU idle
        dweight = torch.cat([sum_of_products(path.shifted(h, tap), flat, parts) for tap in path.taps], 1)
        dinitial = torch.stack([states[:, 1 : path.width + 1].sum((1, 2)) for states in (dh, dc)])
        return dgates, dweight, dinitial, None


def sum_of_products(left: Tensor, right: Tensor, parts: int) -> Tensor:
    """left^T @ right for (D, N, n) and (D, N, m), as the sum over parts of N."""
    left, right = (factor.unflatten(1, (parts, -1)) for factor in (left, right))
    return (left.mT @ right).sum(1)


def slopes(n: int, like: Tensor) -> Tensor:
    """(4n,): 1 for the three sigmoid gates, 2 for the tanh gate."""
    return torch.cat([like.new_ones(3 * n), like.new_full((n,), 2)])
