"""One picture file of any format and mode as ink: 255 where the drawing is strongest, 0 for paper.

Paper may be light, dark or transparent, and contrast is stretched, so that pale pencil and dim photos are readable.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # none that starts other programs
MAX_PIXELS = 64_000_000  # of a file; JPEG files count at the size that they are read at
MIN_CONTRAST = 12  # of 255; noise and shadows of an empty sheet have less
OVERSIZE = 4  # pictures are reduced to at least this many times the wanted size before anything else


class UnusableImageError(ValueError):
    """A file that cannot be used; the message is a reason that starts with "it".

    kind: "format", "damaged", "blank", "shape" or "large".
    """

    def __init__(self, kind: str, reason: str):
        super().__init__(reason)
        self.kind = kind


def read_ink(file: Path | io.BytesIO, height: int, width: int) -> np.ndarray:
    """A picture file as ink (height, width), uint8: upright, scaled to fit, padded with paper, from 0 to 255.

    Of animations and files of several pages, the first picture. Raises UnusableImageError for a file that is damaged, not
    a picture, blank, too large, smaller than 4 x 4 pixels, or more than four times as long as wide.
    """
    with readable():
        return np.asarray(fit_to_size(stretch(read_gray(file, height, width)), height, width))


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Turns every error about a picture file into UnusableImageError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warnings do not name the file
            yield
    except UnusableImageError:
        raise
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        reason = f"it is not a picture of a known format ({known}); convert it to PNG or JPEG"
        raise UnusableImageError("format", reason) from None
    except Image.DecompressionBombError:
        raise too_large() from None
    except OSError as error:
        reason = f"it cannot be opened ({error.strerror})" if error.strerror else f"it is damaged ({error})"
        raise UnusableImageError("damaged", reason) from None
    except Exception as error:  # of damaged files, Pillow raises errors of many types
        raise UnusableImageError("damaged", f"it is damaged ({str(error) or type(error).__name__})") from None


def read_gray(file: Path | io.BytesIO, height: int, width: int) -> Image.Image:
    """A picture file as an upright gray image that fits into (height, width); dark or light paper."""
    if isinstance(file, Path) and not file.is_file():  # opening a named pipe would wait for ever
        raise UnusableImageError("damaged", "it is neither a file nor a link to one")
    Image.init()
    with Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        if min(image.size) < 4 or max(image.size) > 4 * min(image.size):
            size = f"{image.width} x {image.height}"
            raise UnusableImageError(
                "shape", f"it has {size} pixels; the least is 4 x 4, and 4 times as long as wide the most"
            )
        enough = OVERSIZE * max(height, width)
        image.draft("L", (enough, enough))  # makes the decoder of JPEG files reduce them
        if image.width * image.height > MAX_PIXELS:
            raise too_large()
        image.load()
        with contextlib.suppress(Exception):  # a picture with damaged EXIF data can be used as it is
            ImageOps.exif_transpose(image, in_place=True)
        small = simplify_mode(image).reduce(max(1, min(image.size) // enough))
    fitted = [ImageOps.contain(gray, (width, height)) for gray in on_paper(small)]
    return max(fitted, key=contrast)


def simplify_mode(image: Image.Image) -> Image.Image:
    """An image of any mode as F if its numbers have more than 8 bits, else as RGBA if it has transparency, else as L."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return image.convert("F")
    if image.mode == "LAB":  # Pillow does not convert it
        return image.getchannel(0)
    mode = "RGBA" if image.has_transparency_data else "L"
    return image if image.mode == mode else image.convert(mode)  # which would copy it


def on_paper(image: Image.Image) -> list[Image.Image]:
    """An image of mode L, F or RGBA in mode L; RGBA on white and on black paper, because white ink shows only on black."""
    if image.mode == "RGBA":
        papers = (Image.new("RGBA", image.size, color) for color in ("white", "black"))
        return [Image.alpha_composite(paper, image).convert("L") for paper in papers]
    return [scale_numbers(np.asarray(image)) if image.mode == "F" else image]


def scale_numbers(values: np.ndarray) -> Image.Image:
    """Numbers (H, W) of an unknown full scale in mode L: the largest is 255; 0, or the least if it is negative, is 0."""
    least = min(0, values.min())
    span = values.max() - least
    if not np.isfinite(span):
        raise UnusableImageError("damaged", "it has values that are not finite")
    return Image.fromarray(((values - least) * (255 / (span or 1))).astype(np.uint8))


def contrast(gray: Image.Image) -> int:
    return int(np.ptp(np.asarray(gray)))


def stretch(gray: Image.Image) -> Image.Image:
    """A gray image as ink from 0 to 255. Raises UnusableImageError if it has no contrast."""
    return ImageOps.autocontrast(ImageOps.invert(gray) if has_light_paper(gray) else gray)


def has_light_paper(gray: Image.Image) -> bool:
    """Whether paper is lighter than ink: paper is the median of the border; the drawing is what differs most from it.

    Raises UnusableImageError if there is no contrast.
    """
    if contrast(gray) < MIN_CONTRAST:
        raise UnusableImageError("blank", "it is blank")
    pixels = np.asarray(gray)
    paper = np.median(np.concatenate([pixels[[0, -1]].ravel(), pixels[:, [0, -1]].ravel()]))
    return bool(paper - pixels.min() > pixels.max() - paper)


def fit_to_size(gray: Image.Image, height: int, width: int) -> Image.Image:
    """Ink as a gray image at another size: scaled to fit with its aspect ratio kept, padded with paper."""
    return gray if gray.size == (width, height) else ImageOps.pad(gray, (width, height), color=0)


def too_large() -> UnusableImageError:
    return UnusableImageError("large", f"it has more than {MAX_PIXELS // 1_000_000} million pixels; reduce it")
