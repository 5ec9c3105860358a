"""A picture of one digit, such as a photo of paper, as a drawing: cropped, without shadows, in the size of MNIST's digits.

Like `image_file.py`, which reads the file, it accepts light and dark paper.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from pixelcnn.data.image_file import MIN_CONTRAST, UnusableImageError, has_light_paper, read_gray, readable, stretch

SIDE = 256  # of the square that a picture is reduced or enlarged to fit into
SMOOTHING = 1  # pixels, against noise
SHADOW = 4  # shadows are found in a picture that is reduced this many times
PAPER = 17  # pixels of that: wider than a stroke
NOISE = 6  # ink is at least so many standard deviations of the noise of the paper above it
MIN_PART = 0.05  # parts with a smaller share of the largest part's area are specks
MIN_HEIGHT = 0.06  # of a drawing, in heights of the picture
BOX = 20 / 28  # height or width of MNIST's digits in pictures
STROKE = (2 / 28, 4 / 28)  # width of the strokes, at least and at most


def read_drawing(file: Path | io.BytesIO, height: int, width: int) -> np.ndarray:
    """The digit in a picture file as ink (height, width), uint8; a picture of exactly this size as it is.

    The largest marks that do not touch the border are the digit; if all do, everything is. Raises UnusableImageError as
    `read_ink` does.
    """
    with readable():
        gray = read_gray(file, SIDE, SIDE)
        with Image.open(file) as image:
            exact = image.size == (width, height)
        if exact:
            return np.asarray(stretch(read_gray(file, height, width)))
        return place_digit(crop(digit_mask(remove_shadow(gray))), height, width)


def remove_shadow(gray: Image.Image) -> np.ndarray:
    """Ink (H, W), float 0..255: how much darker each pixel is than the paper around it, or lighter if the paper is dark.

    Raises UnusableImageError if there is no contrast.
    """
    values = np.asarray(gray.filter(ImageFilter.GaussianBlur(SMOOTHING)), float)
    uneven = values - fit_light(values)
    if not has_light_paper(Image.fromarray((128 + uneven).clip(0, 255).astype(np.uint8))):
        values = 255 - values
    light = fit_light(values)
    paper = light + close_strokes(values - light)
    return 255 * (1 - values / np.maximum(paper, 1)).clip(0, 1)


def fit_light(values: np.ndarray) -> np.ndarray:
    """The quadratic surface that is closest to values (H, W), as the light on a sheet of paper varies; (H, W)."""
    row, column = np.meshgrid(*(np.linspace(-1, 1, length) for length in values.shape), indexing="ij")
    terms = np.stack([np.ones_like(row), row, column, row * row, row * column, column * column], -1).reshape(-1, 6)
    return (terms @ np.linalg.lstsq(terms, values.ravel(), rcond=None)[0]).reshape(values.shape)


def close_strokes(values: np.ndarray) -> np.ndarray:
    """Values (H, W) without what is lower and narrower than a stroke can be, by morphological closing."""
    image = Image.fromarray(values.astype(np.float32))
    closed = image.reduce(SHADOW).filter(ImageFilter.MaxFilter(PAPER)).filter(ImageFilter.MinFilter(PAPER))
    return np.asarray(closed.resize(image.size, Image.Resampling.BILINEAR))


def digit_mask(ink: np.ndarray) -> np.ndarray:
    """Which pixels belong to the digit, bool (H, W). Raises UnusableImageError if nothing stands out."""
    paper = np.median(ink)
    noise = 1.48 * np.median(np.abs(ink - paper))  # the standard deviation of normal noise, whatever the ink
    mask = ink > max(otsu_threshold(ink), paper + NOISE * noise)
    if not mask.any() or ink[mask].mean() - ink[~mask].mean() < MIN_CONTRAST:
        raise UnusableImageError("blank", "it is blank")
    parts = connected_parts(mask)
    border = np.ones_like(mask)
    border[1:-1, 1:-1] = False
    inner = [part for part in parts if not border[part[:, 0], part[:, 1]].any()]
    if not any(np.ptp(part[:, 0]) >= MIN_HEIGHT * len(mask) for part in inner):
        inner = parts
    least = MIN_PART * max(len(part) for part in inner)
    kept = np.concatenate([part for part in inner if len(part) >= least])
    digit = np.zeros_like(mask)
    digit[kept[:, 0], kept[:, 1]] = True
    return digit


def otsu_threshold(ink: np.ndarray) -> float:
    """The level that separates ink from paper with the greatest variance between the two (Otsu 1979)."""
    counts = np.bincount(ink.astype(np.uint8).ravel(), minlength=256).astype(float)
    below, total = counts.cumsum(), (counts * np.arange(256)).cumsum()
    above = below[-1] - below
    valid = (below > 0) & (above > 0)
    means = np.divide(total, below, where=valid, out=np.zeros(256))
    other = np.divide(total[-1] - total, above, where=valid, out=np.zeros(256))
    return float((below * above * (means - other) ** 2).argmax())


def connected_parts(mask: np.ndarray) -> list[np.ndarray]:
    """The positions (pixels, 2) of each set of pixels that touch, also at corners."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    parts = []
    while left:
        found = [left.pop()]
        for row, column in found:  # grows meanwhile
            near = {(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)} & left
            left -= near
            found.extend(near)
        parts.append(np.array(found))
    return parts


def crop(mask: np.ndarray) -> np.ndarray:
    """The part of a mask (H, W) that has ink."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def place_digit(digit: np.ndarray, height: int, width: int) -> np.ndarray:
    """A digit (h, w), bool, as ink (height, width), uint8: as large as MNIST's, its center of mass in the middle."""
    digit = crop(adjust_strokes(digit))
    size = BOX * min(height, width)
    scale = size / max(digit.shape)
    shape = [max(1, round(scale * length)) for length in digit.shape]
    small = Image.fromarray(digit.astype(np.uint8) * 255).resize((shape[1], shape[0]), Image.Resampling.BOX)
    ink = np.asarray(small)
    mass = [np.average(np.arange(length) + 0.5, weights=ink.sum(1 - axis) + 1e-9) for axis, length in enumerate(shape)]
    sizes = (height, width)
    top, left = (
        int(np.clip(round(sizes[axis] / 2 - mass[axis]), 1, max(1, sizes[axis] - 1 - shape[axis]))) for axis in (0, 1)
    )
    picture = np.zeros((height, width), np.uint8)
    picture[top : top + shape[0], left : left + shape[1]] = ink[: height - top, : width - left]
    return picture


def adjust_strokes(digit: np.ndarray) -> np.ndarray:
    """A digit (h, w), bool, with strokes that are neither lost nor blots once it is scaled to the size of MNIST's."""
    edges = sum(np.count_nonzero(np.diff(np.pad(digit, 1), axis=axis)) for axis in (0, 1))
    stroke, extent = 2 * np.count_nonzero(digit) / edges, max(digit.shape)
    least, most = (share / BOX * extent for share in STROKE)
    change = round((np.clip(stroke, least, most) - stroke) / 2)  # pixels on each side
    if change == 0:
        return digit
    size = 2 * abs(change) + 1
    padded = Image.fromarray(np.pad(digit, abs(change) + 1).astype(np.uint8))
    adjusted = np.asarray(padded.filter(ImageFilter.MaxFilter(size) if change > 0 else ImageFilter.MinFilter(size))) > 0
    return adjusted if adjusted.any() else digit
