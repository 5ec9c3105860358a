"""The page's completion event: its messages, errors and cancellation."""

import asyncio
import time
from collections.abc import AsyncIterator

import gradio as gr
import httpx
import numpy as np
import pytest

from benchmarks import clients
from pixelcnn import complete, load
from web.handlers import Handlers, payload_field

KNOWN = [[int(row < 14)] * 28 for row in range(28)]


def part(**changes) -> dict:
    """The lower half of an empty drawing to complete."""
    drawing = {"ink": "00" * 784, "known": "1" * 392 + "0" * 392}
    values = {"drawing": drawing, "model": "pixelcnn", "samples": 1, "temperature": 1.0, "seed": 3, "digit": -1}
    return values | changes


def event(*parts: dict, **fields) -> gr.EventData:
    return gr.EventData(None, {"run": "abc", "parts": list(parts)} | fields)


def request(session: str = "page") -> gr.Request:
    """A request of an open page."""
    return gr.Request(session_hash=session)


def collect(items: AsyncIterator[dict]) -> list[dict]:
    """All that an asynchronous generator yields."""

    async def run() -> list[dict]:
        return [item async for item in items]

    return asyncio.run(run())


def collect_until_error(items: AsyncIterator[dict]) -> tuple[list[dict], gr.Error]:
    """What an asynchronous generator yields before it raises gr.Error, and that error."""

    async def run() -> tuple[list[dict], gr.Error]:
        collected = []
        try:
            async for item in items:
                collected.append(item)
        except gr.Error as error:
            return collected, error
        raise AssertionError("no error was raised")

    return asyncio.run(run())


def wait_for_idle(engine) -> dict:
    """The engine's counters once no picture is active or waiting; fails after 60 s, as ticks are slow on a busy machine."""
    deadline = time.monotonic() + 60
    while (counters := engine.counters())["active"] or counters["waiting"]:
        assert time.monotonic() < deadline, counters
        time.sleep(0.01)
    return counters


def test_the_last_message_has_the_result_of_the_library(engine):
    messages = collect(Handlers(engine).page(event(part(samples=2, temperature=0.7)), request()))
    assert all(message["run"] == "abc" and len(message["parts"]) == 1 for message in messages)
    last = messages[-1]["parts"][0]
    result = complete(load("pixelcnn"), None, KNOWN, samples=2, temperature=0.7, seed=3)
    assert last["ms"] > 0 and last["steps"] > 0 and last["order"] == result.order.tolist()
    for sample in range(2):
        ink = np.frombuffer(bytes.fromhex(last["drawn"][sample]), np.uint8)
        assert (ink == 255 * result.x[sample, result.order]).all()


def test_two_models_are_completed_in_one_event(engine):
    last = collect(Handlers(engine).page(event(part(model="pixelcnn"), part(model="freeform")), request()))[-1]["parts"]
    assert [each["model"] for each in last] == ["pixelcnn", "freeform"]
    assert all(len(each["drawn"][0]) == 2 * 392 and each["nats"] for each in last)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drawing": {"ink": "00", "known": "1"}}, "expected 784 of each"),
        ({"drawing": None}, "has no drawing"),
        ({"temperature": None}, "temperature is None"),
        ({"seed": None}, "seed is None"),
        ({"model": ["pixelcnn"]}, "type list"),
        ({"model": "../weights/pixelcnn"}, "Choose one of"),
        ({"digit": "x"}, "digit is 'x'"),
    ],
)
def test_an_invalid_part_gives_a_rejection_and_a_gradio_error(engine, changes, says):
    messages, error = collect_until_error(Handlers(engine).page(event(part(**changes)), request()))
    (message,) = messages
    assert (message["run"], message["parts"], message["rejected"]) == ("abc", [], True)
    assert says in error.message and message["error"]["message"] in error.message and not error.visible


def test_errors_are_in_the_language_of_the_page(engine):
    _, error = collect_until_error(Handlers(engine).page(event(part(drawing=None), language="ko"), request()))
    assert "784픽셀짜리 그림이 없습니다" in error.message and error.title == "drawing_missing"
    for language in ("en", "xx", "", 3, None, ["ko"]):
        _, error = collect_until_error(Handlers(engine).page(event(part(drawing=None), language=language), request()))
        assert "has no drawing" in error.message


@pytest.mark.parametrize(
    "payload", [None, {}, {"parts": []}, {"parts": [1]}, {"parts": [{}] * 6}, [1], ["parts"], "parts", 3]
)
def test_any_other_payload_gives_an_error(engine, payload):
    messages, error = collect_until_error(Handlers(engine).page(gr.EventData(None, payload), request()))
    (message,) = messages
    assert message["run"] == "" and message["rejected"] and "1 to 5 parts" in error.message
    assert message["error"]["code"] == "parts_missing" and message["error"]["params"] == {"maximum": 5}


