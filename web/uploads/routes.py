"""HTTP routes for files of visitors: a picture that becomes a drawing, and weights that draw for their visitor alone."""

import asyncio
import io
import os
from contextlib import suppress

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pixelcnn import InputError
from pixelcnn.data.drawing_file import read_drawing
from pixelcnn.data.image_file import UnusableImageError
from pixelcnn.serving.registry import ModelRegistry
from pixelcnn.serving.visitor_models import LEASE_S
from pixelcnn.serving.work_queue import WorkQueue
from web.errors import ForbiddenError, with_state
from web.probe_routes import read_object, with_errors

MAX_ENTRIES = 100  # in one request
WEIGHTS_PATH = "/visitor-weights"


def weights_are_accepted(allowed: bool, lan: bool, local_backend: bool) -> bool:
    """Whether visitors can bring weights: on a machine of one's own, or if the server was started to allow it."""
    return local_backend and (allowed or not (lan or os.environ.get("SPACE_ID")))


def picture_routes(registry: ModelRegistry) -> list[Route]:
    """POST /picture with a picture file: {"ink": two hex digits for each pixel of the page's drawing}."""
    queue = WorkQueue("picture")

    @with_errors
    async def picture(request: Request) -> Response:
        data = await read_body(request)
        ink = await queue.run(decode_picture, data, *registry.size())
        return JSONResponse({"ink": ink.tobytes().hex()})

    return [Route("/picture", picture, methods=["POST"])]


def weights_routes(registry: ModelRegistry, accepted: bool) -> list[Route]:
    """POST /visitor-weights?name=FILE with a safetensors file: {"entry", "facts"}, where the entry can be used as `model`.

    POST /visitor-weights/keep with {"entries"}: those that exist, for another LEASE_S seconds; POST
    /visitor-weights/release frees them. accepted: without it all answer 403.
    """
    queue, models = WorkQueue("visitor-weights"), registry.visitor_models

    async def add(request: Request, registry: ModelRegistry) -> Response:
        models.check_room()
        name = request.query_params.get("name", "")[:80] or "weights.safetensors"
        data = await read_body(request)
        entry, facts = await queue.run(registry.add_visitor_model, data, name)
        expire_later()
        return JSONResponse({"entry": entry, "facts": facts})

    async def keep(request: Request, registry: ModelRegistry) -> Response:
        kept = models.renew(await read_entries(request))
        expire_later()
        return JSONResponse({"entries": kept})

    async def release(request: Request, registry: ModelRegistry) -> Response:
        models.remove(await read_entries(request))
        return JSONResponse({})

    def expire_later() -> None:
        asyncio.get_running_loop().call_later(LEASE_S + 1, models.expire)

    refused = ForbiddenError(
        "visitor_weights_off",
        "This server is open to others and accepts no weights. Start it on your own machine, or with --allow-uploads.",
    )
    with_registry = with_state(registry if accepted else None, refused)
    return [
        Route(WEIGHTS_PATH, with_registry(add), methods=["POST"]),
        Route(f"{WEIGHTS_PATH}/keep", with_registry(keep), methods=["POST"]),
        Route(f"{WEIGHTS_PATH}/release", with_registry(release), methods=["POST"]),
    ]


async def read_body(request: Request) -> bytes:
    """The request's body; nothing if the client has disconnected."""
    with suppress(ClientDisconnect):
        return await request.body()
    return b""


async def read_entries(request: Request) -> list[str]:
    """The field "entries" of a request; entries of a wrong type are left out. Raises InputError."""
    entries = (await read_object(request)).get("entries")
    return [entry for entry in entries[:MAX_ENTRIES] if isinstance(entry, str)] if isinstance(entries, list) else []


def decode_picture(data: bytes, height: int, width: int) -> np.ndarray:
    """A picture file as ink (height, width), uint8. Raises InputError if it cannot be used."""
    try:
        return read_drawing(io.BytesIO(data), height, width)
    except UnusableImageError as error:
        raise picture_error(error.kind) from None


def picture_error(kind: str) -> InputError:
    """The error for a kind of UnusableImageError."""
    if kind == "blank":
        return InputError(
            "picture_blank",
            "Nothing stands out in this picture. Use a photo of one digit, dark on light paper or light on dark.",
        )
    if kind == "shape":
        return InputError("picture_shape", "This picture is too small or too narrow. Crop it so that it is nearly square.")
    if kind == "large":
        return InputError("picture_too_large", "This picture has too many pixels. Reduce it and try again.")
    if kind == "format":
        return InputError("picture_format", "This file is not a picture of a known format. Convert it to PNG or JPEG.")
    return InputError("picture_damaged", "This picture is damaged and cannot be read. Copy it again, or choose another.")
