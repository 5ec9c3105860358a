"""The backend that runs in this process: one thread advances the pictures of all requests together.

A tick admits waiting requests, steps the batch of every model once, publishes new results and frees the slots of finished
requests. No request waits until another one is finished, and thirty requests cost little more than one. The noise depends
on (seed, sample) only, so a picture is the same alone and in a batch.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Literal
from weakref import WeakKeyDictionary

from pixelcnn.errors import UnavailableError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.prefill import PrefixCache
from pixelcnn.sampling.request import Request
from pixelcnn.sampling.result import Job, prepare
from pixelcnn.serving.backend import Counters, Limits, busy_error, check_samples
from pixelcnn.serving.completion import Completion

log = logging.getLogger(__name__)

LOG_INTERVAL_S = 60.0  # between two lines with the counters, if they have changed
MIN_PIXELS_PER_S = 1000  # assumed for the expected wait before the speed has been measured
PREPARERS = 4  # models whose batches are prepared at the same time; one that takes long delays no other
POLL_S = 0.1  # between two looks at requests that wait for a batch
AVERAGING_RATE = 0.02  # of the moving averages, so over about the last hundred busy ticks


NewBatch = Callable[[AutoregressiveModel, int, PrefixCache], ContinuousBatch]


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
    """Decides which requests advance. Not thread-safe: only the engine's thread calls it.

    It uses the batches through `admit`, `step`, `finished`, `update_result` and `evict` alone, and handles no tensors.
    """

    def __init__(
        self,
        limits: Limits,
        new_batch: NewBatch = new_batch,
        run: Callable[[Callable[[], ContinuousBatch]], Future[ContinuousBatch]] = run_now,
    ):
        """new_batch: makes the batch of a model. run: in which thread, so that the engine's need not wait for it."""
        self.limits = limits
        self.new_batch = new_batch
        self.run = run
        self.counters = Counters()
        self.waiting: deque[Completion] = deque()
        self.batches: dict[AutoregressiveModel, ContinuousBatch] = {}
        self.preparing: dict[AutoregressiveModel, Future[ContinuousBatch]] = {}
        self.active: dict[Job, Completion] = {}
        # Outlives the batches, which are dropped when they are empty, but not the models.
        self.prefixes: WeakKeyDictionary[AutoregressiveModel, PrefixCache] = WeakKeyDictionary()

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
        pause = self.limits.frame_s * max(1.0, len(self.active) / 10)  # at most a hundred frames per second in total
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


class Engine:
    """A `Backend` with one thread that does all the work."""

    def __init__(self, models: Callable[[str], AutoregressiveModel], limits: Limits | None = None):
        """models: gives a model by its entry, or raises InputError, like `ModelRegistry.model`."""
        self.models = models
        self.limits = limits or Limits()
        # Compiling kernels and capturing graphs takes seconds; pictures in progress go on meanwhile.
        self._preparer = ThreadPoolExecutor(max_workers=PREPARERS, thread_name_prefix="prepare")
        self.scheduler = self._new_scheduler()
        self._arrived: deque[Completion] = deque()  # submitted, not yet seen by the scheduler
        self._open: list[Completion] = []  # submitted, some of them done by now
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def _new_scheduler(self) -> Scheduler:
        return Scheduler(self.limits, run=self._prepare)

    def _prepare(self, work: Callable[[], ContinuousBatch]) -> Future[ContinuousBatch]:
        future = self._preparer.submit(work)
        future.add_done_callback(lambda _: self._notify())
        return future

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify()

    def submit(self, request: Request, entry: str = "") -> Completion:
        """See `Backend.submit`."""
        completion = Completion(prepare(self.models(entry), request))
        samples = completion.job.samples
        check_samples(samples, self.limits)
        with self._changed:
            if self._closed:
                raise stopping_error()
            self._open = [other for other in self._open if not other.done]
            pictures = sum(other.job.samples for other in self._open)
            if pictures + samples > self.limits.slots + self.limits.waiting:
                counters = self.scheduler.counters
                wait = counters.pixels_left / max(counters.pixels_per_s, MIN_PIXELS_PER_S)
                raise busy_error(pictures, max(1, round(wait)))
            self._open.append(completion)
            self._arrived.append(completion)
            self._changed.notify()
        return completion

    def counters(self) -> dict[str, int | float]:
        """See `Backend.counters`."""
        return asdict(self.scheduler.counters)

    def close(self) -> None:
        """See `Backend.close`."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._preparer.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        logged, logged_at = self.counters(), time.monotonic()
        while self._wait_for_work():
            try:
                self.scheduler.tick()
            except Exception:  # an error of the scheduler itself: fail all requests and start again with an empty one
                log.exception("A tick failed")
                self._fail_all(UnavailableError("server_error", "The server had an internal error. Try again."))
                self.scheduler = self._new_scheduler()
            if time.monotonic() - logged_at >= LOG_INTERVAL_S and logged != self.counters():
                logged, logged_at = self.counters(), time.monotonic()
                log.info(", ".join(f"{name} {value:.4g}" for name, value in logged.items()))
        self._fail_all(stopping_error())

    def _wait_for_work(self) -> bool:
        """Wait until there are requests and give new ones to the scheduler; returns False once the engine is closed."""
        scheduler = self.scheduler
        with self._changed:
            while not (self._closed or self._arrived or scheduler.has_work()):
                # A completion that waits for its batch can be cancelled meanwhile, so look again from time to time.
                self._changed.wait(POLL_S if scheduler.waiting else None)
                if scheduler.waiting:
                    break
            scheduler.waiting.extend(self._arrived)
            self._arrived.clear()
            return not self._closed

    def _fail_all(self, error: UnavailableError) -> None:
        for completion in [*self.scheduler.active.values(), *self.scheduler.waiting]:
            if not completion.done:
                completion.publish(None, error, done=True)


def completion_error(job: Job) -> UnavailableError:
    return UnavailableError(
        "completion_failed", "{model} failed on this drawing. Try again, or choose another model.", model=job.result.model
    )


def stopping_error() -> UnavailableError:
    return UnavailableError("server_stopping", "The server is stopping. Try again when it is back.")
