"""Triton kernel of `freeform`: a program samples one picture while the weights of all convolutions are streamed past it.

    the stream of a block: the pixel's own tap -> the 4 or 12 taps before the pixel -> the 1x1 convolution after the gate

A tap is a pair of matrices, one for the value and one for the strength of the gate. Two pairs are in registers at any time:
a pair that has been used is replaced at once by the pair after the next, across blocks and pixels. Products are summed once
per block. At 64 channels the stream is 2.5 MB per pixel, and reading it takes most of the time.

If the class enters narrow blocks only, a second loop of the same form, with a stream of its own, follows the wide blocks.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.cuda.kernels import attention, primitives
from pixelcnn.cuda.kernels.primitives import grid_constants, pack_readout, pad16, padded_size, tile, tl, triton
from pixelcnn.models.freeform import Block, ClassBlock, Config, Freeform
from pixelcnn.nn.attention import CausalAttention
from pixelcnn.nn.cache import Cache
from pixelcnn.nn.layers import MaskedConv2d

MAX_CHANNELS = 64  # with more, a thread's values do not fit its registers
MAX_PICTURES = 1  # pictures per program; with two, not all values fit the registers
CHUNK_SIZE = 4096  # numbers of keys that a program holds at once, and as many of values


def fits(config: Config) -> bool:
    """Whether the kernel supports a model of these sizes."""
    class_channels = config.class_channels if config.class_blocks else 0
    widest = max(config.channels, config.head, config.heads * padded_size(config.dim), class_channels)
    sizes_fit = widest <= MAX_CHANNELS and config.given <= config.channels and config.attend_every <= config.blocks
    return sizes_fit and not config.batch_norm


def tile_halves(weight: Tensor) -> list[Tensor]:
    """The matrices of the value and of the strength from their concatenation (fan_in, 2 C), both tiled."""
    return [tile(half) for half in weight.chunk(2, 1)]


def pad_heads(inner: Tensor, dim: int) -> Tensor:
    """Numbers (..., heads * dim), those of each head padded with zeros to the size that they have in the kernel."""
    return F.pad(inner.unflatten(-1, (-1, dim)), (0, padded_size(dim) - dim)).flatten(-2)


def pack_blocks(blocks: Iterable[Block | ClassBlock]) -> list[Tensor]:
    """The stream of blocks of one width, then their biases (for every class and for none) and the weights of the hints."""
    stream: list[Tensor] = []
    rest: list[Tensor] = []
    for block in blocks:
        *before, own = block.conv.weight
        for matrix in (own, *before):
            stream += tile_halves(matrix)
        stream.append(tile(block.out.weight.T))
        biases = block.conv.bias[None] if block.digit is None else block.conv.bias + block.digit.weight  # (.., 2 C)
        rest += [pad16(biases.unflatten(1, (2, -1))), pad16(block.out.bias)]
        if isinstance(block, Block):
            rest += tile_halves(block.given.weight.T)
    return stream + rest


def pack_attention(layer: CausalAttention, dim: int) -> list[Tensor]:
    """The weights of an attention layer. The norm's weight and bias and the scale of scores are folded into the others."""
    weights: list[Tensor] = []
    for linear, scale in (layer.query, dim**-0.5), (layer.key_value, 1.0):
        weight = pad_heads((linear.weight * layer.norm.weight * scale).T, dim)
        bias = pad_heads((linear.weight @ layer.norm.bias + linear.bias) * scale, dim)
        weights += [tile(weight), pad16(bias)]
    weights += [tile(pad_heads(layer.out.weight, dim).T), pad16(layer.out.bias)]
    return weights + [pad16(half) for half in pad_heads(layer.own, dim).chunk(2)]


@torch.no_grad()
def pack_weights(model: Freeform) -> tuple[Tensor, Tensor]:
    """The weights in the order in which the kernel reads them, float32 (N,), and those of the class stack (M,).

    The stream of all blocks, their other weights, the attention layers, the first layer, the readout. The class stack: the
    linear layers before and after it, the stream of its blocks, their biases; empty without one.
    """
    attention_weights = [part for layer in model.attention for part in pack_attention(layer, model.config.dim)]
    positions = (model.place.rows + model.place.columns).flatten(0, 1) + model.first.bias  # (H * W, C)
    first = [tile(model.first.weight[:, 0]), pad16(positions)]
    weights = torch.cat(pack_blocks(model.blocks) + attention_weights + first + pack_readout(model.head))
    if model.class_stack is None:
        return weights, weights.new_empty(0)
    around = (model.class_stack.reduce, model.class_stack.expand)
    ends = [part for linear in around for part in (tile(linear.weight.T), pad16(linear.bias))]
    return weights, torch.cat(ends + pack_blocks(model.class_stack.blocks))


