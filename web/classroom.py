"""A page that a class joins: the address in the local network, its QR code, and the addresses of the class wall."""

import socket
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pixelcnn.errors import BadInput
from web import qr
from web.refusals import in_language, json_of, language_of, refuse
from web.wall import Forbidden, TooMany, Wall

EVERYWHERE = ("0.0.0.0", "::", "")  # names by which a server listens on all networks of a machine


def lan_host() -> str | None:
    """This machine's address in the local network, None where it is in none.

    Connecting a UDP socket sends nothing; it only makes the system choose a way, and with it one of its own addresses.
    The way is to an address that belongs to nobody (RFC 5737).
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            host = probe.getsockname()[0]
    except OSError:
        return None
    return None if host.startswith("127.") or host == "0.0.0.0" else host


def join(name: str, port: int) -> dict:
    """How others come to a server that listens as `name`: {"address", "qr": {"size", "path"}}, or {"sentence"}."""
    host = lan_host() if name in EVERYWHERE else name
    if host is None:
        sentence = "This machine is in no network; join the class's Wi-Fi, a phone's hotspot will do, and look here again."
        return {"sentence": sentence}
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return {"sentence": f"The page listens on {host}, this machine alone; start it without GRADIO_SERVER_NAME."}
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        modules = qr.encode(address)
    except BadInput:  # a name of more than 90 letters, which is typed or not reached
        return {"address": address}
    return {"address": address, "qr": {"size": len(modules), "path": qr.path(modules)}}


def class_routes(name: str, wall: Wall | None) -> list[Route]:
    """/class tells how to join, /wall shows the wall (GET) and takes pictures (POST), /wall/rule obeys the teacher.

    name: what the server listens as. Without a wall all of them are a sentence: the page was not started for a class.
    """

    async def told(request: Request) -> Response:
        way = join(name, request.scope["server"][1])
        if "sentence" in way:
            way["sentence"] = in_language(way["sentence"], language_of(request.headers))
        return JSONResponse(way)

    async def shown(request: Request) -> Response:
        news = wall.news(request.query_params.get("since", ""))
        return Response(status_code=204) if news is None else JSONResponse(news)

    async def put(request: Request) -> Response:
        wall.put(await json_of(request), request.client.host if request.client else "")
        return JSONResponse({"open": wall.open})

    async def ruled(request: Request) -> Response:
        wall.rule(await json_of(request))
        return JSONResponse({"open": wall.open})

    def door(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if wall is None:
                sentence = "There is no class here; start the page with python app.py --lan to have one."
                return refuse(404, sentence, request.headers)
            try:
                response = await answer(request)
            except BadInput as error:
                status = 403 if isinstance(error, Forbidden) else 429 if isinstance(error, TooMany) else 400
                response = refuse(status, str(error), request.headers)
            response.headers["Cache-Control"] = "no-store"
            return response

        return guarded

    return [
        Route("/class", door(told), methods=["GET"]),
        Route("/wall", door(shown), methods=["GET"]),
        Route("/wall", door(put), methods=["POST"]),
        Route("/wall/rule", door(ruled), methods=["POST"]),
    ]
