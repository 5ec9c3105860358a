"""The scheduler with fake batches, and the engine with real ones."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from conftest import tiny_model

from pixelcnn import InputError, Request, complete
from pixelcnn.errors import UnavailableError
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.prefill import PrefixCache
from pixelcnn.sampling.result import prepare
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.completion import Completion
from pixelcnn.serving.engine import MAX_WORKERS, NICENESS, Engine, worker_count
from pixelcnn.serving.scheduler import Scheduler

LIMITS = Limits(samples=8, slots=8, waiting=8, admitted_per_tick=2, frame_s=0.0, reader_timeout_s=1e9)


@dataclass
class FakeResult:
    order: np.ndarray
    model: str = "a"
    done: int = 0

    @property
    def finished(self) -> bool:
        return self.done == len(self.order)

    def snapshot(self) -> "FakeResult":
        return replace(self)


class FakeModel(str):
    """A name that can be weakly referenced, as models can."""


@dataclass(eq=False)
class FakeJob:
    model: str = "a"
    samples: int = 1
    pixels: int = 3
    fails: bool = False  # in a step
    fails_admission: bool = False
    result: FakeResult = None

    def __post_init__(self):
        self.model = FakeModel(self.model)
        self.result = FakeResult(np.arange(self.pixels))


@dataclass
class FakeBatch:
    """One pixel per step. A job with `fails` makes any call that includes it raise, like a model with an error."""

    model: str
    slots: int
    prefixes: PrefixCache | None = None
    jobs: dict = field(default_factory=dict)

    @property
    def keep_warm(self) -> bool:
        return self.model == "warm"

    def admit(self, jobs: list) -> None:
        if any(job.fails_admission for job in jobs):
            raise RuntimeError("this job fails")
        self.jobs |= dict.fromkeys(jobs, 0)

    def step(self, jobs=None) -> int:
        jobs = list(self.jobs) if jobs is None else jobs
        if any(job.fails for job in jobs):
            raise RuntimeError("this job fails")
        for job in jobs:
            self.jobs[job] += 1
        return sum(job.samples for job in jobs)

    def finished(self) -> list:
        return [job for job, done in self.jobs.items() if done == job.pixels]

    def update_result(self, job) -> None:
        job.result.done = self.jobs[job]

    def evict(self, job) -> None:
        del self.jobs[job]


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("the condition was not met within 10 s")


def scheduler_with(*jobs: FakeJob, limits: Limits = LIMITS) -> tuple[Scheduler, list[Completion]]:
    scheduler, completions = Scheduler(limits, FakeBatch), [Completion(job) for job in jobs]
    scheduler.waiting.extend(completions)
    return scheduler, completions


def slow_batches(may_finish: threading.Event, fails: bool = False) -> Callable[..., FakeBatch]:
    """Makes batches; the one of model "slow" only once it may finish."""

    def new_batch(model: str, slots: int, prefixes: PrefixCache) -> FakeBatch:
        if model == "slow":
            assert may_finish.wait(10)
            if fails:
                raise RuntimeError("the kernel does not compile")
        return FakeBatch(model, slots, prefixes)

    return new_batch


@pytest.mark.parametrize("fails", [False, True])
def test_pictures_go_on_while_the_batch_of_another_model_is_prepared(fails):
    may_finish, jobs = threading.Event(), [FakeJob("slow"), FakeJob("a"), FakeJob("slow"), FakeJob("a")]
    with ThreadPoolExecutor(2) as executor:
        scheduler = Scheduler(LIMITS, slow_batches(may_finish, fails), run=lambda work: executor.submit(work))
        completions = [Completion(job) for job in jobs]
        scheduler.waiting.extend(completions)
        wait_until(lambda: scheduler.tick() or (completions[1].done and completions[3].done))
        assert not completions[0].done and not scheduler.has_work()
        completions[2].cancel()
        scheduler.tick()
        assert completions[2].done, "a request that waits for its batch can be cancelled"
        may_finish.set()
        wait_until(lambda: scheduler.tick() or completions[0].done)
    assert scheduler.counters.completed == (2 if fails else 3) and scheduler.counters.failed == int(fails)
    assert not scheduler.waiting and not scheduler.active


def test_a_batch_that_no_request_waits_for_is_dropped():
    may_finish = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        scheduler = Scheduler(LIMITS, slow_batches(may_finish), run=lambda work: executor.submit(work))
        completion = Completion(FakeJob("slow"))
        scheduler.waiting.append(completion)
        scheduler.tick()
        completion.cancel()
        scheduler.tick()
        assert scheduler.preparing and not scheduler.waiting
        may_finish.set()
    scheduler.tick()
    assert not scheduler.preparing and not scheduler.batches


@contextmanager
def raises(kind: type[InputError], code: str, **params: object) -> Iterator[None]:
    """Assert that the block raises an error of this class and code, with at least these parameters."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.code == code and params.items() <= caught.value.params.items()


