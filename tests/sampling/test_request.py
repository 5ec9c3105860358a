"""Validation of requests: what is accepted, and the code and parameters of the error for everything else."""

import math

import numpy as np
import pytest
import torch
from conftest import tiny_model

from pixelcnn import InputError, Request, complete

ROWS, COLUMNS = 5, 6
EMPTY = np.zeros((ROWS, COLUMNS), int)
MODEL = tiny_model("pixelcnn", ROWS, COLUMNS)
TOP = np.repeat([1, 1, 0, 0, 0], COLUMNS).reshape(ROWS, COLUMNS)


def error_for(**fields) -> InputError:
    """The error of a request, after checking that its message is one or two short sentences."""
    with pytest.raises(InputError) as caught:
        Request(**({"drawing": EMPTY, "known": TOP} | fields)).validate(MODEL)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 300
    return caught.value


@pytest.mark.parametrize(
    ("drawing", "code", "params"),
    [
        (EMPTY[:2], "wrong_shape", {"given": "2 x 6"}),
        (EMPTY[0], "wrong_shape", {"given": "6"}),
        (3, "not_a_table", {}),
        (np.array(3), "wrong_shape", {"given": "()"}),
        (np.zeros((5, 6, 3)), "wrong_shape", {"given": "5 x 6 x 3"}),
        ([[1, 2], [3]], "not_a_table", {}),
        ("hello", "not_a_table", {}),
        (np.zeros((5, 6), complex), "not_a_table", {}),
        (torch.zeros(5, 6, dtype=torch.bfloat16), "not_a_table", {}),
        (torch.zeros(5, 6, requires_grad=True), "not_a_table", {}),
        ([np.array(1)] * 5, "not_a_table", {}),
        ({"a": 1}, "not_a_table", {}),
        ([["x"] * 6] * 5, "not_a_table", {}),
        (["x" * 20_000, *[0] * 20_000], "not_a_table", {}),
        ([[[1] * 6] * 6] * 5, "not_a_table", {}),
        ([], "not_a_table", {}),
        ([[]] * 5, "wrong_shape", {"given": "5 x 0"}),
        ([[0] * 6] * 100_000, "wrong_shape", {"given": "100000 x 6"}),
        ([[10**400] * 6] * 5, "number_too_large", {}),
        (np.full((5, 6), math.nan), "not_finite", {}),
        (np.full((5, 6), math.inf), "not_finite", {}),
        (np.full((5, 6), 256), "value_out_of_range", {"lowest": "0", "highest": "256"}),
        (np.full((5, 6), -1), "value_out_of_range", {"lowest": "-1", "highest": "0"}),
    ],
)
def test_invalid_drawings_are_refused(drawing, code, params):
    error = error_for(drawing=drawing)
    assert error.code == code
    assert {"name": "drawing", "maximum": 255, **params}.items() <= error.params.items()
    if code in ("wrong_shape", "not_a_table", "number_too_large"):
        assert (error.params["rows"], error.params["columns"]) == (5, 6)


@pytest.mark.parametrize(
    ("drawing", "highest"),
    [
        (np.full((5, 6), 1.0), "1"),
        (np.eye(5, 6, dtype=np.float32) / 2, "0.5"),
        (torch.eye(5, 6), "1"),
        (np.eye(5, 6, dtype=bool), "1"),
        ([[True] * 6] * 5, "1"),
        ([[0, 0.25, 0, 0, 0, 0.5]] * 5, "0.5"),
    ],
)
def test_ink_up_to_one_that_is_not_an_integer_is_refused(drawing, highest):
    """Such a drawing is meant to be dark and would be paper. A pixel of 256 levels may hold the integer 1."""
    error = error_for(drawing=drawing)
    assert error.code == "ink_not_scaled" and error.params == {"highest": highest}


def test_integers_up_to_one_and_blank_drawings_of_any_type_are_accepted():
    for drawing in (np.eye(5, 6, dtype=int), [[1] * 6] * 5, np.zeros((5, 6)), np.zeros((5, 6), bool), 255 * np.eye(5, 6)):
        Request(drawing, TOP).validate(MODEL)
    below = np.zeros((5, 6))
    below[3:] = 0.5
    Request(below, TOP).validate(MODEL)  # unknown pixels are not read


@pytest.mark.parametrize("model", ["pixelcnn", None])
def test_a_name_is_not_a_model(model):
    with pytest.raises(InputError) as caught:
        complete(model, EMPTY, TOP)
    assert caught.value.code == "not_a_model" and caught.value.params == {"given": repr(model)}


