"""Receptive fields, class posteriors and the anatomy of pixels for the page, from the library and over HTTP."""

import asyncio
import gc
import threading
import weakref

import httpx
import numpy as np
import pytest
import torch
from conftest import tiny_model
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pixelcnn import InputError, complete, load
from pixelcnn.analysis.memory_view import memory_view
from pixelcnn.sampling.class_posterior import class_posterior
from pixelcnn.serving.probes import Probes, log_scaled
from web.probe_routes import probe_routes

DRAWING = b'{"drawing": {"ink": "' + b"00" * 784 + b'", "known": "' + b"0" * 784 + b'"}, %s}'


def receptive_field(probes: Probes, entry: str, pixel: object) -> np.ndarray:
    return asyncio.run(probes.receptive_field(entry, pixel))


def posterior(probes: Probes, entry: str, ink: np.ndarray, known: np.ndarray) -> np.ndarray:
    return asyncio.run(probes.class_posterior(entry, ink, known))


def test_only_a_gradient_of_exactly_zero_is_scaled_to_zero():
    gradient = np.array([[0, 1e-9, 1e-3, 1.0]])
    assert log_scaled(gradient).tolist() == [[0, 1, 103, 255]]
    assert not log_scaled(np.zeros((2, 2))).any()


def test_a_receptive_field_is_computed_once():
    model = tiny_model("pixelcnn", 5, 6)
    probes = Probes(lambda entry: model)
    first = receptive_field(probes, "x", 14)
    model.network = None  # computing again would fail
    assert first.any() and not first.ravel()[14:].any() and (receptive_field(probes, "x", 14) == first).all()


def test_a_replaced_model_is_freed_and_its_results_are_not_used_again():
    models = {"x": tiny_model("pixelcnn", 5, 6)}
    probes, before = Probes(lambda entry: models[entry]), weakref.ref(models["x"])
    first = receptive_field(probes, "x", 14)
    models["x"] = tiny_model("row_lstm", 5, 6)
    gc.collect()
    assert before() is None
    assert (receptive_field(probes, "x", 14) != first).any()


def test_the_class_posterior_is_that_of_every_prefix():
    model = load("freeform")
    probes, known = Probes(lambda entry: model), np.arange(784).reshape(28, 28) < 600
    picture = complete(model, samples=1, seed=4).images[0]
    by_prefix = posterior(probes, "freeform", 255 * picture, known)
    assert by_prefix.shape == (185, 10)
    np.testing.assert_allclose(by_prefix.sum(1), 1, atol=1e-9)
    for step in (0, 100, 184):
        prefix = torch.arange(784).view(28, 28) < 600 + step
        expected = class_posterior(model, torch.from_numpy(picture)[None], prefix)[0]
        np.testing.assert_allclose(by_prefix[step], expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("entry", "first_unknown_row", "last_unknown_row", "code"),
    [("freeform", 10, 11, "posterior_needs_prefix"), ("pixelcnn", 14, 27, "no_class_posterior")],
)
def test_masks_and_models_without_a_class_posterior(entry, first_unknown_row, last_unknown_row, code):
    known = np.ones((28, 28), bool)
    known[first_unknown_row : last_unknown_row + 1] = False
    with pytest.raises(InputError) as caught:
        posterior(Probes(load), entry, np.zeros((28, 28)), known)
    assert caught.value.code == code and caught.value.params["model"] == entry


@pytest.mark.parametrize("pixel", [784, -1, "x", 1.5, None])
def test_what_is_not_a_pixel_is_an_input_error(pixel):
    with pytest.raises(InputError) as caught:
        receptive_field(Probes(load), "pixelcnn", pixel)
    assert caught.value.code == "not_a_whole_number" and caught.value.params["name"] == "pixel"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/receptive-field?model=pixelcnn&pixel=784", None, "not_a_whole_number"),
        ("GET", "/receptive-field?model=pixelcnn&pixel=x", None, "not_a_whole_number"),
        ("GET", "/receptive-field?model=../x&pixel=3", None, "unknown_entry"),
        ("POST", "/class-posterior", b"junk", "body_not_object"),
        ("POST", "/class-posterior", b"[" * 100_000, "body_not_object"),
        (
            "POST",
            "/class-posterior",
            b'{"model": "freeform", "drawing": {"ink": "00", "known": "1"}}',
            "drawing_wrong_size",
        ),
        ("POST", "/class-posterior", b'{"model": ["x"]}', "model_not_text"),
        ("POST", "/anatomy", b"[]", "body_not_object"),
        ("POST", "/anatomy", b'{"model": "pixelcnn"}', "drawing_missing"),
        ("POST", "/anatomy", DRAWING % b'"pixel": 784', "not_a_whole_number"),
        ("POST", "/anatomy", DRAWING % b'"pixel": 3, "temperature": 0', "not_positive"),
        ("POST", "/anatomy", DRAWING % b'"pixel": 3, "digit": 12', "not_a_whole_number"),
        ("POST", "/memory", DRAWING % b'"model": "pixelcnn"', "no_memory"),
        ("POST", "/memory", b'{"model": "pixelcnn"}', "drawing_missing"),
    ],
)
def test_invalid_http_requests_get_an_error(server, method, path, body, code):
    response = httpx.request(method, server + path, content=body, timeout=20)
    assert response.status_code == 400 and response.json()["code"] == code and "Traceback" not in response.text