def pixels(completion: Completion) -> int:
    """How many pixels are final."""
    return completion.job.result.done


def test_a_later_request_joins_the_batch():
    scheduler, (early,) = scheduler_with(FakeJob(pixels=5))
    scheduler.tick()
    scheduler.tick()
    scheduler.waiting.append(late := Completion(FakeJob(pixels=5)))
    scheduler.tick()
    assert (pixels(early), pixels(late)) == (3, 1) and len(scheduler.batches) == 1


def test_requests_are_admitted_in_order_and_never_beyond_the_slots():
    big, bigger, small = FakeJob(samples=5), FakeJob(samples=4), FakeJob(samples=1)
    scheduler, (first, second, third) = scheduler_with(big, bigger, small)
    scheduler.tick()
    assert (pixels(first), pixels(second), pixels(third)) == (1, 0, 0), (
        "the small one waits behind the one that came before"
    )
    for _ in range(4):
        scheduler.tick()
    assert first.result(0).done == 3 and (pixels(second), pixels(third)) == (2, 2)


def test_few_requests_are_admitted_per_tick():
    scheduler, completions = scheduler_with(*[FakeJob() for _ in range(5)])
    scheduler.tick()
    assert [pixels(completion) for completion in completions] == [1, 1, 0, 0, 0]


def test_models_advance_together_and_empty_batches_are_dropped():
    scheduler, (one, other) = scheduler_with(FakeJob(model="b"), FakeJob(model="c", pixels=5))
    scheduler.tick()
    assert (pixels(one), pixels(other)) == (1, 1) and set(scheduler.batches) == {"b", "c"}
    for _ in range(4):
        scheduler.tick()
    assert one.result(0).done == 3 and other.result(0).done == 5 and not scheduler.batches


def test_a_warm_batch_is_kept_until_another_model_needs_one():
    scheduler, (one,) = scheduler_with(FakeJob(model="warm"))
    for _ in range(4):
        scheduler.tick()
    kept = scheduler.batches["warm"]
    scheduler.waiting.append(again := Completion(FakeJob(model="warm")))
    scheduler.tick()
    assert one.done and scheduler.batches["warm"] is kept and kept.jobs.keys() == {again.job}
    scheduler.waiting.append(Completion(FakeJob(model="b")))
    scheduler.tick()
    assert set(scheduler.batches) == {"warm", "b"}, "it has a request in progress"
    for _ in range(4):
        scheduler.tick()
    scheduler.waiting.append(Completion(FakeJob(model="b")))
    scheduler.tick()
    assert set(scheduler.batches) == {"b"}


def test_a_cancelled_request_frees_its_slots_at_the_next_tick():
    scheduler, (one, other) = scheduler_with(FakeJob(samples=8, pixels=99), FakeJob(samples=8))
    scheduler.tick()
    assert scheduler.counters.active == 8 and scheduler.counters.waiting == 8
    one.cancel()
    scheduler.tick()
    assert scheduler.counters.active == 0
    scheduler.tick()
    assert pixels(other) == 1 and scheduler.counters.cancelled == 1


def test_a_waiting_request_can_be_cancelled():
    scheduler, (_, other) = scheduler_with(FakeJob(samples=8, pixels=99), FakeJob(samples=8))
    other.cancel()
    scheduler.tick()
    assert not scheduler.waiting and scheduler.counters.cancelled == 1


def test_only_the_request_that_fails_is_ended():
    scheduler, (good, bad, other) = scheduler_with(
        FakeJob(), FakeJob(fails=True), FakeJob(), limits=replace(LIMITS, admitted_per_tick=3)
    )
    for _ in range(3):
        scheduler.tick()
    assert good.result(0).done == 3 and other.result(0).done == 3
    with raises(UnavailableError, "completion_failed", model="a"):
        bad.result(0)
    assert scheduler.counters.failed == 1 and not scheduler.active


def test_only_the_request_that_cannot_be_admitted_is_ended():
    scheduler, (good, bad, other) = scheduler_with(
        FakeJob(), FakeJob(fails_admission=True), FakeJob(), limits=replace(LIMITS, admitted_per_tick=3)
    )
    for _ in range(3):
        scheduler.tick()
    assert good.result(0).done == 3 and other.result(0).done == 3
    with raises(UnavailableError, "completion_failed", model="a"):
        bad.result(0)
    assert scheduler.counters.failed == 1 and not scheduler.active


