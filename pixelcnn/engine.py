"""A whole class at once: everybody's pictures advance together, in one thread that owns the device.

A tick is: admit who waits, step every model's batch once, publish what is new, retire what is over. So nobody waits for
another's whole picture, and thirty people cost little more than one. With the noise fixed by (seed, sample), a picture is
the same alone and in a crowd.

The scheduler knows batches by what they do (seat, step, whole, report, leave) and holds no tensor; the door is
`submit(request) -> Completion`, behind which an engine on another machine could stand.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass

from pixelcnn.batch import Batch
from pixelcnn.errors import BadInput, Unavailable
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.request import Request
from pixelcnn.trace import Job, Trace, prepare

log = logging.getLogger(__name__)

GIVEN_UP = "The completion was given up before it was whole; try again."
LOG_EVERY_S = 60.0  # what the house is doing, to the log, when it is doing something
STOPPING = "The server is stopping; try again when it is back."


@dataclass(frozen=True)
class Limits:
    """What one house holds."""

    samples: int = 64  # pictures in one request
    slots: int = 128  # pictures that advance at once
    waiting: int = 512  # pictures that may wait for a slot; whoever comes then is told how long it takes
    admitted_per_tick: int = 4  # requests seated between two steps, each a full pass, so that no tick is long
    frame_s: float = 0.1  # from one frame of a completion to the next, for up to ten people; for more, more
    patience_s: float = 30.0  # a completion whose frames nobody has asked for in so long is given up


class Completion:
    """A request under way: frames as it grows, its result, a way to stop. One reader at a time."""

    def __init__(self, job: Job):
        self.job = job
        self.cancelled = False
        self.read_at = time.monotonic()
        self.published_at = float("-inf")
        # Number, newest trace, error, whether it is over: replaced as a whole, so that no reader needs a lock.
        self._state: tuple[int, Trace | None, Exception | None, bool] = (0, None, None, False)
        self._reading = False
        self._over = threading.Event()
        self._wake: Callable[[], object] = lambda: None

    def publish(self, trace: Trace | None, error: Exception | None = None, *, over: bool = False) -> None:
        """By the engine alone: the newest frame takes the place of one that nobody has read yet."""
        self._state = (self._state[0] + 1, trace or self._state[1], error, over)
        if over:
            self._over.set()
        try:
            self._wake()
        except RuntimeError:  # the reader's loop is closed
            self.cancelled = True

    @property
    def over(self) -> bool:
        """Whether the engine is done with it, one way or another."""
        return self._over.is_set()

    def cancel(self) -> None:
        """Stop computing; what it holds is free at the engine's next tick."""
        self.cancelled = True

    def unread_for(self, now: float) -> float:
        """Seconds since somebody wanted a frame; none while one is awaited."""
        return 0.0 if self._reading else now - self.read_at

    async def frames(self) -> AsyncIterator[Trace]:
        """Traces, each further than the one before, the last whole; a slow reader misses some in between.

        Leaving the loop cancels what is left. Raises Unavailable where the completion failed or was given up.
        """
        loop, woken, seen = asyncio.get_running_loop(), asyncio.Event(), 0
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            while True:
                number, trace, error, over = self._state
                if error is not None:
                    raise error
                if number != seen and trace is not None:
                    seen, self._reading, self.read_at = number, False, time.monotonic()
                    yield trace
                if over and not (trace and trace.finished):
                    raise Unavailable(GIVEN_UP)
                if over:
                    return
                self._reading = True
                if self._state[0] == seen:
                    await woken.wait()
                woken.clear()
        finally:
            self._reading = False
            self.cancel()

    def result(self, timeout: float | None = None) -> Trace:
        """The whole trace, waited for. Raises TimeoutError, Unavailable."""
        self._reading = True
        try:
            if not self._over.wait(timeout):
                raise TimeoutError(f"The completion was not whole after {timeout:g} s; give it longer.")
        finally:
            self._reading, self.read_at = False, time.monotonic()
        _, trace, error, _ = self._state
        if error is not None:
            raise error
        if not (trace and trace.finished):
            raise Unavailable(GIVEN_UP)
        return trace


