"""A reverse proxy with sticky sessions for several front ends: a cookie says which of them serves a visitor."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import cycle

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

COOKIE = "front"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade"}


def proxy_app(fronts: list[str]) -> Starlette:
    """Forwards each request to one of the addresses; new visitors take turns."""
    client, turns = httpx.AsyncClient(timeout=120), cycle(range(len(fronts)))

    async def forward(request: Request) -> StreamingResponse:
        chosen = request.cookies.get(COOKIE, "")
        number = int(chosen) if chosen.isdecimal() and int(chosen) < len(fronts) else next(turns)
        url = f"{fronts[number]}{request.url.path}?{request.url.query}"
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in HOP_BY_HOP]
        outgoing = client.build_request(request.method, url, headers=headers, content=await request.body())
        answer = await client.send(outgoing, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP | {"set-cookie"}}
        response = StreamingResponse(body(), answer.status_code, kept)
        response.set_cookie(COOKIE, str(number))
        return response

    return Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])])


@contextmanager
def sticky_proxy(fronts: list[str]) -> Iterator[str]:
    """Run the proxy on a free local port; yields its address."""
    server = uvicorn.Server(uvicorn.Config(proxy_app(fronts), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the proxy did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
