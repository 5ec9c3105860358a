"""QR codes, checked with an independent decoder and against examples of the standard."""

import numpy as np
import pytest
import zxingcpp

from pixelcnn import InputError
from web.classroom.qr_code import MASKS, MAX_BYTES, encode, error_correction, function_patterns, penalty, svg_path

ADDRESS = "http://192.168.178.123:7860/"


def render(modules: np.ndarray, side: int = 4) -> np.ndarray:
    """A picture of a code with its quiet zone, gray levels, dark is 0."""
    return 255 - 255 * np.kron(np.pad(modules, 4), np.ones((side, side))).astype(np.uint8)


def decode(modules: np.ndarray) -> str:
    (found,) = zxingcpp.read_barcodes(render(modules), formats=zxingcpp.BarcodeFormat.QRCode)
    return found.text


@pytest.mark.parametrize("length", range(1, MAX_BYTES + 1))
def test_an_address_of_any_length_is_decoded(length):
    text = (ADDRESS + "abcdefghij" * 10)[:length]
    modules = encode(text)
    assert decode(modules) == text
    (found,) = zxingcpp.read_barcodes(render(modules), formats=zxingcpp.BarcodeFormat.QRCode)
    assert found.ec_level == "M"


def test_random_bytes_and_other_scripts_are_decoded():
    letters = np.random.default_rng(0).integers(33, 127, (40, 40))
    for text in ["http://선생님.local:7860/?projector", *("".join(map(chr, row)) for row in letters)]:
        assert decode(encode(text)) == text


def test_a_damaged_code_is_decoded():
    """Level M repairs about 15 %."""
    modules = encode(ADDRESS)
    modules[12:17, 12:17] = True
    assert decode(modules) == ADDRESS


@pytest.mark.parametrize("text", ["", "x" * (MAX_BYTES + 1)])
def test_a_text_of_the_wrong_length_is_rejected(text):
    with pytest.raises(InputError) as caught:
        encode(text)
    assert caught.value.code == "qr_text_length"
    assert caught.value.params == {"count": len(text), "maximum": MAX_BYTES}


def test_the_mask_with_the_lowest_penalty_is_used(monkeypatch):
    best = penalty(encode(ADDRESS))
    codes = []
    for mask in range(8):
        monkeypatch.setattr("web.classroom.qr_code.penalty", lambda grid, mask=mask: mask_of(grid) != mask)
        codes.append(encode(ADDRESS))
        assert mask_of(codes[-1]) == mask and decode(codes[-1]) == ADDRESS, "codes with every mask are decoded"
    assert min(map(penalty, codes)) == best and len(MASKS) == 8


def mask_of(grid: np.ndarray) -> int:
    """The number of the mask in the format information of a code."""
    return int("".join(str(int(module)) for module in grid[8, 2:5]), 2) ^ 0b101


def test_penalties_are_those_of_the_standard():
    checkerboard = np.indices((21, 21)).sum(0) % 2 == 0
    assert penalty(checkerboard) == 0
    dark = np.ones((21, 21), bool)
    assert penalty(dark) == 42 * (3 + 16) + 3 * 400 + 100


def test_error_correction_is_that_of_the_standards_example():
    """Annex I of ISO/IEC 18004: 01234567 in version 1-M."""
    data = [0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, *[0xEC, 0x11] * 5]
    assert error_correction(data, 10) == [0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55]


def test_the_number_of_modules_for_codewords_is_that_of_the_standard():
    assert [int(function_patterns(version)[1].sum()) for version in range(1, 7)] == [208, 359, 567, 807, 1079, 1383]


def test_the_svg_path_covers_exactly_the_dark_modules():
    modules = encode(ADDRESS)
    covered = np.zeros_like(modules)
    for run in svg_path(modules).split("z")[:-1]:
        column, rest = run[1:].split(" ")
        row, rest = rest.split("h", 1)
        covered[int(row), int(column) : int(column) + int(rest.split("v")[0])] = True
    assert (covered == modules).all()
