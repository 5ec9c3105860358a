"""A bounded queue for work beside completions: one piece at a time, in a thread of low priority, within a deadline."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from pixelcnn.errors import UnavailableError

T = TypeVar("T")

MAX_PENDING = 64  # calls in progress or waiting; further ones are refused
DEADLINE_S = 20.0  # from the call to its result
POLL_S = 0.05  # between two looks at whether a stream can go on
NICENESS = 10  # of the thread, so that completions come first if there are more threads than cores


class WorkQueue:
    """Runs calls, and the steps of streams, one after the other. Those that wait cost no thread."""

    def __init__(self, name: str, max_pending: int = MAX_PENDING, deadline_s: float = DEADLINE_S):
        self.max_pending = max_pending
        self.deadline_s = deadline_s
        self._pending = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=lower_priority)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of work(*arguments). Raises UnavailableError if the queue is full or the deadline passes.

        A call that has not begun when its deadline passes, or when the caller is cancelled, is dropped.
        """
        self._enter()
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(lambda _: self._done())
        return await self._result(future, time.monotonic() + self.deadline_s)

    async def stream(
        self, begin: Callable[[], Iterator[T]], must_wait: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[T, None]:
        """The items of an iterator. Other calls and streams have their turns between two items.

        begin: makes the iterator, in the thread of the queue. must_wait: whether the next item has to wait. Closing the
        generator ends the work, after the item in progress. Raises UnavailableError if the queue is full, or if not all
        items are there when the deadline passes.
        """
        self._enter()
        deadline = time.monotonic() + self.deadline_s
        try:
            iterator, end = await self._result(self._executor.submit(begin), deadline), object()
            while True:
                while must_wait():
                    if time.monotonic() > deadline:
                        raise self._timeout()
                    await asyncio.sleep(POLL_S)
                item = await self._result(self._executor.submit(partial(next, iterator, end)), deadline)
                if item is end:
                    return
                yield item
        finally:
            self._done()

    async def _result(self, future: Future[T], deadline: float) -> T:
        """The result of a call in the thread. Raises UnavailableError at the deadline, a time of the monotonic clock."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), max(0, deadline - time.monotonic()))
        except TimeoutError:
            raise self._timeout() from None

    def _timeout(self) -> UnavailableError:
        return UnavailableError(
            "queue_timeout",
            "The server did not answer within {seconds} s because it is busy. Try again later.",
            seconds=f"{self.deadline_s:g}",
        )

    def _enter(self) -> None:
        """Count one more call. Raises UnavailableError if there are too many."""
        with self._lock:
            if self._pending >= self.max_pending:
                raise UnavailableError(
                    "queue_full",
                    "The server has {pending} requests of this kind in progress. Try again in a few seconds.",
                    pending=self._pending,
                )
            self._pending += 1

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1


def lower_priority() -> None:
    """Give the calling thread a lower priority, where the operating system has priorities by thread (Linux)."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
