"""Images of levels, and levels of ink."""

import numpy as np
import pytest

from pixelcnn.images import contact_sheet, ink_to_levels, to_image


def test_images_are_dark_on_light_and_contact_sheets_hold_every_picture():
    picture = np.array([[0, 1], [0, 0]])
    pixels = np.asarray(to_image(picture, 2, zoom=2).convert("L"))
    assert pixels.shape == (4, 4) and pixels[0, 0] > 200 and pixels[0, 3] < 60
    sheet = contact_sheet(np.stack([picture] * 5), 2, zoom=1)
    assert sheet.size == (12, 8)
    assert (np.asarray(sheet.convert("L")) < 60).sum() == 5


@pytest.mark.parametrize(("levels", "expected"), [(2, [0, 0, 1, 1]), (256, [0, 127, 128, 255])])
def test_ink_is_rounded_to_levels(levels, expected):
    assert ink_to_levels(np.array([[0, 127, 128, 255]]), levels).tolist() == [expected]
