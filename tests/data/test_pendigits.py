"""Pen trajectories as pictures: splits by writer, position, and errors for files that cannot be used."""

import gzip

import numpy as np
import pytest

from pixelcnn.data import load_digits
from pixelcnn.data.pendigits import FILE, WRITERS, fit_to_box, read_strokes, render_strokes


def test_no_writer_is_in_two_splits_and_24_are_used_for_training_and_validation():
    writers = [writer for writers in WRITERS.values() for writer in writers]
    assert sorted(writers) == list(range(1, 31)) and len([*WRITERS["train"], *WRITERS["valid"]]) == 24


def test_digits_of_the_sample_are_in_the_guide_box(data):
    train, test = load_digits("pens", data, "train"), load_digits("pens", data, "test")
    assert len(train) == 3 * 20 and len(load_digits("pens", data, "valid")) == 10 and len(test) == 20
    assert test.ink.shape == (20, 28, 28) and test.levels == 2 and set(test.labels) <= set(range(10))
    black = test.ink >= 128
    assert not black[:, :4].any() and not black[:, 24:].any() and not black[:, :, :4].any() and not black[:, :, 24:].any()
    assert (np.maximum(black.any(1).sum(1), black.any(2).sum(1)) >= 18).all(), "a digit is smaller than the box"
    assert 20 < black.sum((1, 2)).mean() < 150


def test_digits_are_upright(data):
    """Most ink of a nine is at the top, of a six at the bottom; y grows upward in the file and downward on the page."""
    digits = load_digits("pens", data, "test")
    for label, heavier in ((9, slice(4, 14)), (6, slice(14, 24))):
        pictures = digits.ink[digits.labels == label] >= 128
        assert len(pictures) and (pictures[:, heavier].sum((1, 2)) > pictures.sum((1, 2)) / 2).all()


def test_the_brush_is_the_same_as_on_the_page():
    """A dot in the middle of a pixel, and a stroke, as web/static/canvas/drawing.js draws them."""
    dot = render_strokes([np.array([[10.5, 5.5]])])
    assert dot[5, 10] == 255 and dot[5, 11] == dot[4, 10] == round(255 * 0.55) and dot[4, 9] == round(255 * (1.55 - 2**0.5))
    stroke = render_strokes([np.array([[5.5, 14.5], [20.5, 14.5]])])
    assert (stroke[14, 5:21] == 255).all() and (stroke[13, 6:20] >= 128).all() and not stroke[11].any()
    (fitted,) = fit_to_box([np.array([[0.0, 0.0], [100.0, 50.0]])])
    assert np.allclose(fitted.mean(0), 14) and np.ptp(fitted[:, 0]) == pytest.approx(20 - 2 * 1.05)


def test_mnist_and_pens_are_both(data):
    both = load_digits("mnist-and-pens", data, "train")
    assert len(both) == 100 + 60 and both.levels == 2


def test_missing_and_damaged_files_are_named(data, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pendigits-orig-tra\.txt\.gz is missing"):
        load_digits("pens", tmp_path, "test")
    with pytest.raises(ValueError, match="pens is not on the Hub; give the folder"):
        load_digits("pens", None, "test")
    whole = (data / FILE).read_bytes()
    for content in (b"junk", whole[:100], gzip.compress(b".SEGMENT x .PEN_DOWN 3 .PEN_UP")):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(ValueError, match="not a complete file of pen trajectories"):
            list(read_strokes(tmp_path / FILE))
