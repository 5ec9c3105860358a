"""QR codes of short texts, such as the address that a class joins: byte mode, level M, versions 1 to 6.

Terms and steps are those of ISO/IEC 18004:2015: data analysis and encodation (7.4), error correction (7.5), codeword
placement (7.7), masking (7.8), format information (7.9). Versions from 7 on, which need version information and more
alignment patterns, are not implemented: addresses are shorter.
"""

import numpy as np

from pixelcnn.errors import InputError

# For each version at level M: error correction codewords per block, data codewords of each block (table 9).
BLOCKS = {1: (10, [16]), 2: (16, [28]), 3: (26, [44]), 4: (18, [32] * 2), 5: (24, [43] * 2), 6: (16, [27] * 4)}
MAX_BYTES = sum(BLOCKS[6][1]) - 2  # without four bits of mode, eight of length and four of terminator

# The modules that each mask inverts, by row i and column j (table 10).
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
FINDER_ROW = [1, 0, 1, 1, 1, 0, 1]
FINDER_LIKE = [np.array(row) for row in (FINDER_ROW + [0] * 4, [0] * 4 + FINDER_ROW)]


def encode(text: str) -> np.ndarray:
    """The modules of the text's QR code, bool (size, size), True is dark, without the quiet zone of four modules.

    Raises InputError if the text is empty or has more than MAX_BYTES bytes.
    """
    data = text.encode()
    if not 1 <= len(data) <= MAX_BYTES:
        raise InputError(
            "qr_text_length",
            "The text for a QR code has {count} bytes; expected 1 to {maximum}. Use a shorter address.",
            count=len(data),
            maximum=MAX_BYTES,
        )
    version = next(version for version, (_, blocks) in BLOCKS.items() if sum(blocks) - 2 >= len(data))
    grid, free = function_patterns(version)
    place_codewords(grid, free, codewords(data, version))
    rows, columns = np.indices(grid.shape)
    candidates = []
    for number, inverts in enumerate(MASKS):
        candidate = grid ^ (inverts(rows, columns) & free)
        write_format(candidate, number)
        candidates.append(candidate)
    return min(candidates, key=penalty)


def svg_path(modules: np.ndarray) -> str:
    """The dark modules as the `d` attribute of an SVG path, one unit a module: a rectangle for each run in a row."""
    parts = []
    for row, line in enumerate(modules):
        edges = np.flatnonzero(np.diff(np.pad(line.astype(int), 1)))
        parts += [f"M{begin} {row}h{end - begin}v1h{begin - end}z" for begin, end in edges.reshape(-1, 2)]
    return "".join(parts)


# --- codewords


def generator_powers() -> list[int]:
    """The powers of the generator of GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    powers = [1]
    while len(powers) < 255:
        powers.append(powers[-1] * 2 ^ (0x11D if powers[-1] & 128 else 0))
    return powers


POWERS = generator_powers()
LOGS = {value: exponent for exponent, value in enumerate(POWERS)}


def gf_multiply(a: int, b: int) -> int:
    """The product in GF(256)."""
    return POWERS[(LOGS[a] + LOGS[b]) % 255] if a and b else 0


def error_correction(data: list[int], count: int) -> list[int]:
    """The remainder of the Reed-Solomon division: `count` codewords, which can repair half as many errors."""
    divisor = [1]
    for root in POWERS[:count]:
        shifted = [gf_multiply(factor, root) for factor in divisor]
        divisor = [a ^ b for a, b in zip([*divisor, 0], [0, *shifted], strict=True)]
    remainder = data + [0] * count
    for start in range(len(data)):
        lead = remainder[start]
        for offset, factor in enumerate(divisor):
            remainder[start + offset] ^= gf_multiply(factor, lead)
    return remainder[len(data) :]


def codewords(data: bytes, version: int) -> list[int]:
    """Mode, length, data and padding in blocks, followed by their error correction, both interleaved over the blocks."""
    count, lengths = BLOCKS[version]
    bits = f"0100{len(data):08b}" + "".join(f"{byte:08b}" for byte in data) + "0000"
    words = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    words += [0xEC, 0x11] * sum(lengths)
    blocks = [words[sum(lengths[:block]) :][:length] for block, length in enumerate(lengths)]
    corrections = [error_correction(block, count) for block in blocks]
    return [word for group in (*zip(*blocks, strict=True), *zip(*corrections, strict=True)) for word in group]


# --- modules


def function_patterns(version: int) -> tuple[np.ndarray, np.ndarray]:
    """A grid with finder, timing and alignment patterns, and the modules that are free for codewords, bool (size, size)."""
    size = 17 + 4 * version
    grid, free = np.zeros((size, size), bool), np.ones((size, size), bool)
    grid[6, ::2] = grid[::2, 6] = True  # timing
    free[6] = free[:, 6] = False
    ring = np.maximum(*np.abs(np.indices((9, 9)) - 4))  # distance from a finder's center: 2 and 4 are light
    for bottom, right in ((0, 0), (0, 1), (1, 0)):
        rows, columns = (slice(-8, None) if end else slice(0, 8) for end in (bottom, right))
        visible = tuple(slice(0, 8) if end else slice(1, 9) for end in (bottom, right))
        grid[rows, columns] = np.isin(ring, (0, 1, 3))[visible]
    free[:9, :9] = free[:9, -8:] = free[-8:, :9] = False  # finders, and the format information beside them
    if version > 1:
        grid[-9:-4, -9:-4] = ring[2:7, 2:7] != 1
        free[-9:-4, -9:-4] = False
    grid[-8, 8] = True  # always dark
    return grid, free


def place_codewords(grid: np.ndarray, free: np.ndarray, words: list[int]) -> None:
    """Write codewords bit by bit into columns of two modules, from the right, alternately upwards and downwards."""
    bits = iter("".join(f"{word:08b}" for word in words))
    size = len(grid)
    for number, right in enumerate([*range(size - 1, 6, -2), 5, 3, 1]):
        for row in range(size)[:: 1 if number % 2 else -1]:
            for column in (right, right - 1):
                if free[row, column]:
                    grid[row, column] = next(bits, "0") == "1"


def write_format(grid: np.ndarray, mask: int) -> None:
    """Write the format information twice: the level, 00 for M, and the mask, with a BCH code."""
    remainder = mask << 10
    for bit in range(14, 9, -1):
        remainder ^= 0x537 << (bit - 10) if remainder >> bit & 1 else 0
    bits = np.array([((mask << 10 | remainder) ^ 0x5412) >> bit & 1 for bit in range(15)], bool)
    grid[[0, 1, 2, 3, 4, 5, 7, 8], 8], grid[8, [7, 5, 4, 3, 2, 1, 0]] = bits[:8], bits[8:]
    grid[8, -1:-9:-1], grid[-7:, 8] = bits[:8], bits[8:]


def penalty(grid: np.ndarray) -> int:
    """The penalty of a masked code: runs, blocks, finder-like patterns, unequal shares of dark and light (table 11)."""
    score = 10 * int(abs(20 * grid.mean() - 10))
    equal = grid[1:] == grid[:-1]
    score += 3 * int((equal[:, 1:] & equal[:, :-1] & (grid[1:, 1:] == grid[1:, :-1])).sum())
    for line in (*grid, *grid.T):
        edges = np.flatnonzero(np.diff(line.astype(int))) + 1
        runs = np.diff([0, *edges, len(line)])
        score += int((runs[runs >= 5] - 2).sum())
        windows = np.lib.stride_tricks.sliding_window_view(line, 11)
        score += 40 * sum(int((windows == shape).all(1).sum()) for shape in FINDER_LIKE)
    return score
