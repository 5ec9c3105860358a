"""Attention in a kernel, over the memory of a `CausalAttention`, a chunk of keys at a time.

The memory's rows are padded, so that every key and every value begins at 16 bytes: (1 + H * W, 2 * heads, PAIR) a slot.
"""

from pixelcnn.kernels import parts
from pixelcnn.kernels.parts import tl, triton

if triton is not None:

    @triton.jit
    def _chunk(
        pairs, place, chunk, pixel,
        HEADS: tl.constexpr, DIM: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """Pairs from number `chunk` on: keys and values, (DIM2 / 4, HEADS2, KEYS, ROWS, 4), and levels, (KEYS, ROWS)."""
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4  # a chunk's numbers, its level, and room
        ROW: tl.constexpr = 2 * HEADS * PAIR
        dim = tl.arange(0, DIM2 // 4)[:, None, None, None, None] * 4 + tl.arange(0, 4)[None, None, None, None, :]
        head = tl.arange(0, HEADS2)[None, :, None, None, None]
        number = tl.arange(0, KEYS)
        before = number[:, None] <= pixel[None, :] - chunk  # the null pair is number 0
        start = pairs + chunk * ROW + place[None, :]  # (1, ROWS)
        mask = before[None, None, :, :, None] & (head < HEADS) & (dim < DIM)
        at = start[None, None, :, :, None] + (number[None, None, :, None, None] * ROW + head * PAIR + dim)
        return (
            tl.load(at, mask=mask, other=0.0),
            tl.load(at + HEADS * PAIR, mask=mask, other=0.0),
            tl.load(start + (number[:, None] * ROW + DIM), mask=before, other=0.0),
        )

    @triton.jit
    def _own(start, HEADS: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr):
        """What a level adds to keys, or to values, (DIM2 / 4, HEADS2, 1, 4)."""
        head = tl.arange(0, HEADS2)[None, :, None, None]
        dim = tl.arange(0, DIM2 // 4)[:, None, None, None] * 4 + tl.arange(0, 4)[None, None, None, :]
        return tl.load(start + head * DIM2 + dim, mask=head < HEADS, other=0.0)

    @triton.jit
    def _looked(
        query, own, pairs, place, pixel, keys, values, levels,
        HEADS: tl.constexpr, DIM: tl.constexpr, ROWS: tl.constexpr,
        HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """What heads see, (DIM2 / 4, HEADS2, ROWS, 4), of a query in that shape; keys, values and levels: the first chunk.

        Every place in a chunk keeps a softmax of its own from chunk to chunk, so that threads need not wait for each other.
        """
        own_key, own_value = _own(own, HEADS, HEADS2, DIM2), _own(own + HEADS * DIM2, HEADS, HEADS2, DIM2)
        own_score = tl.sum(tl.sum(query * own_key, axis=3), axis=0)  # (HEADS2, ROWS)
        most = tl.full((HEADS2, KEYS, ROWS), -1e30, tl.float32)
        total = tl.zeros((HEADS2, KEYS, ROWS), tl.float32)
        inked = tl.zeros((HEADS2, KEYS, ROWS), tl.float32)
        seen = tl.zeros((DIM2 // 4, HEADS2, KEYS, ROWS, 4), tl.float32)
        chunk, last = 0, tl.max(pixel, axis=0)
        while chunk <= last:
            scores = tl.sum(tl.sum(query[:, :, None, :, :] * keys, axis=4), axis=0)
            scores += own_score[:, None, :] * levels[None, :, :]
            before = chunk + tl.arange(0, KEYS)[:, None] <= pixel[None, :]
            scores = tl.where(before[None, :, :], scores, float("-inf"))
            highest = tl.maximum(most, scores)
            shrunk, weight = tl.exp(most - highest), tl.exp(scores - highest)
            total = total * shrunk + weight
            inked = inked * shrunk + weight * levels[None, :, :]
            seen = seen * shrunk[None, :, :, :, None] + values * weight[None, :, :, :, None]
            most = highest
            chunk += KEYS
            keys, values, levels = _chunk(pairs, place, chunk, pixel, HEADS, DIM, HEADS2, DIM2, KEYS)
        share = tl.exp(most - tl.max(most, axis=1)[:, None, :])
        total, inked = tl.sum(total * share, axis=1), tl.sum(inked * share, axis=1)  # (HEADS2, ROWS)
        seen = tl.sum(seen * share[None, :, :, :, None], axis=2)
        return (seen + inked[None, :, :, None] * own_value) / total[None, :, :, None]

    @triton.jit
    def _normed(h, CHANNELS: tl.constexpr, EPS: tl.constexpr, C: tl.constexpr):
        """A layer norm without weight and bias; zeros behind CHANNELS."""
        mean = tl.sum(tl.sum(h, axis=2), axis=1)[:, None, None] / CHANNELS
        apart = tl.where(parts.index(C) < CHANNELS, h - mean, 0.0)
        return apart * tl.rsqrt(tl.sum(tl.sum(apart * apart, axis=2), axis=1) / CHANNELS + EPS)[:, None, None]

    @triton.jit
    def attend(
        h, start, pairs, place, pixel, going,
        CHANNELS: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr, EPS: tl.constexpr, ROWS: tl.constexpr,
        C: tl.constexpr, HEADS2: tl.constexpr, DIM2: tl.constexpr, KEYS: tl.constexpr,
    ):  # fmt: skip
        """Attention on h (ROWS, C / 16, 16), added to it; the pixel's own pair goes where later pixels read it."""
        PAIR: tl.constexpr = (DIM + 4) // 4 * 4
        INNER2: tl.constexpr = HEADS2 * DIM2
        LONG: tl.constexpr = (CHANNELS + 15) // 16 * 16
        INNER: tl.constexpr = HEADS * DIM2
        key_value = start + LONG * INNER + INNER
        out = key_value + 2 * (LONG * INNER + INNER)
        keys, values, levels = _chunk(pairs, place, 0, pixel, HEADS, DIM, HEADS2, DIM2, KEYS)
        asking = parts.matrix(start, CHANNELS, INNER, C, INNER2)
        asking_bias = parts.vector(start + LONG * INNER, INNER, INNER2)
        telling = parts.matrix(key_value, CHANNELS, 2 * INNER, C, 2 * INNER2)
        telling_bias = parts.vector(key_value + 2 * LONG * INNER, 2 * INNER, 2 * INNER2)

        normed = _normed(h, CHANNELS, EPS, C)
        told = parts.summed(parts.terms(normed, telling)) + telling_bias
        number = parts.index(2 * INNER2)
        there = (number // DIM2 < 2 * HEADS) & (number % DIM2 < DIM)
        own = place + (1 + pixel) * (2 * HEADS * PAIR)
        at = pairs + own[:, None, None] + number // DIM2 * PAIR + number % DIM2
        tl.store(at, told, mask=going[:, None, None] & there)
        query = parts.summed(parts.terms(normed, asking)) + asking_bias
        query = tl.permute(tl.reshape(query, (ROWS, HEADS2, DIM2 // 4, 4)), (2, 1, 0, 3))
        seen = _looked(
            query, out + INNER * LONG + LONG, pairs, place, pixel, keys, values, levels,
            HEADS, DIM, ROWS, HEADS2, DIM2, KEYS,
        )  # fmt: skip
        seen = tl.reshape(tl.permute(seen, (2, 1, 0, 3)), (ROWS, INNER2 // 16, 16))
        back = parts.matrix(out, INNER, CHANNELS, INNER2, C)
        return h + parts.summed(parts.terms(seen, back)) + parts.vector(out + INNER * LONG, CHANNELS, C)
