"""A bounded queue for work beside completions: one piece at a time, in a thread of low priority, within a deadline."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from pixelcnn.errors import UnavailableError

T = TypeVar("T")

MAX_PENDING = 64  # calls in progress or waiting; further ones are refused
DEADLINE_S = 20.0  # from the call to its result
NICENESS = 10  # of the thread, so that completions come first if there are more threads than cores


class WorkQueue:
    """Runs calls one after the other. Waiting calls cost no thread."""

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
        with self._lock:
            if self._pending >= self.max_pending:
                raise UnavailableError(
                    "queue_full",
                    "The server has {pending} requests of this kind in progress. Try again in a few seconds.",
                    pending=self._pending,
                )
            self._pending += 1
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(lambda _: self._done())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.deadline_s)
        except TimeoutError:
            raise UnavailableError(
                "queue_timeout",
                "The server did not answer within {seconds} s because it is busy. Try again later.",
                seconds=f"{self.deadline_s:g}",
            ) from None

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1


def lower_priority() -> None:
    """Give the calling thread a lower priority, where the operating system has priorities by thread (Linux)."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
