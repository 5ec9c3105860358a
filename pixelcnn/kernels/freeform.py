"""The kernel of `freeform`: a program keeps a picture, and lets the weights of all convolutions stream past it.

    a block's turns of the stream: the pixel's own tap -> taps before the pixel, 4 or 12 -> the matrix behind the gate

A turn of a tap is two matrices, of the gate's value and of its strength. Two turns are in hand at any time: what is used
up is replaced at once by the turn after the next, across blocks and pixels, and products are summed once a block. By its
size most of the time should go into reading the stream, 2.5 MB a pixel at 64 channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.kernels import attention, parts
from pixelcnn.kernels.parts import lined, measures, packed_readout, room, tiled, tl, triton
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Cache

WIDEST = 64  # channels: beyond, what a thread holds does not fit its registers
ROWS = 1  # pictures a program: of two, not all stays in its registers
HELD = 4096  # numbers of keys that a program holds at once, and as many of values


def fits(config) -> bool:
    widest = max(config.channels, config.head, config.heads * room(config.dim))
    return widest <= WIDEST and config.given <= config.channels and config.attend_every <= config.blocks


def halves(weight: Tensor) -> list[Tensor]:
    """Of a matrix (fan_in, 2 C) that of the value and that of the strength, as the kernel reads them."""
    return [tiled(half) for half in weight.chunk(2, 1)]


def spaced(inner: Tensor, dim: int) -> Tensor:
    """Numbers (..., heads * dim), each head's padded with zeros to as many as it has in the kernel."""
    return F.pad(inner.unflatten(-1, (-1, dim)), (0, room(dim) - dim)).flatten(-2)


@torch.no_grad()
def packed(model: AutoregressiveModel) -> Tensor:
    """The weights in the order of the kernel, float32 (N,): the stream, what else blocks have, attention, first, head."""
    dim, stream, rest, attending = model.config.dim, [], [], []
    for block in model.blocks:
        *before, own = block.conv.weight
        for matrix in (own, *before):
            stream += halves(matrix)
        stream.append(tiled(block.out.weight.T))
        biases = block.digit.weight + block.conv.bias  # (digits and none, 2 C)
        rest += [lined(biases.unflatten(1, (2, -1))), lined(block.out.bias), *halves(block.given.weight.T)]
    for layer in model.attention:
        # The norm's own weight and bias, and the scale of scores, are the same as other weights behind it.
        for linear, scale in (layer.query, dim**-0.5), (layer.key_value, 1.0):
            weight = spaced((linear.weight * layer.norm.weight * scale).T, dim)
            attending += [tiled(weight), lined(spaced((linear.weight @ layer.norm.bias + linear.bias) * scale, dim))]
        attending += [tiled(spaced(layer.out.weight, dim).T), lined(layer.out.bias)]
        attending += [lined(half) for half in spaced(layer.own, dim).chunk(2)]
    places = (model.place.rows + model.place.columns).flatten(0, 1) + model.first.bias  # (H * W, C)
    first = [tiled(model.first.weight[:, 0]), lined(places)]
    return torch.cat(stream + rest + attending + first + packed_readout(model.head))


