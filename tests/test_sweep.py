"""Sweeps over whole pictures against the cell itself, pixel by pixel, gradients too."""

import pytest
import torch
from torch import Tensor

from pixelcnn.sweep import Path, lstm, sweep

DIAGONAL = {"taps": ((0, -1), (-1, 0)), "carry": (0, -1), "diagonal": True}
ROW = {"taps": ((-1, -1), (-1, 0), (-1, 1)), "carry": (-1, 0)}


def pixel_by_pixel(gates: Tensor, weight: Tensor, initial: Tensor, path: Path) -> Tensor:
    """The definition: in raster order, by autograd."""
    directions, batch, n = *gates.shape[:2], gates.shape[-1] // 4
    nothing = gates.new_zeros(2, directions, batch, n)
    above = initial[:, :, None].expand(2, directions, batch, n)
    states = {(-1, column): above for column in range(path.width)}  # h and c
    for row in range(path.height):
        for column in range(path.width):
            near = [states.get((row + down, column + right), nothing) for down, right in (*path.taps, path.carry)]
            seen = torch.cat([h for h, _ in near[:-1]], -1)
            states[row, column] = torch.stack(lstm(gates[:, :, row, column] + seen @ weight, near[-1][1]))
    rows = [torch.stack([states[row, column] for column in range(path.width)], 3) for row in range(path.height)]
    return torch.stack(rows, 3)  # (h and c, D, B, H, W, n)


@pytest.mark.parametrize("way", [DIAGONAL, ROW], ids=["diagonal", "row"])
@pytest.mark.parametrize("size", [(4, 5), (5, 3), (1, 4), (4, 1), (1, 1)])
def test_a_sweep_and_its_gradients_are_those_of_the_cell(way, size):
    path = Path(*size, **way)
    drawn = torch.Generator().manual_seed(1)
    shapes = [(2, 3, *size, 8), (2, 2 * len(path.taps), 8), (2, 2, 2)]
    inputs = [torch.randn(shape, generator=drawn, dtype=torch.float64, requires_grad=True) for shape in shapes]
    h, c = sweep(*inputs, path)
    slow_h, slow_c = pixel_by_pixel(*inputs, path)
    torch.testing.assert_close((h, c), (slow_h, slow_c), atol=1e-12, rtol=0)
    assert not c.requires_grad
    wanted = torch.randn(h.shape, generator=drawn, dtype=torch.float64)
    expected = torch.autograd.grad(slow_h, inputs, wanted, allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(torch.autograd.grad(h, inputs, wanted), expected, atol=1e-12, rtol=0)


def test_what_a_sweep_is_given_is_left_as_it_is():
    path = Path(3, 4, **ROW)
    inputs = [torch.randn(1, 2, 3, 4, 8), torch.randn(1, 6, 8), torch.randn(2, 1, 2)]
    before = [part.clone() for part in inputs]
    h, _ = sweep(*[part.requires_grad_() for part in inputs], path)
    first, again = (torch.autograd.grad(h.sum(), inputs, retain_graph=keep) for keep in (True, False))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    torch.testing.assert_close([part.detach() for part in inputs], before, atol=0, rtol=0)
