"""Triton kernel of `pixelcnn`: a program samples up to four pictures and reads each weight once for all of them.

Weights are loaded one matrix product ahead of their use, so that no product waits for memory.
"""

import torch
from torch import Tensor

from pixelcnn.cuda.kernels import primitives
from pixelcnn.cuda.kernels.primitives import grid_constants, pack_readout, pad16, padded_size, tile, tl, triton
from pixelcnn.models.pixelcnn import Config, PixelCNN
from pixelcnn.nn.cache import Cache

MAX_CHANNELS = 64  # with more, a thread's values do not fit its registers
MAX_PICTURES = 4  # pictures per program; eight were not faster, even with a thousand pictures (benchmarks/RESULTS.md)


def fits(config: Config) -> bool:
    """Whether the kernel supports a model of these sizes."""
    return config.kernel == 3 and not config.batch_norm and max(config.channels, config.head) <= MAX_CHANNELS


@torch.no_grad()
def pack_weights(model: PixelCNN) -> Tensor:
    """The weights in the order in which the kernel reads them, float32 (N,): the blocks, the first layer, the readout."""
    pieces = []
    for block in model.blocks:
        pieces += [tile(block.reduce.weight.T), pad16(block.reduce.bias)]
        pieces.append(tile(block.conv.weight[:-1].flatten(0, 1)))  # all taps but the last, the pixel itself
        pieces += [tile(block.conv.weight[-1]), pad16(block.conv.bias)]
        pieces += [tile(block.expand.weight.T), pad16(block.expand.bias)]
    pieces += [tile(model.first.weight[:, 0]), pad16(model.first.bias)]
    return torch.cat(pieces + pack_readout(model.head))


class Kernel:
    """The packed weights of a model, and the memories of its cache, which become views of one tensor."""

    def __init__(self, model: PixelCNN, cache: Cache):
        self.model, self.cache, self.weights = model, cache, pack_weights(model)
        self.memory = torch.stack([cache.memory[block.conv] for block in model.blocks])  # (blocks, slots * area, C)
        for layer, block in enumerate(model.blocks):
            cache.memory[block.conv] = self.memory[layer]

    def launch(
        self,
        pictures_per_program: int,
        num_warps: int,
        thresholds: Tensor,
        slots_starts_ends: list[Tensor],
        levels: Tensor,
        logits: Tensor,
    ) -> None:
        """Run `FusedSampler.run` with that many pictures per program, writing levels and logits (n, count)."""
        config = self.model.config
        _run[(triton.cdiv(len(levels), pictures_per_program),)](
            self.weights,
            self.cache.memory[self.model.first],
            self.memory,
            thresholds,
            *slots_starts_ends,
            levels,
            logits,
            *levels.shape,
            self.memory[0].numel(),
            **grid_constants(self.cache.grid),
            CHANNELS=config.channels,
            BLOCKS=config.blocks,
            HEAD=config.head,
            PICTURES=pictures_per_program,
            C=padded_size(config.channels),
            C2=padded_size(2 * config.channels),
            H=padded_size(config.head),
            num_warps=num_warps,
            num_stages=1,  # Triton's own pipelining ignores stores to addresses that it loads ahead
        )