class Kernel:
    """The weights of a model and the memories of its cache, which become parts of two tensors."""

    def __init__(self, model: AutoregressiveModel, cache: Cache):
        self.model, self.cache, self.weights = model, cache, packed(model)
        self.memory = torch.stack([cache.memory[block.conv] for block in model.blocks])  # (blocks, slots * area, C)
        # With room behind each level, so that every key begins at 16 bytes: (layers, slots, 1 + H * W, 2 * heads, X).
        pairs = [cache.memory[layer] for layer in model.attention]
        self.pairs = F.pad(torch.stack(pairs), (0, -(model.config.dim + 1) % 4))
        if max(self.memory[0].numel(), self.pairs[0].numel()) >= 2**31:
            raise RuntimeError(f"{len(cache.digits)} pictures are too many for it")
        for number, block in enumerate(model.blocks):
            cache.memory[block.conv] = self.memory[number]
        for number, layer in enumerate(model.attention):
            cache.memory[layer] = self.pairs[number][..., : model.config.dim + 1]

    def launch(
        self, rows: int, warps: int, thresholds: Tensor, places: list[Tensor], levels: Tensor, logits: Tensor
    ) -> None:
        """As `Fused.run`, into levels and logits (n, count); places: slots, fronts and ends."""
        config, cache = self.model.config, self.cache
        dim, heads = room(config.dim), triton.next_power_of_2(config.heads)
        _run[(triton.cdiv(len(levels), rows),)](
            self.weights,
            cache.memory[self.model.first],
            self.memory,
            self.pairs,
            cache.memory[self.model.given],
            cache.digits,
            thresholds,
            *places,
            levels,
            logits,
            *levels.shape,
            self.memory[0].numel(),
            self.pairs[0].numel(),
            **measures(cache.grid),
            CHANNELS=config.channels,
            BLOCKS=config.blocks,
            ATTEND=config.attend_every,
            HEADS=config.heads,
            DIM=config.dim,
            EPS=self.model.attention[0].norm.eps,
            GIVEN=config.given,
            DIGITS=config.classes + 1,
            HEAD=config.head,
            ROWS=rows,
            C=room(config.channels),
            H=room(config.head),
            HEADS2=heads,
            DIM2=dim,
            KEYS=HELD // (heads * dim * rows),
            num_warps=warps,
            num_stages=1,  # Triton's own pipelining takes no notice of stores to what it loads ahead
        )


