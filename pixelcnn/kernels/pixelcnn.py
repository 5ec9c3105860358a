"""The kernel of `pixelcnn`: a program keeps up to four pictures, and reads each weight once for all of them.

Weights are asked for one product ahead, so that none is waited for.
"""

import torch
from torch import Tensor

from pixelcnn.kernels import parts
from pixelcnn.kernels.parts import lined, measures, packed_readout, room, tiled, tl, triton
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Cache

WIDEST = 64  # channels: beyond, what a thread holds does not fit its registers
ROWS = 4  # pictures a program, at most; of a thousand, eight were no faster (benchmarks/RESULTS.md)


def fits(config) -> bool:
    return max(config.channels, config.head) <= WIDEST


@torch.no_grad()
def packed(model: AutoregressiveModel) -> Tensor:
    """The weights in the order of the kernel, float32 (N,): of every block, then of the first layer, then of the head."""
    pieces = []
    for block in model.blocks:
        pieces += [tiled(block.reduce.weight.T), lined(block.reduce.bias)]
        pieces.append(tiled(block.conv.weight[:-1].flatten(0, 1)))  # the pixel's own tap, the last, is apart
        pieces += [tiled(block.conv.weight[-1]), lined(block.conv.bias)]
        pieces += [tiled(block.expand.weight.T), lined(block.expand.bias)]
    pieces += [tiled(model.first.weight[:, 0]), lined(model.first.bias)]
    return torch.cat(pieces + packed_readout(model.head))


class Kernel:
    """The weights of a model and the memories of its cache, which become parts of one tensor."""

    def __init__(self, model: AutoregressiveModel, cache: Cache):
        self.model, self.cache, self.weights = model, cache, packed(model)
        self.memory = torch.stack([cache.memory[block.conv] for block in model.blocks])  # (blocks, slots * area, C)
        for layer, block in enumerate(model.blocks):
            cache.memory[block.conv] = self.memory[layer]

    def launch(
        self, rows: int, warps: int, thresholds: Tensor, places: list[Tensor], levels: Tensor, logits: Tensor
    ) -> None:
        """As `Fused.run`, into levels and logits (n, count); places: slots, fronts and ends."""
        config = self.model.config
        _run[(triton.cdiv(len(levels), rows),)](
            self.weights,
            self.cache.memory[self.model.first],
            self.memory,
            thresholds,
            *places,
            levels,
            logits,
            *levels.shape,
            self.memory[0].numel(),
            **measures(self.cache.grid),
            CHANNELS=config.channels,
            BLOCKS=config.blocks,
            HEAD=config.head,
            ROWS=rows,
            C=room(config.channels),
            C2=room(2 * config.channels),
            H=room(config.head),
            num_warps=warps,
            num_stages=1,  # Triton's own pipelining takes no notice of stores to what it loads ahead
        )


if triton is not None:

    @triton.jit
    def _seen(memory, place, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr):
        """What mask B of 3 x 3 shows beside the pixel itself, 4 CHANNELS features in parts of C, (ROWS, C / 16, 16) each.

        The three pixels above lie side by side in the memory, and so do the one to the left and that at `place`.
        """
        pieces = ()
        for part in tl.static_range((4 * CHANNELS + C - 1) // C):
            k = part * C + parts.index(C)
            offset = tl.where(k < 3 * CHANNELS, k - (STRIDE + 1) * CHANNELS, k - 4 * CHANNELS)
            pieces += (tl.load(memory + place[:, None, None] + offset, mask=k < 4 * CHANNELS, other=0.0),)
        return pieces

    @triton.jit
    def _others(start, CHANNELS: tl.constexpr, C: tl.constexpr):
        """The weights for that, in the same parts: one matrix would be padded to a power of two, and too large."""
        pieces = ()
        for part in tl.static_range((4 * CHANNELS + C - 1) // C):
            at = start + part * C * ((CHANNELS + 15) // 16 * 16)
            pieces += (parts.matrix(at, 4 * CHANNELS - part * C, CHANNELS, C, C),)
        return pieces

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
        PARTS: tl.constexpr = (4 * CHANNELS + C - 1) // C
        # Sizes as they lie in memory, and then where in a block each matrix begins; its bias lies behind it.
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        LONGER: tl.constexpr = (WIDE + 15) // 16 * 16
        OTHERS: tl.constexpr = LONGER * LONG + LONG
        NOW: tl.constexpr = OTHERS + (4 * CHANNELS + 15) // 16 * 16 * LONG
        EXPAND: tl.constexpr = NOW + LONG * LONG + LONG
        BLOCK: tl.constexpr = EXPAND + LONG * LONGER + LONGER
        first = weights + BLOCKS * BLOCK

        row, slot, front, steps = parts.seats(slots, fronts, ends, pictures, count, ROWS)
        longest = tl.max(steps, axis=0)
        channel = parts.index(C)

        # What a product will need is asked for while the ones before it are worked out: weights wait for nothing.
        reduce = parts.matrix(weights, WIDE, CHANNELS, C2, C)
        others = _others(weights + OTHERS, CHANNELS, C)

        step = 0
        while step < longest:  # the interpreter knows no `range` of what was computed
            going = step < steps
            pixel = tl.minimum(front + step, PIXELS - 1)  # of those not going any, for nothing is written
            at = slot * AREA + (pixel // WIDTH + MARGIN) * STRIDE + pixel % WIDTH + MARGIN
            h = parts.summed(parts.terms(parts.ink(picture, at, STRIDE), parts.matrix(first, 24, WIDE, 32, C2)))
            h += parts.vector(first + 32 * LONGER, WIDE, C2)

            place = at * CHANNELS
            for block in range(BLOCKS):
                start = weights + block * BLOCK
                following = weights + (block + 1) % BLOCKS * BLOCK  # after the last, the next pixel's first
                seen = _seen(memories, place, STRIDE, CHANNELS, C)
                reduce_bias = parts.vector(start + OTHERS - LONG, CHANNELS, C)
                conv_bias = parts.vector(start + EXPAND - LONG, CHANNELS, C)
                expand_bias = parts.vector(start + BLOCK - LONGER, WIDE, C2)
                now = parts.matrix(start + NOW, CHANNELS, CHANNELS, C, C)
                expand = parts.matrix(start + EXPAND, CHANNELS, WIDE, C, C2)

                g = parts.relu(parts.summed(parts.terms(parts.relu(h), reduce)) + reduce_bias)
                tl.store(memories + place[:, None, None] + channel, g, mask=going[:, None, None] & (channel < CHANNELS))
                reduce = parts.matrix(following, WIDE, CHANNELS, C2, C)

                terms = parts.terms(g, now)  # one sum for all of the convolution
                for part in tl.static_range(PARTS):
                    terms += parts.terms(seen[part], others[part])
                g = parts.relu(parts.summed(terms) + conv_bias)
                others = _others(following + OTHERS, CHANNELS, C)

                h += parts.summed(parts.terms(g, expand)) + expand_bias
                place += layer

            threshold = tl.load(thresholds + slot * PIXELS + pixel)
            logit = parts.head(h, first + 32 * LONGER + LONGER, WIDE, HEAD, C2, H)
            parts.draw(logit, threshold, picture, at, levels, logits, row.to(tl.int64) * count + step, going)
            tl.debug_barrier()  # the next pixel's threads read what others wrote at this one
            step += 1
