"""Masks of known pixels: regions, random masks and the raster order."""

import numpy as np
import pytest
import torch

from pixelcnn import InputError
from pixelcnn.masks import REGIONS, is_prefix, random_known, raster_order, region_known


def test_regions_are_halves():
    assert not region_known("all", 4, 4).any()
    assert not region_known("top", 4, 4)[:2].any() and region_known("top", 4, 4)[2:].all()
    assert not region_known("left", 4, 4)[:, :2].any() and region_known("right", 4, 4).sum() == 8
    for one, other in (("top", "bottom"), ("left", "right")):
        assert (region_known(one, 5, 7) ^ region_known(other, 5, 7)).all()
    assert {"all", "top", "bottom", "left", "right"} == set(REGIONS)


@pytest.mark.parametrize("size", [(28, 28), (5, 9)])
def test_random_masks_are_of_all_kinds_and_reproducible(size):
    masks = np.stack([random_known(np.random.default_rng([1, number]), *size) for number in range(300)])
    again = np.stack([random_known(np.random.default_rng([1, number]), *size) for number in range(300)])
    assert masks.shape == (300, *size) and masks.dtype == bool and (masks == again).all()
    assert 0.3 < masks.mean() < 0.7 and (masks.mean(0) > 0.2).all() and (masks.mean(0) < 0.8).all()
    one_side = sum((mask == mask[:, :1]).all() or (mask == mask[:1]).all() for mask in masks)
    assert 60 < one_side < 240, "about half have a straight cut"


@pytest.mark.parametrize("count", [0, 1, 4, 7, 12])
def test_raster_order_lists_the_unknown_pixels_after_a_known_prefix(count):
    known = (torch.arange(12) < count).view(3, 4)
    assert is_prefix(known) and raster_order(known, "pixelcnn").tolist() == list(range(count, 12))


def test_raster_order_names_the_first_known_pixel_after_an_unknown_one():
    known = (torch.arange(12) < 5).view(3, 4)
    known[2, 1] = True
    assert not is_prefix(known)
    with pytest.raises(InputError) as caught:
        raster_order(known, "pixelcnn")
    assert caught.value.code == "known_after_unknown"
    assert caught.value.params == {"model": "pixelcnn", "row": 3, "column": 2, "unknown_row": 2, "unknown_column": 2}
