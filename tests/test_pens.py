import gzip

import numpy as np
import pytest

from pixelcnn.data import load_digits
from pixelcnn.pens import FILE, WRITERS, inked, placed, read


def test_no_writer_is_in_two_splits_and_at_most_24_are_trained_with():
    everybody = [writer for writers in WRITERS.values() for writer in writers]
    assert sorted(everybody) == list(range(1, 31)) and len([*WRITERS["train"], *WRITERS["valid"]]) == 24


def test_digits_of_the_sample_lie_in_the_guide_box(data):
    seen, unseen = load_digits("pens", data, "train"), load_digits("pens", data, "test")
    assert len(seen) == 3 * 20 and len(load_digits("pens", data, "valid")) == 10 and len(unseen) == 20
    assert unseen.ink.shape == (20, 28, 28) and unseen.levels == 2 and set(unseen.labels) <= set(range(10))
    black = unseen.ink >= 128
    assert not black[:, :4].any() and not black[:, 24:].any() and not black[:, :, :4].any() and not black[:, :, 24:].any()
    assert (np.maximum(black.any(1).sum(1), black.any(2).sum(1)) >= 18).all(), "as large as the box"
    assert 20 < black.sum((1, 2)).mean() < 150


def test_digits_stand_upright(data):
    """A nine has its belly on top, a six at the bottom; y grows upwards in the file and downwards on the page."""
    digits = load_digits("pens", data, "test")
    for label, heavier in ((9, slice(4, 14)), (6, slice(14, 24))):
        pictures = digits.ink[digits.labels == label] >= 128
        assert len(pictures) and (pictures[:, heavier].sum((1, 2)) > pictures.sum((1, 2)) / 2).all()


def test_the_brush_is_the_pages():
    """One dab in the middle of a pixel, and a stroke, as web/js/drawing.js stamps them."""
    dab = inked([np.array([[10.5, 5.5]])])
    assert dab[5, 10] == 255 and dab[5, 11] == dab[4, 10] == round(255 * 0.55) and dab[4, 9] == round(255 * (1.55 - 2**0.5))
    stroke = inked([np.array([[5.5, 14.5], [20.5, 14.5]])])
    assert (stroke[14, 5:21] == 255).all() and (stroke[13, 6:20] >= 128).all() and not stroke[11].any()
    (there,) = placed([np.array([[0.0, 0.0], [100.0, 50.0]])])
    assert np.allclose(there.mean(0), 14) and np.ptp(there[:, 0]) == pytest.approx(20 - 2 * 1.05)


def test_both_together(data):
    both = load_digits("mnist-and-pens", data, "train")
    assert len(both) == 100 + 60 and both.levels == 2


def test_what_is_missing_or_broken_is_named(data, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pendigits-orig-tra\.txt\.gz is missing"):
        load_digits("pens", tmp_path, "test")
    with pytest.raises(ValueError, match="The Hub has not the pen trajectories; give the folder"):
        load_digits("pens", None, "test")
    whole = (data / FILE).read_bytes()
    for content in (b"junk", whole[:100], gzip.compress(b".SEGMENT x .PEN_DOWN 3 .PEN_UP")):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(ValueError, match="not a whole file of pen trajectories"):
            list(read(tmp_path / FILE))
