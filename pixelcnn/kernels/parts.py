"""What the kernels share: how weights are laid out, how they are read, and what comes before and after a network.

A vector of features is (ROWS, X / 16, 16) in a kernel and a matrix (1, N / 16, 16, K / 16, 16), which is how Triton, that
lays the first axes out over threads first, comes to give each thread most of a sum and all of a thread's reads in
pieces of 16 bytes. A reshape instead would have it move the weights from thread to thread, not the features.

Without Triton, which comes with torch for CUDA, `triton` is None here and there are no kernels.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.where import Grid

try:
    import triton
    import triton.language as tl
except ImportError:  # torch for CPUs comes without
    triton = tl = None


def tiled(matrix: Tensor) -> Tensor:
    """A matrix (fan_in, fan_out) as a kernel reads it, flat: (fan_in / 16, 16 of fan_out, fan_out / 16, 16 of fan_in).

    Padded with zeros to whole sixteens. What threads side by side read at once lies side by side.
    """
    fan_in, fan_out = matrix.shape
    whole = F.pad(matrix, (0, -fan_out % 16, 0, -fan_in % 16))
    return whole.unflatten(1, (-1, 16)).unflatten(0, (-1, 16)).permute(0, 3, 2, 1).flatten()


def lined(vectors: Tensor) -> Tensor:
    """Vectors (..., X), each padded with zeros to whole sixteens, flat."""
    return F.pad(vectors, (0, -vectors.shape[-1] % 16)).flatten()


def packed_readout(head: nn.Sequential) -> list[Tensor]:
    """A model's `readout` in the order of `head` below."""
    *hidden, last = head[1::2]
    parts = [part for linear in hidden for part in (tiled(linear.weight.T), lined(linear.bias))]
    return [*parts, lined(last.weight[0]), last.bias]


def room(features: int) -> int:
    """How many features a vector must have in a kernel to hold so many."""
    return max(16, 1 << (features - 1).bit_length())


def measures(grid: Grid) -> dict[str, int]:
    """Where pixels lie in memory, as kernels are told."""
    pixels = grid.height * grid.width
    return {"WIDTH": grid.width, "PIXELS": pixels, "STRIDE": grid.stride, "AREA": grid.area, "MARGIN": grid.margin}


if triton is not None:

    @triton.jit
    def matrix(start, IN: tl.constexpr, OUT: tl.constexpr, K: tl.constexpr, N: tl.constexpr):
        """A matrix (IN, OUT) as `tiled` left it, (1, N / 16, 16, K / 16, 16), zeros where there is none."""
        n1, n0 = tl.arange(0, N // 16)[None, :, None, None, None], tl.arange(0, 16)[None, None, :, None, None]
        k1, k0 = tl.arange(0, K // 16)[None, None, None, :, None], tl.arange(0, 16)[None, None, None, None, :]
        TILES: tl.constexpr = (OUT + 15) // 16
        return tl.load(start + ((k1 * 16 + n0) * TILES + n1) * 16 + k0, mask=(k1 * 16 < IN) & (n1 < TILES), other=0.0)

    @triton.jit
    def index(X: tl.constexpr):
        """Numbers of features, (1, X / 16, 16)."""
        return tl.arange(0, X // 16)[None, :, None] * 16 + tl.arange(0, 16)[None, None, :]

    @triton.jit
    def vector(start, OUT: tl.constexpr, N: tl.constexpr):
        """A bias (OUT,) as (1, N / 16, 16)."""
        return tl.load(start + index(N), mask=index(N) < OUT, other=0.0)

    @triton.jit
    def terms(h, matrix):
        """What a product of h (ROWS, K / 16, 16) and a matrix sums up, (ROWS, N / 16, 16, K / 16, 16)."""
        return h[:, None, None, :, :] * matrix

    @triton.jit
    def summed(terms):
        """(ROWS, N / 16, 16, K / 16, 16) to (ROWS, N / 16, 16)."""
        return tl.sum(tl.sum(terms, axis=3), axis=3)

    @triton.jit
    def relu(h):
        return tl.maximum(h, 0.0)

    @triton.jit
    def seats(slots, fronts, ends, pictures, count, ROWS: tl.constexpr):
        """Of a program's pictures, (ROWS,) each: number in the call, slot, first pixel, and how many pixels to draw."""
        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        here = row < pictures
        slot = tl.load(slots + row, mask=here, other=0)
        front = tl.load(fronts + row, mask=here, other=0)
        return row, slot, front, tl.minimum(tl.load(ends + row, mask=here, other=0) - front, count)

    @triton.jit
    def ink(picture, at, STRIDE: tl.constexpr):
        """What mask A of 7 x 7 shows, 24 levels of 32, (ROWS, 2, 16)."""
        tap = index(32)
        look = (tap // 7 - 3) * STRIDE + tap % 7 - 3
        return tl.load(picture + at[:, None, None] + look, mask=tap < 24, other=0.0)

    @triton.jit
    def head(h, start, WIDE: tl.constexpr, HEAD: tl.constexpr, W: tl.constexpr, H: tl.constexpr):
        """Logits (ROWS,) from WIDE features (ROWS, W / 16, 16); all weights are asked for at once."""
        LONGER: tl.constexpr = (WIDE + 15) // 16 * 16
        LONG: tl.constexpr = (HEAD + 15) // 16 * 16
        second = start + LONGER * LONG + LONG
        third = second + LONG * LONG + LONG
        hidden, hidden_bias = matrix(start, WIDE, HEAD, W, H), vector(second - LONG, HEAD, H)
        deeper, deeper_bias = matrix(second, HEAD, HEAD, H, H), vector(third - LONG, HEAD, H)
        output, output_bias = vector(third, HEAD, H), tl.load(third + LONG)
        g = relu(summed(terms(relu(h), hidden)) + hidden_bias)
        g = relu(summed(terms(g, deeper)) + deeper_bias)
        return tl.sum(tl.sum(g * output, axis=2), axis=1) + output_bias

    @triton.jit
    def draw(logit, threshold, picture, at, levels, logits, place, going):
        """Levels (ROWS,) from logits, written down at `place` (ROWS,) and in the picture."""
        level = logit.to(tl.float64) >= threshold  # as `draw` does, in float64
        tl.store(picture + at, level.to(tl.float32), mask=going)
        tl.store(levels + place, level.to(tl.int64), mask=going)
        tl.store(logits + place, logit, mask=going)
        return level
