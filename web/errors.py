"""Errors and messages as JSON, for the routes beside Gradio's own."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from pixelcnn.errors import InputError, Message, UnavailableError

T = TypeVar("T")


class ForbiddenError(InputError):
    """The client is not allowed to do this (status 403)."""


class NotFoundError(InputError):
    """Nothing exists at this address (status 404)."""


class TooLargeError(InputError):
    """The request body is too large (status 413)."""


class RateLimitError(InputError):
    """The client sends too many requests (status 429)."""


STATUS = {ForbiddenError: 403, NotFoundError: 404, TooLargeError: 413, RateLimitError: 429, UnavailableError: 503}


def error_response(error: InputError) -> JSONResponse:
    """{"error": English sentence, "code", "params"}, from which the page makes a sentence in the visitor's language.

    The status is that of the error's class, 400 for InputError itself. "detail" repeats the sentence, where FastAPI has it.
    """
    body = {"detail": str(error)} | error_json(error)
    return JSONResponse(body, STATUS.get(type(error), 400))


def error_json(error: InputError) -> dict:
    """An error as {"error": English sentence, "code", "params"}."""
    return {"error": str(error), "code": error.code, "params": error.params}


def message_json(message: Message) -> dict:
    """A message as {"text": English sentence, "code", "params"}."""
    return {"text": str(message), "code": message.code, "params": message.params}


def with_state(
    state: T | None, missing: InputError
) -> Callable[[Callable[[Request, T], Awaitable[Response]]], Callable[[Request], Awaitable[Response]]]:
    """A decorator for endpoints that need a state of the server which it may not have: without it they answer `missing`.

    An InputError becomes an error response. Answers are never cached.
    """

    def decorate(endpoint: Callable[[Request, T], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                response = error_response(missing) if state is None else await endpoint(request, state)
            except InputError as error:
                response = error_response(error)
            response.headers["Cache-Control"] = "no-store"
            return response

        return respond

    return decorate


async def read_json(request: Request) -> object:
    """The request's body as JSON; None if it is not JSON or the client has disconnected."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError, ClientDisconnect):
        return None
