"""Exhibits on a server: values of their frames, limits, deadline, cancellation, and completions that come first."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pixelcnn import InputError
from pixelcnn.exhibits import Frame, build
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.exhibit_queue import ExhibitQueue
from pixelcnn.serving.work_queue import WorkQueue
from web.exhibits import exhibit_endpoint

TINY = {"dcgan": {"latent": 6, "channels": 4, "search_steps": 12, "frame_every": 5}}
TINY["pix2pix"] = {"channels": 4, "bottleneck": 5}
DRAWING = np.random.default_rng(0).integers(0, 256, (28, 28)).tolist()
KNOWN = [[int(row < 14)] * 28 for row in range(28)]


class SlowExhibit:
    """Stands for an exhibit: 20 frames, each of which is counted and waits for `gate`."""

    def __init__(self):
        self.computed, self.gate, self.threads = 0, threading.Event(), set()
        self.gate.set()

    def frames(self, drawing, known, samples, seed) -> Iterator[Frame]:
        for step in range(1, 21):
            assert self.gate.wait(10)
            self.threads.add((threading.current_thread().name, torch.get_num_threads()))
            self.computed += 1
            yield Frame(step, 20, np.zeros((samples, 28, 28), np.uint8), [])


def queue_of(find: Callable, active: Callable[[], int] = lambda: 0, **limits: float) -> ExhibitQueue:
    """The queue of a server with a number of completions in progress. limits: of the queue."""
    queue = ExhibitQueue(find, SimpleNamespace(limits=Limits(samples=8), counters=lambda: {"active": active()}))
    queue._queue = WorkQueue("test", **({"max_pending": 2, "deadline_s": 10} | limits))
    return queue


def ask(queue: ExhibitQueue, **given: object):
    """What /exhibit yields."""
    return exhibit_endpoint(queue)(**({"drawing": DRAWING, "known": KNOWN} | given))


async def code_of(answers) -> str:
    with pytest.raises(Exception) as caught:
        async for _ in answers:
            pass
    return caught.value.title


@pytest.mark.parametrize("name", list(TINY))
def test_answers_are_the_frames_of_the_library_and_keep_known_pixels(name):
    torch.manual_seed(0)
    exhibit = build(name, **TINY[name]).eval()
    frames = list(exhibit.frames(DRAWING, KNOWN, 3, 5))

    async def collect() -> list[dict]:
        return [answer async for answer in ask(queue_of({name: exhibit}.get), model=name, samples=3, seed=5)]

    answers = asyncio.run(collect())
    assert [(answer["step"], answer["steps"]) for answer in answers] == [(frame.step, frame.steps) for frame in frames]
    for answer, frame in zip(answers, frames, strict=True):
        assert (answer["model"], answer["seed"]) == (name, 5) and answer["images"] == frame.images.tolist()
        assert answer["captions"] == [str(caption) for caption in frame.captions]
        assert [message["params"] for message in answer["caption_messages"]] == [each.params for each in frame.captions]
        assert (np.array(answer["images"])[:, :14] == DRAWING[:14]).all()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"samples": 9}, "too_many_samples"),
        ({"samples": "x"}, "not_a_whole_number"),
        ({"seed": -1}, "not_a_whole_number"),
        ({"drawing": DRAWING[:3]}, "wrong_shape"),
        ({"known": [[1] * 28] * 28}, "nothing_unknown"),
        ({"model": ["dcgan"]}, "model_not_text"),
    ],
)
def test_requests_that_cannot_be_carried_out_get_an_error(changes, code):
    queue = queue_of(lambda entry: build("dcgan", **TINY["dcgan"]).eval())
    assert asyncio.run(code_of(ask(queue, **changes))) == code
    assert queue._queue._pending == 0


def test_errors_of_the_registry_reach_the_caller():
    def find(entry: str):
        raise InputError("no_exhibits", "None.")

    assert asyncio.run(code_of(ask(queue_of(find)))) == "no_exhibits"


def test_frames_wait_while_completions_are_in_progress():
    slow, active = SlowExhibit(), [1]

    async def watch() -> tuple[int, int]:
        answers = ask(queue_of(lambda entry: slow, lambda: active[0]))
        first = asyncio.ensure_future(anext(answers))
        await asyncio.sleep(0.2)
        before = slow.computed
        active[0] = 0
        await first
        active[0] = 1
        second = asyncio.ensure_future(anext(answers))
        await asyncio.sleep(0.2)
        paused = slow.computed
        active[0] = 0
        assert (await second)["step"] == 2
        await answers.aclose()
        return before, paused

    assert asyncio.run(watch()) == (0, 1)


def test_frames_are_computed_in_one_thread_of_the_queue():
    slow = SlowExhibit()

    async def both() -> None:
        queue = queue_of(lambda entry: slow)
        streams = [ask(queue), ask(queue)]
        first = await asyncio.gather(*(anext(stream) for stream in streams))
        assert [answer["step"] for answer in first] == [1, 1], "two requests take turns"
        for stream in streams:
            await stream.aclose()

    asyncio.run(both())
    assert slow.threads == {("test_0", 1)}


def test_a_closed_stream_ends_its_work_and_makes_room():
    slow = SlowExhibit()

    async def leave() -> None:
        queue = queue_of(lambda entry: slow, max_pending=1)
        async with aclosing(ask(queue)) as answers:
            await anext(answers)
            assert await code_of(ask(queue)) == "queue_full"
        computed = slow.computed
        await asyncio.sleep(0.1)
        assert slow.computed == computed == 1
        assert (await anext(ask(queue)))["step"] == 1

    asyncio.run(leave())


def test_a_caller_that_is_cancelled_in_a_frame_ends_the_work():
    slow = SlowExhibit()
    slow.gate.clear()

    async def leave() -> None:
        queue = queue_of(lambda entry: slow, max_pending=1)
        waiting = asyncio.ensure_future(anext(ask(queue)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        slow.gate.set()
        await asyncio.sleep(0.1)
        assert slow.computed == 1 and queue._queue._pending == 0

    asyncio.run(leave())


@pytest.mark.parametrize("reason", ["frames take too long", "completions never end"])
def test_the_deadline_is_for_all_frames(reason):
    slow, completions = SlowExhibit(), reason == "completions never end"
    if not completions:
        slow.gate.clear()
    queue = queue_of(lambda entry: slow, lambda: completions, deadline_s=0.2)
    try:
        assert asyncio.run(code_of(ask(queue))) == "queue_timeout"
    finally:
        slow.gate.set()
    assert queue._queue._pending == 0
