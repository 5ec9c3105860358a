"""Triton functions for causal attention over the memory of a `CausalAttention`, in chunks of keys.

The memory has shape (1 + H * W, 2 * heads, PAIR) per slot; its rows are padded so that every key and value is aligned to
16 bytes. Axes of a query or an output in these functions are (DIM2 / 4, HEADS2, PICTURES, 4).
"""

from pixelcnn.cuda.kernels import primitives
from pixelcnn.cuda.kernels.primitives import tl, triton

if triton is not None:

    @triton.jit
    def _load_chunk(
        pairs, slot_offset, chunk, pixel,
        HEADS: tl.constexpr, DIM: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """KEYS pairs from `chunk` on: keys, values (DIM2 / 4, HEADS2, KEYS, PICTURES, 4) and levels (KEYS, PICTURES)."""
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4  # DIM numbers, the level, and padding
        ROW: tl.constexpr = 2 * HEADS * PAIR
        dim = tl.arange(0, DIM2 // 4)[:, None, None, None, None] * 4 + tl.arange(0, 4)[None, None, None, None, :]
        head = tl.arange(0, HEADS2)[None, :, None, None, None]
        number = tl.arange(0, KEYS)
        visible = number[:, None] <= pixel[None, :] - chunk  # the null pair is number 0
        start = pairs + chunk * ROW + slot_offset[None, :]  # (1, PICTURES)
        mask = visible[None, None, :, :, None] & (head < HEADS) & (dim < DIM)
        address = start[None, None, :, :, None] + (number[None, None, :, None, None] * ROW + head * PAIR + dim)
        return (
            tl.load(address, mask=mask, other=0.0),
            tl.load(address + HEADS * PAIR, mask=mask, other=0.0),
            tl.load(start + (number[:, None] * ROW + DIM), mask=visible, other=0.0),
        )

    @triton.jit
    def _load_own(start, HEADS: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr):
        """The part of `CausalAttention.own` for keys or for values, (DIM2 / 4, HEADS2, 1, 4)."""
        head = tl.arange(0, HEADS2)[None, :, None, None]
        dim = tl.arange(0, DIM2 // 4)[:, None, None, None] * 4 + tl.arange(0, 4)[None, None, None, :]
        return tl.load(start + head * DIM2 + dim, mask=head < HEADS, other=0.0)

    @triton.jit
    def _weighted_values(
        query, own, pairs, slot_offset, pixel, keys, values, levels,
        HEADS: tl.constexpr, DIM: tl.constexpr, PICTURES: tl.constexpr,
        HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """The output of each head for a query. keys, values and levels: the first chunk, already loaded.

        Each of the KEYS positions in a chunk keeps its own running softmax over the chunks, so that threads need not
        synchronize; the KEYS results are combined at the end.
        """
        own_key, own_value = _load_own(own, HEADS, HEADS2, DIM2), _load_own(own + HEADS * DIM2, HEADS, HEADS2, DIM2)
        own_score = tl.sum(tl.sum(query * own_key, axis=3), axis=0)  # (HEADS2, PICTURES)
        maximum = tl.full((HEADS2, KEYS, PICTURES), -1e30, tl.float32)
        weight_sum = tl.zeros((HEADS2, KEYS, PICTURES), tl.float32)
        level_sum = tl.zeros((HEADS2, KEYS, PICTURES), tl.float32)
        value_sum = tl.zeros((DIM2 // 4, HEADS2, KEYS, PICTURES, 4), tl.float32)
        chunk, last = 0, tl.max(pixel, axis=0)
        while chunk <= last:
            scores = tl.sum(tl.sum(query[:, :, None, :, :] * keys, axis=4), axis=0)
            scores += own_score[:, None, :] * levels[None, :, :]
            visible = chunk + tl.arange(0, KEYS)[:, None] <= pixel[None, :]
            scores = tl.where(visible[None, :, :], scores, float("-inf"))
            new_maximum = tl.maximum(maximum, scores)
            rescale, weight = tl.exp(maximum - new_maximum), tl.exp(scores - new_maximum)
            weight_sum = weight_sum * rescale + weight
            level_sum = level_sum * rescale + weight * levels[None, :, :]
            value_sum = value_sum * rescale[None, :, :, :, None] + values * weight[None, :, :, :, None]
            maximum = new_maximum
            chunk += KEYS
            keys, values, levels = _load_chunk(pairs, slot_offset, chunk, pixel, HEADS, DIM, HEADS2, DIM2, KEYS)
        rescale = tl.exp(maximum - tl.max(maximum, axis=1)[:, None, :])
        weight_sum = tl.sum(weight_sum * rescale, axis=1)  # (HEADS2, PICTURES)
        level_sum = tl.sum(level_sum * rescale, axis=1)
        value_sum = tl.sum(value_sum * rescale[None, :, :, :, None], axis=2)
        return (value_sum + level_sum[None, :, :, None] * own_value) / weight_sum[None, :, :, None]

    @triton.jit
    def _layer_norm(h, CHANNELS: tl.constexpr, EPS: tl.constexpr, C: tl.constexpr):
        """Layer norm without weight and bias, which are folded into the next layer; zeros from CHANNELS on."""
        mean = tl.sum(tl.sum(h, axis=2), axis=1)[:, None, None] / CHANNELS
        centered = tl.where(primitives.index(C) < CHANNELS, h - mean, 0.0)
        return centered * tl.rsqrt(tl.sum(tl.sum(centered * centered, axis=2), axis=1) / CHANNELS + EPS)[:, None, None]

    @triton.jit
    def attend(
        h, start, pairs, slot_offset, pixel, active,
        CHANNELS: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr, EPS: tl.constexpr, PICTURES: tl.constexpr,
        C: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """h (PICTURES, C / 16, 16) plus its attention output. Stores the pixel's own key and value for later pixels."""
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4
        INNER2: tl.constexpr = HEADS2 * DIM2
        CHANNELS16: tl.constexpr = (CHANNELS + 15) // 16 * 16
        INNER: tl.constexpr = HEADS * DIM2
        key_value_start = start + CHANNELS16 * INNER + INNER
        out = key_value_start + 2 * (CHANNELS16 * INNER + INNER)
        keys, values, levels = _load_chunk(pairs, slot_offset, 0, pixel, HEADS, DIM, HEADS2, DIM2, KEYS)
        query_weight = primitives.matrix(start, CHANNELS, INNER, C, INNER2)
        query_bias = primitives.vector(start + CHANNELS16 * INNER, INNER, INNER2)
        key_value_weight = primitives.matrix(key_value_start, CHANNELS, 2 * INNER, C, 2 * INNER2)
        key_value_bias = primitives.vector(key_value_start + 2 * CHANNELS16 * INNER, 2 * INNER, 2 * INNER2)

        normed = _layer_norm(h, CHANNELS, EPS, C)
        key_value = primitives.reduce_sum(primitives.products(normed, key_value_weight)) + key_value_bias
        number = primitives.index(2 * INNER2)
        is_stored = (number // DIM2 < 2 * HEADS) & (number % DIM2 < DIM)
        own_offset = slot_offset + (1 + pixel) * (2 * HEADS * PAIR)
        address = pairs + own_offset[:, None, None] + number // DIM2 * PAIR + number % DIM2
        tl.store(address, key_value, mask=active[:, None, None] & is_stored)
        query = primitives.reduce_sum(primitives.products(normed, query_weight)) + query_bias
        query = tl.permute(tl.reshape(query, (PICTURES, HEADS2, DIM2 // 4, 4)), (2, 1, 0, 3))
        attended = _weighted_values(
            query, out + INNER * CHANNELS16 + CHANNELS16, pairs, slot_offset, pixel, keys, values, levels,
            HEADS, DIM, PICTURES, HEADS2, DIM2, KEYS,
        )  # fmt: skip
        attended = tl.reshape(tl.permute(attended, (2, 1, 0, 3)), (PICTURES, INNER2 // 16, 16))
        out_weight = primitives.matrix(out, INNER, CHANNELS, INNER2, C)
        out_bias = primitives.vector(out + INNER * CHANNELS16, CHANNELS, C)
        return h + primitives.reduce_sum(primitives.products(attended, out_weight)) + out_bias
