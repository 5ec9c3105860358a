"""One replica of a cluster: an engine in a process of its own, and the form in which its results travel."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

import numpy as np

from pixelcnn.cuda.device import choose_device
from pixelcnn.errors import InputError, UnavailableError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import Request
from pixelcnn.sampling.result import SamplingResult
from pixelcnn.serving.backend import Limits, default_request
from pixelcnn.serving.completion import Completion
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.process import configure_process

MAX_MODELS = 32  # kept in memory; the one that was not used for longest is dropped
WARM_UP_S = 5.0  # at most

# A model on its way to this process. In a list, because Ray would fetch a bare reference again for every call.
ModelSource = list[Awaitable[AutoregressiveModel]]


@dataclass(frozen=True)
class Frame:
    """The pixels of a completion that became final after the first `start` ones, in the order of sampling."""

    start: int
    steps: int
    levels: np.ndarray  # uint8, (samples, pixels)
    drawn_probs: np.ndarray  # float64, (samples, pixels)
    pixel_nats: np.ndarray  # float64, (samples, pixels)
    digits: np.ndarray
    known_probabilities: np.ndarray
    pixels_per_s: float  # of the whole replica

    @classmethod
    def since(cls, start: int, result: SamplingResult, pixels_per_s: float) -> "Frame":
        """What the first `start` pixels of a result lack."""
        new = result.order[start : result.done]
        return cls(
            start=start,
            steps=result.steps,
            levels=result.x[:, new].astype(np.uint8),  # no model has more than 256 levels
            drawn_probs=result.drawn_probs[:, new],
            pixel_nats=result.pixel_nats[:, new],
            digits=result.digits,
            # They do not change after the first frame.
            known_probabilities=result.known_probabilities if start == 0 else np.zeros(0),
            pixels_per_s=pixels_per_s,
        )

    def add_to(self, result: SamplingResult) -> None:
        """Make the pixels of this frame final in a result that has all those before."""
        assert result.done == self.start, "frames arrive in order"
        done = self.start + self.levels.shape[1]
        new = result.order[self.start : done]
        result.x[:, new] = self.levels
        result.drawn_probs[:, new] = self.drawn_probs
        result.pixel_nats[:, new] = self.pixel_nats
        if self.start == 0:
            result.digits, result.known_probabilities = self.digits, self.known_probabilities
        result.done, result.steps = done, self.steps


class Replica:
    """An `Engine` that takes requests from the front end of a cluster. All methods run in one event loop."""

    def __init__(self, limits: Limits, device: str = "cpu"):
        """limits: of one replica; the front end decides how many requests may wait. device: auto, cpu or cuda."""
        configure_process()
        logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
        self.device = choose_device(device)
        self._models: dict[str, asyncio.Task[AutoregressiveModel]] = {}  # the one used last at the end
        self.engine = Engine(lambda key: self._models[key].result(), replace(limits, waiting=10**9))

    async def warm_up(self, key: str, source: ModelSource) -> None:
        """Run the page's default request once, so that no visitor waits for what PyTorch initializes."""
        completion = await self._submit(key, source, None)
        with suppress(TimeoutError, UnavailableError):  # a slow model, or one that fails: visitors see that themselves
            async with asyncio.timeout(WARM_UP_S), aclosing(completion.frames()) as results:
                async for _ in results:
                    pass

    async def stream(
        self, key: str, source: ModelSource, request: Request, start: int = 0
    ) -> AsyncGenerator[Frame | InputError, None]:
        """The results of a request as they grow, from pixel `start` on; an error, if there is one, is the last item.

        key: identifies the model. source: gives it if this replica does not have it. Closing the generator cancels.
        """
        try:
            completion = await self._submit(key, source, request)
            async with aclosing(completion.frames()) as results:
                async for result in results:
                    if result.done > start:
                        yield Frame.since(start, result, self.engine.counters()["pixels_per_s"])
                        start = result.done
        except InputError as error:
            yield error

    async def status(self) -> dict[str, int | float | str]:
        """Where this replica runs, and its counters."""
        return {"host": socket.gethostname(), "pid": os.getpid(), **self.engine.counters()}

    async def _submit(self, key: str, source: ModelSource, request: Request | None) -> Completion:
        """Start a request, None for the default one. Raises InputError."""
        if key not in self._models:
            self._models[key] = asyncio.create_task(self._load(source))
        loading = self._models[key]
        try:
            model = await asyncio.shield(loading)  # others wait for it as well
        except Exception:
            self._models.pop(key, None)
            raise
        self._models.pop(key, None)
        self._models[key] = loading
        while len(self._models) > MAX_MODELS:
            del self._models[next(iter(self._models))]
        return self.engine.submit(request or default_request(model, self.engine.limits.samples), key)

    async def _load(self, source: ModelSource) -> AutoregressiveModel:
        return (await source[0]).to(self.device)
