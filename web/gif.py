"""Animated GIFs of completions, made from the pictures that the page sends back. No model is used.

Pixels appear in the order of sampling, the newest in a brighter color, all pictures side by side.
"""

import io
import re
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from pixelcnn import InputError
from pixelcnn.images import INK, PAPER
from pixelcnn.serving.work_queue import WorkQueue
from web.errors import error_response, read_json
from web.protocol import decode_drawing

FILL, HIGHLIGHT, EMPTY = np.array([217, 72, 15]), np.array([255, 212, 59]), np.array([229, 223, 210])  # as on the page
SHADES = 64  # palette entries for each of: known pixels, filled pixels, newly filled pixels
EMPTY_INDEX = 3 * SHADES  # palette index of a pixel that is not filled yet
MAX_PICTURES, MAX_SIDE = 128, 64
TARGET_SIDE = 400  # of the GIF, approximately, in screen pixels
MAX_FRAMES, FRAME_MS, LAST_FRAME_MS = 60, 60, 2500


@dataclass(frozen=True)
class GifPicture:
    """One completion: the drawing, ink (H, W) 0..255 and known (H, W), the filled pixels (n,) and their ink (n,)."""

    ink: np.ndarray
    known: np.ndarray
    order: np.ndarray
    drawn: np.ndarray


def decode_pictures(payload: object) -> list[GifPicture]:
    """The pictures in {"width", "height", "parts": [{"drawing": {"ink", "known"}, "order", "drawn"}, ...]}.

    order: raster numbers. drawn: a string for each picture, two hex digits a pixel. Raises InputError if anything is wrong.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("parts"), list):
        raise InputError(
            "gif_no_pictures", "The request has no pictures. Reload the page, complete a picture and try again."
        )
    height, width = payload.get("height"), payload.get("width")
    if not is_side(height) or not is_side(width):
        raise InputError(
            "gif_size",
            "The pictures have an invalid size; expected 1 to {maximum} pixels a side. Reload the page and try again.",
            maximum=MAX_SIDE,
        )
    parts = payload["parts"][: MAX_PICTURES + 1]
    pictures = [picture for part in parts for picture in decode_part(part, height, width)]
    if not 1 <= len(pictures) <= MAX_PICTURES:
        raise InputError(
            "gif_picture_count",
            "A GIF can show 1 to {maximum} pictures, not {count}. Complete fewer pictures and try again.",
            maximum=MAX_PICTURES,
            count=len(pictures),
        )
    return pictures


def decode_part(part: object, height: int, width: int) -> list[GifPicture]:
    """The pictures of one part; they have the drawing and the order in common. Raises InputError."""
    part = part if isinstance(part, dict) else {}
    ink, known = decode_drawing(part.get("drawing"), height, width)
    order, drawn = part.get("order"), part.get("drawn")
    unknown = set(np.flatnonzero(~known).tolist())
    if not isinstance(order, list) or not all(type(pixel) is int and pixel in unknown for pixel in order):
        raise InputError(
            "gif_order_invalid",
            "The order of sampling is not a list of unknown pixels. Reload the page, complete a picture and try again.",
        )
    if len(set(order)) != len(order):
        raise InputError(
            "gif_order_repeats",
            "The order of sampling has a pixel twice. Reload the page, complete a picture and try again.",
        )
    if not isinstance(drawn, list) or len(drawn) > MAX_PICTURES or not all(is_hex(row, len(order)) for row in drawn):
        raise InputError(
            "gif_drawn_invalid",
            "The filled pixels are not two hex digits each, at most {pixels} pixels a picture. "
            "Reload the page, complete a picture and try again.",
            pixels=len(order),
        )
    rows = [np.frombuffer(bytes.fromhex(row), np.uint8) for row in drawn]
    return [GifPicture(ink, known, np.array(order[: len(row)], np.int64), row) for row in rows]


def is_side(value: object) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= MAX_SIDE


def is_hex(row: object, max_bytes: int) -> bool:
    return isinstance(row, str) and len(row) <= 2 * max_bytes and re.fullmatch("([0-9a-f]{2})*", row) is not None


def encode_gif(pictures: list[GifPicture]) -> bytes:
    """The GIF of pictures of the same size, arranged approximately in a square."""
    height, width = pictures[0].ink.shape
    columns = int(np.ceil(len(pictures) ** 0.5))
    zoom = max(2, TARGET_SIDE // (columns * max(height, width)))
    longest = max(len(picture.order) for picture in pictures)
    pixels_per_frame = max(1, -(-longest // MAX_FRAMES))
    steps = [*range(0, longest, pixels_per_frame), longest]
    if len(steps) > 1:
        steps.append(longest + pixels_per_frame)  # one more frame, in which no pixel is highlighted
    frames = [tile([render(picture, step, pixels_per_frame) for picture in pictures], columns, zoom) for step in steps]
    for frame in frames:
        frame.putpalette(palette())
    gif, durations = io.BytesIO(), [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return gif.getvalue()


def render(picture: GifPicture, step: int, new: int) -> np.ndarray:
    """Palette indices (H, W) after `step` filled pixels, of which the last `new` are highlighted."""
    indices = np.where(picture.known, picture.ink // 4, EMPTY_INDEX).astype(np.uint8).ravel()
    shades = picture.drawn[:step] // 4
    highlighted = np.arange(len(shades)) >= step - new
    indices[picture.order[:step]] = SHADES + shades + SHADES * highlighted
    return indices.reshape(picture.ink.shape)


def tile(pictures: list[np.ndarray], columns: int, zoom: int) -> Image.Image:
    """Palette indices of several pictures as one image, each pixel zoom x zoom, with gaps between pictures."""
    tiles = [picture.repeat(zoom, 0).repeat(zoom, 1) for picture in pictures]
    if len(tiles) > 1:
        tiles = [np.pad(indices, zoom // 2, constant_values=0) for indices in tiles]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return Image.fromarray(np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)]), "P")


def palette() -> list[int]:
    """RGB values for the palette indices: SHADES from paper to ink, to FILL, to FILL highlighted, then EMPTY."""
    share = np.linspace(0, 1, SHADES)[:, None]
    known, filled = (PAPER + share * (color - PAPER) for color in (INK, FILL))
    return np.vstack([known, filled, filled + 0.4 * (HIGHLIGHT - filled), EMPTY]).round().astype(int).ravel().tolist()


class GifEncoder:
    """The route POST /gif, which encodes one GIF at a time."""

    def __init__(self) -> None:
        self.queue = WorkQueue("gif")

    async def respond(self, request: Request) -> Response:
        """Pictures as in `decode_pictures` in, image/gif out; or an error response."""
        try:
            pictures = decode_pictures(await read_json(request))
            return Response(await self.queue.run(encode_gif, pictures), media_type="image/gif")
        except InputError as error:
            return error_response(error)