class Kernel:
    """The packed weights of a model, and the memories of its cache, which become views of two tensors."""

    def __init__(self, model: Freeform, cache: Cache):
        self.model, self.cache = model, cache
        self.weights, self.class_weights = pack_weights(model)
        class_blocks = [] if model.class_stack is None else list(model.class_stack.blocks)
        self.memory = self.join_memories([block.conv for block in model.blocks])  # (blocks, slots * area, C)
        self.class_memory = self.join_memories([block.conv for block in class_blocks])
        # Padded after each level, so that every key is aligned to 16 bytes: (layers, slots, 1 + H * W, 2 * heads, PAIR).
        pairs = [cache.memory[layer] for layer in model.attention]
        self.pairs = F.pad(torch.stack(pairs), (0, -(model.config.dim + 1) % 4))
        if max(memory[0].numel() for memory in (self.memory, self.class_memory, self.pairs)) >= 2**31:
            raise RuntimeError(f"a cache of {len(cache.digits)} slots is too large for 32-bit offsets")
        for number, layer in enumerate(model.attention):
            cache.memory[layer] = self.pairs[number][..., : model.config.dim + 1]

    def join_memories(self, layers: list[MaskedConv2d]) -> Tensor:
        """One tensor (layers, slots * area, C) with the layers' memories, which become views of it; (1, 0) if none."""
        if not layers:
            return self.weights.new_zeros(1, 0)
        joined = torch.stack([self.cache.memory[layer] for layer in layers])
        self.cache.memory.update(zip(layers, joined, strict=True))
        return joined

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
        config, cache = self.model.config, self.cache
        dim, heads = padded_size(config.dim), triton.next_power_of_2(config.heads)
        _run[(triton.cdiv(len(levels), pictures_per_program),)](
            self.weights,
            self.class_weights,
            cache.memory[self.model.first],
            self.memory,
            self.class_memory,
            self.pairs,
            cache.memory[self.model.given],
            cache.digits,
            thresholds,
            *slots_starts_ends,
            levels,
            logits,
            *levels.shape,
            self.memory[0].numel(),
            self.class_memory[0].numel(),
            self.pairs[0].numel(),
            **grid_constants(cache.grid),
            CHANNELS=config.channels,
            BLOCKS=config.blocks,
            CLASS_CHANNELS=config.class_channels,
            CLASS_BLOCKS=config.class_blocks,
            ATTEND=config.attend_every,
            HEADS=config.heads,
            DIM=config.dim,
            EPS=self.model.attention[0].norm.eps,
            GIVEN=config.given,
            DIGITS=config.classes + 1,
            HEAD=config.head,
            PICTURES=pictures_per_program,
            C=padded_size(config.channels),
            CC=padded_size(config.class_channels),
            H=padded_size(config.head),
            HEADS2=heads,
            DIM2=dim,
            KEYS=CHUNK_SIZE // (heads * dim * pictures_per_program),
            num_warps=num_warps,
            num_stages=1,  # Triton's own pipelining ignores stores to addresses that it loads ahead
        )


