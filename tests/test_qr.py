"""QR codes, read back by a decoder that is not ours."""

import numpy as np
import pytest
import zxingcpp

from pixelcnn import BadInput
from web.qr import MASKS, MOST, correction, encode, path, patterns, penalty

ADDRESS = "http://192.168.178.123:7860/"


def drawn(modules: np.ndarray, side: int = 4) -> np.ndarray:
    """A picture of a code with its quiet zone: gray levels, dark is 0."""
    return 255 - 255 * np.kron(np.pad(modules, 4), np.ones((side, side))).astype(np.uint8)


def read(modules: np.ndarray) -> str:
    (found,) = zxingcpp.read_barcodes(drawn(modules), formats=zxingcpp.BarcodeFormat.QRCode)
    return found.text


@pytest.mark.parametrize("length", range(1, MOST + 1))
def test_an_address_of_any_length_is_read_back(length):
    text = (ADDRESS + "abcdefghij" * 10)[:length]
    modules = encode(text)
    assert read(modules) == text
    (found,) = zxingcpp.read_barcodes(drawn(modules), formats=zxingcpp.BarcodeFormat.QRCode)
    assert found.ec_level == "M"


def test_random_bytes_and_other_alphabets_are_read_back():
    letters = np.random.default_rng(0).integers(33, 127, (40, 40))
    for text in ["http://선생님.local:7860/?projector", *("".join(map(chr, row)) for row in letters)]:
        assert read(encode(text)) == text


def test_a_code_survives_a_blot():
    """Level M repairs about 15 %; a blot over the middle must not keep a class out."""
    modules = encode(ADDRESS)
    modules[12:17, 12:17] = True
    assert read(modules) == ADDRESS


@pytest.mark.parametrize("text", ["", "x" * (MOST + 1)])
def test_what_does_not_fit_is_one_sentence(text):
    with pytest.raises(BadInput, match=f"{len(text)} bytes; expected 1 to {MOST}"):
        encode(text)


def test_the_mask_with_the_least_penalty_is_taken(monkeypatch):
    best = penalty(encode(ADDRESS))
    alone = []
    for mask in range(8):
        monkeypatch.setattr("web.qr.penalty", lambda grid, mask=mask: told(grid) != mask)
        alone.append(encode(ADDRESS))
        assert told(alone[-1]) == mask and read(alone[-1]) == ADDRESS, "each mask can be read"
    assert min(map(penalty, alone)) == best and len(MASKS) == 8


def told(grid: np.ndarray) -> int:
    """The mask that a code names in its format."""
    return int("".join(str(int(module)) for module in grid[8, 2:5]), 2) ^ 0b101


def test_penalties_are_the_standards():
    checks = np.indices((21, 21)).sum(0) % 2 == 0
    assert penalty(checks) == 0
    dark = np.ones((21, 21), bool)
    assert penalty(dark) == 42 * (3 + 16) + 3 * 400 + 100


def test_error_correction_is_the_one_of_the_standards_example():
    """Annex I of ISO/IEC 18004: 01234567 in version 1-M."""
    data = [0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, *[0xEC, 0x11] * 5]
    assert correction(data, 10) == [0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55]


def test_the_modules_for_codewords_are_as_many_as_the_standard_says():
    assert [int(patterns(version)[1].sum()) for version in range(1, 7)] == [208, 359, 567, 807, 1079, 1383]


def test_the_path_covers_the_dark_modules_and_no_others():
    modules = encode(ADDRESS)
    painted = np.zeros_like(modules)
    for run in path(modules).split("z")[:-1]:
        column, rest = run[1:].split(" ")
        row, rest = rest.split("h", 1)
        painted[int(row), int(column) : int(column) + int(rest.split("v")[0])] = True
    assert (painted == modules).all()