def test_payload_fields_are_attributes_of_the_event():
    assert payload_field(gr.EventData(None, {"run": "abc"}), "run") == "abc"
    for payload in (None, {}, [], ["run"], "run", 3, True):
        assert payload_field(gr.EventData(None, payload), "run") is None


def test_an_invalid_part_cancels_the_others(engine):
    messages, error = collect_until_error(Handlers(engine).page(event(part(samples=64), part(seed=-1)), request()))
    assert "seed is -1" in error.message and messages[-1]["rejected"]
    wait_for_idle(engine)


def test_closing_the_page_event_cancels_all_parts(engine):
    async def start_and_close() -> None:
        messages = Handlers(engine).page(
            event(part(samples=16, model="freeform"), part(samples=16, model="gated_pixelcnn")), request()
        )
        assert (await anext(messages))["parts"]
        await messages.aclose()
        assert len(asyncio.all_tasks()) == 1, "no task is left"

    asyncio.run(start_and_close())
    counters = wait_for_idle(engine)
    assert counters["cancelled"] >= 1 and counters["cancelled"] + counters["completed"] == 2


def test_the_newest_run_of_a_page_replaces_the_earlier_one(engine):
    """However soon it comes: before the earlier one has submitted anything, and after its first results."""

    async def run_three() -> list[list[dict]]:
        handlers = Handlers(engine)

        async def read(name: str, samples: int) -> list[dict]:
            return [message async for message in handlers.page(event(part(samples=samples), run=name), request())]

        tasks = [asyncio.create_task(read("first", 64)), asyncio.create_task(read("second", 64))]
        while not engine.counters()["active"]:
            await asyncio.sleep(0.01)
        tasks.append(asyncio.create_task(read("third", 1)))
        messages = await asyncio.gather(*tasks)
        assert handlers.runs == {}
        return messages

    *earlier, newest = asyncio.run(run_three())
    assert not any(message.get("rejected") for messages in earlier for message in messages), "they end without an error"
    assert len(newest[-1]["parts"][0]["drawn"][0]) == 2 * 392
    counters = wait_for_idle(engine)
    assert (counters["cancelled"], counters["completed"]) == (2, 1)


def test_the_page_cancels_the_run_that_it_names(engine):
    async def run_and_cancel() -> list[dict]:
        handlers, messages = Handlers(engine), []
        async for message in handlers.page(event(part(samples=64)), request()):
            if not messages:
                for other, session in [("abc", "other page"), ("earlier", "page"), (None, "page")]:
                    handlers.cancel(event(run=other), request(session))
                assert not handlers.runs["page"].cancelled
                handlers.cancel(event(), request())
            messages.append(message)
        return messages

    assert not asyncio.run(run_and_cancel())[-1].get("rejected")
    assert wait_for_idle(engine)["cancelled"] == 1


def test_closing_a_stream_cancels_the_completion(engine):
    async def start_and_close() -> None:
        answers = Handlers(engine).stream(None, None, samples=64)
        assert len((await anext(answers))["order"]) < 784
        await answers.aclose()

    asyncio.run(start_and_close())
    assert wait_for_idle(engine)["cancelled"] == 1


def test_cancelling_complete_cancels_the_completion(engine):
    async def start_and_cancel() -> None:
        task = asyncio.create_task(Handlers(engine).complete(None, [[0] * 28] * 28, samples=64))
        while not engine.counters()["active"]:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(start_and_cancel())
    assert wait_for_idle(engine)["cancelled"] == 1


def test_an_unexpected_error_in_one_part_ends_the_event_and_cancels_the_others(engine, monkeypatch):
    """Such an error is a bug, so it reaches Gradio as it is."""
    handlers = Handlers(engine)
    submit_part = handlers.submit_part

    async def fail_for_one(data: dict):
        if data["seed"] == 13:
            raise RuntimeError("broken")
        return await submit_part(data)

    monkeypatch.setattr(handlers, "submit_part", fail_for_one)
    with pytest.raises(RuntimeError, match="broken"):
        collect(handlers.page(event(part(samples=64), part(seed=13)), request()))
    wait_for_idle(engine)


def test_the_event_over_http(server):
    """Gradio passes the payload of the page's event, and its error reaches the browser."""

    async def click(data: object) -> list[dict]:
        async with httpx.AsyncClient(base_url=server, timeout=60) as client:
            return [message async for message in clients.messages(client, clients.complete_event(server), data)]

    done = asyncio.run(click({"run": "abc", "parts": [part()]}))[-1]
    assert done["success"], done
    for data in ({"run": "abc", "parts": [part(seed=-1)], "language": "ko-KR"}, None, "x", [], {"parts": 3}):
        done = asyncio.run(click(data))[-1]
        assert not done["success"] and done["output"]["error"], done
    assert (
        "seed의 값이 -1입니다" in asyncio.run(click({"parts": [part(seed=-1)], "language": "ko-KR"}))[-1]["output"]["error"]
    )
