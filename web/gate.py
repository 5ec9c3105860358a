"""What stands between the network and the page: how much a request may bring, and the addresses beside Gradio's own.

Plain ASGI, so that it holds for every address that Gradio has now or gets later.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pixelcnn.engine import Engine
from pixelcnn.shelf import Shelf
from web.answers import answers
from web.film import Studio
from web.refusals import in_language, language_of, refuse

SCRIPTS = {path.name: path for path in (Path(__file__).parent / "js").iterdir()}


class TooLarge(Exception):
    """A body went on beyond the limit."""


class Gate:
    """Lets requests through whose bodies are of at most `limit` bytes, and no files at all: the page takes none."""

    def __init__(self, app: ASGIApp, limit: int):
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"].rstrip("/").endswith("/upload"):
            refusal = refuse(403, "Files are not taken here; send the drawing itself.", Headers(scope=scope))
            return await refusal(scope, receive, send)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.limit:
            return await self.too_large(scope)(scope, receive, send)
        seen, answered = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise TooLarge
            return message

        async def answering(message: Message) -> None:
            nonlocal answered
            if answered or seen <= self.limit:  # else it was made of half a body, and ours goes out instead
                answered = True
                await send(message)

        with suppress(TooLarge):
            await self.app(scope, counted, answering)
        if seen > self.limit and not answered:
            await self.too_large(scope)(scope, receive, send)

    def too_large(self, scope: Scope) -> JSONResponse:
        sentence = f"The request is larger than {self.limit // 1024} KB; a drawing is far smaller."
        return refuse(413, sentence, Headers(scope=scope))


async def script(request: Request) -> FileResponse | JSONResponse:
    """One of the page's own modules; asked for anew each time, lest a browser keeps one of an older page."""
    path = SCRIPTS.get(request.path_params["name"])
    if path is None:
        return refuse(404, "There is no such part of the page; reload it.")
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


def guarded(engine: Engine, shelf: Shelf, body_kb: int, further: Sequence[Route] = ()) -> dict:
    """The `app_kwargs` of `launch`: the gate, the page's modules, /models for what there is to choose from, /ready, which
    tells device, weights and the engine's counters, /gif, which makes films of completions; and `further` addresses."""

    async def ready(request: Request) -> JSONResponse:
        weights = in_language(shelf.origin, language_of(request.headers))
        return JSONResponse({"ready": True, "device": shelf.device_name(), "weights": weights} | engine.counters())

    async def models(request: Request) -> JSONResponse:
        return JSONResponse(shelf.facts())

    routes = [Route("/ready", ready), Route("/models", models), Route("/parts/{name}", script), *further]
    routes += [*answers(engine.models), Route("/gif", Studio().gif, methods=["POST"])]
    return {"routes": routes, "middleware": [Middleware(Gate, limit=1024 * body_kb)]}
