"""Layers: masks, convolutions, gates, normalization and class indices."""

import pytest
import torch
import torch.nn.functional as F
from conftest import random_images, tiny_model

from pixelcnn.nn.cache import Grid, lazy_zeros
from pixelcnn.nn.execution import FullPass
from pixelcnn.nn.layers import BatchNorm, Gate, MaskedConv2d, class_index, mask_a, mask_b


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_masks_keep_the_taps_before_the_center_in_raster_order(size):
    half = size // 2
    square = [(row, column) for row in range(-half, half + 1) for column in range(-half, half + 1)]
    assert list(mask_a(size)) == square[: len(square) // 2]
    assert list(mask_b(size)) == square[: len(square) // 2 + 1]


@pytest.mark.parametrize("taps", [mask_a(7), mask_b(3), mask_b(5), ((0, -1), (0, 0)), ((-1, -1), (-1, 0), (-1, 1))])
def test_masked_convolution_equals_a_convolution_with_zeroed_weights(taps):
    """As the paper defines it: a full kernel with masked weights set to zero, and SAME padding."""
    layer = MaskedConv2d(3, 4, taps).double()
    half = max(max(abs(row), abs(column)) for row, column in taps)
    kernel = torch.zeros(4, 3, 2 * half + 1, 2 * half + 1, dtype=torch.float64)
    for tap, (row, column) in enumerate(taps):
        kernel[:, :, half + row, half + column] = layer.weight[tap].detach().T
    h = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    expected = F.conv2d(h.permute(0, 3, 1, 2), kernel, layer.bias, padding=half).permute(0, 2, 3, 1)
    torch.testing.assert_close(layer(h, FullPass()), expected, atol=1e-12, rtol=0)


def test_grid_margins_are_zeros_between_pictures_and_rows():
    grid = Grid(height=3, width=4, margin=2)
    memory = grid.allocate(2, 1, like=torch.zeros(0, dtype=torch.float64))
    grid.fill(memory, torch.tensor([0, 1]), torch.ones(2, 3, 4, 1, dtype=torch.float64))
    for slot in (0, 1):
        for pixel in range(12):
            position = grid.positions(torch.tensor([slot]), torch.tensor([pixel]))
            row, column = divmod(pixel, 4)
            for down in range(-2, 1):
                for right in range(-2, 3):
                    inside = row + down >= 0 and 0 <= column + right < 4
                    assert memory[position + grid.offset((down, right))].item() == inside
    assert memory.sum() == 24


def test_a_gate_is_the_product_of_a_tanh_and_a_sigmoid():
    h = torch.randn(5, 8, dtype=torch.float64) * 4
    expected = torch.tanh(h[:, :4]) * torch.sigmoid(h[:, 4:])
    torch.testing.assert_close(Gate(4).double()(h), expected, atol=1e-14, rtol=0)


def test_the_gradient_of_the_gate_is_right():
    gate = Gate(4).double()
    h = torch.randn(3, 2, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gate, h)
    torch.testing.assert_close(gate(h), gate(h.detach()), atol=1e-14, rtol=0)


def test_the_gate_that_is_compiled_equals_the_other(monkeypatch):
    gate = Gate(4).double()
    h = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    out, grad = gate(h), torch.autograd.grad(gate(h).sum(), h)
    monkeypatch.setattr("torch.compiler.is_compiling", lambda: True)
    torch.testing.assert_close((gate(h), torch.autograd.grad(gate(h).sum(), h)), (out, grad), atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [(3, 5), (1024, 1025)])
def test_lazy_zeros_are_zeros_and_share_no_memory(shape):
    one, other = (lazy_zeros(shape, like=torch.zeros(0)) for _ in range(2))
    one += 1
    assert one.shape == shape and one.min() == 1 and not other.any()


def test_the_class_index_of_no_class_is_the_last_row():
    assert class_index(torch.tensor([-1, 0, 9]), 10).tolist() == [10, 0, 9]


@pytest.mark.parametrize("digit", [10, 11, -2])
def test_the_class_index_refuses_classes_out_of_range(digit):
    with pytest.raises(ValueError, match=f"digit is {digit}; give -1 .* from 0 to 9"):
        class_index(torch.tensor([3, digit]), 10)


def test_batch_norm_is_an_affine_map_of_each_channel_in_evaluation_mode():
    norm = BatchNorm(4).double()
    h = torch.randn(2, 3, 5, 4, dtype=torch.float64) * 2 + 1
    normalized = norm(h)
    torch.testing.assert_close(normalized.mean((0, 1, 2)), torch.zeros(4, dtype=torch.float64), atol=1e-12, rtol=0)
    norm.eval()
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    scale, shift = norm.scale_and_shift()
    torch.testing.assert_close(norm(h), h * scale + shift)
    torch.testing.assert_close(norm(h[0, 0]), norm(h)[0, 0])


def test_batch_norm_folds_into_the_convolutions(name):
    """Networks compute the same function after folding, and their config says that they have no batch normalization."""
    model = tiny_model(name, 6, 6)
    x = random_images(model, 2)
    before = model(x)
    model.fold_batch_norm_()
    assert not any(isinstance(module, BatchNorm) for module in model.modules())
    assert not vars(model.config).get("batch_norm")
    torch.testing.assert_close(model(x), before, atol=1e-10, rtol=0)
