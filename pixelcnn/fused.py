"""The sampling loop of `pixelcnn` as one kernel: pictures stay on the CUDA device for as many pixels as are asked for.

A step of the network is over a hundred small kernels, and launching them takes far longer than what they do; here one
program keeps a few pictures and runs through their pixels by itself. It computes what `model.step` computes, over the
same memories, in float32 up to the order of sums (tests hold them equal). Without Triton, which comes with torch for
CUDA, or without the C compiler that Triton wants, there is no kernel: `fusable` says so.

Knows one model and black and white; no jobs, no noise and no person.
"""

import os
import shutil
import sysconfig
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Cache

try:
    import triton
    import triton.language as tl
except ImportError:  # torch for CPUs comes without
    triton = None


WIDEST = 64  # channels: beyond, what a thread holds does not fit its registers


def fusable(model: AutoregressiveModel) -> bool:
    """Whether `Fused` can run this model where it is; on a CPU only in Triton's interpreter, which is for tests."""
    if triton is None or model.name != "pixelcnn" or not isinstance(model.likelihood, Bernoulli):
        return False
    if max(model.config.channels, model.config.head) > WIDEST:
        return False
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    runs = model.device.type == "cuda" and compiles()
    return (runs or interpreted) and all(p.dtype == torch.float32 for p in model.parameters())


def compiles() -> bool:
    """Whether Triton will find a C compiler, `cc` not being one to it, and Python's header; as in its runtime/build.py."""
    scheme = sysconfig.get_default_scheme()
    include = sysconfig.get_paths("posix_prefix" if scheme == "posix_local" else scheme)["include"]  # Debian moved it
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return compiler is not None and (Path(include) / "Python.h").exists()


def tiled(matrix: Tensor) -> Tensor:
    """A matrix (fan_in, fan_out) as the kernel reads it, flat: (fan_in / 16, 16 of fan_out, fan_out / 16, 16 of fan_in).

    Padded with zeros to whole sixteens. What threads side by side read at once lies side by side.
    """
    fan_in, fan_out = matrix.shape
    whole = F.pad(matrix, (0, -fan_out % 16, 0, -fan_in % 16))
    return whole.unflatten(1, (-1, 16)).unflatten(0, (-1, 16)).permute(0, 3, 2, 1).flatten()


def packed(model: AutoregressiveModel) -> Tensor:
    """The weights in the order of the kernel, float32 (N,): of every block, then of the first layer, then of the head."""
    matrices: list[tuple[Tensor, Tensor | None]] = []
    for block in model.blocks:
        matrices.append((block.reduce.weight.T, block.reduce.bias))
        matrices.append((block.conv.weight[:-1].flatten(0, 1), None))  # the pixel's own tap, the last, is apart
        matrices.append((block.conv.weight[-1], block.conv.bias))
        matrices.append((block.expand.weight.T, block.expand.bias))
    matrices.append((model.first.weight[:, 0], model.first.bias))
    *hidden, last = model.head[1::2]
    matrices += [(linear.weight.T, linear.bias) for linear in hidden]
    parts = []
    for matrix, bias in matrices:
        parts.append(tiled(matrix.detach()))
        if bias is not None:
            parts.append(F.pad(bias.detach(), (0, -len(bias) % 16)))
    parts += [F.pad(last.weight.detach()[0], (0, -last.in_features % 16)), last.bias.detach()]
    return torch.cat(parts)


