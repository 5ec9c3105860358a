import pytest
import torch
import torch.nn.functional as F

from pixelcnn.layers import Gate, MaskedConv2d, mask_a, mask_b
from pixelcnn.where import Everywhere, Grid, zeros


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_masks_keep_what_comes_before_the_centre_in_raster_order(size):
    half = size // 2
    square = [(row, column) for row in range(-half, half + 1) for column in range(-half, half + 1)]
    assert list(mask_a(size)) == square[: len(square) // 2]
    assert list(mask_b(size)) == square[: len(square) // 2 + 1]


@pytest.mark.parametrize("taps", [mask_a(7), mask_b(3), mask_b(5), ((0, -1), (0, 0)), ((-1, -1), (-1, 0), (-1, 1))])
def test_masked_convolution_equals_a_convolution_with_zeroed_weights(taps):
    """The paper's own way, as an independent oracle: a whole kernel, the masked weights set to zero, SAME padding."""
    layer = MaskedConv2d(3, 4, taps).double()
    half = max(max(abs(row), abs(column)) for row, column in taps)
    kernel = torch.zeros(4, 3, 2 * half + 1, 2 * half + 1, dtype=torch.float64)
    for tap, (row, column) in enumerate(taps):
        kernel[:, :, half + row, half + column] = layer.weight[tap].detach().T
    h = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    expected = F.conv2d(h.permute(0, 3, 1, 2), kernel, layer.bias, padding=half).permute(0, 2, 3, 1)
    torch.testing.assert_close(layer(h, Everywhere()), expected, atol=1e-12, rtol=0)


def test_grid_margins_are_zeros_between_pictures_and_rows():
    grid = Grid(height=3, width=4, margin=2)
    memory = grid.new(2, 1, like=torch.zeros(0, dtype=torch.float64))
    grid.fill(memory, torch.tensor([0, 1]), torch.ones(2, 3, 4, 1, dtype=torch.float64))
    for slot in (0, 1):
        for pixel in range(12):
            at = grid.positions(torch.tensor([slot]), torch.tensor([pixel]))
            row, column = divmod(pixel, 4)
            for down in range(-2, 1):
                for right in range(-2, 3):
                    inside = row + down >= 0 and 0 <= column + right < 4
                    assert memory[at + grid.offset((down, right))].item() == inside
    assert memory.sum() == 24


def test_gates_are_a_tanh_by_a_sigmoid():
    h = torch.randn(5, 8, dtype=torch.float64) * 4
    expected = torch.tanh(h[:, :4]) * torch.sigmoid(h[:, 4:])
    torch.testing.assert_close(Gate(4).double()(h), expected, atol=1e-14, rtol=0)


@pytest.mark.parametrize("shape", [(3, 5), (1024, 1025)])
def test_zeros_are_zeros_of_their_own_large_or_small(shape):
    one, other = (zeros(shape, torch.zeros(0)) for _ in range(2))
    one += 1
    assert one.shape == shape and one.min() == 1 and not other.any()