if triton is not None:

    @triton.jit
    def _load_pair(start, IN, CHANNELS: tl.constexpr, C: tl.constexpr):
        """A pair of the stream: the matrix of the value, and that of the strength for IN input features."""
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        return primitives.matrix(start, CHANNELS, CHANNELS, C, C), primitives.matrix(
            start + CHANNELS16 * CHANNELS16, IN, CHANNELS, C, C
        )

    @triton.jit
    def _stream_offset(block, CHANNELS: tl.constexpr):
        """Where the stream of a block begins. A 3 x 3 block has 2 * 5 + 1 matrices, a 5 x 5 block 2 * 13 + 1.

        Class blocks, which begin with 5 x 5, are numbered from 1 on, so that odd numbers are 5 x 5.
        """
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        return (block // 2 * 38 + block % 2 * 11) * (CHANNELS16 * CHANNELS16)

    @triton.jit
    def _load_tap(memory, position, block, tap, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr):
        """Features (PICTURES, C / 16, 16) of a tap before the pixel, numbered as in mask B, 3 x 3 or (odd blocks) 5 x 5."""
        size = 3 + block % 2 * 2
        row = tap * (22 - block % 2 * 9) // 64  # tap // size; dividing by a number that is not a constant is slow
        offset = ((row - size // 2) * STRIDE + tap - row * size - size // 2) * CHANNELS
        mask = (primitives.index(C) < CHANNELS) & (tap < 4 + block % 2 * 8)
        return tl.load(memory + (position + offset)[:, None, None] + primitives.index(C), mask=mask, other=0.0)

    @triton.jit
    def _add_taps(
        values, strengths, left, right, begin, next_block, memory, position, block,
        STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr,
    ):  # fmt: skip
        """Add the taps before the pixel to the products of values and strengths, (PICTURES, C / 16, 16, C / 16, 16) each.

        Two taps per turn; right, left: the pairs of the first two, already loaded. After the last taps come the matrix
        after the gate and the first pair of the next block, which are returned loaded, in right and left.
        """
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        PAIR: tl.constexpr = 2 * CHANNELS16 * CHANNELS16
        right_tap = _load_tap(memory, position, block, 0, STRIDE, CHANNELS, C)
        left_tap = _load_tap(memory, position, block, 1, STRIDE, CHANNELS, C)
        turns = 2 + block % 2 * 4
        for turn in range(2 + block % 2 * 4):  # not `turns`: a named value is a tensor in Triton's interpreter
            ahead = begin + (3 + 2 * turn) * PAIR
            values += primitives.products(right_tap, right[0])
            strengths += primitives.products(right_tap, right[1])
            right = _load_pair(ahead, CHANNELS if turn + 1 < turns else 0, CHANNELS, C)
            right_tap = _load_tap(memory, position, block, 2 * turn + 2, STRIDE, CHANNELS, C)
            values += primitives.products(left_tap, left[0])
            strengths += primitives.products(left_tap, left[1])
            left = _load_pair(ahead + PAIR if turn + 1 < turns else next_block, CHANNELS, CHANNELS, C)
            left_tap = _load_tap(memory, position, block, 2 * turn + 3, STRIDE, CHANNELS, C)
        return values, strengths, left, right

    @triton.jit
    def _block(
        h, hint_features, left, right, weights, rest, digit, memory, position, block, next_block, active,
        STRIDE: tl.constexpr, CHANNELS: tl.constexpr, GIVEN: tl.constexpr, DIGITS: tl.constexpr, C: tl.constexpr,
    ):  # fmt: skip
        """A block on h (PICTURES, C / 16, 16), its first two pairs loaded; returns h and the pairs of the next block.

        GIVEN: channels of the hints; 0 for class blocks, which do not read them. DIGITS: 1 if the class does not enter.
        """
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        PAIR: tl.constexpr = 2 * CHANNELS16 * CHANNELS16
        channel = primitives.index(C)
        in_range = channel < CHANNELS
        begin = weights + _stream_offset(block, CHANNELS)
        next_stream = weights + _stream_offset(next_block, CHANNELS)
        bias = rest + channel
        if DIGITS > 1:
            bias += digit[:, None, None] * (2 * CHANNELS16)
        value_bias = tl.load(bias, mask=in_range, other=0.0)
        strength_bias = tl.load(bias + CHANNELS16, mask=in_range, other=0.0)
        out_bias = primitives.vector(rest + DIGITS * 2 * CHANNELS16, CHANNELS, C)
        tl.store(memory + position[:, None, None] + channel, h, mask=active[:, None, None] & in_range)

        values, strengths = primitives.products(h, left[0]), primitives.products(h, left[1])
        if GIVEN > 0:
            given = rest + DIGITS * 2 * CHANNELS16 + CHANNELS16
            values += primitives.products(hint_features, primitives.matrix(given, GIVEN, CHANNELS, C, C))
            given += (GIVEN + 15) // 16 * 16 * CHANNELS16
            strengths += primitives.products(hint_features, primitives.matrix(given, GIVEN, CHANNELS, C, C))
        left = _load_pair(begin + 2 * PAIR, CHANNELS, CHANNELS, C)
        values, strengths, left, right = _add_taps(
            values, strengths, left, right, begin, next_stream, memory, position, block, STRIDE, CHANNELS, C
        )
        value, strength = primitives.reduce_sum(values) + value_bias, primitives.reduce_sum(strengths) + strength_bias
        gated = (2 * tl.sigmoid(2 * value) - 1) * tl.sigmoid(strength)  # tanh x = 2 sigmoid(2x) - 1
        h += primitives.reduce_sum(primitives.products(gated, right[0])) + out_bias
        return h, left, _load_pair(next_stream + PAIR, CHANNELS, CHANNELS, C)

    @triton.jit
    def _first_pairs(stream, CHANNELS: tl.constexpr, C: tl.constexpr):
        """The first two pairs of a stream, left and right."""
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        left = _load_pair(stream, CHANNELS, CHANNELS, C)
        return left, _load_pair(stream + 2 * CHANNELS16 * CHANNELS16, CHANNELS, CHANNELS, C)

    @triton.jit
    def _class_stack(
        h, weights, digit, memories, layer_size, position, active,
        STRIDE: tl.constexpr, CHANNELS: tl.constexpr, CLASS_CHANNELS: tl.constexpr, CLASS_BLOCKS: tl.constexpr,
        DIGITS: tl.constexpr, C: tl.constexpr, CC: tl.constexpr,
    ):  # fmt: skip
        """h (PICTURES, C / 16, 16) plus the output of the class stack."""
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        NARROW16: tl.constexpr = (CLASS_CHANNELS + 15) // 16 * 16
        REST: tl.constexpr = DIGITS * 2 * NARROW16 + NARROW16
        reduce_bias = weights + CHANNELS16 * NARROW16
        expand = reduce_bias + NARROW16
        expand_bias = expand + NARROW16 * CHANNELS16
        # Blocks are numbered from 1 on (see `_stream_offset`), so the pointers begin one block before the first.
        stream = expand_bias + CHANNELS16 - _stream_offset(1, CLASS_CHANNELS)
        rest = stream + _stream_offset(1 + CLASS_BLOCKS, CLASS_CHANNELS) - REST
        left, right = _first_pairs(expand_bias + CHANNELS16, CLASS_CHANNELS, CC)
        narrow = primitives.reduce_sum(
            primitives.products(h, primitives.matrix(weights, CHANNELS, CLASS_CHANNELS, C, CC))
        ) + primitives.vector(reduce_bias, CLASS_CHANNELS, CC)
        for block in range(1, 1 + CLASS_BLOCKS):
            memory = memories + layer_size.to(tl.int64) * (block - 1)
            narrow, left, right = _block(
                narrow, narrow, left, right, stream, rest + block * REST, digit, memory, position * CLASS_CHANNELS, block,
                block % CLASS_BLOCKS + 1, active, STRIDE, CLASS_CHANNELS, 0, DIGITS, CC,
            )  # fmt: skip
        wide = primitives.products(narrow, primitives.matrix(expand, CLASS_CHANNELS, CHANNELS, CC, C))
        return h + primitives.reduce_sum(wide) + primitives.vector(expand_bias, CHANNELS, C)

    @triton.jit(do_not_specialize=["pictures", "count"])
    def _run(
        weights,
        class_weights,
        picture,
        memories,
        class_memories,
        pairs,
        hint_memory,
        digits,
        thresholds,
        slots,
        starts,
        ends,
        levels,
        logits,
        pictures,
        count,
        layer_size,
        class_layer_size,
        pair_layer_size,
        WIDTH: tl.constexpr,
        PIXELS: tl.constexpr,
        STRIDE: tl.constexpr,
        AREA: tl.constexpr,
        MARGIN: tl.constexpr,
        CHANNELS: tl.constexpr,
        BLOCKS: tl.constexpr,
        CLASS_CHANNELS: tl.constexpr,
        CLASS_BLOCKS: tl.constexpr,
        ATTEND: tl.constexpr,
        HEADS: tl.constexpr,
        DIM: tl.constexpr,
        EPS: tl.constexpr,
        GIVEN: tl.constexpr,
        DIGITS: tl.constexpr,
        HEAD: tl.constexpr,
        PICTURES: tl.constexpr,
        C: tl.constexpr,
        CC: tl.constexpr,
        H: tl.constexpr,
        HEADS2: tl.constexpr,
        DIM2: tl.constexpr,
        KEYS: tl.constexpr,
    ):
        """One program: PICTURES pictures, each at its own pixel.

        C, CC, H, HEADS2, DIM2: CHANNELS, CLASS_CHANNELS, HEAD, HEADS, DIM, padded.

        Long because of its parameters and the offsets of the weights; the loop over pixels is short.
        """
        # Sizes padded to multiples of 16, then the offsets of the parts of the weights.
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        INNER: tl.constexpr = HEADS * DIM2
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4
        SLOT: tl.constexpr = (1 + PIXELS) * 2 * HEADS * PAIR
        WIDE_DIGITS: tl.constexpr = 1 if CLASS_BLOCKS > 0 else DIGITS
        REST: tl.constexpr = WIDE_DIGITS * 2 * CHANNELS16 + CHANNELS16 + 2 * ((GIVEN + 15) // 16 * 16) * CHANNELS16
        ATTENTION: tl.constexpr = 3 * (CHANNELS16 * INNER + INNER) + INNER * CHANNELS16 + CHANNELS16 + 2 * INNER
        rest = weights + _stream_offset(BLOCKS, CHANNELS)
        attention_start = rest + BLOCKS * REST
        first = attention_start + BLOCKS // ATTEND * ATTENTION
        position_biases = first + 32 * CHANNELS16

        row, slot, start_pixel, steps = primitives.load_slots(slots, starts, ends, pictures, count, PICTURES)
        slot, max_steps = slot.to(tl.int32), tl.max(steps, axis=0)  # 32 bits are enough within the memory of one layer
        channel = primitives.index(C)
        digit = tl.load(digits + slot)
        left, right = _first_pairs(weights, CHANNELS, C)

        step = 0
        while step < max_steps:  # Triton's interpreter does not support `range` of a computed number
            active = step < steps
            # Inactive pictures need a valid pixel; nothing is stored for them.
            pixel = tl.minimum(start_pixel + step, PIXELS - 1).to(tl.int32)
            position = slot * AREA + (pixel // WIDTH + MARGIN) * STRIDE + pixel % WIDTH + MARGIN
            hint_address = hint_memory + position[:, None, None] * GIVEN + channel
            hint_features = tl.load(hint_address, mask=channel < GIVEN, other=0.0)  # zeros for pictures without hints
            bias_address = position_biases + pixel[:, None, None] * CHANNELS16 + channel
            h = tl.load(bias_address, mask=channel < CHANNELS, other=0.0)
            window = primitives.picture_window(picture, position, STRIDE)
            h += primitives.reduce_sum(primitives.products(window, primitives.matrix(first, 24, CHANNELS, 32, C)))

            for block in range(BLOCKS):
                memory = memories + layer_size.to(tl.int64) * block
                h, left, right = _block(
                    h, hint_features, left, right, weights, rest + block * REST, digit, memory, position * CHANNELS, block,
                    (block + 1) % BLOCKS, active, STRIDE, CHANNELS, GIVEN, WIDE_DIGITS, C,
                )  # fmt: skip
                if (block + 1) % ATTEND == 0:
                    number = block // ATTEND
                    memory = pairs + pair_layer_size.to(tl.int64) * number
                    h = attention.attend(
                        h, attention_start + number * ATTENTION, memory, slot * SLOT, pixel, active,
                        CHANNELS, HEADS, DIM, EPS, PICTURES, C, HEADS2, DIM2, KEYS,
                    )  # fmt: skip

            if CLASS_BLOCKS > 0:
                h = _class_stack(
                    h, class_weights, digit, class_memories, class_layer_size, position, active,
                    STRIDE, CHANNELS, CLASS_CHANNELS, CLASS_BLOCKS, DIGITS, C, CC,
                )  # fmt: skip
                left, right = _first_pairs(weights, CHANNELS, C)  # loaded again: not kept in registers meanwhile
            threshold = tl.load(thresholds + slot * PIXELS + pixel)
            logit = primitives.head(h, position_biases + PIXELS * CHANNELS16, CHANNELS, HEAD, C, H)
            output = row.to(tl.int64) * count + step
            level = primitives.sample_level(logit, threshold, picture, position, levels, logits, output, active)
            # Write the level behind the pixel's key and value in every attention layer, as `CausalAttention.write` does.
            pair = slot * SLOT + (1 + pixel) * (2 * HEADS * PAIR) + DIM
            head = tl.arange(0, 2 * HEADS2)[None, :]
            mask = active[:, None] & (head < 2 * HEADS)
            memory = pairs
            for _ in range(BLOCKS // ATTEND):
                tl.store(memory + pair[:, None] + head * PAIR, level.to(tl.float32)[:, None], mask=mask)
                memory += pair_layer_size
            tl.debug_barrier()  # at the next pixel, threads read what other threads stored at this one
            step += 1
