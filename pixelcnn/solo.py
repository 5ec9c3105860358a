"""The engine's door where a GPU is lent for one request at a time: ZeroGPU, whose workers are forked.

A forked worker cannot join pictures that another draws, so every request runs a sampler of its own, ahead of its reader.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from pixelcnn.engine import Completion, Counters, Limits
from pixelcnn.errors import BadInput, Unavailable
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.request import Request
from pixelcnn.sampler import windowed
from pixelcnn.trace import Job, Trace, prepare

log = logging.getLogger(__name__)


class SoloEngine:
    """`Engine` for lent GPUs: the same door, each request in a thread of its own."""

    def __init__(self, models: Callable[[object], AutoregressiveModel], lend: Callable, limits: Limits | None = None):
        """models: gives a model by its entry. lend: makes a generator function run where the GPU is (`spaces.GPU`)."""
        self.models = models
        self.limits = limits or Limits()
        self._draw = lend(self.draw)
        self._count = threading.Lock()
        self._counters = Counters()

    def submit(self, request: Request, entry: object = "") -> Completion:
        """As `Engine.submit`."""
        completion = Completion(prepare(self.models(entry), request))
        samples = completion.job.samples
        if samples > self.limits.samples:
            raise BadInput(f"samples is {samples}; this server gives at most {self.limits.samples}.")
        with self._count:
            if self._counters.active + samples > self.limits.slots:
                raise Unavailable(f"The house is full, {self._counters.active} pictures are under way; try again in 10 s.")
            self._counters.active += samples
        # The context tells the lender who asks: it keeps a quota for each visitor.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._serve, completion, request, entry), daemon=True).start()
        return completion

    def draw(self, request: Request, entry: object) -> Iterator[Trace]:
        """What runs where the GPU is: the traces of a request, so far apart as frames are."""
        job: Job = prepare(self.models(entry), request)
        told = float("-inf")
        for trace in windowed(job):
            if trace.finished or time.monotonic() - told >= self.limits.frame_s:
                told = time.monotonic()
                yield trace.frozen()

    def _serve(self, completion: Completion, request: Request, entry: object) -> None:
        how = "failed"
        try:
            traces = self._draw(request, entry)  # where nothing is lent, it may raise at once
            for trace in traces:
                if completion.cancelled:
                    break
                completion.publish(trace, over=trace.finished)
            how = "completed" if completion.over else "cancelled" if completion.cancelled else "failed"
            traces.close()
        except Exception:
            log.exception("A completion by %s failed", completion.job.trace.model)
        finally:
            if not completion.over:
                sentence = f"{completion.job.trace.model} was not lent a GPU or failed; try again in a while."
                completion.publish(None, Unavailable(sentence) if how == "failed" else None, over=True)
            with self._count:
                self._counters.active -= completion.job.samples
                setattr(self._counters, how, getattr(self._counters, how) + 1)

    def counters(self) -> dict:
        """As `Engine.counters`."""
        return asdict(self._counters)

    def close(self) -> None:
        """Nothing to stop: threads end with their requests."""
