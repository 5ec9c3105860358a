"""The backend for ZeroGPU Spaces, where a forked worker process gets a GPU for one request at a time.

A forked worker cannot join the batch of another one, so every request runs a sampler of its own.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict

from pixelcnn.errors import UnavailableError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import Request
from pixelcnn.sampling.result import SamplingResult, prepare
from pixelcnn.sampling.sampler import sample_cached
from pixelcnn.serving.backend import Counters, Limits, busy_error, check_samples, stopping_error
from pixelcnn.serving.completion import Completion

log = logging.getLogger(__name__)

Draw = Callable[[Request, str], Generator[SamplingResult, None, None]]
WAIT_S = 10  # suggested to clients if the server is busy; how long a GPU takes to come is unknown


class ZeroGpuEngine:
    """A `Backend` that runs each request in a thread and a GPU worker of its own."""

    def __init__(
        self,
        models: Callable[[str], AutoregressiveModel],
        gpu_decorator: Callable[[Draw], Draw],
        limits: Limits | None = None,
    ):
        """models: gives a model by its entry. gpu_decorator: runs a generator function on a GPU, such as `spaces.GPU`."""
        self.models = models
        self.limits = limits or Limits()
        self._draw_on_gpu = gpu_decorator(self.draw)
        self._lock = threading.Lock()
        self._counters = Counters()
        self._closed = False

    def submit(self, request: Request, entry: str = "") -> Completion:
        """See `Backend.submit`."""
        completion = Completion(prepare(self.models(entry), request))
        samples = completion.job.samples
        check_samples(samples, self.limits)
        with self._lock:
            if self._closed:
                raise stopping_error()
            if self._counters.active + samples > self.limits.slots:
                raise busy_error(self._counters.active, WAIT_S)
            self._counters.active += samples
        # ZeroGPU has a quota for each visitor, whom it finds in the context of the request.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._serve, completion, request, entry), daemon=True).start()
        return completion

    def draw(self, request: Request, entry: str) -> Generator[SamplingResult, None, None]:
        """The results of a request as they grow, one every `frame_s`. Runs on the GPU."""
        yielded_at = float("-inf")
        for result in sample_cached(prepare(self.models(entry), request)):
            if result.finished or time.monotonic() - yielded_at >= self.limits.frame_s:
                yielded_at = time.monotonic()
                yield result.snapshot()

    def _serve(self, completion: Completion, request: Request, entry: str) -> None:
        """Publish what the GPU draws, and count the outcome."""
        outcome = "failed"
        try:
            with closing(self._draw_on_gpu(request, entry)) as results:
                for result in results:
                    if completion.unread_seconds(time.monotonic()) > self.limits.reader_timeout_s:
                        completion.cancel()
                    if completion.cancelled or self._closed:
                        break
                    completion.publish(result, done=result.finished)
                outcome = "completed" if completion.done else "cancelled" if completion.cancelled else "failed"
        except Exception:
            log.exception("A completion by %s failed", completion.job.result.model)
        finally:
            if not completion.done:
                error = stopping_error() if self._closed else gpu_error(completion)
                completion.publish(None, None if outcome == "cancelled" else error, done=True)
            with self._lock:
                self._counters.active -= completion.job.samples
                setattr(self._counters, outcome, getattr(self._counters, outcome) + 1)

    def counters(self) -> dict[str, int | float]:
        """See `Backend.counters`."""
        return asdict(self._counters)

    def close(self) -> None:
        """See `Backend.close`. A completion ends at its next frame, and its thread with it."""
        with self._lock:
            self._closed = True


def gpu_error(completion: Completion) -> UnavailableError:
    return UnavailableError(
        "gpu_failed",
        "{model} got no GPU or failed on it. Try again later.",
        model=completion.job.result.model,
    )