def test_invalid_masks_are_refused():
    assert error_for(known=TOP * 0.5).code == "known_not_binary"
    error = error_for(known=TOP * 2)
    assert error.code == "value_out_of_range" and error.params["name"] == "known" and error.params["highest"] == "2"
    error = error_for(known=TOP[:2])
    assert error.code == "wrong_shape" and error.params["name"] == "known" and error.params["given"] == "2 x 6"


def test_a_full_mask_is_refused():
    assert error_for(known=np.ones_like(TOP)).code == "nothing_unknown"


def test_a_known_pixel_after_an_unknown_one_is_refused_with_its_position():
    known = TOP.copy()
    known[3, 4] = 1
    error = error_for(known=known)
    assert error.code == "known_after_unknown"
    assert error.params == {"model": "pixelcnn", "row": 4, "column": 5, "unknown_row": 3, "unknown_column": 1}


@pytest.mark.parametrize(
    "samples", [0, 65, -1, 2.5, "4", None, True, math.nan, math.inf, 10**30, pytest.param(10**5000, id="huge"), [1]]
)
def test_invalid_samples_are_refused(samples):
    error = error_for(samples=samples)
    assert error.code == "not_a_whole_number"
    assert (error.params["name"], error.params["minimum"], error.params["maximum"]) == ("samples", 1, 64)


@pytest.mark.parametrize("seed", [-1, 2**53, 0.5, "0" * 10_000, None, [1], pytest.param(10**5000, id="huge")])
def test_invalid_seeds_are_refused(seed):
    error = error_for(seed=seed)
    assert (error.code, error.params["name"], error.params["maximum"]) == ("not_a_whole_number", "seed", 2**53 - 1)


@pytest.mark.parametrize("first_sample", [-1, 64, 0.5, "0", None, True])
def test_invalid_first_samples_are_refused(first_sample):
    error = error_for(first_sample=first_sample)
    assert (error.code, error.params["name"], error.params["maximum"]) == ("not_a_whole_number", "first_sample", 63)


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf, "1", None, True, 10**400, [1]])
def test_invalid_temperatures_are_refused(temperature):
    error = error_for(temperature=temperature)
    assert (error.code, error.params["name"]) == ("not_positive", "temperature")


def test_invalid_digits_are_refused():
    error = error_for(digit=3)
    assert error.code == "digit_not_supported" and error.params == {"model": "pixelcnn", "digit": 3}
    error = error_for(digit=10)
    assert error.code == "not_a_whole_number"
    assert (error.params["name"], error.params["minimum"], error.params["maximum"]) == ("digit", -2, 9)
    assert error_for(digit=-2).code == "no_classes"


def test_a_digit_is_not_sampled_first_if_the_known_pixels_are_no_prefix():
    known = TOP.copy()
    known[4, 4] = 1
    with pytest.raises(InputError) as caught:
        Request(EMPTY, known, digit=-2).validate(tiny_model("freeform", ROWS, COLUMNS))
    assert caught.value.code == "digit_needs_prefix"


def test_a_request_without_a_drawing_has_only_unknown_pixels():
    valid = Request().validate(MODEL)
    assert not valid.picture.any() and len(valid.order) == ROWS * COLUMNS


def test_lists_booleans_and_numpy_numbers_are_accepted():
    request = Request(EMPTY.tolist(), (TOP == 1).tolist(), np.int64(2), np.float32(0.5), np.int64(7))
    valid = request.validate(MODEL)
    assert (len(valid.order), valid.samples, valid.temperature, valid.seed) == (18, 2, 0.5, 7)


def test_whole_numbers_may_be_floats_because_json_does_not_distinguish_them():
    valid = Request(samples=4.0, seed=7.0, digit=-1.0).validate(MODEL)
    assert (valid.samples, valid.seed, valid.digit) == (4, 7, -1)


def test_values_under_unknown_pixels_are_ignored():
    drawing = np.where(TOP == 1, 200.0, math.nan)
    drawing[4, 5], drawing[3, 3] = -7, 1e9
    for given in (drawing, drawing.tolist(), list(drawing), [list(row) for row in drawing]):
        assert Request(given, TOP).validate(MODEL).picture.tolist() == TOP.tolist()
    mixed = drawing.tolist()
    mixed[4] = [None, "x", 10**400, [], {}, True]  # JSON has null for NaN
    assert Request(mixed, TOP).validate(MODEL).picture.tolist() == TOP.tolist()
    mixed[0][2] = None
    assert error_for(drawing=mixed).code == "not_a_table"


def test_the_smallest_temperature_gives_finite_probabilities():
    gray = tiny_model("pixelcnn_pp", 4, 4)
    result = complete(gray, temperature=5e-324)
    assert np.isfinite(result.drawn_probs).all() and (result.images == complete(gray, temperature=1e-9).images).all()
