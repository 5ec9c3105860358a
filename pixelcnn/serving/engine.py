"""The backend that runs in this process: workers, each a thread that advances the pictures of many requests together.

The noise depends on (seed, sample) only, so a picture is the same alone and in a batch, and whichever worker computes it.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch

from pixelcnn.errors import UnavailableError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.request import Request
from pixelcnn.sampling.result import prepare
from pixelcnn.serving.backend import MIN_PIXELS_PER_S, Limits, busy_error, check_samples, stopping_error
from pixelcnn.serving.completion import Completion
from pixelcnn.serving.scheduler import Prefixes, Scheduler

log = logging.getLogger(__name__)

LOG_INTERVAL_S = 60.0  # between two lines with the counters, if they have changed
PREPARERS = 4  # models whose batches are prepared at the same time; one that takes long delays no other
MAX_WORKERS = 2  # of a server; more would wait for the GIL, and processes (--cluster) do not
NICENESS = 5  # by how much the priority of the workers' threads is lower
POLL_S = 0.1  # between two looks at requests that wait for a batch


class Worker:
    """A thread that runs a scheduler."""

    def __init__(self, name: str, new_scheduler: Callable[["Worker"], Scheduler], take: Callable[["Worker"], list]):
        """new_scheduler: called again after an error of the scheduler. take: gives waiting requests that fit in."""
        self._new_scheduler, self._take = new_scheduler, take
        self.scheduler = new_scheduler(self)
        self._arrived: deque[Completion] = deque()  # submitted, not yet seen by the scheduler
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, completion: Completion) -> None:
        with self._changed:
            self._arrived.append(completion)
            self._changed.notify()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """Stop and fail what is in progress, what has just arrived included."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        yield_to_the_web_server()
        logged, logged_at = replace(self.scheduler.counters), time.monotonic()
        while self._wait_for_work():
            try:
                self.scheduler.tick()
            except Exception:  # an error of the scheduler itself: fail all requests and start again with an empty one
                log.exception("A tick failed")
                self._fail_all(UnavailableError("server_error", "The server had an internal error. Try again."))
                self.scheduler = self._new_scheduler(self)
            if time.monotonic() - logged_at >= LOG_INTERVAL_S and logged != self.scheduler.counters:
                logged, logged_at = replace(self.scheduler.counters), time.monotonic()
                counters = ", ".join(f"{name} {value:.4g}" for name, value in vars(logged).items())
                log.info("%s: %s", self._thread.name, counters)
        self._fail_all(stopping_error())

    def _wait_for_work(self) -> bool:
        """Wait until there are requests and give new ones to the scheduler; returns False once the worker is closed."""
        scheduler = self.scheduler
        scheduler.waiting.extend(self._take(self))
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


