"""HTTP routes for a class: how to join, and the class wall."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from web.classroom.join import join_info
from web.classroom.wall import Wall
from web.errors import NotFoundError, read_json, with_state


def class_routes(name: str | None, wall: Wall | None) -> list[Route]:
    """GET /class: how to join. GET /wall: the wall. POST /wall: add a picture. POST /wall/moderate: the teacher's actions.

    name: the host that the server listens on. wall: None without --lan; all routes then answer 404.
    """

    async def join(request: Request, wall: Wall) -> Response:
        return JSONResponse(join_info(name, request.scope["server"][1]).to_dict())

    async def show(request: Request, wall: Wall) -> Response:
        changes = wall.changes_since(request.query_params.get("since", ""))
        return Response(status_code=204) if changes is None else JSONResponse(changes)

    async def add(request: Request, wall: Wall) -> Response:
        wall.add(await read_json(request), request.client.host if request.client else "")
        return JSONResponse({"open": wall.open})

    async def moderate(request: Request, wall: Wall) -> Response:
        wall.moderate(await read_json(request))
        return JSONResponse({"open": wall.open})

    missing = NotFoundError("no_class", "This server has no class. Start it with: python app.py --lan")
    with_wall = with_state(wall, missing)
    return [
        Route("/class", with_wall(join), methods=["GET"]),
        Route("/wall", with_wall(show), methods=["GET"]),
        Route("/wall", with_wall(add), methods=["POST"]),
        Route("/wall/moderate", with_wall(moderate), methods=["POST"]),
    ]