if triton is not None:

    @triton.jit
    def _turn(start, IN, CHANNELS: tl.constexpr, C: tl.constexpr):
        """A turn of the stream: the matrix of the value and, of so many features, that of the strength."""
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        return parts.matrix(start, CHANNELS, CHANNELS, C, C), parts.matrix(start + LONG * LONG, IN, CHANNELS, C, C)

    @triton.jit
    def _begin(block, CHANNELS: tl.constexpr):
        """Where the stream of a block begins: of those of 3 x 3 there are 2 * 5 + 1 matrices, of 5 x 5 2 * 13 + 1."""
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        return (block // 2 * 38 + block % 2 * 11) * (LONG * LONG)

    @triton.jit
    def _tap(memory, place, block, tap, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr):
        """Features (ROWS, C / 16, 16) of a tap before the pixel, numbered as in mask B, 3 x 3 or, in odd blocks, 5 x 5."""
        size = 3 + block % 2 * 2
        row = tap * (22 - block % 2 * 9) // 64  # tap // size, but to divide by what is not known beforehand is slow
        offset = ((row - size // 2) * STRIDE + tap - row * size - size // 2) * CHANNELS
        mask = (parts.index(C) < CHANNELS) & (tap < 4 + block % 2 * 8)
        return tl.load(memory + (place + offset)[:, None, None] + parts.index(C), mask=mask, other=0.0)

    @triton.jit
    def _mixed(
        values, strengths, left, right, begin, following, memory, place, block,
        STRIDE: tl.constexpr, CHANNELS: tl.constexpr, C: tl.constexpr,
    ):  # fmt: skip
        """What the taps before the pixel add to what is summed up, twice (ROWS, C / 16, 16, C / 16, 16), two at a time.

        right, left: the first two turns, asked for already. After the last come the matrix behind the gate and the next
        block's first, which are returned as they were asked for.
        """
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        TURN: tl.constexpr = 2 * LONG * LONG
        right_seen = _tap(memory, place, block, 0, STRIDE, CHANNELS, C)
        left_seen = _tap(memory, place, block, 1, STRIDE, CHANNELS, C)
        pairs = 2 + block % 2 * 4  # of taps
        for pair in range(2 + block % 2 * 4):  # not `pairs`: what has been given a name is a tensor to the interpreter
            ahead = begin + (3 + 2 * pair) * TURN
            values += parts.terms(right_seen, right[0])
            strengths += parts.terms(right_seen, right[1])
            right = _turn(ahead, CHANNELS if pair + 1 < pairs else 0, CHANNELS, C)
            right_seen = _tap(memory, place, block, 2 * pair + 2, STRIDE, CHANNELS, C)
            values += parts.terms(left_seen, left[0])
            strengths += parts.terms(left_seen, left[1])
            left = _turn(ahead + TURN if pair + 1 < pairs else following, CHANNELS, CHANNELS, C)
            left_seen = _tap(memory, place, block, 2 * pair + 3, STRIDE, CHANNELS, C)
        return values, strengths, left, right

    @triton.jit
    def _block(
        h, told, left, right, weights, rest, digit, memory, place, block, going,
        STRIDE: tl.constexpr, CHANNELS: tl.constexpr, BLOCKS: tl.constexpr, GIVEN: tl.constexpr,
        DIGITS: tl.constexpr, C: tl.constexpr,
    ):  # fmt: skip
        """A block on h (ROWS, C / 16, 16), with its first two turns; returns h and those of the next block."""
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        TURN: tl.constexpr = 2 * LONG * LONG
        channel = parts.index(C)
        is_one = channel < CHANNELS
        begin = weights + _begin(block, CHANNELS)
        following = weights + _begin((block + 1) % BLOCKS, CHANNELS)  # after the last, the next pixel's first
        bias = rest + digit[:, None, None] * (2 * LONG) + channel
        value_bias, strength_bias = tl.load(bias, mask=is_one, other=0.0), tl.load(bias + LONG, mask=is_one, other=0.0)
        out_bias = parts.vector(rest + DIGITS * 2 * LONG, CHANNELS, C)
        tl.store(memory + place[:, None, None] + channel, h, mask=going[:, None, None] & is_one)

        values, strengths = parts.terms(h, left[0]), parts.terms(h, left[1])
        given = rest + DIGITS * 2 * LONG + LONG
        values += parts.terms(told, parts.matrix(given, GIVEN, CHANNELS, C, C))
        strengths += parts.terms(told, parts.matrix(given + (GIVEN + 15) // 16 * 16 * LONG, GIVEN, CHANNELS, C, C))
        left = _turn(begin + 2 * TURN, CHANNELS, CHANNELS, C)
        values, strengths, left, right = _mixed(
            values, strengths, left, right, begin, following, memory, place, block, STRIDE, CHANNELS, C
        )
        value, strength = parts.summed(values) + value_bias, parts.summed(strengths) + strength_bias
        gated = (2 * tl.sigmoid(2 * value) - 1) * tl.sigmoid(strength)  # tanh x = 2 sigmoid(2x) - 1
        h += parts.summed(parts.terms(gated, right[0])) + out_bias
        return h, left, _turn(following + TURN, CHANNELS, CHANNELS, C)

    @triton.jit(do_not_specialize=["pictures", "count"])
    def _run(
        weights,
        picture,
        memories,
        pairs,
        tellings,
        digits,
        thresholds,
        slots,
        fronts,
        ends,
        levels,
        logits,
        pictures,
        count,
        layer,
        pair_layer,
        WIDTH: tl.constexpr,
        PIXELS: tl.constexpr,
        STRIDE: tl.constexpr,
        AREA: tl.constexpr,
        MARGIN: tl.constexpr,
        CHANNELS: tl.constexpr,
        BLOCKS: tl.constexpr,
        ATTEND: tl.constexpr,
        HEADS: tl.constexpr,
        DIM: tl.constexpr,
        EPS: tl.constexpr,
        GIVEN: tl.constexpr,
        DIGITS: tl.constexpr,
        HEAD: tl.constexpr,
        ROWS: tl.constexpr,
        C: tl.constexpr,
        H: tl.constexpr,
        HEADS2: tl.constexpr,
        DIM2: tl.constexpr,
        KEYS: tl.constexpr,
    ):
        """One program: ROWS pictures, each at its own pixel. C, H, HEADS2, DIM2: CHANNELS, HEAD, HEADS, DIM, padded."""
        # Sizes as they lie in memory, and then where the parts of the weights begin.
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        INNER: tl.constexpr = HEADS * DIM2
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4
        SLOT: tl.constexpr = (1 + PIXELS) * 2 * HEADS * PAIR
        REST: tl.constexpr = DIGITS * 2 * LONG + LONG + 2 * ((GIVEN + 15) // 16 * 16) * LONG
        ATTENTION: tl.constexpr = 3 * (LONG * INNER + INNER) + INNER * LONG + LONG + 2 * INNER
        rest = weights + _begin(BLOCKS, CHANNELS)
        attending = rest + BLOCKS * REST
        first = attending + BLOCKS // ATTEND * ATTENTION
        positions = first + 32 * LONG

        row, slot, front, steps = parts.seats(slots, fronts, ends, pictures, count, ROWS)
        slot, longest = slot.to(tl.int32), tl.max(steps, axis=0)  # within a layer's memory 32 bits are enough
        channel = parts.index(C)
        digit = tl.load(digits + slot)
        left = _turn(weights, CHANNELS, CHANNELS, C)
        right = _turn(weights + 2 * LONG * LONG, CHANNELS, CHANNELS, C)

        step = 0
        while step < longest:  # the interpreter knows no `range` of what was computed
            going = step < steps
            pixel = tl.minimum(front + step, PIXELS - 1).to(tl.int32)  # of those not going any, for nothing is written
            at = slot * AREA + (pixel // WIDTH + MARGIN) * STRIDE + pixel % WIDTH + MARGIN
            # Zeros for who is told of nothing.
            told = tl.load(tellings + at[:, None, None] * GIVEN + channel, mask=channel < GIVEN, other=0.0)
            h = tl.load(positions + pixel[:, None, None] * LONG + channel, mask=channel < CHANNELS, other=0.0)
            h += parts.summed(parts.terms(parts.ink(picture, at, STRIDE), parts.matrix(first, 24, CHANNELS, 32, C)))

            for block in range(BLOCKS):
                memory = memories + layer.to(tl.int64) * block
                h, left, right = _block(
                    h, told, left, right, weights, rest + block * REST, digit, memory, at * CHANNELS, block, going,
                    STRIDE, CHANNELS, BLOCKS, GIVEN, DIGITS, C,
                )  # fmt: skip
                if (block + 1) % ATTEND == 0:
                    number = block // ATTEND
                    memory = pairs + pair_layer.to(tl.int64) * number
                    h = attention.attend(
                        h, attending + number * ATTENTION, memory, slot * SLOT, pixel, going,
                        CHANNELS, HEADS, DIM, EPS, ROWS, C, HEADS2, DIM2, KEYS,
                    )  # fmt: skip

            threshold = tl.load(thresholds + slot * PIXELS + pixel)
            logit = parts.head(h, positions + PIXELS * LONG, CHANNELS, HEAD, C, H)
            level = parts.draw(logit, threshold, picture, at, levels, logits, row.to(tl.int64) * count + step, going)
            pair = slot * SLOT + (1 + pixel) * (2 * HEADS * PAIR) + DIM
            head = tl.arange(0, 2 * HEADS2)[None, :]
            mask = going[:, None] & (head < 2 * HEADS)
            memory = pairs
            for _ in range(BLOCKS // ATTEND):  # as `CausalAttention.write`, a pixel earlier
                tl.store(memory + pair[:, None] + head * PAIR, level.to(tl.float32)[:, None], mask=mask)
                memory += pair_layer
            tl.debug_barrier()  # the next pixel's threads read what others wrote at this one
            step += 1