class Engine:
    """A `Backend` whose workers do all the work, each in its own slots.

    The worker with the fewest pictures gets a request. If none has enough free slots, the request waits for the first that
    has, after those that came before it.
    """

    def __init__(self, models: Callable[[str], AutoregressiveModel], limits: Limits | None = None, workers: int = 1):
        """models: gives a model by its entry, or raises InputError, like `ModelRegistry.model`; several workers need models
        in evaluation mode.

        workers: threads, at most; fewer if each would have too few slots for the largest request.
        """
        self.models = models
        self.limits = limits or Limits()
        # Compiling kernels and capturing graphs takes seconds; pictures in progress go on meanwhile.
        self._preparer = ThreadPoolExecutor(max_workers=PREPARERS, thread_name_prefix="prepare")
        self._prefixes: Prefixes = WeakKeyDictionary()
        self._count = max(1, min(workers, self.limits.slots // self.limits.samples))
        self._slots = self.limits.slots // self._count  # of each worker
        self._lock = threading.Lock()
        self._closed = False
        self._waiting: deque[Completion] = deque()  # for free slots of any worker
        self.workers = [Worker(f"engine-{number}", self._new_scheduler, self._take) for number in range(self._count)]
        self._open: dict[Worker, list[Completion]] = {worker: [] for worker in self.workers}  # some of them done by now
        for worker in self.workers:
            worker.start()

    def _new_scheduler(self, worker: Worker) -> Scheduler:
        limits = replace(self.limits, slots=self._slots)

        def prepare_batch(work: Callable[[], ContinuousBatch]) -> Future[ContinuousBatch]:
            future = self._preparer.submit(work)
            future.add_done_callback(lambda _: worker.wake())
            return future

        return Scheduler(limits, run=prepare_batch, prefixes=self._prefixes, schedulers=self._count)

    def submit(self, request: Request, entry: str = "") -> Completion:
        """See `Backend.submit`."""
        completion = Completion(prepare(self.models(entry), request))
        samples = completion.job.samples
        check_samples(samples, self.limits)
        with self._lock:
            if self._closed:
                raise stopping_error()
            pictures = {worker: self._pictures(worker) for worker in self.workers}
            total = sum(pictures.values()) + sum(other.job.samples for other in self._waiting)
            if total + samples > self._slots * self._count + self.limits.waiting:
                raise busy_error(total, max(1, round(self._expected_wait())))
            worker = min(pictures, key=lambda worker: pictures[worker])
            if self._waiting or pictures[worker] + samples > self._slots:
                self._waiting.append(completion)
            else:
                self._open[worker].append(completion)
                worker.submit(completion)
        return completion

    def _pictures(self, worker: Worker) -> int:
        """How many pictures a worker has that are not done."""
        self._open[worker] = [completion for completion in self._open[worker] if not completion.done]
        return sum(completion.job.samples for completion in self._open[worker])

    def _take(self, worker: Worker) -> list[Completion]:
        """Waiting requests for a worker: the first ones, as far as it has slots, and those that nobody wants any more."""
        now, taken, left = time.monotonic(), [], deque[Completion]()
        with self._lock:
            free = self._slots - self._pictures(worker) if self._waiting else 0
            for completion in self._waiting:
                if completion.cancelled or completion.unread_seconds(now) > self.limits.reader_timeout_s:
                    taken.append(completion)  # the scheduler ends it
                elif completion.job.samples <= free and not left:  # nobody overtakes
                    free -= completion.job.samples
                    taken.append(completion)
                else:
                    left.append(completion)
            self._waiting = left
            self._open[worker] += taken
        return taken

    def _expected_wait(self) -> float:
        """Seconds until all pictures in progress and in the queue are done."""
        counters = self.counters()
        return counters["pixels_left"] / max(counters["pixels_per_s"], MIN_PIXELS_PER_S)

    def counters(self) -> dict[str, int | float]:
        """See `Backend.counters`. Sums over the workers that have something to do, or over all; a tick is their mean."""
        each = [vars(worker.scheduler.counters) for worker in self.workers]
        total: dict[str, int | float] = {name: sum(counters[name] for counters in each) for name in each[0]}
        busy = [counters for counters in each if counters["active"]] or [c for c in each if c["ms_per_tick"]] or each
        total["pixels_per_s"] = sum(counters["pixels_per_s"] for counters in busy)
        total["ms_per_tick"] = sum(counters["ms_per_tick"] for counters in busy) / len(busy)
        queue = [completion.job for completion in list(self._waiting)]
        total["waiting"] += sum(job.samples for job in queue)
        total["pixels_left"] += sum(job.samples * len(job.result.order) for job in queue)
        return total

    def close(self) -> None:
        """See `Backend.close`."""
        with self._lock:
            self._closed = True
            for completion in self._waiting:
                completion.publish(None, stopping_error(), done=True)
            self._waiting.clear()
        for worker in self.workers:
            worker.close()
        self._preparer.shutdown(wait=False, cancel_futures=True)


def yield_to_the_web_server() -> None:
    """Lower the priority of the calling thread, so that new requests are received while pictures are computed."""
    if sys.platform == "linux":  # where each thread has a priority of its own
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def worker_count(device: torch.device) -> int:
    """Workers of the engine of a server: one for a GPU, one per core of a CPU, up to MAX_WORKERS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS) if device.type == "cpu" else 1
