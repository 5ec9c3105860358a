"""Pictures across the border: what the page's canvas sends, and what goes out as PIL images. Numpy and PIL only."""

import re

import numpy as np
from PIL import Image

from pixelcnn.errors import BadInput

PAPER, INK = np.array([250, 248, 243]), np.array([24, 40, 72])  # colours of the page


def decode(payload: object, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What the canvas sends, {"ink": two hex digits a pixel, "known": 0 or 1 a pixel}, as ink and known (H, W).

    Raises BadInput, one sentence, for anything else: anyone can send anything.
    """
    size = height * width
    expected = f"expected {size} pixels; reload the page and draw again"
    if not isinstance(payload, dict) or not all(isinstance(payload.get(part), str) for part in ("ink", "known")):
        raise BadInput(f"The canvas sent no drawing; {expected}.")
    ink, known = payload["ink"], payload["known"]
    if len(ink) != 2 * size or len(known) != size:
        raise BadInput(f"The canvas sent {len(ink) // 2} pixels of ink and {len(known)} of known; {expected}.")
    if not re.fullmatch("[0-9a-f]*", ink) or not re.fullmatch("[01]*", known):
        raise BadInput(f"The canvas sent characters that are not pixels; {expected}.")
    pixels = np.frombuffer(bytes.fromhex(ink), np.uint8).reshape(height, width)
    return pixels, np.array([digit == "1" for digit in known]).reshape(height, width)


def picture(image: np.ndarray, levels: int, zoom: int = 1) -> Image.Image:
    """Levels (H, W) as a PIL image, dark ink on paper, each pixel zoom x zoom."""
    share = image[..., None] / (levels - 1)
    colours = (PAPER + share * (INK - PAPER)).round().astype(np.uint8)
    return Image.fromarray(colours.repeat(zoom, 0).repeat(zoom, 1))


def contact_sheet(images: np.ndarray, levels: int, zoom: int = 3) -> Image.Image:
    """Many pictures (N, H, W) as one, in a square as near as can be, with a seam between them."""
    tiles = [np.asarray(picture(np.pad(image, 1), levels, zoom)) for image in images]
    columns = int(np.ceil(len(tiles) ** 0.5))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return Image.fromarray(np.vstack(rows))
