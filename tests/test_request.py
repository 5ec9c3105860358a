"""Bad input gets one sentence: what was given, what was expected, what to do."""

import math

import numpy as np
import pytest
import torch
from conftest import tiny_model

from pixelcnn import BadInput, Request, complete
from pixelcnn.request import levels_of

ROWS, COLUMNS = 5, 6
EMPTY = np.zeros((ROWS, COLUMNS), int)
MODEL = tiny_model("pixelcnn", ROWS, COLUMNS)
TOP = np.repeat([1, 1, 0, 0, 0], COLUMNS).reshape(ROWS, COLUMNS)


def refusal(**given) -> str:
    fields = {"drawing": EMPTY, "known": TOP} | given
    with pytest.raises(BadInput) as caught:
        Request(**fields).check(MODEL)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 250
    return sentence


@pytest.mark.parametrize(
    ("drawing", "says"),
    [
        (EMPTY[:2], "2 x 6"),
        (EMPTY[0], "drawing is 6;"),
        (3, "not a table of numbers"),
        (np.array(3), "a single number"),
        (np.zeros((5, 6, 3)), "5 x 6 x 3"),
        ([[1, 2], [3]], "not a table of numbers"),
        ("hello", "not a table of numbers"),
        (np.zeros((5, 6), complex), "not a table of numbers"),
        (torch.zeros(5, 6, dtype=torch.bfloat16), "cannot be made a NumPy array"),
        (torch.zeros(5, 6, requires_grad=True), "cannot be made a NumPy array"),
        ([np.array(1)] * 5, "not a table of numbers"),
        ({"a": 1}, "not a table of numbers"),
        ([["x"] * 6] * 5, "not a table of numbers"),
        (["x" * 20_000, *[0] * 20_000], "not a table of numbers"),
        ([[[1] * 6] * 6] * 5, "not a table of numbers"),
        ([], "not a table of numbers"),
        ([[]] * 5, "5 x 0"),
        ([[0] * 6] * 100_000, "100000 x 6"),
        ([[10**400] * 6] * 5, "far too large"),
        (np.full((5, 6), math.nan), "NaN"),
        (np.full((5, 6), math.inf), "infinity"),
        (np.full((5, 6), 256), "from 0 to 256"),
        (np.full((5, 6), -1), "from -1 to 0"),
    ],
)
def test_a_drawing_that_is_no_drawing(drawing, says):
    sentence = refusal(drawing=drawing)
    assert says in sentence and "expected 5 rows of 6 numbers from 0 to 255" in sentence


def test_a_mask_that_is_no_mask():
    assert "between 0 and 1" in refusal(known=TOP * 0.5)
    assert "from 0 to 2" in refusal(known=TOP * 2)
    assert "2 x 6" in refusal(known=TOP[:2])


def test_nothing_to_fill():
    assert "nothing to fill" in refusal(known=np.ones_like(TOP))


def test_a_known_pixel_after_an_unknown_one_is_refused_by_name_and_place():
    known = TOP.copy()
    known[3, 4] = 1
    sentence = refusal(known=known)
    assert "pixelcnn" in sentence and "known pixel (3, 4)" in sentence and "unknown pixel (2, 0)" in sentence


@pytest.mark.parametrize(
    "samples", [0, 65, -1, 2.5, "4", None, True, math.nan, math.inf, 10**30, pytest.param(10**5000, id="huge"), [1]]
)
def test_samples(samples):
    assert "whole number from 1 to 64" in refusal(samples=samples)


@pytest.mark.parametrize("seed", [-1, 2**53, 0.5, "0" * 10_000, None, [1], pytest.param(10**5000, id="huge")])
def test_seeds(seed):
    assert "seed is" in refusal(seed=seed)


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf, "1", None, True, 10**400, [1]])
def test_temperatures(temperature):
    assert "above 0" in refusal(temperature=temperature)


def test_digits():
    assert "cannot be told to draw a" in refusal(digit=3)
    assert "from -2 to 9" in refusal(digit=10)
    assert "knows no digits of which to draw one" in refusal(digit=-2)


def test_an_empty_picture_is_fine():
    checked = Request().check(MODEL)
    assert not checked.picture.any() and len(checked.order) == ROWS * COLUMNS


def test_plain_lists_booleans_and_numpy_numbers_are_fine():
    request = Request(EMPTY.tolist(), (TOP == 1).tolist(), np.int64(2), np.float32(0.5), np.int64(7))
    checked = request.check(MODEL)
    assert (len(checked.order), checked.samples, checked.temperature, checked.seed) == (18, 2, 0.5, 7)


def test_whole_numbers_may_come_as_floats_as_json_has_them():
    checked = Request(samples=4.0, seed=7.0, digit=-1.0).check(MODEL)
    assert (checked.samples, checked.seed, checked.digit) == (4, 7, -1)


def test_whatever_stands_under_unknown_pixels_is_not_looked_at():
    drawing = np.where(TOP == 1, 200.0, math.nan)
    drawing[4, 5], drawing[3, 3] = -7, 1e9
    for given in (drawing, drawing.tolist(), list(drawing), [list(row) for row in drawing]):
        assert Request(given, TOP).check(MODEL).picture.tolist() == TOP.tolist()
    strange = drawing.tolist()
    strange[4] = [None, "x", 10**400, [], {}, True]  # NaN comes through JavaScript as null
    assert Request(strange, TOP).check(MODEL).picture.tolist() == TOP.tolist()
    strange[0][2] = None
    assert "not a table of numbers" in refusal(drawing=strange)


def test_the_coldest_temperature_is_still_a_number():
    gray = tiny_model("pixelcnn_pp", 4, 4)
    trace = complete(gray, temperature=5e-324)
    assert np.isfinite(trace.chosen).all() and (trace.images == complete(gray, temperature=1e-9).images).all()


def test_ink_becomes_levels_as_the_contract_says():
    ink = np.array([[0, 127, 128, 255]])
    assert levels_of(ink, 2).tolist() == [[0, 0, 1, 1]]
    assert levels_of(ink, 256).tolist() == ink.tolist()
