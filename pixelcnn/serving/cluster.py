"""The backend in front of engines in other processes: it admits requests, sends each to a replica and passes results on.

A picture is a function of (weights, request, seed). If a replica is lost, its requests therefore start again on another
one, which sends only the pixels that the front end does not have yet.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Protocol

from pixelcnn.errors import InputError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import Request
from pixelcnn.sampling.result import prepare
from pixelcnn.serving.backend import (
    MIN_PIXELS_PER_S,
    Counters,
    Limits,
    busy_error,
    check_samples,
    completion_error,
    stopping_error,
)
from pixelcnn.serving.completion import Completion
from pixelcnn.serving.replica import Frame

log = logging.getLogger(__name__)

POLL_S = 0.1  # between two looks at what was cancelled
ATTEMPTS = 5  # replicas that a request may lose before it fails; it may be the reason
RETRY_S = 5.0  # before another replica is started in place of one that cannot start
GROW_S = 2.0  # expected wait beyond which another replica is started
START_S = 300.0  # after which a replica that has not started is replaced
# With requests and without a frame before a replica is replaced although its process runs. Legitimate pauses are those of
# a model that is new to it: seconds to copy and prepare it, with compiled kernels on a GPU.
SILENT_S = 60.0
IDLE_S = 300.0  # without a request before a replica that is more than the minimum is stopped


class ReplicaLost(Exception):
    """A replica has died or cannot be reached."""


class RemoteReplica(Protocol):
    """A replica as the front end sees it."""

    async def ready(self, model: AutoregressiveModel) -> None:
        """Wait until it can take requests, also after it was lost. model: used for a warm-up."""

    def stream(self, model: AutoregressiveModel, request: Request, start: int) -> AsyncGenerator[Frame, None]:
        """The pixels of a request from number `start` on. Closing the generator cancels the request.

        Raises ReplicaLost, and InputError if the replica refuses the request or fails.
        """

    def stop(self) -> None:
        """Stop it for good, even if it does not answer. Its streams raise ReplicaLost."""


class Cluster(Protocol):
    """Where replicas run."""

    def start(self) -> RemoteReplica:
        """Begin to start another replica."""

    def close(self) -> None:
        """Stop all replicas."""


@dataclass(eq=False)
class Member:
    """A replica and its load."""

    replica: RemoteReplica
    up: bool = False
    pictures: int = 0  # in progress
    pixels_per_s: float = 0.0
    silent_s: float = 0.0  # with requests, since its last frame
    used_at: float = field(default_factory=time.monotonic)


class ClusterEngine:
    """A `Backend` that runs each request on the replica with the fewest pictures. `limits` are those of each replica."""

    def __init__(
        self,
        models: Callable[[str], AutoregressiveModel],
        cluster: Cluster,
        replicas: tuple[int, int] = (1, 1),
        limits: Limits | None = None,
    ):
        """models: gives a model by its entry. replicas: how many at least and at most; load decides between the two."""
        self.models = models
        self.limits = limits or Limits()
        self.replicas = replicas
        self.members: list[Member] = []
        self._cluster = cluster
        self._counters = Counters()
        self._lock = threading.Lock()
        self._open: dict[Completion, Request] = {}  # submitted and not done
        self._serving: dict[Completion, asyncio.Task[InputError | None]] = {}
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._ready = threading.Event()  # a replica has been up
        self._some_up = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> None:
        """Wait until one replica can take requests. Raises TimeoutError."""
        if not self._ready.wait(timeout):
            raise TimeoutError(
                f"No replica was ready within {timeout:g} s. Check that the cluster has a free CPU, or GPU, for each, and "
                "that all of its machines have this package."
            )

    def submit(self, request: Request, entry: str = "") -> Completion:
        """See `Backend.submit`."""
        completion = Completion(prepare(self.models(entry), request))
        samples = completion.job.samples
        check_samples(samples, self.limits)
        with self._lock:
            if self._closed:
                raise stopping_error()
            pictures, replicas = self._pictures(), max(1, len(self._up()))
            if pictures + samples > (self.limits.slots + self.limits.waiting) * replicas:
                raise busy_error(pictures, max(1, round(self._expected_wait())))
            self._open[completion] = request
            self._loop.call_soon_threadsafe(self._start, completion, request)
        return completion

    def counters(self) -> dict[str, int | float]:
        """See `Backend.counters`; also how many replicas can take requests."""
        with self._lock:
            counters, members = self._counters, self._up()
            counters.active = sum(min(member.pictures, self.limits.slots) for member in members)
            counters.waiting = max(0, self._pictures() - counters.active)
            counters.pixels_left = self._pixels_left()
            counters.pixels_per_s = sum(member.pixels_per_s for member in members)
            return asdict(counters) | {"replicas": len(members)}

    def close(self) -> None:
        """See `Backend.close`."""
        with self._lock:
            self._closed = True
        self._thread.join()
        for completion in list(self._open):  # submitted too late to be started
            self._end(completion, stopping_error())
        self._cluster.close()

    def _up(self) -> list[Member]:
        return [member for member in list(self.members) if member.up]

    def _pictures(self) -> int:
        return sum(completion.job.samples for completion in self._open)

    def _pixels_left(self) -> int:
        jobs = (completion.job for completion in self._open)
        return sum(job.samples * (len(job.result.order) - job.result.done) for job in jobs)

    def _expected_wait(self) -> float:
        """Seconds until all pictures in progress are finished. Needs the lock."""
        speed = sum(max(member.pixels_per_s, MIN_PIXELS_PER_S) for member in self._up())
        return self._pixels_left() / max(speed, MIN_PIXELS_PER_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # cancels all tasks at its end
            runner.run(self._supervise())

    async def _supervise(self) -> None:
        """Stop what was cancelled or is not read, and look after the replicas, until this backend is closed."""
        for _ in range(self.replicas[0]):
            self._add_member()
        while not self._closed:
            now = time.monotonic()
            for completion, task in list(self._serving.items()):
                if completion.cancelled or completion.unread_seconds(now) > self.limits.reader_timeout_s:
                    task.cancel()
            self._replace_hung()
            self._adapt(now)
            await asyncio.sleep(POLL_S)

    def _adapt(self, now: float) -> None:
        """Start another replica if the expected wait is long and none is starting; stop one that has been idle for long."""
        (minimum, maximum), count = self.replicas, len(self.members)
        with self._lock:
            wait = self._expected_wait()
        if wait > GROW_S and count < maximum and all(member.up for member in self.members):
            self._add_member()
        idle = [member for member in self._up() if not member.pictures and now - member.used_at > IDLE_S]
        if idle and count > minimum:
            self.members.remove(idle[0])
            idle[0].replica.stop()

    def _replace_hung(self) -> None:
        """Replace replicas that have requests and do not answer.

        Time is counted over all requests, so that visitors who give up and click again do not keep a hung replica.
        """
        for member in self._up():
            member.silent_s += POLL_S if member.pictures else 0.0
            if member.silent_s > SILENT_S:
                log.warning("A replica has not answered for %g s and is replaced; its requests go on elsewhere", SILENT_S)
                member.up = False
                self.members.remove(member)
                self._add_member()
                member.replica.stop()

    def _add_member(self) -> None:
        member = Member(self._cluster.start())
        self.members.append(member)
        self._await_ready(member)

    def _await_ready(self, member: Member) -> None:
        task = asyncio.create_task(self._bring_up(member))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _bring_up(self, member: Member) -> None:
        """Wait until a replica can take requests; replace it if that fails or takes too long."""
        while True:
            try:
                async with asyncio.timeout(START_S):
                    await member.replica.ready(self.models(""))
                break
            except Exception:
                log.exception("A replica did not start; another one is started in %g s", RETRY_S)
                await asyncio.sleep(RETRY_S)
                member.replica.stop()
                member.replica = self._cluster.start()
        member.up, member.silent_s, member.used_at = True, 0.0, time.monotonic()
        self._some_up.set()
        self._ready.set()

    def _start(self, completion: Completion, request: Request) -> None:
        def end(task: asyncio.Task[InputError | None]) -> None:
            del self._serving[completion]
            stopped = stopping_error() if self._closed else None
            self._end(completion, stopped if task.cancelled() else task.result())

        task = self._serving[completion] = asyncio.create_task(self._serve(completion, request))
        task.add_done_callback(end)

    async def _serve(self, completion: Completion, request: Request) -> InputError | None:
        """Run a request to its end, on another replica if one is lost; returns why it failed, None if it did not."""
        try:
            for _ in range(ATTEMPTS):
                if await self._follow(completion, request):
                    return None
        except InputError as error:
            return error
        except Exception:
            log.exception("A completion by %s failed", completion.job.result.model)
        return completion_error(completion.job)

    async def _follow(self, completion: Completion, request: Request) -> bool:
        """Publish what the replica with the fewest pictures sends; returns whether the request is finished."""
        job, member = completion.job, await self._least_loaded()
        member.pictures += job.samples
        try:
            async with aclosing(member.replica.stream(job.model, request, job.result.done)) as frames:
                async for frame in frames:
                    frame.add_to(job.result)
                    member.pixels_per_s, member.silent_s = frame.pixels_per_s, 0.0
                    if not job.result.finished:
                        completion.publish(job.result.snapshot())
        except ReplicaLost as loss:
            if member.up:
                log.warning("A replica was lost, its requests go on elsewhere: %s", loss)
                member.up, member.pixels_per_s = False, 0.0
                self._await_ready(member)
        finally:
            member.pictures -= job.samples
            member.used_at = time.monotonic()
        return job.result.finished

    async def _least_loaded(self) -> Member:
        """The replica with the fewest pictures in progress; waits while there is none."""
        while not (members := self._up()):
            self._some_up.clear()
            await self._some_up.wait()
        return min(members, key=lambda member: member.pictures)

    def _end(self, completion: Completion, error: InputError | None) -> None:
        """Count the outcome of a completion and publish it. error: why it is not finished, None if it was cancelled."""
        result = completion.job.result
        outcome = "completed" if result.finished else "failed" if error else "cancelled"
        with self._lock:
            del self._open[completion]
            setattr(self._counters, outcome, getattr(self._counters, outcome) + 1)
        if outcome == "cancelled":
            completion.cancel()
        completion.publish(result.snapshot(), None if result.finished else error, done=True)
