"""Completions as a film: the GIF that the page offers, made from what the page was sent and sends back.

Pixels appear in the order in which they were filled, the newest still warm, all pictures side by side. Nothing is computed
anew and no model is asked, so a film is of what was seen, whichever weights are there now.
"""

import asyncio
import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from pixelcnn import BadInput
from pixelcnn.canvas import INK, PAPER, decode
from web.refusals import json_of, refuse

FILL, WARM, EMPTY = np.array([217, 72, 15]), np.array([255, 212, 59]), np.array([229, 223, 210])  # colours of the page
SHADES = 64  # of each of: yours, the model's, the model's while it is new
NOTHING = 3 * SHADES  # the palette's place for a pixel that is not filled yet
MOST_PICTURES, MOST_SIDE = 128, 64
EDGE = 400  # of the film, about, in screen pixels
FRAMES, FRAME_MS, END_MS = 60, 60, 2500
EXPECTED = "reload the page, complete a picture and try again"


@dataclass(frozen=True)
class Reel:
    """One picture: ink (H, W) 0..255 and known (H, W) as it began, the unknown pixels filled, (n,), and their ink, (n,)."""

    ink: np.ndarray
    known: np.ndarray
    order: np.ndarray
    drawn: np.ndarray


def reels(payload: object) -> list[Reel]:
    """What the page sends, {"width", "height", "parts": [{"drawing": {"ink", "known"}, "order", "drawn"}, ...]}: order are
    raster numbers, drawn a string for each picture, two hex digits a pixel. Raises BadInput, one sentence, for the rest."""
    if not isinstance(payload, dict) or not isinstance(payload.get("parts"), list):
        raise BadInput(f"There are no pictures to film in what was sent; {EXPECTED}.")
    height, width = (payload.get(name) for name in ("height", "width"))
    if not all(type(side) is int and 1 <= side <= MOST_SIDE for side in (height, width)):
        raise BadInput(f"A film is of pictures of 1 to {MOST_SIDE} pixels a side, and other sizes were given; {EXPECTED}.")
    made = [reel for part in payload["parts"][: MOST_PICTURES + 1] for reel in reels_of(part, height, width)]
    if not 1 <= len(made) <= MOST_PICTURES:
        raise BadInput(f"A film shows 1 to {MOST_PICTURES} pictures, not {len(made)}; choose fewer and try again.")
    return made


def reels_of(part: object, height: int, width: int) -> list[Reel]:
    part = part if isinstance(part, dict) else {}
    ink, known = decode(part.get("drawing"), height, width)
    order, drawn = part.get("order"), part.get("drawn")
    unknown = set(np.flatnonzero(~known).tolist())
    if not isinstance(order, list) or not all(type(pixel) is int and pixel in unknown for pixel in order):
        raise BadInput(f"The order of filling names pixels that are not there to fill; {EXPECTED}.")
    if len(set(order)) != len(order):
        raise BadInput(f"The order of filling names a pixel twice; {EXPECTED}.")
    if not isinstance(drawn, list) or len(drawn) > MOST_PICTURES or not all(hexed(row, len(order)) for row in drawn):
        raise BadInput(f"What was filled is not two hex digits a pixel of the order; {EXPECTED}.")
    filled = [np.frombuffer(bytes.fromhex(row), np.uint8) for row in drawn]
    return [Reel(ink, known, np.array(order[: len(row)], np.int64), row) for row in filled]


def hexed(row: object, most: int) -> bool:
    return isinstance(row, str) and len(row) <= 2 * most and re.fullmatch("([0-9a-f]{2})*", row) is not None


def film(made: list[Reel]) -> bytes:
    """The GIF of some pictures of one size, in a square as near as can be."""
    height, width = made[0].ink.shape
    columns = int(np.ceil(len(made) ** 0.5))
    zoom = max(2, EDGE // (columns * max(height, width)))
    longest = max(len(reel.order) for reel in made)
    stride = max(1, -(-longest // FRAMES))
    moments = [*range(0, longest, stride), longest]
    if len(moments) > 1:
        moments.append(longest + stride)  # once more, when all has cooled
    frames = [sheet([still(reel, moment, stride) for reel in made], columns, zoom) for moment in moments]
    for frame in frames:
        frame.putpalette(palette())
    film, durations = io.BytesIO(), [FRAME_MS] * (len(frames) - 1) + [END_MS]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return film.getvalue()


def still(reel: Reel, moment: int, stride: int) -> np.ndarray:
    """Places in the palette (H, W) when so many pixels are filled; the last `stride` of them are new."""
    places = np.where(reel.known, reel.ink // 4, NOTHING).astype(np.uint8).ravel()
    shades = reel.drawn[:moment] // 4
    new = np.arange(len(shades)) >= moment - stride
    places[reel.order[:moment]] = SHADES + shades + SHADES * new
    return places.reshape(reel.ink.shape)


def sheet(stills: list[np.ndarray], columns: int, zoom: int) -> Image.Image:
    """Pictures side by side, each pixel zoom x zoom, a seam between them where there are several."""
    tiles = [still.repeat(zoom, 0).repeat(zoom, 1) for still in stills]
    tiles = [np.pad(tile, zoom // 2, constant_values=0) for tile in tiles] if len(tiles) > 1 else tiles
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return Image.fromarray(np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)]), "P")


def palette() -> list[int]:
    share = np.linspace(0, 1, SHADES)[:, None]
    yours, models = (PAPER + share * (colour - PAPER) for colour in (INK, FILL))
    return np.vstack([yours, models, models + 0.4 * (WARM - models), EMPTY]).round().astype(int).ravel().tolist()


class Studio:
    """Makes one film at a time, beside the loop: films are for later, completions are for now."""

    def __init__(self):
        self.turn = asyncio.Semaphore(1)

    async def gif(self, request: Request) -> Response:
        """POST /gif: reels in, a GIF out; one sentence with status 400 for what is none."""
        try:
            made = reels(await json_of(request))
            async with self.turn:
                return Response(await asyncio.to_thread(film, made), media_type="image/gif")
        except BadInput as error:
            return refuse(400, str(error), request.headers)