@pytest.mark.parametrize("name", ["fast_weights", "dnc"])
def test_the_view_of_a_memory_over_http_is_that_of_the_library(name):
    model = tiny_model(name, 5, 6)
    ink = np.random.default_rng(1).integers(0, 256, (5, 6), np.uint8)
    drawing = {"ink": ink.tobytes().hex(), "known": "1" * 30}
    client = TestClient(Starlette(routes=probe_routes(lambda entry: model)))
    answer, view = client.post("/memory", json={"model": "x", "drawing": drawing}).json(), vars(memory_view(model, ink))
    assert set(answer) == set(view)
    for key, value in view.items():
        if isinstance(value, float):
            assert answer[key] == value
            continue
        table = answer[key]
        found = np.frombuffer(bytes.fromhex(table["values"]), ">u2").reshape(table["shape"]) * table["max"] / 65535
        np.testing.assert_allclose(found, value, atol=table["max"] / 65535)


def test_http_answers_are_those_of_the_library(server):
    answer = httpx.get(f"{server}/receptive-field?model=pixelcnn&pixel=400", timeout=20).json()
    assert bytes.fromhex(answer["magnitudes"]) == receptive_field(Probes(load), "pixelcnn", 400).tobytes()
    drawing = {"ink": "00" * 784, "known": "1" * 392 + "0" * 392}
    answer = httpx.post(f"{server}/class-posterior", json={"model": "freeform", "drawing": drawing}, timeout=20).json()
    by_prefix = np.frombuffer(bytes.fromhex(answer["posterior"]), ">u2").reshape(393, 10) / 65535
    np.testing.assert_allclose(by_prefix.sum(1), 1, atol=1e-3)


def test_the_anatomy_over_http_is_that_of_the_library(server):
    model, known = load("freeform"), np.arange(784).reshape(28, 28) < 392
    result = complete(model, None, known.astype(int), seed=4, digit=-2)
    ink = (255 * result.images[0]).astype(np.uint8)
    drawing = {"ink": ink.tobytes().hex(), "known": "".join("01"[int(each)] for each in known.flat)}
    body = {"model": "freeform", "drawing": drawing, "seed": 4, "digit": -2, "pixel": 783}
    answer = httpx.post(f"{server}/anatomy", json=body, timeout=20).json()
    assert answer["digit"] == result.digits[0] and answer["digit_nats"] > 0 and answer["level"] == result.x[0, 783]
    np.testing.assert_allclose(sum(answer["nats"]), result.nats[0], rtol=1e-3)
    assert len(answer["attribution"]) == 784 and len(answer["neighborhood"]) == 24 and len(answer["probabilities"]) == 2


def test_requests_that_wait_for_a_probe_take_no_thread():
    """Completions need the event loop's threads to get their models."""
    model, started, released = tiny_model("pixelcnn", 5, 6), threading.Event(), threading.Event()

    def slow_models(entry):
        started.set()
        assert released.wait(20)
        return model

    app = Starlette(routes=probe_routes(slow_models))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            requests = [asyncio.create_task(client.get("/receptive-field?pixel=3", timeout=20)) for _ in range(60)]
            while not started.is_set():
                await asyncio.sleep(0.01)
            await asyncio.wait_for(asyncio.to_thread(int), 10)  # a thread is free
            released.set()
            return [(await task).status_code for task in requests]

    assert asyncio.run(ask()) == [200] * 60
