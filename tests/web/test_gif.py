"""GIFs of completions: the frames, validation of what the page sends, and the route /gif."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from pixelcnn import InputError
from pixelcnn.images import INK, PAPER
from web.gif import EMPTY, FILL, decode_pictures, encode_gif

KNOWN = "1" * 392 + "0" * 392


def payload(**changes) -> dict:
    """What the page sends for one picture: a known upper half of ink, a lower half filled with ink and paper in turn."""
    part = {"drawing": {"ink": "ff" * 784, "known": KNOWN}, "order": list(range(392, 784)), "drawn": ["ff00" * 196]}
    return {"width": 28, "height": 28, "parts": [part | changes]}


def frames(gif: bytes) -> list[np.ndarray]:
    """The frames of a GIF of one 28 x 28 picture, scaled back to one value per pixel, (28, 28, 3)."""
    with Image.open(io.BytesIO(gif)) as picture:
        out = []
        for number in range(picture.n_frames):
            picture.seek(number)
            zoom = picture.width // 28
            out.append(np.asarray(picture.convert("RGB"))[zoom // 2 :: zoom, zoom // 2 :: zoom])
    return out


def is_color(pixels: np.ndarray, color: np.ndarray) -> np.ndarray:
    return np.abs(pixels.astype(int) - color).max(-1) <= 6


def test_first_frame_is_the_drawing_and_last_frame_the_completion():
    shown = frames(encode_gif(decode_pictures(payload())))
    first, last = shown[0], shown[-1]
    assert is_color(first[:14], INK).all() and is_color(first[14:], EMPTY).all()
    assert is_color(last[:14], INK).all()
    assert is_color(last[14:, ::2], FILL).all() and is_color(last[14:, 1::2], PAPER).all()
    filled = [int((~is_color(frame, EMPTY)).sum()) for frame in shown]
    assert filled == sorted(filled) and 20 < len(set(filled)) <= 61


def test_pixels_appear_in_the_order_of_sampling():
    shown = frames(encode_gif(decode_pictures(payload(order=list(range(783, 391, -1))))))
    filled = ~is_color(shown[len(shown) // 2], EMPTY)[14:]
    assert filled[-1].all() and not filled[0].any()


def test_several_pictures_are_side_by_side_and_can_be_incomplete():
    gif = encode_gif(decode_pictures(payload(drawn=["ff" * 392, "ff" * 10, ""])))
    with Image.open(io.BytesIO(gif)) as picture:
        assert picture.width == picture.height > 2 * 28 and picture.n_frames > 20


def test_a_picture_without_filled_pixels_gives_one_frame():
    assert len(frames(encode_gif(decode_pictures(payload(drawn=[""], order=[]))))) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "gif_no_pictures"),
        ({"parts": 3}, "gif_no_pictures"),
        (payload() | {"width": 65}, "gif_size"),
        (payload() | {"height": True}, "gif_size"),
        (payload() | {"parts": []}, "gif_picture_count"),
        (payload() | {"parts": payload()["parts"] * 129}, "gif_picture_count"),
        (payload() | {"parts": [None]}, "drawing_missing"),
        (payload(drawing={"ink": "00", "known": "1"}), "drawing_wrong_size"),
        (payload(order=[0]), "gif_order_invalid"),
        (payload(order=[784]), "gif_order_invalid"),
        (payload(order=["392"]), "gif_order_invalid"),
        (payload(order=[[392]]), "gif_order_invalid"),
        (payload(order=None), "gif_order_invalid"),
        (payload(order=[400, 400]), "gif_order_repeats"),
        (payload(drawn=["ff" * 393]), "gif_drawn_invalid"),
        (payload(drawn=["f"]), "gif_drawn_invalid"),
        (payload(drawn=["zz"]), "gif_drawn_invalid"),
        (payload(drawn=[7]), "gif_drawn_invalid"),
        (payload(drawn="ff"), "gif_drawn_invalid"),
    ],
)
def test_invalid_pictures_are_rejected(data, code):
    with pytest.raises(InputError) as caught:
        decode_pictures(data)
    assert caught.value.code == code


def test_the_route_answers_with_a_gif_or_an_error(server):
    answer = httpx.post(f"{server}/gif", json=payload(), timeout=60)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/gif"
    assert answer.content.startswith(b"GIF89a")
    for body in (b"", b"\xff", b"[" * 100_000, b'{"parts": NaN}', b"3"):
        answer = httpx.post(f"{server}/gif", content=body, timeout=60)
        assert answer.status_code == 400 and answer.json()["code"] == "gif_no_pictures", body[:20]
    assert httpx.get(f"{server}/gif", timeout=60).status_code == 405
