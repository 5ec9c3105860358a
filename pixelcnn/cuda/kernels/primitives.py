"""Functions that the Triton kernels share: weight layout, loading, matrix products, the readout and sampling a level.

In a kernel, a feature vector has shape (PICTURES, X / 16, 16) and a matrix (1, N / 16, 16, K / 16, 16). Triton distributes
the first axes over threads first, so with these shapes a thread computes most of a sum and reads 16 bytes at a time. A
reshape before the product would move weights between threads instead of features.

Without Triton, which comes with the CUDA builds of torch, `triton` is None here and there are no kernels.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.nn.cache import Grid

try:
    import triton
    import triton.language as tl
except ImportError:  # the CPU builds of torch do not include it
    triton = tl = None


def tile(matrix: Tensor) -> Tensor:
    """A matrix (fan_in, fan_out) in the order in which a kernel reads it, flat: (fan_in / 16, 16, fan_out / 16, 16).

    The axes are tile of fan_in, row of the tile of fan_out, tile of fan_out, row of the tile of fan_in. Both sizes are
    padded with zeros to multiples of 16. Values that neighboring threads read at the same time are adjacent.
    """
    fan_in, fan_out = matrix.shape
    padded = F.pad(matrix, (0, -fan_out % 16, 0, -fan_in % 16))
    return padded.unflatten(1, (-1, 16)).unflatten(0, (-1, 16)).permute(0, 3, 2, 1).flatten()


def pad16(vectors: Tensor) -> Tensor:
    """Vectors (..., X), each padded with zeros to a multiple of 16, flat."""
    return F.pad(vectors, (0, -vectors.shape[-1] % 16)).flatten()


def pack_readout(head: nn.Sequential) -> list[Tensor]:
    """The weights of a `readout` in the order in which the kernel function `head` reads them."""
    *hidden, last = (layer for layer in head if isinstance(layer, nn.Linear))
    parts = [part for linear in hidden for part in (tile(linear.weight.T), pad16(linear.bias))]
    return [*parts, pad16(last.weight[0]), last.bias]


def padded_size(features: int) -> int:
    """The size of the smallest kernel vector that holds so many features: a power of two, at least 16."""
    return max(16, 1 << (features - 1).bit_length())


def grid_constants(grid: Grid) -> dict[str, int]:
    """The memory layout of pictures, as compile-time constants of a kernel."""
    pixels = grid.height * grid.width
    return {"WIDTH": grid.width, "PIXELS": pixels, "STRIDE": grid.stride, "AREA": grid.area, "MARGIN": grid.margin}


if triton is not None:

    @triton.jit
    def matrix(start, IN: tl.constexpr, OUT: tl.constexpr, K: tl.constexpr, N: tl.constexpr):
        """Load a matrix (IN, OUT) written by `tile`, as (1, N / 16, 16, K / 16, 16), padded with zeros."""
        n1, n0 = tl.arange(0, N // 16)[None, :, None, None, None], tl.arange(0, 16)[None, None, :, None, None]
        k1, k0 = tl.arange(0, K // 16)[None, None, None, :, None], tl.arange(0, 16)[None, None, None, None, :]
        TILES: tl.constexpr = (OUT + 15) // 16
        return tl.load(start + ((k1 * 16 + n0) * TILES + n1) * 16 + k0, mask=(k1 * 16 < IN) & (n1 < TILES), other=0.0)

    @triton.jit
    def index(X: tl.constexpr):
        """The feature numbers 0..X-1, (1, X / 16, 16)."""
        return tl.arange(0, X // 16)[None, :, None] * 16 + tl.arange(0, 16)[None, None, :]

    @triton.jit
    def vector(start, OUT: tl.constexpr, N: tl.constexpr):
        """Load a bias (OUT,) as (1, N / 16, 16), padded with zeros."""
        return tl.load(start + index(N), mask=index(N) < OUT, other=0.0)

    @triton.jit
    def products(h, matrix):
        """The products whose sum is h @ matrix: h (PICTURES, K / 16, 16) to (PICTURES, N / 16, 16, K / 16, 16)."""
        return h[:, None, None, :, :] * matrix

    @triton.jit
    def reduce_sum(products):
        """Sum products over the features of h: (PICTURES, N / 16, 16, K / 16, 16) to (PICTURES, N / 16, 16)."""
        return tl.sum(tl.sum(products, axis=3), axis=3)

    @triton.jit
    def relu(h):
        return tl.maximum(h, 0.0)

    @triton.jit
    def load_slots(slots, starts, ends, pictures, count, PICTURES: tl.constexpr):
        """The pictures of this program, (PICTURES,) each: row in the call, slot, first pixel, count of pixels to sample."""
        row = tl.program_id(0) * PICTURES + tl.arange(0, PICTURES)
        exists = row < pictures
        slot = tl.load(slots + row, mask=exists, other=0)
        start = tl.load(starts + row, mask=exists, other=0)
        return row, slot, start, tl.minimum(tl.load(ends + row, mask=exists, other=0) - start, count)

    @triton.jit
    def picture_window(picture, position, STRIDE: tl.constexpr):
        """The levels under a 7 x 7 mask A around the memory rows `position` (PICTURES,): 24 levels in (PICTURES, 2, 16)."""
        tap = index(32)
        offset = (tap // 7 - 3) * STRIDE + tap % 7 - 3
        return tl.load(picture + position[:, None, None] + offset, mask=tap < 24, other=0.0)

    @triton.jit
    def head(h, start, WIDE: tl.constexpr, HEAD: tl.constexpr, W: tl.constexpr, H: tl.constexpr):
        """Logits (PICTURES,) from WIDE features (PICTURES, W / 16, 16). All weights are loaded before the first product."""
        WIDE16: tl.constexpr = (WIDE + 15) // 16 * 16
        HEAD16: tl.constexpr = (HEAD + 15) // 16 * 16
        second = start + WIDE16 * HEAD16 + HEAD16
        third = second + HEAD16 * HEAD16 + HEAD16
        weight_1, bias_1 = matrix(start, WIDE, HEAD, W, H), vector(second - HEAD16, HEAD, H)
        weight_2, bias_2 = matrix(second, HEAD, HEAD, H, H), vector(third - HEAD16, HEAD, H)
        weight_3, bias_3 = vector(third, HEAD, H), tl.load(third + HEAD16)
        g = relu(reduce_sum(products(relu(h), weight_1)) + bias_1)
        g = relu(reduce_sum(products(g, weight_2)) + bias_2)
        return tl.sum(tl.sum(g * weight_3, axis=2), axis=1) + bias_3

    @triton.jit
    def sample_level(logit, threshold, picture, position, levels, logits, output, active):
        """Levels (PICTURES,) from logits and thresholds, stored in the picture at `position` and in results at `output`."""
        level = logit.to(tl.float64) >= threshold  # in float64, as `distributions.sample`
        tl.store(picture + position, level.to(tl.float32), mask=active)
        tl.store(levels + output, level.to(tl.int64), mask=active)
        tl.store(logits + output, logit, mask=active)
        return level
