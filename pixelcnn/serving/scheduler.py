"""The scheduler: which requests advance together, tick by tick.

A tick admits waiting requests, steps the batch of every model once, publishes new results and frees the slots of finished
requests. While there are slots, no request waits until another one is finished, and thirty requests cost little more than
one.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Literal
from weakref import WeakKeyDictionary

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.prefill import PrefixCache
from pixelcnn.sampling.result import Job
from pixelcnn.serving.backend import Counters, Limits, completion_error
from pixelcnn.serving.completion import Completion

log = logging.getLogger(__name__)

AVERAGING_RATE = 0.02  # of the moving averages, so over about the last hundred busy ticks

NewBatch = Callable[[AutoregressiveModel, int, PrefixCache], ContinuousBatch]
Prefixes = WeakKeyDictionary[AutoregressiveModel, PrefixCache]  # outlives batches, which are dropped when they are empty


def new_batch(model: AutoregressiveModel, slots: int, prefixes: PrefixCache) -> ContinuousBatch:
    """A batch with everything compiled and captured that its steps may need."""
    batch = ContinuousBatch(model, slots, prefixes)
    batch.warm_up()
    return batch


def run_now(work: Callable[[], ContinuousBatch]) -> Future[ContinuousBatch]:
    """Do the work in the calling thread."""
    future: Future[ContinuousBatch] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


class Scheduler:
    """Decides which requests advance. Not thread-safe: only the thread of its worker calls it.

    It uses the batches through `admit`, `step`, `finished`, `update_result` and `evict` alone, and handles no tensors.
    """

    def __init__(
        self,
        limits: Limits,
        new_batch: NewBatch = new_batch,
        run: Callable[[Callable[[], ContinuousBatch]], Future[ContinuousBatch]] = run_now,
        prefixes: Prefixes | None = None,
        schedulers: int = 1,
    ):
        """new_batch: makes the batch of a model. run: in which thread, so that the worker's need not wait for it.

        prefixes, schedulers: activations of recent tops, and the number of those that share them and the web server.
        """
        self.limits = limits
        self.schedulers = schedulers
        self.new_batch = new_batch
        self.run = run
        self.counters = Counters()
        self.waiting: deque[Completion] = deque()
        self.batches: dict[AutoregressiveModel, ContinuousBatch] = {}
        self.preparing: dict[AutoregressiveModel, Future[ContinuousBatch]] = {}
        self.active: dict[Job, Completion] = {}
        self.prefixes = WeakKeyDictionary() if prefixes is None else prefixes

    def tick(self) -> None:
        started = time.perf_counter()
        self.admit()
        self.counters.active = self.active_pictures()
        pixels = self.step()
        self.publish()
        self.retire()
        self.update_counters(pixels, time.perf_counter() - started)

    def admit(self) -> None:
        """Admit requests in order of arrival while there are slots, but few per tick, so that no tick takes long.

        Requests whose batch is still being prepared stay in the queue; requests for other models overtake them.
        """
        admitted: dict[AutoregressiveModel, list[Job]] = {}
        unprepared: list[Completion] = []
        room = self.limits.admitted_per_tick
        while self.waiting and room:
            job = self.waiting[0].job
            if self.waiting[0].cancelled:
                self.end(self.waiting.popleft(), "cancelled")
            elif not self.is_prepared(job.model):
                unprepared.append(self.waiting.popleft())
            elif self.active_pictures() + job.samples > self.limits.slots:
                break
            else:
                self.active[job] = self.waiting.popleft()
                admitted.setdefault(job.model, []).append(job)
                room -= 1
        self.waiting.extendleft(reversed(unprepared))
        for model, jobs in admitted.items():
            self.admit_jobs(model, jobs)

    def is_prepared(self, model: AutoregressiveModel) -> bool:
        """Whether a model has a batch, or preparing one has failed; starts preparing one otherwise."""
        if model in self.batches:
            return True
        if model not in self.preparing:
            self.batches = {other: batch for other, batch in self.batches.items() if batch.jobs}
            prefixes = self.prefixes.setdefault(model, PrefixCache())
            self.preparing[model] = self.run(partial(self.new_batch, model, self.limits.slots, prefixes))
        return self.preparing[model].done()

    def admit_jobs(self, model: AutoregressiveModel, jobs: list[Job]) -> None:
        """Admit jobs of one model together."""
        try:
            if model not in self.batches:
                self.batches[model] = self.preparing.pop(model).result()
            self.batches[model].admit(jobs)
        except Exception:  # caused by one of the jobs: admit each alone, so that only that one fails
            if len(jobs) == 1 or model not in self.batches:
                for job in jobs:
                    self.fail(self.active[job])
                return
            for job in jobs:
                self.admit_jobs(model, [job])

    def has_work(self) -> bool:
        """Whether a tick can do more than look at requests whose batch is being prepared."""
        if self.active:
            return True
        unready = {model for model, future in self.preparing.items() if not future.done()}
        return any(completion.job.model not in unready for completion in self.waiting)

    def active_pictures(self) -> int:
        return sum(job.samples for job in self.active)

    def step(self) -> int:
        """Step every batch once; returns how many pixels became final."""
        return sum(self.step_batch(batch) for batch in list(self.batches.values()))

    def step_batch(self, batch: ContinuousBatch) -> int:
        try:
            return batch.step()
        except Exception:  # caused by one of the jobs: step each alone, so that only that one fails
            pixels = 0
            for job in list(batch.jobs):
                try:
                    pixels += batch.step([job])
                except Exception:
                    self.fail(self.active[job])
            return pixels

    def publish(self) -> None:
        now = time.monotonic()
        # At most a hundred frames per second in total.
        pause = self.limits.frame_s * max(1.0, self.schedulers * len(self.active) / 10)
        finished = {job for batch in self.batches.values() for job in batch.finished()}
        for job, completion in list(self.active.items()):
            if job in finished or now - completion.published_at >= pause:
                completion.published_at = now
                self.batches[job.model].update_result(job)
                completion.publish(job.result.snapshot(), done=job in finished)
                if job in finished:
                    self.end(completion, "completed")

    def retire(self) -> None:
        """Drop cancelled and abandoned requests, active or waiting, and empty batches that need not be kept warm.

        An empty batch that is kept warm is dropped when a batch for another model is created.
        """
        now = time.monotonic()
        for completion in [*self.active.values(), *self.waiting]:
            if completion.cancelled or completion.unread_seconds(now) > self.limits.reader_timeout_s:
                self.end(completion, "cancelled")
        self.waiting = deque(completion for completion in self.waiting if not completion.cancelled)
        awaited = {completion.job.model for completion in self.waiting}
        for model in [model for model, future in self.preparing.items() if future.done() and model not in awaited]:
            del self.preparing[model]  # prepared for a request that was cancelled meanwhile
        for model in [model for model, batch in self.batches.items() if not batch.jobs and not batch.keep_warm]:
            del self.batches[model]

    def fail(self, completion: Completion) -> None:
        """End a completion because of the exception that is being handled."""
        log.exception("A completion by %s failed", completion.job.result.model)
        completion.publish(None, completion_error(completion.job), done=True)
        self.end(completion, "failed")

    def end(self, completion: Completion, outcome: Literal["completed", "cancelled", "failed"]) -> None:
        """Free the slots of a completion and count its outcome."""
        if self.active.pop(completion.job, None):
            batch = self.batches.get(completion.job.model)
            if batch and completion.job in batch.jobs:
                batch.evict(completion.job)
        if outcome == "cancelled":
            completion.cancel()
            completion.publish(None, done=True)
        setattr(self.counters, outcome, getattr(self.counters, outcome) + 1)

    def update_counters(self, pixels: int, seconds: float) -> None:
        """Update load and speed after a tick in which so many pixels became final."""
        counters, rate = self.counters, AVERAGING_RATE if self.counters.ms_per_tick else 1.0
        if pixels:
            counters.pixels_per_s += rate * (pixels / seconds - counters.pixels_per_s)
            counters.ms_per_tick += rate * (1000 * seconds - counters.ms_per_tick)
        waiting = [completion.job for completion in self.waiting]
        counters.active, counters.waiting = self.active_pictures(), sum(job.samples for job in waiting)
        left = (job.samples * (len(job.result.order) - job.result.done) for job in [*self.active, *waiting])
        counters.pixels_left = sum(left)