@dataclass
class Counters:
    """What the house is doing, for people and hosts."""

    active: int = 0  # pictures in slots
    waiting: int = 0  # pictures without
    pixels_left: int = 0  # of both
    completed: int = 0  # requests, since the start
    cancelled: int = 0
    failed: int = 0
    pixels_per_s: float = 0.0  # over the last busy seconds
    ms_per_tick: float = 0.0


class Scheduler:
    """Who advances when. Not safe for several threads: the engine's alone calls it."""

    def __init__(self, limits: Limits, new_batch: Callable[[AutoregressiveModel, int], Batch] = Batch):
        self.limits = limits
        self.new_batch = new_batch
        self.counters = Counters()
        self.waiting: deque[Completion] = deque()
        self.batches: dict[AutoregressiveModel, Batch] = {}
        self.active: dict[Job, Completion] = {}

    def tick(self) -> None:
        started = time.perf_counter()
        self.admit()
        self.counters.active = self.seated()
        pixels = self.step()
        self.publish()
        self.retire()
        self.count(pixels, time.perf_counter() - started)

    def admit(self) -> None:
        """Seat those who came first, as far as there is room, but never so many that the others stand still."""
        for _ in range(self.limits.admitted_per_tick):
            if not self.waiting or self.seated() + self.waiting[0].job.samples > self.limits.slots:
                return
            completion = self.waiting.popleft()
            if completion.cancelled:
                self.end(completion, "cancelled")
                continue
            job = completion.job
            self.active[job] = completion
            try:
                if job.model not in self.batches:
                    self.batches = {model: batch for model, batch in self.batches.items() if batch.jobs}
                    self.batches[job.model] = self.new_batch(job.model, self.limits.slots)
                self.batches[job.model].seat(job)
            except Exception:
                self.fail(completion)

    def seated(self) -> int:
        return sum(job.samples for job in self.active)

    def step(self) -> int:
        """Every batch once; returns how many pixels became final."""
        return sum(self.step_batch(batch) for batch in list(self.batches.values()))

    def step_batch(self, batch: Batch) -> int:
        try:
            return batch.step()
        except Exception:  # one of the jobs breaks the model: each by itself, to find which, the others going on
            pixels = 0
            for job in list(batch.jobs):
                try:
                    pixels += batch.step([job])
                except Exception:
                    self.fail(self.active[job])
            return pixels

    def publish(self) -> None:
        now = time.monotonic()
        pause = self.limits.frame_s * max(1.0, len(self.active) / 10)  # a hundred frames a second in all are enough
        whole = {job for batch in self.batches.values() for job in batch.whole()}
        for job, completion in list(self.active.items()):
            if job in whole or now - completion.published_at >= pause:
                completion.published_at = now
                self.batches[job.model].report(job)
                completion.publish(job.trace.frozen(), over=job in whole)
                if job in whole:
                    self.end(completion, "completed")

    def retire(self) -> None:
        """Give up what was cancelled and what nobody reads, wherever it stands, and batches without a job.

        But for those that have learned what the next one profits from: they go when another model's comes.
        """
        now = time.monotonic()
        for completion in [*self.active.values(), *self.waiting]:
            if completion.cancelled or completion.unread_for(now) > self.limits.patience_s:
                self.end(completion, "cancelled")
        self.waiting = deque(completion for completion in self.waiting if not completion.cancelled)
        for model in [model for model, batch in self.batches.items() if not batch.jobs and not batch.lasting]:
            del self.batches[model]

    def fail(self, completion: Completion) -> None:
        log.exception("A completion by %s failed", completion.job.trace.model)
        name = completion.job.trace.model
        completion.publish(None, Unavailable(f"{name} failed on this picture; try again, or another model."), over=True)
        self.end(completion, "failed")

    def end(self, completion: Completion, how: str) -> None:
        """Free what a completion holds and count how it ended."""
        if self.active.pop(completion.job, None):
            batch = self.batches.get(completion.job.model)
            if batch and completion.job in batch.jobs:
                batch.leave(completion.job)
        if how == "cancelled":
            completion.cancel()
            completion.publish(None, over=True)
        setattr(self.counters, how, getattr(self.counters, how) + 1)

    def count(self, pixels: int, seconds: float) -> None:
        """Averages over about the last hundred ticks with work in them."""
        counters, share = self.counters, 0.02 if self.counters.ms_per_tick else 1.0
        if pixels:
            counters.pixels_per_s += share * (pixels / seconds - counters.pixels_per_s)
            counters.ms_per_tick += share * (1000 * seconds - counters.ms_per_tick)
        waiting = [completion.job for completion in self.waiting]
        counters.active, counters.waiting = self.seated(), sum(job.samples for job in waiting)
        left = (job.samples * (len(job.trace.order) - job.trace.done) for job in [*self.active, *waiting])
        counters.pixels_left = sum(left)


