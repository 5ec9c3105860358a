"""Where a model looks, and which digit a picture may be: by the library, and over HTTP as the page asks."""

import asyncio
import threading

import httpx
import numpy as np
import pytest
import torch
from conftest import tiny_model
from starlette.applications import Starlette

from pixelcnn import BadInput, complete, load
from pixelcnn.insight import Insight, strength
from pixelcnn.posterior import posterior
from web.answers import answers


def test_strength_is_zero_only_where_nothing_is_seen():
    field = np.array([[0, 1e-9, 1e-3, 1.0]])
    assert strength(field).tolist() == [[0, 1, 103, 255]]
    assert not strength(np.zeros((2, 2))).any()


def test_sight_is_asked_of_the_network_once():
    asked = []
    model = tiny_model("pixelcnn", 5, 6)
    insight = Insight(lambda entry: asked.append(entry) or model)
    first = insight.sight("x", 14)
    model.forward = None  # whoever worked it out again would fail
    assert first.any() and not first.ravel()[14:].any() and (insight.sight("x", 14) == first).all()


def test_the_course_of_digits_is_the_posterior_at_every_prefix():
    model = load("freeform")
    insight, known = Insight(lambda entry: model), np.arange(784).reshape(28, 28) < 600
    picture = complete(model, samples=1, seed=4).images[0]
    course = insight.digits("freeform", 255 * picture, known)
    assert course.shape == (185, 10)
    np.testing.assert_allclose(course.sum(1), 1, atol=1e-9)
    for place in (0, 100, 184):
        prefix = torch.arange(784).view(28, 28) < 600 + place
        at = posterior(model, torch.from_numpy(picture)[None], prefix)[0]
        np.testing.assert_allclose(course[place], at.numpy(), atol=1e-5)


def test_a_hole_and_a_model_without_classes_are_sentences():
    insight = Insight(load)
    hole = np.ones((28, 28), bool)
    hole[10:12] = False
    with pytest.raises(BadInput, match="known ones come after unknown ones"):
        insight.digits("freeform", np.zeros((28, 28)), hole)
    with pytest.raises(BadInput, match="knows no digits"):
        insight.digits("pixelcnn", np.zeros((28, 28)), np.arange(784).reshape(28, 28) < 100)


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("GET", "/sight?model=pixelcnn&pixel=784", None, "from 0 to 783"),
        ("GET", "/sight?model=pixelcnn&pixel=x", None, "pixel is 'x'"),
        ("GET", "/sight?model=../x&pixel=3", None, "choose one of"),
        ("POST", "/digits", b"junk", "not a JSON object"),
        ("POST", "/digits", b"[" * 100_000, "not a JSON object"),
        ("POST", "/digits", b'{"model": "freeform", "drawing": {"ink": "00", "known": "1"}}', "expected 784 pixels"),
        ("POST", "/digits", b'{"model": ["x"]}', "choose one of"),
    ],
)
def test_bad_questions_get_one_sentence(server, method, path, body, says):
    answer = httpx.request(method, server + path, content=body, timeout=20)
    assert answer.status_code == 400 and says in answer.json()["error"] and "Traceback" not in answer.text


def test_the_page_gets_what_the_library_says(server):
    seen = httpx.get(f"{server}/sight?model=pixelcnn&pixel=400", timeout=20).json()["strength"]
    mine = Insight(load).sight("pixelcnn", 400)
    assert bytes.fromhex(seen) == mine.tobytes()
    drawing = {"ink": "00" * 784, "known": "1" * 392 + "0" * 392}
    answer = httpx.post(f"{server}/digits", json={"model": "freeform", "drawing": drawing}, timeout=20).json()["course"]
    course = np.frombuffer(bytes.fromhex(answer), ">u2").reshape(393, 10) / 65535
    np.testing.assert_allclose(course.sum(1), 1, atol=1e-3)


def test_who_waits_for_an_answer_takes_no_thread_that_a_completion_needs(monkeypatch):
    go = threading.Event()

    def slow(self, entry, pixel):
        assert go.wait(20)
        return np.zeros((28, 28), np.uint8)

    monkeypatch.setattr(Insight, "sight", slow)
    app = Starlette(routes=answers(load))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            asked = [asyncio.create_task(client.get("/sight?pixel=3", timeout=20)) for _ in range(60)]
            await asyncio.sleep(0.1)
            await asyncio.wait_for(asyncio.to_thread(int), 10)  # as a completion does to get its model
            go.set()
            return [(await task).status_code for task in asked]

    assert asyncio.run(ask()) == [200] * 60
