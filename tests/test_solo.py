"""The door where a GPU is lent, with a lender that lends nothing; the real one runs only on Spaces."""

import asyncio
import time

import pytest
from conftest import tiny_model

from benchmarks import visitors
from pixelcnn import BadInput, Request, complete
from pixelcnn.engine import Limits
from pixelcnn.errors import Unavailable
from pixelcnn.solo import SoloEngine

FAKE = """
import sys
assert "torch" not in sys.modules, "spaces must come first"

def GPU(duration):
    def lend(task):
        def lent(*arguments):
            print(f"lent for {duration} s", flush=True)
            yield from task(*arguments)
        return lent
    return lend
"""


@pytest.fixture
def house():
    model = tiny_model("pixelcnn", 5, 6)
    return SoloEngine(lambda entry: model, lambda task: task, Limits(slots=4, frame_s=0.0)), model


def settled(engine: SoloEngine) -> dict:
    for _ in range(200):
        if not engine.counters()["active"]:
            break
        time.sleep(0.01)
    return engine.counters()


def test_it_draws_what_the_sampler_draws(house):
    engine, model = house
    answer = engine.submit(Request(samples=3, seed=5)).result(10)
    assert (answer.images == complete(model, samples=3, seed=5).images).all()
    assert settled(engine)["completed"] == 1


def test_who_stops_reading_stops_the_drawing(house):
    engine, _ = house

    async def leave() -> None:
        frames = engine.submit(Request(samples=2)).frames()
        assert not (await anext(frames)).finished
        await frames.aclose()

    engine.models("").step = slowly(engine.models("").step)
    asyncio.run(leave())
    assert settled(engine)["cancelled"] == 1


def slowly(step):
    def slow(*arguments):
        time.sleep(0.02)
        return step(*arguments)

    return slow


def test_a_full_house_too_many_samples_and_a_model_that_breaks_are_one_sentence(house, caplog):
    engine, model = house
    with pytest.raises(Unavailable, match="The house is full"):
        engine.submit(Request(samples=5))
    with pytest.raises(BadInput, match="at most 2"):
        SoloEngine(engine.models, lambda task: task, Limits(samples=2)).submit(Request(samples=3))
    model.step = lambda *_: 1 / 0
    with pytest.raises(Unavailable, match="was not lent a GPU or failed; try again"):
        engine.submit(Request()).result(10)
    assert settled(engine)["failed"] == 1 and "ZeroDivisionError" in caplog.text


@pytest.mark.long
def test_the_app_takes_what_a_space_lends(tmp_path):
    (tmp_path / "spaces.py").write_text(FAKE)
    env = {"SPACES_ZERO_GPU": "true", "PYTHONPATH": str(tmp_path)}
    with visitors.server(log=tmp_path / "log", env=env) as page:
        (visit,) = visitors.crowd(page, 1, 2)
        assert visit.done_s and not visit.refused
    assert "lent for 15 s" in (tmp_path / "log").read_text()


def test_a_lender_that_refuses_at_once_ends_the_completion():
    def lend(task):
        def refuse(*arguments):
            raise RuntimeError("the quota is used up")

        return refuse

    model = tiny_model("pixelcnn", 5, 6)
    engine = SoloEngine(lambda entry: model, lend, Limits(slots=4))
    with pytest.raises(Unavailable, match="was not lent a GPU or failed"):
        engine.submit(Request()).result(5)
    assert settled(engine)["active"] == 0 and engine.counters()["failed"] == 1
