import numpy as np
import pytest

from pixelcnn import BadInput
from pixelcnn.canvas import contact_sheet, decode, picture


def test_decode_reads_what_the_canvas_sends():
    ink, known = decode({"ink": "00ff8001" * 2, "known": "11110000"}, 2, 4)
    assert ink.tolist() == [[0, 255, 128, 1]] * 2
    assert known.tolist() == [[True] * 4, [False] * 4]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "x",
        [],
        {},
        {"ink": "00" * 4},
        {"ink": 5, "known": "1111"},
        {"ink": "00" * 3, "known": "1111"},
        {"ink": "00" * 4, "known": "111"},
        {"ink": "0g" * 4, "known": "1111"},
        {"ink": "\u0660\u0660" * 4, "known": "1111"},
        {"ink": "00" * 4, "known": "1121"},
        {"ink": "00" * 4, "known": "111\n"},
        {"ink": "00" * 5_000_000, "known": "1" * 5_000_000},
    ],
)
def test_anything_else_is_one_sentence(payload):
    with pytest.raises(BadInput, match="expected 4 pixels; reload the page") as caught:
        decode(payload, 2, 2)
    assert len(str(caught.value)) < 200


def test_pictures_are_dark_on_light_and_sheets_hold_them_all():
    image = np.array([[0, 1], [0, 0]])
    pixels = np.asarray(picture(image, 2, zoom=2).convert("L"))
    assert pixels.shape == (4, 4) and pixels[0, 0] > 200 and pixels[0, 3] < 60
    sheet = contact_sheet(np.stack([image] * 5), 2, zoom=1)
    assert sheet.size == (12, 8)
    assert (np.asarray(sheet.convert("L")) < 60).sum() == 5
