"""The bounded queue: one call at a time, a limit, a deadline, and low priority."""

import asyncio
import os
import threading

import pytest

from pixelcnn.errors import UnavailableError
from pixelcnn.serving.work_queue import NICENESS, WorkQueue


def test_calls_run_one_after_the_other_and_errors_reach_the_caller():
    queue, running, most = WorkQueue("test"), [], []

    def work(number: int) -> int:
        running.append(number)
        most.append(len(running))
        running.remove(number)
        if number == 3:
            raise KeyError(number)
        return 2 * number

    async def call_all() -> list:
        return await asyncio.gather(*(queue.run(work, number) for number in range(5)), return_exceptions=True)

    results = asyncio.run(call_all())
    assert results[:3] == [0, 2, 4] and isinstance(results[3], KeyError) and results[4] == 8 and max(most) == 1


def test_a_full_queue_refuses_and_is_free_again_when_its_calls_are_done():
    queue, gate = WorkQueue("test", max_pending=2), threading.Event()

    async def fill() -> None:
        calls = [asyncio.ensure_future(queue.run(gate.wait, 10)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as caught:
            await queue.run(gate.wait, 10)
        assert caught.value.code == "queue_full" and caught.value.params == {"pending": 2}
        gate.set()
        assert await asyncio.gather(*calls) == [True, True]
        assert await queue.run(gate.is_set)

    asyncio.run(fill())


def test_a_call_past_its_deadline_is_refused_and_dropped_if_it_has_not_begun():
    queue, gate, begun = WorkQueue("test", deadline_s=0.2), threading.Event(), []

    async def wait_too_long() -> None:
        first = asyncio.ensure_future(queue.run(gate.wait, 10))
        await asyncio.sleep(0)  # let it begin
        with pytest.raises(UnavailableError) as caught:
            await queue.run(begun.append, 1)
        assert caught.value.code == "queue_timeout"
        gate.set()
        await asyncio.gather(first, return_exceptions=True)
        assert await queue.run(int) == 0

    asyncio.run(wait_too_long())
    assert not begun


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="priorities by thread are Linux's")
def test_the_thread_has_a_low_priority():
    niceness = asyncio.run(WorkQueue("test").run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    assert niceness >= NICENESS
