"""QR codes of short texts, so that a class need not type an address: bytes, level M, versions 1 to 6. Knows of no page.

Names and steps are those of ISO/IEC 18004:2015: data analysis and encodation (7.4), error correction (7.5), codeword
placement (7.7), masking (7.8), format information (7.9). Versions from 7 on, with version information and more alignment
patterns, are left out: an address is shorter.
"""

import numpy as np

from pixelcnn.errors import BadInput

# Of each version at level M: codewords of error correction in a block, data codewords in each block (table 9).
BLOCKS = {1: (10, [16]), 2: (16, [28]), 3: (26, [44]), 4: (18, [32] * 2), 5: (24, [43] * 2), 6: (16, [27] * 4)}
MOST = sum(BLOCKS[6][1]) - 2  # bytes; four bits tell the mode, eight the length, four the end

# Which modules a mask turns, by row and column (table 10).
MASKS = [
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 + 0 * j == 0,
    lambda i, j: j % 3 + 0 * i == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
]
FINDER = np.array([1, 0, 1, 1, 1, 0, 1])
LIKE_A_FINDER = [np.concatenate(pair) for pair in ([FINDER, [0] * 4], [[0] * 4, FINDER])]


def encode(text: str) -> np.ndarray:
    """Modules of a text's code, (size, size) bool, dark is True, without the quiet zone of four around it."""
    data = text.encode()
    if not 1 <= len(data) <= MOST:
        raise BadInput(f"The text for a QR code has {len(data)} bytes; expected 1 to {MOST}, give a shorter address.")
    version = next(version for version, (_, blocks) in BLOCKS.items() if sum(blocks) - 2 >= len(data))
    grid, free = patterns(version)
    place(grid, free, codewords(data, version))
    rows, columns = np.indices(grid.shape)
    masked = []
    for number, turns in enumerate(MASKS):
        candidate = grid ^ (turns(rows, columns) & free)
        tell_format(candidate, number)
        masked.append(candidate)
    return min(masked, key=penalty)


def path(modules: np.ndarray) -> str:
    """The dark modules as the `d` of an SVG path, a module 1 x 1: each run in a row is one rectangle."""
    parts = []
    for row, line in enumerate(modules):
        edges = np.flatnonzero(np.diff(np.pad(line.astype(int), 1)))
        parts += [f"M{begin} {row}h{end - begin}v1h{begin - end}z" for begin, end in edges.reshape(-1, 2)]
    return "".join(parts)


# --- codewords


def powers() -> list[int]:
    """Powers of the generator of GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    found = [1]
    while len(found) < 255:
        found.append(found[-1] * 2 ^ (0x11D if found[-1] & 128 else 0))
    return found


POWERS = powers()
LOGS = {value: exponent for exponent, value in enumerate(POWERS)}


def times(a: int, b: int) -> int:
    return POWERS[(LOGS[a] + LOGS[b]) % 255] if a and b else 0


def correction(data: list[int], count: int) -> list[int]:
    """The Reed-Solomon remainder: codewords that let a reader repair half as many."""
    divisor = [1]
    for root in POWERS[:count]:
        shifted = [times(factor, root) for factor in divisor]
        divisor = [a ^ b for a, b in zip([*divisor, 0], [0, *shifted], strict=True)]
    rest = data + [0] * count
    for start in range(len(data)):
        lead = rest[start]
        for further, factor in enumerate(divisor):
            rest[start + further] ^= times(factor, lead)
    return rest[len(data) :]


def codewords(data: bytes, version: int) -> list[int]:
    """Mode, length, bytes and padding, in blocks with their correction, taken in turns from all blocks."""
    count, lengths = BLOCKS[version]
    bits = f"0100{len(data):08b}" + "".join(f"{byte:08b}" for byte in data) + "0000"
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    words += [0xEC, 0x11] * sum(lengths)
    blocks = [words[sum(lengths[:block]) :][:length] for block, length in enumerate(lengths)]
    corrections = [correction(block, count) for block in blocks]
    return [word for turn in (*zip(*blocks, strict=True), *zip(*corrections, strict=True)) for word in turn]


# --- modules


def patterns(version: int) -> tuple[np.ndarray, np.ndarray]:
    """Finders, timing and alignment on an empty grid, and which modules are free for codewords."""
    size = 17 + 4 * version
    grid, free = np.zeros((size, size), bool), np.ones((size, size), bool)
    grid[6, ::2] = grid[::2, 6] = True  # timing
    free[6] = free[:, 6] = False
    ring = np.maximum(*np.abs(np.indices((9, 9)) - 4))  # around a finder's middle: 2 and 4 are light
    for down, right in ((0, 0), (0, 1), (1, 0)):
        rows, columns = (slice(-8, None) if far else slice(0, 8) for far in (down, right))
        near = (slice(0, 8) if far else slice(1, 9) for far in (down, right))
        grid[rows, columns] = np.isin(ring, (0, 1, 3))[tuple(near)]
    free[:9, :9] = free[:9, -8:] = free[-8:, :9] = False  # finders, and the format beside them
    if version > 1:
        grid[-9:-4, -9:-4] = ring[2:7, 2:7] != 1
        free[-9:-4, -9:-4] = False
    grid[-8, 8] = True  # always dark
    return grid, free


def place(grid: np.ndarray, free: np.ndarray, words: list[int]) -> None:
    """Codewords bit by bit in columns of two modules, from the right, up and down in turns."""
    bits = iter("".join(f"{word:08b}" for word in words))
    size = len(grid)
    for turn, right in enumerate([*range(size - 1, 6, -2), 5, 3, 1]):
        for row in range(size)[:: 1 if turn % 2 else -1]:
            for column in (right, right - 1):
                if free[row, column]:
                    grid[row, column] = next(bits, "0") == "1"


def tell_format(grid: np.ndarray, mask: int) -> None:
    """Write the level, which is 00 for M, and the mask twice, guarded by a BCH code."""
    rest = mask << 10
    for bit in range(14, 9, -1):
        rest ^= 0x537 << (bit - 10) if rest >> bit & 1 else 0
    bits = np.array([((mask << 10 | rest) ^ 0x5412) >> bit & 1 for bit in range(15)], bool)
    grid[[0, 1, 2, 3, 4, 5, 7, 8], 8], grid[8, [7, 5, 4, 3, 2, 1, 0]] = bits[:8], bits[8:]
    grid[8, -1:-9:-1], grid[-7:, 8] = bits[:8], bits[8:]


def penalty(grid: np.ndarray) -> int:
    """How hard a code is to read: runs, blocks, what looks like a finder, and too much of one colour (table 11)."""
    score = 10 * int(abs(20 * grid.mean() - 10))
    alike = grid[1:] == grid[:-1]
    score += 3 * int((alike[:, 1:] & alike[:, :-1] & (grid[1:, 1:] == grid[1:, :-1])).sum())
    for line in (*grid, *grid.T):
        edges = np.flatnonzero(np.diff(line.astype(int))) + 1
        runs = np.diff([0, *edges, len(line)])
        score += int((runs[runs >= 5] - 2).sum())
        windows = np.lib.stride_tricks.sliding_window_view(line, 11)
        score += 40 * sum(int((windows == shape).all(1).sum()) for shape in LIKE_A_FINDER)
    return score
