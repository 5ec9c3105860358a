"""Films of completions: what is in the GIF, and that /gif answers anything else with a sentence."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from pixelcnn import BadInput
from pixelcnn.canvas import INK, PAPER
from web.film import EMPTY, FILL, film, reels

KNOWN = "1" * 392 + "0" * 392


def reel(**changes) -> dict:
    """What the page sends for one picture: a known upper half of ink, a lower half half filled with ink and paper."""
    part = {"drawing": {"ink": "ff" * 784, "known": KNOWN}, "order": list(range(392, 784)), "drawn": ["ff00" * 196]}
    return {"width": 28, "height": 28, "parts": [part | changes]}


def frames(gif: bytes) -> list[np.ndarray]:
    """The frames, one dot a pixel of 28 x 28, (28, 28, 3)."""
    with Image.open(io.BytesIO(gif)) as picture:
        out = []
        for number in range(picture.n_frames):
            picture.seek(number)
            zoom = picture.width // 28
            out.append(np.asarray(picture.convert("RGB"))[zoom // 2 :: zoom, zoom // 2 :: zoom])
    return out


def near(colours: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.abs(colours.astype(int) - colour).max(-1) <= 6


def test_a_film_begins_with_the_drawing_and_ends_with_the_picture():
    seen = frames(film(reels(reel())))
    first, last = seen[0], seen[-1]
    assert near(first[:14], INK).all() and near(first[14:], EMPTY).all()
    assert near(last[:14], INK).all() and near(last[14:, ::2], FILL).all() and near(last[14:, 1::2], PAPER).all()
    filled = [int((~near(frame, EMPTY)).sum()) for frame in seen]
    assert filled == sorted(filled) and 20 < len(set(filled)) <= 61


def test_pixels_appear_in_the_order_of_filling():
    seen = frames(film(reels(reel(order=list(range(783, 391, -1))))))
    middle = ~near(seen[len(seen) // 2], EMPTY)[14:]
    assert middle[-1].all() and not middle[0].any()


def test_several_pictures_are_side_by_side_and_one_may_have_stopped_early():
    gif = film(reels(reel(drawn=["ff" * 392, "ff" * 10, ""])))
    with Image.open(io.BytesIO(gif)) as picture:
        assert picture.width == picture.height > 2 * 28 and picture.n_frames > 20


def test_a_film_of_nothing_filled_is_a_still():
    assert len(frames(film(reels(reel(drawn=[""], order=[]))))) == 1


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (None, "no pictures to film"),
        ({"parts": 3}, "no pictures to film"),
        (reel() | {"width": 65}, "1 to 64 pixels a side"),
        (reel() | {"height": True}, "1 to 64 pixels a side"),
        (reel() | {"parts": []}, "1 to 128 pictures"),
        (reel() | {"parts": reel()["parts"] * 129}, "1 to 128 pictures"),
        (reel() | {"parts": [None]}, "sent no drawing"),
        (reel(drawing={"ink": "00", "known": "1"}), "expected 784 pixels"),
        (reel(order=[0]), "not there to fill"),
        (reel(order=[784]), "not there to fill"),
        (reel(order=["392"]), "not there to fill"),
        (reel(order=[[392]]), "not there to fill"),
        (reel(order=None), "not there to fill"),
        (reel(order=[400, 400]), "a pixel twice"),
        (reel(drawn=["ff" * 393]), "two hex digits a pixel"),
        (reel(drawn=["f"]), "two hex digits a pixel"),
        (reel(drawn=["zz"]), "two hex digits a pixel"),
        (reel(drawn=[7]), "two hex digits a pixel"),
        (reel(drawn="ff"), "two hex digits a pixel"),
    ],
)
def test_what_is_no_film_is_one_sentence(payload, says):
    with pytest.raises(BadInput, match=says):
        reels(payload)


def test_the_route_answers_with_a_gif_or_a_sentence(server):
    answer = httpx.post(f"{server}/gif", json=reel(), timeout=60)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/gif"
    assert answer.content.startswith(b"GIF89a")
    for body in (b"", b"\xff", b"[" * 100_000, b'{"parts": NaN}', b"3"):
        answer = httpx.post(f"{server}/gif", content=body, timeout=60)
        assert answer.status_code == 400 and answer.json()["error"].endswith("try again."), body[:20]
    assert httpx.post(f"{server}/gif", content=b" " * 300_000, timeout=60).status_code == 413
    for address in ("gif", "gradio_api/call/complete"):  # in pieces, so that nobody is told how long it will be
        pieces = httpx.post(f"{server}/{address}", content=iter([b" " * 100_000] * 3), timeout=60)
        assert pieces.status_code == 413 and "larger than" in pieces.json()["error"], pieces.text
    assert httpx.get(f"{server}/gif", timeout=60).status_code == 405
