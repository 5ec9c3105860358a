"""Exhibits on a server: their frames, computed beside the engine and with lower priority."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from pixelcnn.exhibits import Exhibit, Frame
from pixelcnn.sampling.request import MAX_SAMPLES, whole_number
from pixelcnn.serving.backend import Backend, check_samples
from pixelcnn.serving.work_queue import WorkQueue

MAX_PENDING = 16  # requests in progress or waiting; their frames take turns
DEADLINE_S = 60.0  # from a request to its last frame


class ExhibitQueue:
    """Computes frames in a thread of its own. Waits while completions are in progress."""

    def __init__(self, find: Callable[[str], Exhibit], backend: Backend):
        """find: gives an exhibit by its entry, or raises InputError, like `ModelRegistry.exhibit`."""
        self.find, self.backend = find, backend
        self._queue = WorkQueue("exhibits", MAX_PENDING, DEADLINE_S)

    async def frames(
        self, entry: str, drawing: object, known: object, samples: object, seed: object
    ) -> AsyncGenerator[Frame, None]:
        """The frames of an exhibit, as `Exhibit.frames` describes them. Closing the generator ends the work.

        Raises InputError, and UnavailableError if too many requests are in progress or the deadline passes.
        """
        check_samples(whole_number(samples, "samples", 1, MAX_SAMPLES), self.backend.limits)
        stream = self._queue.stream(lambda: self.find(entry).frames(drawing, known, samples, seed), self._busy)
        async with aclosing(stream) as frames:
            async for frame in frames:
                yield frame

    def _busy(self) -> bool:
        return self.backend.counters()["active"] > 0
