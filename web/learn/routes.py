"""HTTP routes of a training that visitors watch."""

import asyncio
import os

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from pixelcnn import InputError
from pixelcnn.errors import describe
from pixelcnn.hub.manifest import read_manifest
from pixelcnn.serving.work_queue import WorkQueue
from web.classroom.wall import Wall
from web.errors import NotFoundError, with_state
from web.learn.live_training import MIN_PICTURES, LiveTraining
from web.probe_routes import read_object
from web.protocol import decode_drawing

HEIGHT, WIDTH = 28, 28  # of the bundled digits
SHIPPED = "pixelcnn"  # the entry whose nats are a reference


def learning_is_on(choice: str, local_backend: bool) -> bool:
    """Whether visitors can train: with "auto", on a machine of one's own, not on a Space or another backend."""
    return local_backend and (choice == "on" or (choice == "auto" and not os.environ.get("SPACE_ID")))


def chosen_pictures(data: object, wall: Wall | None) -> np.ndarray | None:
    """The pictures to train on, ink (N, 28, 28): of the wall, or None for the bundled digits. Raises InputError."""
    if data is None or data == "digits":
        return None
    if data == "wall" and wall:
        return wall.training_pictures().reshape(-1, HEIGHT, WIDTH)
    raise InputError("learn_data_unknown", "There is no data {data}. Use digits, or wall in a class.", data=describe(data))


def learn_routes(training: LiveTraining | None, wall: Wall | None = None) -> list[Route]:
    """GET /learn: the run. POST /learn: {"action": "start", "channels", "blocks", "lr", "minutes", "data"} or
    {"action", "key"}. data: "digits", the default, or "wall" for the pictures on the wall whose visitors agreed.

    POST /learn/complete: {"drawing", "seed", "step"} completed with the weights of a step. GET /learn/weights?step=N: the
    file. training: None if the server does not train; all routes then answer 404.
    """
    queue = WorkQueue("learn")

    def state(training: LiveTraining) -> dict:
        run, shipped = training.run, read_manifest()["entries"].get(SHIPPED)
        on_digits = not run or run.options["data"] == "digits"  # nats of other pictures cannot be compared
        return {
            "state": run.state if run else "none",
            "options": run.options if run else {},
            "points": [[p["step"], p["train_nats"], p["valid_nats"], p.get("seconds", 0)] for p in training.points()],
            "shipped": shipped["nats"] if shipped and on_digits else None,
            "wall": len(wall.training_pictures()) if wall else None,
            "needed": MIN_PICTURES,
        }

    async def show(request: Request, training: LiveTraining) -> Response:
        return JSONResponse(state(training))

    async def control(request: Request, training: LiveTraining) -> Response:
        body = await read_object(request)
        if body.get("action") != "start":
            training.control(body.get("action"), body.get("key"))
            return JSONResponse(state(training))
        channels, blocks, lr, minutes = (body.get(name) for name in ("channels", "blocks", "lr", "minutes"))
        pictures = chosen_pictures(body.get("data"), wall)
        run = await asyncio.to_thread(training.start, channels, blocks, lr, minutes, pictures)
        return JSONResponse(state(training) | {"key": run.key})

    async def complete(request: Request, training: LiveTraining) -> Response:
        body = await read_object(request)
        ink, known = decode_drawing(body.get("drawing"), HEIGHT, WIDTH)
        step, picture, nats = await queue.run(training.complete, body.get("step"), ink, known, body.get("seed"))
        return JSONResponse({"step": step, "ink": picture.tobytes().hex(), "nats": round(nats, 2)})

    async def weights(request: Request, training: LiveTraining) -> Response:
        step = request.query_params.get("step", "")
        path = training.weights(int(step) if step.isdecimal() and len(step) < 9 else step)
        return FileResponse(path, filename=f"pixelcnn-{path.stem}.safetensors", media_type="application/octet-stream")

    missing = NotFoundError("learn_off", "This server does not train. Start it with --learn on to train here.")
    with_training = with_state(training, missing)
    return [
        Route("/learn", with_training(show), methods=["GET"]),
        Route("/learn", with_training(control), methods=["POST"]),
        Route("/learn/complete", with_training(complete), methods=["POST"]),
        Route("/learn/weights", with_training(weights), methods=["GET"]),
    ]