if triton is not None:

    @triton.jit
    def _load_neighbors(memory, offset, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr):
        """The features of the four pixels before a pixel under a 3 x 3 mask B, as pieces of (PICTURES, C / 16, 16) each.

        The three pixels above are adjacent in the memory, and so are the pixel to the left and the pixel itself.
        """
        pieces = ()
        for piece in tl.static_range((4 * CHANNELS + C - 1) // C):
            k = piece * C + primitives.index(C)
            relative = tl.where(k < 3 * CHANNELS, k - (STRIDE + 1) * CHANNELS, k - 4 * CHANNELS)
            pieces += (tl.load(memory + offset[:, None, None] + relative, mask=k < 4 * CHANNELS, other=0.0),)  # type: ignore[assignment]
        return pieces

    @triton.jit
    def _load_neighbor_weights(start, CHANNELS: tl.constexpr, C: tl.constexpr):
        """The weights of these features, in the same pieces. One matrix, padded to a power of two, would be too large."""
        pieces = ()
        for piece in tl.static_range((4 * CHANNELS + C - 1) // C):
            address = start + piece * C * ((CHANNELS + 15) // 16 * 16)
            pieces += (primitives.matrix(address, 4 * CHANNELS - piece * C, CHANNELS, C, C),)  # type: ignore[assignment]
        return pieces

    @triton.jit(do_not_specialize=["pictures", "count"])
    def _run(
        weights,
        picture,
        memories,
        thresholds,
        slots,
        starts,
        ends,
        levels,
        logits,
        pictures,
        count,
        layer_size,
        WIDTH: tl.constexpr,
        PIXELS: tl.constexpr,
        STRIDE: tl.constexpr,
        AREA: tl.constexpr,
        MARGIN: tl.constexpr,
        CHANNELS: tl.constexpr,
        BLOCKS: tl.constexpr,
        HEAD: tl.constexpr,
        PICTURES: tl.constexpr,
        C: tl.constexpr,
        C2: tl.constexpr,
        H: tl.constexpr,
    ):
        """One program: PICTURES pictures, each at its own pixel. C, C2, H: CHANNELS, 2 CHANNELS and HEAD, padded.

        Long because the loads of the next product stand between the products of this one; split into functions, the
        order of loads and products could not be read in one place.
        """
        WIDE: tl.constexpr = 2 * CHANNELS
        PIECES: tl.constexpr = (4 * CHANNELS + C - 1) // C
        # Sizes padded to multiples of 16, then the offset of each matrix in a block; its bias follows it.
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        WIDE16: tl.constexpr = (WIDE + 15) // 16 * 16
        NEIGHBORS: tl.constexpr = WIDE16 * CHANNELS16 + CHANNELS16
        OWN: tl.constexpr = NEIGHBORS + (4 * CHANNELS + 15) // 16 * 16 * CHANNELS16
        EXPAND: tl.constexpr = OWN + CHANNELS16 * CHANNELS16 + CHANNELS16
        BLOCK: tl.constexpr = EXPAND + CHANNELS16 * WIDE16 + WIDE16
        first = weights + BLOCKS * BLOCK

        row, slot, start_pixel, steps = primitives.load_slots(slots, starts, ends, pictures, count, PICTURES)
        max_steps = tl.max(steps, axis=0)
        channel = primitives.index(C)

        # Weights are loaded one product ahead, here those of the first block.
        reduce_weight = primitives.matrix(weights, WIDE, CHANNELS, C2, C)
        neighbor_weights = _load_neighbor_weights(weights + NEIGHBORS, CHANNELS, C)

        step = 0
        while step < max_steps:  # Triton's interpreter does not support `range` of a computed number
            active = step < steps
            pixel = tl.minimum(start_pixel + step, PIXELS - 1)  # inactive pictures need a valid pixel; nothing is stored
            position = slot * AREA + (pixel // WIDTH + MARGIN) * STRIDE + pixel % WIDTH + MARGIN
            window = primitives.picture_window(picture, position, STRIDE)
            h = primitives.reduce_sum(primitives.products(window, primitives.matrix(first, 24, WIDE, 32, C2)))
            h += primitives.vector(first + 32 * WIDE16, WIDE, C2)

            offset = position * CHANNELS
            for block in range(BLOCKS):
                start = weights + block * BLOCK
                next_start = weights + (block + 1) % BLOCKS * BLOCK  # after the last block, the first for the next pixel
                neighbors = _load_neighbors(memories, offset, STRIDE, CHANNELS, C)
                reduce_bias = primitives.vector(start + NEIGHBORS - CHANNELS16, CHANNELS, C)
                conv_bias = primitives.vector(start + EXPAND - CHANNELS16, CHANNELS, C)
                expand_bias = primitives.vector(start + BLOCK - WIDE16, WIDE, C2)
                own_weight = primitives.matrix(start + OWN, CHANNELS, CHANNELS, C, C)
                expand_weight = primitives.matrix(start + EXPAND, CHANNELS, WIDE, C, C2)

                g = primitives.reduce_sum(primitives.products(primitives.relu(h), reduce_weight))
                g = primitives.relu(g + reduce_bias)
                tl.store(memories + offset[:, None, None] + channel, g, mask=active[:, None, None] & (channel < CHANNELS))
                reduce_weight = primitives.matrix(next_start, WIDE, CHANNELS, C2, C)

                products = primitives.products(g, own_weight)  # of the whole convolution, summed once
                for piece in tl.static_range(PIECES):
                    products += primitives.products(neighbors[piece], neighbor_weights[piece])
                g = primitives.relu(primitives.reduce_sum(products) + conv_bias)
                neighbor_weights = _load_neighbor_weights(next_start + NEIGHBORS, CHANNELS, C)

                h += primitives.reduce_sum(primitives.products(g, expand_weight)) + expand_bias
                offset += layer_size

            threshold = tl.load(thresholds + slot * PIXELS + pixel)
            logit = primitives.head(h, first + 32 * WIDE16 + WIDE16, WIDE, HEAD, C2, H)
            output = row.to(tl.int64) * count + step
            primitives.sample_level(logit, threshold, picture, position, levels, logits, output, active)
            tl.debug_barrier()  # at the next pixel, threads read what other threads stored at this one
            step += 1
