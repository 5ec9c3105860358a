"""HTTP routes that compute something about a model beside completions: receptive field, class posterior, anatomy."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pixelcnn import InputError
from pixelcnn.analysis.digit_classifier import SIZE
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.serving.probes import Probes
from web.errors import error_response, read_json
from web.protocol import decode_drawing, decode_entry, decode_pictures, decode_request, encode_anatomy, encode_memory, hex16

Endpoint = Callable[[Request], Awaitable[Response]]


def with_errors(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with InputError turned into an error response."""

    async def endpoint_or_error(request: Request) -> Response:
        try:
            return await endpoint(request)
        except InputError as error:
            return error_response(error)

    return endpoint_or_error


async def read_object(request: Request) -> dict:
    """The request's body as a JSON object. Raises InputError if it is anything else."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise InputError("body_not_object", "The request body is not a JSON object. Reload the page and try again.")
    return body


def probe_routes(models: Callable[[str], AutoregressiveModel]) -> list[Route]:
    """GET /receptive-field?model=ENTRY&pixel=N: {"magnitudes": two hex digits for each pixel of the picture}.

    POST /class-posterior with {"model", "drawing": {"ink", "known"}}: {"posterior": four hex digits, 65535 is 1, for each
    class at each step}.

    POST /anatomy with the fields of a part of a completion request for one sample, and "pixel": see `encode_anatomy`.

    POST /memory with {"model", "drawing": a finished picture, all of whose ink counts}: see `encode_memory`.

    POST /read-digits with {"pictures": two hex digits of ink a pixel, each}: {"digits": what a classifier reads}.
    """
    probes = Probes(models)

    async def read_picture(body: dict) -> tuple[str, AutoregressiveModel, np.ndarray, np.ndarray]:
        """The entry that a request names, its model, and the ink and known pixels of the drawing."""
        entry = decode_entry(body.get("model"))
        model = await asyncio.to_thread(models, entry)
        return entry, model, *decode_drawing(body.get("drawing"), model.config.height, model.config.width)

    @with_errors
    async def receptive_field(request: Request) -> Response:
        pixel = request.query_params.get("pixel", "")
        number = int(pixel) if pixel.isdecimal() and len(pixel) < 9 else pixel
        field = await probes.receptive_field(request.query_params.get("model", ""), number)
        return JSONResponse({"magnitudes": field.tobytes().hex()})

    @with_errors
    async def class_posterior(request: Request) -> Response:
        entry, _, ink, known = await read_picture(await read_object(request))
        posterior = await probes.class_posterior(entry, ink, known)
        return JSONResponse({"posterior": hex16(65535 * posterior.ravel())})

    @with_errors
    async def anatomy(request: Request) -> Response:
        body = await read_object(request)
        entry, model, ink, _ = await read_picture(body)
        completion = decode_request({"temperature": 1, "seed": 0, **body, "samples": 1}, *ink.shape)
        parts = await probes.anatomy(entry, completion, ink, body.get("pixel"))
        return JSONResponse(encode_anatomy(parts, model.neighborhood))

    @with_errors
    async def memory(request: Request) -> Response:
        entry, _, ink, _ = await read_picture(await read_object(request))
        return JSONResponse(encode_memory(await probes.memory(entry, ink)))

    @with_errors
    async def read_digits(request: Request) -> Response:
        pictures = decode_pictures((await read_object(request)).get("pictures"), SIZE, SIZE)
        return JSONResponse({"digits": (await probes.read_digits(pictures)).tolist()})

    return [
        Route("/receptive-field", receptive_field),
        Route("/class-posterior", class_posterior, methods=["POST"]),
        Route("/anatomy", anatomy, methods=["POST"]),
        Route("/memory", memory, methods=["POST"]),
        Route("/read-digits", read_digits, methods=["POST"]),
    ]
