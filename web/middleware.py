"""The limit on request bodies, and the routes beside Gradio's own: /parts, /ready, /models, /gif,
the probes, and files of visitors."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pixelcnn.serving.backend import Backend
from pixelcnn.serving.registry import ModelRegistry
from web.errors import ForbiddenError, NotFoundError, TooLargeError, error_json, error_response, message_json
from web.gif import GifEncoder
from web.probe_routes import probe_routes
from web.uploads.routes import WEIGHTS_PATH, picture_routes, weights_routes

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}  # explicit, because mimetypes depends on the machine
# Listed once, so that no path of a request reaches the file system.
STATIC_FILES = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in MEDIA_TYPES}


class BodyLimitExceeded(Exception):
    """More of a request's body arrived than the limit allows."""


class BodyLimit:
    """ASGI middleware that rejects request bodies above `limit` bytes (413) and all file uploads to Gradio (403).

    It is plain ASGI, so it covers every route that Gradio adds. weights_limit: for weights of visitors.
    """

    def __init__(self, app: ASGIApp, limit: int, weights_limit: int):
        self.app = app
        self.limit = limit
        self.weights_limit = weights_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"].rstrip("/").endswith("/upload"):
            error = ForbiddenError("uploads_not_accepted", "This server does not accept files. Send the drawing as JSON.")
            return await error_response(error)(scope, receive, send)
        limit = self.weights_limit if scope["path"].endswith(WEIGHTS_PATH) else self.limit
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            return await too_large(limit)(scope, receive, send)
        received, started = 0, False

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyLimitExceeded
            return message

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if started or received <= limit:  # otherwise the app answers an incomplete body; 413 replaces that answer
                started = True
                await send(message)

        with suppress(BodyLimitExceeded):
            await self.app(scope, limited_receive, guarded_send)
        if received > limit and not started:
            await too_large(limit)(scope, receive, send)


def too_large(limit: int) -> JSONResponse:
    """The answer to a body above a limit in bytes."""
    return error_response(
        TooLargeError(
            "body_too_large",
            "The request is larger than {limit_kb} KB. Send one drawing, or a smaller file.",
            limit_kb=limit // 1024,
        )
    )


async def static_file(request: Request) -> Response:
    """GET /parts/PATH: a module or style sheet of web/static. Revalidated at each load, so that versions never mix."""
    path = STATIC_FILES.get(request.path_params["path"])
    if path is None:
        return error_response(NotFoundError("file_not_found", "The page has no such file. Reload the page."))
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


def app_options(
    backend: Backend, registry: ModelRegistry, body_kb: int, more_routes: Sequence[Route] = (), weights_mb: int = 0
) -> dict:
    """The `app_kwargs` of Gradio's `launch`: the body limits and all routes beside Gradio's own.

    weights_mb: the limit on weights of visitors, which are refused if it is 0.

    GET /ready: device, weights, problems with them, and the backend's counters. GET /models: the models to choose from.
    """

    async def ready(request: Request) -> JSONResponse:
        weights = message_json(registry.weights_status)
        status = {"ready": True, "device": registry.device_name(), "weights": weights["text"], "weights_message": weights}
        status["weights_problems"] = [error_json(error) for error in registry.problems()]
        return JSONResponse(status | backend.counters())

    async def models(request: Request) -> JSONResponse:
        return JSONResponse(registry.facts())

    routes = [
        Route("/ready", ready),
        Route("/models", models),
        Route("/parts/{path:path}", static_file),
        Route("/gif", GifEncoder().respond, methods=["POST"]),
        *probe_routes(backend.models),
        *picture_routes(registry),
        *weights_routes(registry, accepted=weights_mb > 0),
        *more_routes,
    ]
    limits = {"limit": 1024 * body_kb, "weights_limit": 1024 * max(body_kb, 1024 * weights_mb)}
    return {"routes": routes, "middleware": [Middleware(BodyLimit, **limits)]}
