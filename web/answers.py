"""The page's small questions beside completions, as addresses: where a model looks, and which digit a picture may be."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pixelcnn import BadInput
from pixelcnn.canvas import decode
from pixelcnn.insight import Insight
from pixelcnn.models.base import AutoregressiveModel
from web.refusals import json_of, refuse
from web.wire import words_of


def in_sentences(answer: Callable[[Request], Awaitable[JSONResponse]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """BadInput, and bodies that are no JSON object, as {"error": sentence} with status 400."""

    async def answered(request: Request) -> JSONResponse:
        try:
            return await answer(request)
        except BadInput as error:
            return refuse(400, str(error), request.headers)

    return answered


async def body_of(request: Request) -> dict:
    """The JSON object that came. Raises BadInput for anything else."""
    body = await json_of(request)
    if not isinstance(body, dict):
        raise BadInput("The request is not a JSON object; reload the page and try again.")
    return body


def answers(models: Callable[[object], AutoregressiveModel]) -> list[Route]:
    """/sight?model=ENTRY&pixel=N and /digits, which takes {"model", "drawing": {"ink", "known"}}.

    Who waits for an answer waits here and not in a thread: there are few, and completions need them.
    """
    insight, turn = Insight(models), asyncio.Semaphore(1)

    @in_sentences
    async def sight(request: Request) -> JSONResponse:
        pixel = request.query_params.get("pixel", "")
        number = int(pixel) if pixel.isdecimal() and len(pixel) < 9 else pixel
        async with turn:
            seen = await asyncio.to_thread(insight.sight, request.query_params.get("model", ""), number)
        return JSONResponse({"strength": seen.tobytes().hex()})

    @in_sentences
    async def digits(request: Request) -> JSONResponse:
        body = await body_of(request)
        model = await asyncio.to_thread(models, body.get("model"))
        drawing = decode(body.get("drawing"), model.config.height, model.config.width)
        async with turn:
            course = await asyncio.to_thread(insight.digits, body.get("model"), *drawing)
        return JSONResponse({"course": words_of((65535 * course).ravel())})

    return [Route("/sight", sight), Route("/digits", digits, methods=["POST"])]
