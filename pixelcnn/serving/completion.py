"""A completion in progress: its result as it grows, for one reader, and a way to cancel it."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

from pixelcnn.errors import UnavailableError
from pixelcnn.sampling.result import Job, SamplingResult


class State(NamedTuple):
    """What a backend has published so far."""

    number: int = 0  # of publications
    result: SamplingResult | None = None  # the newest
    error: Exception | None = None
    done: bool = False  # finished, cancelled or failed


class Completion:
    """A request in progress. A backend publishes; one reader uses `frames` or `result`."""

    def __init__(self, job: Job):
        self.job = job
        self.cancelled = False
        self.published_at = float("-inf")
        self._read_at = time.monotonic()
        self._reading = False
        self._state = State()  # replaced as a whole, so readers need no lock
        self._done = threading.Event()
        self._wake: Callable[[], object] = lambda: None

    def publish(self, result: SamplingResult | None, error: Exception | None = None, *, done: bool = False) -> None:
        """For backends: replace the newest result, whether it was read or not; None keeps it."""
        self._state = State(self._state.number + 1, result or self._state.result, error, done)
        if done:
            self._done.set()
        try:
            self._wake()
        except RuntimeError:  # the reader's event loop is closed
            self.cancelled = True

    @property
    def done(self) -> bool:
        """Whether it is finished, cancelled or failed."""
        return self._done.is_set()

    def cancel(self) -> None:
        """Stop computing. The engine frees the slots at its next tick."""
        self.cancelled = True

    def unread_seconds(self, now: float) -> float:
        """How long the newest result has not been read; 0 while a reader waits for one."""
        return 0.0 if self._reading else now - self._read_at

    async def frames(self) -> AsyncGenerator[SamplingResult, None]:
        """Results as they grow, the last one finished; a slow reader skips some.

        Closing the iterator cancels the completion. Raises UnavailableError if the completion fails or is cancelled.
        """
        loop, woken, seen = asyncio.get_running_loop(), asyncio.Event(), 0
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            while True:
                number, result, error, done = self._state
                if error is not None:
                    raise error
                if number != seen and result is not None:
                    seen, self._reading, self._read_at = number, False, time.monotonic()
                    yield result
                if done and not (result and result.finished):
                    raise cancelled_error()
                if done:
                    return
                self._reading = True
                if self._state.number == seen:
                    await woken.wait()
                woken.clear()
        finally:
            self._reading = False
            self.cancel()

    def result(self, timeout: float | None = None) -> SamplingResult:
        """Wait for the finished result, at most `timeout` seconds. Raises TimeoutError, UnavailableError."""
        self._reading = True
        try:
            if not self._done.wait(timeout):
                raise TimeoutError(f"The completion did not finish within {timeout:g} s.")
        finally:
            self._reading, self._read_at = False, time.monotonic()
        _, result, error, _ = self._state
        if error is not None:
            raise error
        if not (result and result.finished):
            raise cancelled_error()
        return result


def cancelled_error() -> UnavailableError:
    return UnavailableError("completion_cancelled", "The completion was cancelled before it was finished. Try again.")
