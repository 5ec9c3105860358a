"""Pictures completed by exhibits: the API endpoint /exhibit, and the routes of the page's comparison of models."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pixelcnn import InputError
from pixelcnn.exhibits import Frame
from pixelcnn.serving.exhibit_queue import ExhibitQueue
from web.errors import error_json, message_json
from web.handlers import api_errors
from web.probe_routes import read_object, with_errors
from web.protocol import decode_drawing, decode_entry, decode_request

Endpoint = Callable[..., AsyncGenerator[dict, None]]


def exhibit_endpoint(queue: ExhibitQueue) -> Endpoint:
    """The function behind /exhibit. Gradio reads its parameters and its documentation."""

    async def exhibit(
        drawing: list[list[int]], known: list[list[int]], model: str = "dcgan", samples: int = 1, seed: int = 0
    ) -> AsyncGenerator[dict, None]:
        """Complete a picture with an exhibit, a model without a likelihood, and yield the pictures as they improve.

        drawing: H x W ink in 0..255; known: H x W of 0 and 1; model: dcgan or pix2pix. Can be cancelled.
        """
        with api_errors():
            entry = decode_entry(model)
            async with aclosing(queue.frames(entry, drawing, known, samples, seed)) as frames:
                async for frame in frames:
                    yield encode_frame(entry, int(seed), frame)

    return exhibit


def encode_frame(entry: str, seed: int, frame: Frame) -> dict:
    """A frame as the API's JSON. captions are English; caption_messages have the code and params of each."""
    return {
        "model": entry,
        "seed": seed,
        "step": frame.step,
        "steps": frame.steps,
        "images": frame.images.tolist(),
        "captions": [str(caption) for caption in frame.captions],
        "caption_messages": [{"code": caption.code, "params": caption.params} for caption in frame.captions],
    }


def comparison_routes(queue: ExhibitQueue) -> list[Route]:
    """POST /exhibit-frames with {"model", "drawing", "samples", "seed"}: one line of JSON for each frame, `encode_line`.

    An error that comes later is the last line, {"error", "code", "params"}. The work ends when the client is gone.

    POST /pictures with the fields of a part of a completion request: {"pictures": two hex digits of ink a pixel, for each
    sample, "ms"}.
    """
    backend = queue.backend

    @with_errors
    async def exhibit_frames(request: Request) -> Response:
        body = await read_object(request)
        entry, config = decode_entry(body.get("model")), (await asyncio.to_thread(backend.models, "")).config
        ink, known = decode_drawing(body.get("drawing"), config.height, config.width)
        frames = queue.frames(entry, ink, known, body.get("samples"), body.get("seed"))
        return StreamingResponse(lines(frames), media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})

    @with_errors
    async def pictures(request: Request) -> Response:
        body = await read_object(request)
        entry = decode_entry(body.get("model"))
        model = await asyncio.to_thread(backend.models, entry)
        asked = decode_request({"temperature": 1, **body}, model.config.height, model.config.width)
        started = time.perf_counter()
        async with aclosing(backend.submit(asked, entry).frames()) as results:
            async for result in results:
                ink = (result.images * 255 / (result.levels - 1)).round().astype(np.uint8)
        return JSONResponse({"pictures": hex_pictures(ink), "ms": round(1000 * (time.perf_counter() - started))})

    return [
        Route("/exhibit-frames", exhibit_frames, methods=["POST"]),
        Route("/pictures", pictures, methods=["POST"]),
    ]


async def lines(frames: AsyncGenerator[Frame, None]) -> AsyncGenerator[str, None]:
    """The lines of /exhibit-frames."""
    async with aclosing(frames):
        try:
            async for frame in frames:
                yield json.dumps(encode_line(frame)) + "\n"
        except InputError as error:
            yield json.dumps(error_json(error)) + "\n"


def encode_line(frame: Frame) -> dict:
    """A frame as the page reads it; pictures as in /pictures, captions for translation."""
    captions, ms = [message_json(caption) for caption in frame.captions], round(1000 * frame.seconds, 1)
    pictures = hex_pictures(frame.images)
    return {"step": frame.step, "steps": frame.steps, "pictures": pictures, "captions": captions, "ms": ms}


def hex_pictures(ink: np.ndarray) -> list[str]:
    """Ink (N, H, W), uint8, as two hex digits a pixel for each picture."""
    return [picture.tobytes().hex() for picture in ink]