def test_abandoned_requests_are_dropped():
    scheduler, (abandoned, awaited) = scheduler_with(
        FakeJob(pixels=999), FakeJob(pixels=3), limits=replace(LIMITS, reader_timeout_s=0.05)
    )
    reader = threading.Thread(target=awaited.result, args=(10,))
    reader.start()
    wait_until(lambda: awaited.unread_seconds(time.monotonic()) == 0)
    scheduler.tick()
    wait_until(lambda: abandoned.unread_seconds(time.monotonic()) > 0.05)
    scheduler.tick()
    assert abandoned.cancelled and not awaited.cancelled and pixels(awaited) == 2
    scheduler.tick()
    reader.join()
    assert awaited.result(0).finished


def test_a_slow_reader_gets_the_newest_frame_and_delays_nothing():
    scheduler, (completion,) = scheduler_with(FakeJob(pixels=50))

    async def read() -> list[int]:
        seen = []
        async for result in completion.frames():
            seen.append(result.done)
            for _ in range(20):  # before the reader takes the next frame
                scheduler.tick()
        return seen

    scheduler.tick()
    assert asyncio.run(read()) == [1, 21, 41, 50]


def test_leaving_the_frames_cancels():
    scheduler, (completion,) = scheduler_with(FakeJob(pixels=50))
    scheduler.tick()

    async def read() -> None:
        frames = completion.frames()
        await anext(frames)
        await frames.aclose()

    asyncio.run(read())
    scheduler.tick()
    assert completion.cancelled and not scheduler.active


@pytest.fixture
def small_engine():
    """An engine with three tiny models."""
    models = {name: tiny_model(name, 5, 6) for name in ("pixelcnn", "gated_pixelcnn", "freeform")}
    engine = Engine(lambda entry: models[entry or "pixelcnn"], Limits(slots=16, waiting=40))
    yield engine, models
    engine.close()


def test_pictures_are_the_same_alone_and_among_a_hundred_requests(small_engine):
    """A hundred requests with different sizes, models and temperatures, submitted by a hundred threads."""
    engine, models = small_engine
    rng = np.random.default_rng(0)
    requests = []
    for seed in range(100):
        known = np.repeat(np.arange(5) < rng.integers(0, 5), 6).reshape(5, 6).astype(int)
        options = {"samples": int(rng.integers(1, 5)), "temperature": float(rng.choice([0.5, 1, 2])), "seed": seed}
        requests.append((str(rng.choice(list(models))), rng.integers(0, 256, (5, 6)), known, options))
    answers = [None] * len(requests)

    def ask(number: int) -> None:
        entry, drawing, known, options = requests[number]
        while answers[number] is None:
            try:
                answers[number] = engine.submit(Request(drawing, known, **options), entry).result(60)
            except UnavailableError as error:
                assert error.code == "server_busy"
                time.sleep(0.05)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (entry, drawing, known, options), answer in zip(requests, answers, strict=True):
        alone = complete(models[entry], drawing, known, **options)
        assert (answer.images == alone.images).all()
        np.testing.assert_allclose(answer.nats, alone.nats, atol=1e-9)
        np.testing.assert_allclose(answer.known_probabilities, alone.known_probabilities, atol=1e-12)
    assert engine.counters()["completed"] == 100


@pytest.mark.long
def test_trained_weights_draw_the_same_alone_and_among_others(engine):
    """In float32, like on the page."""
    model, known = engine.models(""), np.repeat(np.arange(28) < 14, 28).reshape(28, 28).astype(int)
    completions = [engine.submit(Request(known=known, samples=2, seed=seed)) for seed in range(30)]
    for seed, completion in enumerate(completions):
        alone = complete(model, known=known, samples=2, seed=seed)
        assert (completion.result(60).images == alone.images).all()


def test_a_model_that_raises_in_a_step_fails_only_that_request(small_engine, caplog):
    engine, models = small_engine
    model = models["gated_pixelcnn"]
    step = model.step

    def failing_step(cache, slots, pixels, *how):
        if (cache.digits[slots] == 7).any() and (pixels > 12).any():
            raise RuntimeError("seven")
        return step(cache, slots, pixels, *how)

    model.step = failing_step
    completions = [engine.submit(Request(samples=2, seed=3, digit=digit), "gated_pixelcnn") for digit in (1, 7, -1)]
    with raises(UnavailableError, "completion_failed", model="gated_pixelcnn"):
        completions[1].result(20)
    model.step = step
    for completion, digit in ((completions[0], 1), (completions[2], -1)):
        assert (completion.result(20).images == complete(model, samples=2, seed=3, digit=digit).images).all()
    assert "RuntimeError: seven" in caplog.text


def test_an_evicted_job_is_not_stepped():
    model = tiny_model("pixelcnn", 5, 6)
    batch, (stays, leaves) = ContinuousBatch(model, 8), [prepare(model, Request(samples=samples)) for samples in (1, 4)]
    for job in (stays, leaves):
        batch.admit([job])
    batch.step(window=1)
    batch.evict(leaves)
    assert batch.step(window=1) == 1 and batch.free == [1, 2, 3, 4, 5, 6, 7]


