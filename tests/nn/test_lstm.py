"""LSTM scans over whole pictures against the cell applied pixel by pixel; values and gradients."""

import pytest
import torch
from torch import Tensor

from pixelcnn.nn.lstm import ScanPath, lstm, lstm_scan, sum_of_products

DIAGONAL = {"taps": ((0, -1), (-1, 0)), "carry": (0, -1), "diagonal": True}
ROW = {"taps": ((-1, -1), (-1, 0), (-1, 1)), "carry": (-1, 0)}


def pixel_by_pixel(gates: Tensor, weight: Tensor, initial: Tensor, path: ScanPath) -> Tensor:
    """The definition: pixel after pixel in raster order, with autograd; h and c, (2, D, B, H, W, n)."""
    directions, batch, n = *gates.shape[:2], gates.shape[-1] // 4
    outside = gates.new_zeros(2, directions, batch, n)
    above = initial[:, :, None].expand(2, directions, batch, n)
    states = {(-1, column): above for column in range(path.width)}  # h and c
    for row in range(path.height):
        for column in range(path.width):
            neighbors = [states.get((row + down, column + right), outside) for down, right in (*path.taps, path.carry)]
            h_before = torch.cat([h for h, _ in neighbors[:-1]], -1)
            states[row, column] = torch.stack(lstm(gates[:, :, row, column] + h_before @ weight, neighbors[-1][1]))
    rows = [torch.stack([states[row, column] for column in range(path.width)], 3) for row in range(path.height)]
    return torch.stack(rows, 3)


@pytest.mark.parametrize("options", [DIAGONAL, ROW], ids=["diagonal", "row"])
@pytest.mark.parametrize("size", [(4, 5), (5, 3), (1, 4), (4, 1), (1, 1)])
def test_a_scan_and_its_gradients_equal_those_of_the_cell(options, size):
    path = ScanPath(*size, **options)
    generator = torch.Generator().manual_seed(1)
    shapes = [(2, 3, *size, 8), (2, 2 * len(path.taps), 8), (2, 2, 2)]
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    h, c = lstm_scan(*inputs, path)
    expected_h, expected_c = pixel_by_pixel(*inputs, path)
    torch.testing.assert_close((h, c), (expected_h, expected_c), atol=1e-12, rtol=0)
    assert not c.requires_grad
    grad = torch.randn(h.shape, generator=generator, dtype=torch.float64)
    expected = torch.autograd.grad(expected_h, inputs, grad, allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(torch.autograd.grad(h, inputs, grad), expected, atol=1e-12, rtol=0)


def test_a_scan_does_not_change_its_inputs():
    path = ScanPath(3, 4, **ROW)
    inputs = [torch.randn(1, 2, 3, 4, 8), torch.randn(1, 6, 8), torch.randn(2, 1, 2)]
    before = [part.clone() for part in inputs]
    h, _ = lstm_scan(*[part.requires_grad_() for part in inputs], path)
    first, again = (torch.autograd.grad(h.sum(), inputs, retain_graph=keep) for keep in (True, False))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    torch.testing.assert_close([part.detach() for part in inputs], before, atol=0, rtol=0)


@pytest.mark.parametrize("parts", [1, 4, 12])
def test_a_sum_of_products_does_not_depend_on_the_parts(parts):
    left, right = (torch.randn(2, 12, size, dtype=torch.float64) for size in (3, 5))
    torch.testing.assert_close(sum_of_products(left, right, parts), left.mT @ right, atol=1e-12, rtol=0)
