import numpy as np
import pytest

from pixelcnn.masks import REGIONS, hidden, random_known


def test_regions_are_halves():
    assert not hidden("all", 4, 4).any()
    assert not hidden("top", 4, 4)[:2].any() and hidden("top", 4, 4)[2:].all()
    assert not hidden("left", 4, 4)[:, :2].any() and hidden("right", 4, 4).sum() == 8
    for one, other in (("top", "bottom"), ("left", "right")):
        assert (hidden(one, 5, 7) ^ hidden(other, 5, 7)).all()
    assert {"all", "top", "bottom", "left", "right"} == set(REGIONS)


@pytest.mark.parametrize("size", [(28, 28), (5, 9)])
def test_random_masks_are_of_all_kinds_and_the_same_from_the_same_seed(size):
    masks = np.stack([random_known(np.random.default_rng([1, number]), *size) for number in range(300)])
    again = np.stack([random_known(np.random.default_rng([1, number]), *size) for number in range(300)])
    assert masks.shape == (300, *size) and masks.dtype == bool and (masks == again).all()
    assert 0.3 < masks.mean() < 0.7 and (masks.mean(0) > 0.2).all() and (masks.mean(0) < 0.8).all()
    one_side = sum((mask == mask[:, :1]).all() or (mask == mask[:1]).all() for mask in masks)
    assert 60 < one_side < 240, "about half are cut straight"