def test_a_cancelled_completion_raises_instead_of_returning_a_partial_result():
    scheduler, (completion,) = scheduler_with(FakeJob(pixels=50))
    scheduler.tick()
    completion.cancel()
    scheduler.tick()
    with raises(UnavailableError, "completion_cancelled"):
        completion.result(0)

    async def read() -> None:
        async for _ in completion.frames():
            pass

    with raises(UnavailableError, "completion_cancelled"):
        asyncio.run(read())


def test_a_busy_server_refuses_requests_with_the_expected_wait(small_engine):
    engine, _ = small_engine
    released = threading.Event()
    engine.workers[0].scheduler.step = lambda: released.wait(10) or 0  # the first tick takes as long as this test
    for _ in range(7):
        engine.submit(Request(samples=8))
    with pytest.raises(UnavailableError) as caught:
        engine.submit(Request(samples=8))
    assert caught.value.code == "server_busy" and caught.value.params["active"] == 56
    assert isinstance(caught.value.params["wait"], int) and caught.value.params["wait"] >= 1
    released.set()


def test_an_error_in_a_tick_does_not_stop_the_engine(small_engine, caplog):
    engine, _ = small_engine
    engine.workers[0].scheduler.publish = lambda: 1 / 0
    with raises(UnavailableError, "server_error"):
        engine.submit(Request(samples=4)).result(5)
    assert engine.submit(Request(samples=4)).result(5).finished
    assert "ZeroDivisionError" in caplog.text


def test_requests_go_to_the_worker_with_the_fewest_pictures():
    model = tiny_model("pixelcnn", 5, 6)
    engine = Engine(lambda entry: model, Limits(samples=8, slots=16, waiting=40), workers=2)
    first, second = engine.workers
    released = threading.Event()
    for worker in engine.workers:
        worker.scheduler.step = lambda: released.wait(10) or 0
    completions = [engine.submit(Request(samples=samples)) for samples in (4, 1, 1, 4)]  # first, second, second, second
    released.set()
    assert [len(engine._open[worker]) for worker in engine.workers] == [1, 3]
    assert first.scheduler is not second.scheduler and first.scheduler.prefixes is second.scheduler.prefixes
    for worker in engine.workers:
        del worker.scheduler.step
    assert all(completion.result(20).finished for completion in completions)
    assert engine.counters()["completed"] == 4
    engine.close()


def test_a_request_waits_for_the_first_worker_that_has_slots():
    """Both workers are full, one is slow: the waiting requests go on in the other, in their order."""
    model = tiny_model("pixelcnn", 5, 6)
    engine = Engine(lambda entry: model, Limits(samples=8, slots=16, waiting=40), workers=2)
    slow = engine.workers[0]
    released = threading.Event()
    slow.scheduler.step = lambda: released.wait(20) or 0
    first = engine.submit(Request(samples=8))
    others = [engine.submit(Request(samples=samples, seed=seed)) for seed, samples in enumerate((8, 1, 8, 2))]
    assert engine.counters()["waiting"] >= 11
    for completion, seed in zip(others, range(4), strict=True):
        expected = complete(model, samples=completion.job.samples, seed=seed)
        assert (completion.result(20).images == expected.images).all()
    assert not first.done
    cancelled = [engine.submit(Request(samples=8)) for _ in range(3)]
    for completion in cancelled:
        completion.cancel()
    released.set()
    del slow.scheduler.step
    assert first.result(20).finished
    engine.close()
    assert all(completion.done for completion in cancelled)


@pytest.mark.parametrize(("slots", "workers"), [(7, 1), (15, 1), (16, 2), (100, 2)])
def test_every_worker_has_slots_for_the_largest_request(slots, workers):
    engine = Engine(lambda entry: tiny_model("pixelcnn"), Limits(samples=8, slots=slots), workers=2)
    assert [worker.scheduler.limits.slots for worker in engine.workers] == [slots // workers] * workers
    engine.close()


def test_a_gpu_has_one_worker_and_a_cpu_at_most_one_per_core(monkeypatch):
    assert worker_count(torch.device("cuda")) == 1
    for cores, workers in ((1, 1), (2, MAX_WORKERS), (64, MAX_WORKERS)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        assert worker_count(torch.device("cpu")) == workers


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_workers_yield_to_the_web_server():
    niceness, before = [], os.getpriority(os.PRIO_PROCESS, 0)
    model = tiny_model("pixelcnn", 5, 6)
    model.step = lambda *arguments, step=model.step: niceness.append(os.getpriority(os.PRIO_PROCESS, 0)) or step(*arguments)
    engine = Engine(lambda entry: model)
    engine.submit(Request()).result(20)
    engine.close()
    assert set(niceness) == {min(19, before + NICENESS)} and os.getpriority(os.PRIO_PROCESS, 0) == before
