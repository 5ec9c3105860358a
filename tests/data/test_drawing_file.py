"""Pictures of one digit as drawings: photos with uneven light, any paper, any stroke; and pictures without a digit."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pixelcnn.analysis.digit_classifier import classify, load_digit_classifier
from pixelcnn.data import load_digits
from pixelcnn.data.drawing_file import read_drawing
from pixelcnn.data.image_file import UnusableImageError

DIGITS = load_digits("bundled-digits", None, "valid")
WIDTH, HEIGHT = 640, 480


def photo(digit: np.ndarray, *, size: int = 220, at: tuple[int, int] = (200, 130), ink: float = 0.4, seed: int = 0):
    """A digit (28, 28) on unevenly lit, grainy paper, as a gray image: (HEIGHT, WIDTH), float 0..255."""
    large = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    paper = 120 + 80 * column / WIDTH + 40 * row / HEIGHT
    strokes = np.zeros((HEIGHT, WIDTH))
    strokes[at[1] : at[1] + size, at[0] : at[0] + size] = np.asarray(large)[: HEIGHT - at[1], : WIDTH - at[0]] / 255
    return paper * (1 - (1 - ink) * strokes) + np.random.default_rng(seed).normal(0, 4, paper.shape)


def encoded(picture: np.ndarray, kind: str = "JPEG") -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(file, kind)
    return io.BytesIO(file.getvalue())


def read_as(pictures: list[np.ndarray]) -> np.ndarray:
    drawings = np.stack([read_drawing(encoded(picture), 28, 28) for picture in pictures])
    return classify(load_digit_classifier(), drawings >= 128)


PLACES = [{}, {"size": 90, "at": (30, 350)}, {"size": 460, "at": (90, 10)}, {"ink": 0.75}]


@pytest.mark.parametrize("place", PLACES)
def test_digits_in_photos_are_recognized_on_light_and_on_dark_paper(place):
    count = 20
    photos = [photo(digit, seed=number, **place) for number, digit in enumerate(DIGITS.ink[:count])]
    assert (read_as(photos) == DIGITS.labels[:count]).sum() >= 0.9 * count
    assert (read_as([255 - picture for picture in photos]) == DIGITS.labels[:count]).sum() >= 0.9 * count


def test_a_shadow_with_an_edge_and_a_dark_table_at_the_border_are_not_ink():
    digit, label = DIGITS.ink[4], DIGITS.labels[4]
    picture = photo(digit)
    picture[:, 300:] *= 0.7  # the edge runs through the digit
    picture[:60] = 30  # beyond the sheet
    drawing = read_drawing(encoded(picture), 28, 28)
    assert classify(load_digit_classifier(), drawing[None] >= 128) == label


@pytest.mark.parametrize("thickness", [2, 60])
def test_strokes_are_as_wide_as_those_of_the_training_data(thickness):
    picture = np.full((HEIGHT, WIDTH), 230.0)
    picture[60 : 60 + thickness, 200:420] = 40  # a seven of straight lines
    picture[60:400, 420 - thickness : 420] = 40
    ink = read_drawing(encoded(picture, "PNG"), 28, 28) >= 128
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert np.ptp(rows) + 1 in (19, 20, 21) and rows[0] >= 1 and rows[-1] <= 26
    assert 2 <= ink[(rows[0] + rows[-1]) // 2].sum() <= 4 and columns[0] >= 1


def test_a_picture_of_the_size_of_the_drawing_stays_as_it_is():
    digit = DIGITS.ink[0]
    for picture in (digit, 255 - digit):
        assert (read_drawing(encoded(picture, "PNG"), 28, 28) == digit).all()


def test_an_empty_sheet_and_files_that_are_no_pictures_are_refused_with_their_kind():
    blank = photo(np.zeros((28, 28), np.uint8))
    broken = encoded(blank).getvalue()[:200]
    cases = [(encoded(blank), "blank"), (io.BytesIO(b"x" * 99), "format"), (io.BytesIO(broken), "damaged")]
    cases.append((encoded(blank[:3]), "shape"))
    for file, kind in cases:
        with pytest.raises(UnusableImageError) as caught:
            read_drawing(file, 28, 28)
        assert caught.value.kind == kind