class Fused:
    """Pictures of one model and its cache, advanced by many pixels a call.

    The cache goes on to work for `model.prefill` and `model.step`: only that from now on its memories are parts of one
    tensor. So pictures are seated as ever, and `run` goes on from wherever steps have left them, and the other way round.
    """

    window = 64  # pixels of each picture between two looks at who else is there: a millisecond or a few

    def __init__(self, model: AutoregressiveModel, cache: Cache, rows: int | None = None, warps: int = 8):
        """rows: pictures a program, a power of two; more share each weight that is read. warps: threads / 32 of one."""
        assert fusable(model), f"{model.name} on {model.device} cannot be fused here"
        self.model, self.cache, self.rows, self.warps = model, cache, rows, warps
        self.weights = packed(model)
        self.memory = torch.stack([cache.memory[block.conv] for block in model.blocks])  # (blocks, slots * area, C)
        for layer, block in enumerate(model.blocks):
            cache.memory[block.conv] = self.memory[layer]
        shape = len(cache.digits), cache.grid.height * cache.grid.width
        self.thresholds = torch.zeros(shape, dtype=torch.float64, device=model.device)

    @torch.inference_mode()
    def seat(self, slots: Tensor, levels: Tensor, known: Tensor, thresholds: Tensor) -> None:
        """What to draw in slots (n,), after `model.prefill`: levels, known and thresholds are (n, H * W) each.

        thresholds: of each pixel, the likelihood's; pixels that are known get their level whatever the network says.
        """
        fixed = torch.where(levels > 0, -torch.inf, torch.inf)
        self.thresholds[slots] = torch.where(known, fixed, thresholds).to(self.thresholds)

    @torch.inference_mode()
    def run(self, slots: Tensor, fronts: Tensor, ends: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Draw up to `count` pixels of each picture in slots (n,), from its front (n,) and up to its end (n,), not with it.

        As for `model.step`, all pixels before each front are in the cache; those drawn will be. Returns their levels,
        long (n, count), and logits (n, count), on the model's device; what stands behind an end means nothing.
        """
        levels = torch.zeros(len(slots), count, dtype=torch.long, device=self.weights.device)
        logits = torch.zeros(len(slots), count, dtype=torch.float32, device=self.weights.device)
        rows = self.rows or self._rows(len(slots))
        config, grid = self.model.config, self.cache.grid
        with torch.cuda.device_of(self.weights):
            _run[(triton.cdiv(len(slots), rows),)](
                self.weights,
                self.cache.memory[self.model.first],
                self.memory,
                self.thresholds,
                *(index.to(levels).contiguous() for index in (slots, fronts, ends)),
                levels,
                logits,
                len(slots),
                count,
                self.memory[0].numel(),
                WIDTH=grid.width,
                PIXELS=grid.height * grid.width,
                STRIDE=grid.stride,
                AREA=grid.area,
                MARGIN=grid.margin,
                CHANNELS=config.channels,
                BLOCKS=config.blocks,
                HEAD=config.head,
                ROWS=rows,
                C=max(16, triton.next_power_of_2(config.channels)),
                C2=max(16, triton.next_power_of_2(2 * config.channels)),
                H=max(16, triton.next_power_of_2(config.head)),
                num_warps=self.warps,
                num_stages=1,  # Triton's own pipelining takes no notice of stores to what it loads ahead
            )
        return levels, logits

    def _rows(self, pictures: int) -> int:
        """As few pictures a program as let all programs run at once."""
        if self.weights.device.type != "cuda":
            return 2
        processors = torch.cuda.get_device_properties(self.weights.device).multi_processor_count
        return min(8, triton.next_power_of_2(triton.cdiv(pictures, processors)))


if triton is not None:
    # A vector of features is (ROWS, X / 16, 16) here and a matrix (1, N / 16, 16, K / 16, 16), which is how Triton, that
    # lays the first axes out over threads first, comes to give each thread most of a sum and all of a thread's reads in
    # pieces of 16 bytes. A reshape instead would have it move the weights from thread to thread, not the features.

    @triton.jit
    def _matrix(start, IN: tl.constexpr, OUT: tl.constexpr, K: tl.constexpr, N: tl.constexpr):
        """A matrix (IN, OUT) as `tiled` left it, (1, N / 16, 16, K / 16, 16), zeros where there is none."""
        n1, n0 = tl.arange(0, N // 16)[None, :, None, None, None], tl.arange(0, 16)[None, None, :, None, None]
        k1, k0 = tl.arange(0, K // 16)[None, None, None, :, None], tl.arange(0, 16)[None, None, None, None, :]
        TILES: tl.constexpr = (OUT + 15) // 16
        return tl.load(start + ((k1 * 16 + n0) * TILES + n1) * 16 + k0, mask=(k1 * 16 < IN) & (n1 < TILES), other=0.0)

    @triton.jit
    def _index(X: tl.constexpr):
        """Numbers of features, (1, X / 16, 16)."""
        return tl.arange(0, X // 16)[None, :, None] * 16 + tl.arange(0, 16)[None, None, :]

    @triton.jit
    def _bias(start, OUT: tl.constexpr, N: tl.constexpr):
        """A bias (OUT,) as (1, N / 16, 16)."""
        return tl.load(start + _index(N), mask=_index(N) < OUT, other=0.0)

    @triton.jit
    def _terms(h, matrix):
        """What a product of h (ROWS, K / 16, 16) and a matrix sums up, (ROWS, N / 16, 16, K / 16, 16)."""
        return h[:, None, None, :, :] * matrix

    @triton.jit
    def _sum(terms):
        """(ROWS, N / 16, 16, K / 16, 16) to (ROWS, N / 16, 16)."""
        return tl.sum(tl.sum(terms, axis=3), axis=3)

    @triton.jit
    def _relu(h):
        return tl.maximum(h, 0.0)

    @triton.jit
    def _seen(memory, place, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr):
        """What mask B of 3 x 3 shows beside the pixel itself, 4 CHANNELS features in parts of C, (ROWS, C / 16, 16) each.

        The three pixels above lie side by side in the memory, and so do the one to the left and that at `place`.
        """
        parts = ()
        for part in tl.static_range((4 * CHANNELS + C - 1) // C):
            k = part * C + _index(C)
            offset = tl.where(k < 3 * CHANNELS, k - (STRIDE + 1) * CHANNELS, k - 4 * CHANNELS)
            parts += (tl.load(memory + place[:, None, None] + offset, mask=k < 4 * CHANNELS, other=0.0),)
        return parts

    @triton.jit
    def _others(start, CHANNELS: tl.constexpr, C: tl.constexpr):
        """The weights for that, in the same parts: one matrix would be padded to a power of two, and too large."""
        parts = ()
        for part in tl.static_range((4 * CHANNELS + C - 1) // C):
            at = start + part * C * ((CHANNELS + 15) // 16 * 16)
            parts += (_matrix(at, 4 * CHANNELS - part * C, CHANNELS, C, C),)
        return parts

    @triton.jit
    def _head(h, start, WIDE: tl.constexpr, HEAD: tl.constexpr, C2: tl.constexpr, H: tl.constexpr):
        """Logits (ROWS,) from features (ROWS, C2 / 16, 16); all weights are asked for at once."""
        LONGER: tl.constexpr = (WIDE + 15) // 16 * 16
        LONG: tl.constexpr = (HEAD + 15) // 16 * 16
        second = start + LONGER * LONG + LONG
        third = second + LONG * LONG + LONG
        hidden, hidden_bias = _matrix(start, WIDE, HEAD, C2, H), _bias(second - LONG, HEAD, H)
        deeper, deeper_bias = _matrix(second, HEAD, HEAD, H, H), _bias(third - LONG, HEAD, H)
        output, output_bias = _bias(third, HEAD, H), tl.load(third + LONG)
        g = _relu(_sum(_terms(_relu(h), hidden)) + hidden_bias)
        g = _relu(_sum(_terms(g, deeper)) + deeper_bias)
        return tl.sum(tl.sum(g * output, axis=2), axis=1) + output_bias

    @triton.jit(do_not_specialize=["pictures", "count"])
    def _run(
        weights,
        picture,
        memories,
        thresholds,
        slots,
        fronts,
        ends,
        levels,
        logits,
        pictures,
        count,
        layer,
        WIDTH: tl.constexpr,
        PIXELS: tl.constexpr,
        STRIDE: tl.constexpr,
        AREA: tl.constexpr,
        MARGIN: tl.constexpr,
        CHANNELS: tl.constexpr,
        BLOCKS: tl.constexpr,
        HEAD: tl.constexpr,
        ROWS: tl.constexpr,
        C: tl.constexpr,
        C2: tl.constexpr,
        H: tl.constexpr,
    ):
        """One program: ROWS pictures, each at a pixel of its own. C, C2, H: CHANNELS, 2 CHANNELS and HEAD, padded."""
        WIDE: tl.constexpr = 2 * CHANNELS
        TAPS: tl.constexpr = 24  # mask A of 7 x 7
        PARTS: tl.constexpr = (4 * CHANNELS + C - 1) // C
        # Sizes as they lie in memory, and then where in a block each matrix begins; its bias lies behind it.
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        LONGER: tl.constexpr = (WIDE + 15) // 16 * 16
        OTHERS: tl.constexpr = LONGER * LONG + LONG
        NOW: tl.constexpr = OTHERS + (4 * CHANNELS + 15) // 16 * 16 * LONG
        EXPAND: tl.constexpr = NOW + LONG * LONG + LONG
        BLOCK: tl.constexpr = EXPAND + LONG * LONGER + LONGER
        first = weights + BLOCKS * BLOCK

        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        here = row < pictures
        slot = tl.load(slots + row, mask=here, other=0)
        front = tl.load(fronts + row, mask=here, other=0)
        steps = tl.minimum(tl.load(ends + row, mask=here, other=0) - front, count)  # (ROWS,)
        longest = tl.max(steps, axis=0)
        channel, tap = _index(C), _index(32)
        look = (tap // 7 - 3) * STRIDE + tap % 7 - 3

        # What a product will need is asked for while the ones before it are worked out: weights wait for nothing.
        reduce = _matrix(weights, WIDE, CHANNELS, C2, C)
        others = _others(weights + OTHERS, CHANNELS, C)

        step = 0
        while step < longest:  # the interpreter knows no `range` of what was computed
            going = step < steps
            pixel = tl.minimum(front + step, PIXELS - 1)  # of those not going any, for nothing is written
            at = slot * AREA + (pixel // WIDTH + MARGIN) * STRIDE + pixel % WIDTH + MARGIN
            inked = tl.load(picture + at[:, None, None] + look, mask=tap < TAPS, other=0.0)  # (ROWS, 2, 16)
            h = _sum(_terms(inked, _matrix(first, TAPS, WIDE, 32, C2))) + _bias(first + 32 * LONGER, WIDE, C2)

            place = at * CHANNELS
            for block in range(BLOCKS):
                start = weights + block * BLOCK
                following = weights + (block + 1) % BLOCKS * BLOCK  # after the last, the next pixel's first
                seen = _seen(memories, place, STRIDE, CHANNELS, C)
                reduce_bias = _bias(start + OTHERS - LONG, CHANNELS, C)
                conv_bias = _bias(start + EXPAND - LONG, CHANNELS, C)
                expand_bias = _bias(start + BLOCK - LONGER, WIDE, C2)
                now = _matrix(start + NOW, CHANNELS, CHANNELS, C, C)
                expand = _matrix(start + EXPAND, CHANNELS, WIDE, C, C2)

                g = _relu(_sum(_terms(_relu(h), reduce)) + reduce_bias)
                tl.store(memories + place[:, None, None] + channel, g, mask=going[:, None, None] & (channel < CHANNELS))
                reduce = _matrix(following, WIDE, CHANNELS, C2, C)

                terms = _terms(g, now)  # one sum for all of the convolution
                for part in tl.static_range(PARTS):
                    terms += _terms(seen[part], others[part])
                g = _relu(_sum(terms) + conv_bias)
                others = _others(following + OTHERS, CHANNELS, C)

                h += _sum(_terms(g, expand)) + expand_bias
                place += layer

            threshold = tl.load(thresholds + slot * PIXELS + pixel)
            logit = _head(h, first + 32 * LONGER + LONGER, WIDE, HEAD, C2, H)
            level = logit.to(tl.float64) >= threshold  # as `draw` does, in float64
            tl.store(picture + at, level.to(tl.float32), mask=going)
            tl.store(levels + row.to(tl.int64) * count + step, level.to(tl.int64), mask=going)
            tl.store(logits + row.to(tl.int64) * count + step, logit, mask=going)
            tl.debug_barrier()  # the next pixel's threads read what others wrote at this one
            step += 1