class Engine:
    """The door: requests in, completions out, from any thread. One thread of its own does the work."""

    def __init__(self, models: Callable[[object], AutoregressiveModel], limits: Limits | None = None):
        """models: gives a model by its entry, or raises a sentence (`Shelf.model`)."""
        self.models = models
        self.limits = limits or Limits()
        self.scheduler = Scheduler(self.limits)
        self._arrived: deque[Completion] = deque()
        self._here: list[Completion] = []  # all that may not be over yet
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: Request, entry: object = "") -> Completion:
        """Take a request in. Raises BadInput for what cannot be done, WeightsError, Unavailable when the house is full."""
        completion = Completion(prepare(self.models(entry), request))
        if completion.job.samples > self.limits.samples:
            raise BadInput(f"samples is {completion.job.samples}; this server gives at most {self.limits.samples}.")
        with self._changed:
            if self._closed:
                raise Unavailable(STOPPING)
            counters, self._here = self.scheduler.counters, [other for other in self._here if not other.over]
            here = sum(other.job.samples for other in self._here)
            if here + completion.job.samples > self.limits.slots + self.limits.waiting:
                wait = max(1, round(counters.pixels_left / max(counters.pixels_per_s, 1000)))
                raise Unavailable(f"The house is full, {here} pictures are under way; try again in {wait} s.")
            self._here.append(completion)
            self._arrived.append(completion)
            self._changed.notify()
        return completion

    def counters(self) -> dict:
        """What the house is doing now."""
        return asdict(self.scheduler.counters)

    def close(self) -> None:
        """Stop, telling those who are still here."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        scheduler, told, told_at = self.scheduler, self.counters(), time.monotonic()
        while True:
            if time.monotonic() - told_at >= LOG_EVERY_S and told != self.counters():
                told, told_at = self.counters(), time.monotonic()
                log.info(", ".join(f"{name} {value:.4g}" for name, value in told.items()))
            with self._changed:
                while not (self._closed or self._arrived or scheduler.waiting or scheduler.active):
                    self._changed.wait()
                scheduler.waiting.extend(self._arrived)
                self._arrived.clear()
                if self._closed:
                    break
            try:
                scheduler.tick()
            except Exception:  # a mistake of ours: whoever was here is told, and the house is swept, not shut
                log.exception("A tick failed")
                self._tell_all("Something broke on this server; try again.")
                scheduler = self.scheduler = Scheduler(self.limits)
        self._tell_all(STOPPING)

    def _tell_all(self, sentence: str) -> None:
        for completion in [*self.scheduler.active.values(), *self.scheduler.waiting]:
            if not completion.over:
                completion.publish(None, Unavailable(sentence), over=True)
